"""The heated homes of a running demo: what is shown is true, what is asked is done."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from demo.api import Api
from demo.folder import DOMAIN
from demo.rooms import RoomEntity, climate_of
from demo.run import HOMES
from demo.wait import until
from tests.e2e.expected import NEAR, SENSOR_STEP
from tests.e2e.shared import SharedDemo
from tests.e2e.shown import LOADER, heated_rooms, registered
from tests.netatmo_control import NETATMO_USER, NetatmoControl
from tests.simulator_client import to_ms

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.xdist_group("shared demo"),
    pytest.mark.timeout(1200),
]

ROOMS = {
    "Elm Street": {"Living room", "Kitchen", "Bedroom", "Office"},
    "Mill Cottage": {"Hall", "Lounge", "Bedroom"},
}
UNTOUCHED = (
    ("Elm Street", "Living room"),
    ("Elm Street", "Office"),
    ("Mill Cottage", "Hall"),
)
"""Rooms that no test sets."""

BATTERIES = 8
"""One thermostat and three valves in each home; the lounge of the second has two valves."""

CONFIRMED_SECONDS = 180


@pytest.fixture
def netatmo(demo: SharedDemo) -> NetatmoControl:
    """Return the knobs of the heated homes behind the demo."""
    return NetatmoControl(demo.simulator())


@pytest.fixture
async def rooms(api: Api) -> list[RoomEntity]:
    """Return the rooms of both homes once all of them are known."""
    found = await heated_rooms(api)

    async def known() -> bool | None:
        """Return True once each room tells a temperature."""
        return all([await climate_of(api, room) for room in found]) or None

    await until(known, "all rooms", seconds=180)
    return found


def room_of(rooms: list[RoomEntity], label: str, name: str) -> RoomEntity:
    """Return one room."""
    return next(room for room in rooms if (room.label, room.room) == (label, name))


async def shown(api: Api, room: RoomEntity) -> dict[str, Any]:
    """Return what a room's thermostat shows."""
    climate = await climate_of(api, room)
    assert climate is not None, room.climate
    return climate


def orders(netatmo: NetatmoControl) -> dict[str, tuple[str, float | None, int]]:
    """Return how every room of the account is set; no temperature where a schedule sets it."""
    found = {}
    for label, names in ROOMS.items():
        for room in names:
            mode, setpoint, end_s = netatmo.setpoint(label, room)
            ordered = None if mode == "schedule" else setpoint
            found[f"{label} {room}"] = (mode, ordered, end_s)
    return found


def commands_since(netatmo: NetatmoControl, instant: datetime) -> list[str]:
    """Return the commands that the cloud got for the account since an instant."""
    return [
        method
        for at_ms, user, _, method, _ in netatmo.log()
        if user == NETATMO_USER
        and at_ms >= to_ms(instant)
        and method.startswith(("set", "switch"))
    ]


async def test_every_room_shows_its_true_temperature(
    api: Api, netatmo: NetatmoControl, rooms: list[RoomEntity]
) -> None:
    """All rooms of both homes are there, and follow the truth within the sensor's step."""
    assert {
        label: {room.room for room in rooms if room.label == label} for label in HOMES
    } == ROOMS

    async def true() -> bool | None:
        """Return True when every room shows what its sensor measures now."""
        truths = {label: netatmo.truth(label) for label in HOMES}
        for room in rooms:
            truth, climate = truths[room.label][room.room], await shown(api, room)
            assert climate["current_temperature"] == pytest.approx(
                truth["felt"], abs=NEAR
            )
            if climate["current_temperature"] != pytest.approx(
                truth["measured"], abs=SENSOR_STEP
            ):
                return None
        return True

    # A sensor tells a new value every five minutes, and is asked every other minute.
    await until(true, "all rooms to be true", seconds=600, every=2)


async def test_schedules_are_shown_as_they_are(
    api: Api, netatmo: NetatmoControl, rooms: list[RoomEntity]
) -> None:
    """Each room that nobody has touched follows its schedule's setpoint."""
    untouched = [room_of(rooms, label, name) for label, name in UNTOUCHED]

    async def followed() -> bool | None:
        """Return True when every room shows what its schedule has now."""
        for room in untouched:
            climate = await shown(api, room)
            mode, setpoint, _ = netatmo.setpoint(room.label, room.room)
            assert mode == "schedule"
            assert (climate["state"], climate["preset_mode"]) == ("auto", "schedule")
            if climate["temperature"] != setpoint:
                return None
        return True

    # A change of the schedule is seen with the next poll.
    await until(followed, "the schedules", seconds=300, every=2)


async def test_boilers_and_batteries_are_shown(
    api: Api, rooms: list[RoomEntity]
) -> None:
    """Each home's boiler is on or off, and each thermostat and valve has a battery."""
    boilers = await registered(api, "binary_sensor", "_boiler")
    assert {state["state"] for state in boilers} <= {"on", "off"}
    assert len(boilers) == len(HOMES)
    batteries = await registered(api, "sensor", "_battery")
    assert len(batteries) == BATTERIES
    assert all(0 <= int(state["state"]) <= 100 for state in batteries)


async def test_set_temperature_changes_exactly_that_room(
    demo: SharedDemo, api: Api, netatmo: NetatmoControl, rooms: list[RoomEntity]
) -> None:
    """A valve set to another temperature: at once in the state, in its room only, and told."""
    kitchen = room_of(rooms, "Elm Street", "Kitchen")
    before = orders(netatmo)
    wanted = 22.5
    assert before["Elm Street Kitchen"][1] != wanted
    asked = demo.now

    changed = await api.post(
        "services/climate/set_temperature",
        {"entity_id": kitchen.climate, "temperature": wanted},
    )

    assert kitchen.climate in {state["entity_id"] for state in changed}
    climate = await shown(api, kitchen)
    assert (climate["state"], climate["temperature"]) == ("heat", wanted)
    assert climate["pending"]

    async def confirmed() -> bool | None:
        """Return True once the cloud says so, and the read-back has said so to us."""
        mode, setpoint, _ = netatmo.setpoint("Elm Street", "Kitchen")
        now = await shown(api, kitchen)
        assert now["temperature"] == wanted
        return ((mode, setpoint) == ("manual", wanted) and not now["pending"]) or None

    await until(confirmed, "the room to be set", seconds=CONFIRMED_SECONDS)
    changed_rooms = orders(netatmo).items() - before.items()
    assert {name for name, _ in changed_rooms} == {"Elm Street Kitchen"}
    assert commands_since(netatmo, asked) == ["setroomthermpoint"]
    await told(demo, api, asked, kitchen, wanted)


async def test_back_to_schedule_leaves_the_others_alone(
    api: Api, netatmo: NetatmoControl, rooms: list[RoomEntity]
) -> None:
    """Of two rooms held by hand one goes back to its schedule, and the other stays."""
    bedroom = room_of(rooms, "Mill Cottage", "Bedroom")
    lounge = room_of(rooms, "Mill Cottage", "Lounge")
    for room in (bedroom, lounge):
        await api.post(
            "services/climate/set_temperature",
            {"entity_id": room.climate, "temperature": 16.5},
        )
    await api.post(
        "services/climate/set_preset_mode",
        {"entity_id": bedroom.climate, "preset_mode": "schedule"},
    )
    assert (await shown(api, bedroom))["preset_mode"] == "schedule"

    async def back() -> bool | None:
        """Return True once the cloud has one room by hand and the other on its schedule."""
        modes = [
            netatmo.setpoint("Mill Cottage", room.room)[0] for room in (bedroom, lounge)
        ]
        # A room alone goes back by "home".
        return (modes[0] in {"home", "schedule"} and modes[1] == "manual") or None

    await until(back, "the room to be back", seconds=CONFIRMED_SECONDS)
    assert netatmo.setpoint("Mill Cottage", "Lounge")[1] == 16.5


async def test_the_polls_are_far_from_the_limit(
    api: Api, netatmo: NetatmoControl, rooms: list[RoomEntity]
) -> None:
    """No call of the demo's was refused for its number."""
    statuses = [
        status for _, user, _, _, status in netatmo.log() if user == NETATMO_USER
    ]
    assert statuses
    assert 429 not in statuses


async def test_only_the_loader_warns(demo: SharedDemo, rooms: list[RoomEntity]) -> None:
    """The log holds the loader's own warning about custom integrations, and nothing else."""
    assert [line for line in demo.log_lines() if LOADER not in line] == []


async def told(
    demo: SharedDemo, api: Api, asked: datetime, room: RoomEntity, wanted: float
) -> None:
    """See that a change is in the event entity and in the logbook, once."""
    events = [
        state
        for state in await registered(api, "event", "_changes")
        if state["attributes"].get("room") == room.room
        and datetime.fromisoformat(state["state"]) >= asked
    ]
    assert len(events) == 1
    attributes = events[0]["attributes"]
    assert attributes["event_type"] == "setpoint_changed"
    assert attributes["temperature"] == wanted
    assert attributes["room"] == room.room
    assert attributes["who"] == "Demo"

    async def logged() -> list[dict[str, Any]] | None:
        """Return the logbook's entries of ours since then, once there are any."""
        entries = await api.command(
            "logbook/get_events",
            start_time=(asked - timedelta(seconds=1)).isoformat(),
            end_time=demo.now.isoformat(),
        )
        return [entry for entry in entries if entry.get("domain") == DOMAIN] or None

    entries = await until(logged, "the logbook entry", seconds=120)
    assert [entry["name"] for entry in entries] == [f"{room.label} {room.room}"]
    message = entries[0]["message"]
    assert f"{wanted:g} °C" in message
    assert message.endswith("by Demo")
