"""Setting rooms and homes, and what the rooms make of it."""

from datetime import timedelta
from typing import Any

import pytest

from simulator.scenario import NETATMO_ODD_USER, NETATMO_TERRACE_USER
from tests.netatmo_control import NETATMO_USER
from tests.simulator.conftest import NOON
from tests.simulator.netatmo_kit import ELM, FOREVER_S, MILL, App

NOW_S = int(NOON.timestamp())
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
LATER = timedelta(seconds=10)


async def seen(app: App, room: str, home: str = ELM) -> tuple[str, float, int]:
    """Return a room's mode, setpoint and end as homestatus shows them later."""
    app.simulator.step(LATER)
    status = (await app.rooms(home))[room]
    return (
        status["therm_setpoint_mode"],
        status["therm_setpoint_temperature"],
        status["therm_setpoint_end_time"],
    )


async def test_success(app: App) -> None:
    """A good command says ok and has no body."""
    answer = await app.set_room("Kitchen", temp=21.5, endtime=NOW_S + 600)
    assert answer.status == 200
    assert set(answer.json) == {"status", "time_exec", "time_server"}
    assert answer.json["status"] == "ok"


async def test_read_back_is_late(app: App) -> None:
    """For some seconds the status shows what was before."""
    app.control.settings(setpoint_delay_ms=4000)
    await app.set_room("Kitchen", temp=23)
    shown = []
    for _ in range(5):
        room = (await app.rooms())["Kitchen"]
        shown.append(room["therm_setpoint_temperature"])
        app.simulator.step(timedelta(seconds=1))
    assert shown == [18, 18, 18, 18, 23]


async def test_exactly_one_room_changes(app: App) -> None:
    """A valve's new setpoint warms its room, and no other by a hair."""
    app.simulator.step(2 * HOUR)
    calm = {home: app.control.truth(home) for home in (ELM, MILL)}
    app.simulator.step(-2 * HOUR)
    await app.set_room("Kitchen", temp=24)
    app.simulator.step(2 * HOUR)
    moved = {home: app.control.truth(home) for home in (ELM, MILL)}
    kitchen, before = moved[ELM].pop("Kitchen"), calm[ELM].pop("Kitchen")
    assert moved == calm
    assert kitchen["measured"] > before["measured"] + 1.5
    assert kitchen["air"] > before["air"] + 1.5
    assert kitchen["power_request"] == 100
    assert kitchen["emitter_w"] > 500


async def test_a_thermostat_room_warms(app: App) -> None:
    """The boiler runs, the room warms, and the boiler stops."""
    await app.set_room("Living room", temp=23, endtime=NOW_S + 4 * 3600)
    app.simulator.step(2 * MINUTE)
    modules = {m["type"]: m for m in (await app.status())["home"]["modules"]}
    assert modules["NATherm1"]["boiler_status"] is True
    app.simulator.step(2 * HOUR)
    warm = app.control.truth(ELM)["Living room"]["air"]
    await app.set_room("Living room", "off")
    app.simulator.step(6 * HOUR)
    assert app.control.truth(ELM)["Living room"]["power_request"] == 0
    assert app.control.truth(ELM)["Living room"]["air"] < warm - 2


async def test_no_end_lasts_the_homes_default(app: App) -> None:
    """Manual without an end holds as many minutes as the home says."""
    await app.set_room("Kitchen", temp=22)
    await app.set_room("Lounge", temp=22, home=MILL)
    assert await seen(app, "Kitchen") == ("manual", 22, NOW_S + 180 * 60)
    assert await seen(app, "Lounge", MILL) == ("manual", 22, NOW_S + 120 * 60)
    app.simulator.set(NOON + timedelta(minutes=181))
    app.sign_in()
    assert (await seen(app, "Kitchen"))[0] == "schedule"


async def test_ends(app: App) -> None:
    """An end is kept to the second, and "for ever" is for ever."""
    await app.set_room("Kitchen", temp=22, endtime=NOW_S + 90)
    await app.set_room("Office", temp=7, endtime=FOREVER_S)
    assert await seen(app, "Kitchen") == ("manual", 22, NOW_S + 90)
    app.simulator.set(NOON + timedelta(seconds=89))
    assert app.control.setpoint(ELM, "Kitchen")[0] == "manual"
    app.simulator.set(NOON + timedelta(seconds=90))
    assert app.control.setpoint(ELM, "Kitchen") == ("schedule", 18, 0)
    app.simulator.step(timedelta(days=200))
    app.sign_in()
    assert await seen(app, "Office") == ("manual", 7, FOREVER_S)


async def test_home_returns_one_room_to_the_schedule(app: App) -> None:
    """The vendor's word `home` frees this room only."""
    await app.set_room("Kitchen", temp=25)
    await app.set_room("Office", temp=25)
    assert (await app.set_room("Kitchen", "home")).status == 200
    assert await seen(app, "Kitchen") == ("schedule", 18, 0)
    assert (await seen(app, "Office"))[0] == "manual"


async def test_maximum_and_off(app: App) -> None:
    """Only a room with a thermostat can do these; `off` lasts."""
    for mode, shown in (("max", 30), ("off", 7)):
        answer = await app.set_room("Kitchen", mode)
        words = f"{mode} mode can only be applied on thermostat room"
        assert answer.error == (400, 21, words)
        assert (await app.set_room("Living room", mode)).status == 200
        assert (await seen(app, "Living room"))[:2] == (mode, shown)
    app.simulator.step(timedelta(days=100))
    app.sign_in()
    assert await seen(app, "Living room") == ("off", 7, 0)


@pytest.mark.parametrize(
    ("mode", "arguments", "error"),
    [
        ("manual", {}, (400, 10, "temp is missing")),
        ("manual", {"temp": 6.9}, (400, 21, "Temperature out of range")),
        ("manual", {"temp": 30.5}, (400, 21, "Temperature out of range")),
        ("manual", {"temp": "nan"}, (400, 21, "Temperature out of range")),
        ("manual", {"temp": "warm"}, (400, 21, "Invalid temp")),
        ("manual", {"temp": 20, "endtime": NOW_S}, (400, 21, "Endtime in the past")),
        ("cosy", {"temp": 20}, (400, 21, "mode not authorized")),
        ("away", {}, (400, 21, "mode not authorized")),
        ("", {}, (400, 10, "mode is missing")),
    ],
)
async def test_refused_setpoints(
    app: App, mode: str, arguments: dict[str, Any], error: tuple[int, int, str]
) -> None:
    """What is refused changes nothing."""
    before = app.control.setpoint(ELM, "Kitchen")
    assert (await app.set_room("Kitchen", mode, **arguments)).error == error
    assert app.control.setpoint(ELM, "Kitchen") == before


async def test_unknown_places(app: App) -> None:
    """Rooms and homes that are not there, or not named."""
    home_id = app.control.home_id(ELM)
    room = {"mode": "manual", "temp": 20}
    for arguments, error in (
        ({}, (400, 10, "Missing home_id")),
        ({"home_id": "x"}, (400, 21, "Invalid home_id")),
        ({"home_id": home_id}, (400, 10, "Missing room_id")),
        ({"home_id": home_id, "room_id": "1"}, (400, 21, "Invalid room_id")),
    ):
        answer = await app.post("setroomthermpoint", **room, **arguments)
        assert answer.error == error


async def test_home_modes(app: App) -> None:
    """Away and frost guard hold for all rooms until they end."""
    assert (await app.set_home("away", endtime=NOW_S + 3600)).status == 200
    for room in ("Living room", "Kitchen"):
        assert await seen(app, room) == ("away", 14, NOW_S + 3600)
    assert (await app.post("homesdata")).json["body"]["homes"][0][
        "therm_mode"
    ] == "away"
    assert app.control.setpoint(MILL, "Hall")[0] == "schedule"
    app.simulator.set(NOON + HOUR)
    assert (await seen(app, "Kitchen"))[0] == "schedule"
    assert (await app.set_home("hg")).status == 200
    assert await seen(app, "Kitchen") == ("hg", 7, 0)


async def test_a_home_mode_voids_room_setpoints(app: App) -> None:
    """Setting the home's mode takes every room with it."""
    await app.set_room("Kitchen", temp=25, endtime=FOREVER_S)
    app.simulator.step(LATER)
    assert (await app.set_home("schedule")).status == 200
    assert (await seen(app, "Kitchen"))[0] == "schedule"
    await app.set_home("away")
    app.simulator.step(LATER)
    await app.set_room("Kitchen", temp=20)
    assert (await seen(app, "Kitchen"))[0] == "manual"
    assert (await seen(app, "Office"))[0] == "away"


async def test_schedules(app: App) -> None:
    """Another schedule, by either call; a cooling one is none for heating."""
    for method in ("switchhomeschedule", "setthermmode"):
        for name, kitchen in (("At home", 20), ("Winter", 18)):
            answer = await app.post(
                method,
                home_id=app.control.home_id(ELM),
                mode="schedule",
                schedule_id=app.control.schedule_id(ELM, name),
            )
            assert answer.status == 200
            assert (await seen(app, "Kitchen"))[1] == kitchen
    selected = [
        schedule["name"]
        for schedule in (await app.post("homesdata")).json["body"]["homes"][0][
            "schedules"
        ]
        if schedule.get("selected")
    ]
    assert selected == ["Winter", "Summer"]
    cooling = app.control.schedule_id(ELM, "Summer")
    for schedule, words in (
        (cooling, f"schedule {cooling} is not therm schedule"),
        ("x", "Invalid schedule_id"),
    ):
        answer = await app.post(
            "switchhomeschedule",
            home_id=app.control.home_id(ELM),
            schedule_id=schedule,
        )
        assert answer.error == (400, 21, words)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({}, (400, 10, "mode is missing")),
        ({"mode": "manual"}, (400, 21, "mode not authorized")),
        ({"mode": "away", "endtime": NOW_S - 1}, (400, 21, "Endtime in the past")),
    ],
)
async def test_refused_home_modes(
    app: App, arguments: dict[str, object], error: tuple[int, int, str]
) -> None:
    """What a home cannot be set to."""
    home_id = app.control.home_id(ELM)
    assert (await app.post("setthermmode", home_id=home_id, **arguments)).error == error
    assert app.control.setpoint(ELM, "Kitchen")[0] == "schedule"


async def test_rooms_set_by_state(app: App) -> None:
    """Modulating and wall thermostats, and valves beside them, take `setstate`."""
    app.sign_in(NETATMO_ODD_USER)
    for home, room in (
        ("Manor", "Library"),
        ("Manor", "Gallery"),
        ("Studio", "Studio"),
    ):
        refused = await app.set_room(room, home=home, temp=21)
        assert refused.error == (403, 13, "Couldn't apply setpoint")
        state = {
            "id": app.control.room_id(home, room),
            "therm_setpoint_mode": "manual",
            "therm_setpoint_temperature": 22,
            "therm_setpoint_end_time": NOW_S + 3600,
        }
        answer = await app.set_state(home, [state])
        assert answer.json["status"] == "ok"
        assert "body" not in answer.json
        assert await seen(app, room, home) == ("manual", 22, NOW_S + 3600)
        await app.set_state(home, [{"id": state["id"], "therm_setpoint_mode": "home"}])
        assert (await seen(app, room, home))[0] == "schedule"


async def test_refused_states(app: App) -> None:
    """A state is taken whole or not at all."""
    gallery = {
        "id": app.control.room_id("Manor", "Gallery"),
        "therm_setpoint_mode": "manual",
        "therm_setpoint_temperature": 22,
    }
    kitchen = gallery | {"id": app.control.room_id(ELM, "Kitchen")}
    refused = await app.set_state(ELM, [kitchen])
    assert refused.error == (403, 13, "Couldn't apply setpoint")
    app.sign_in(NETATMO_ODD_USER)
    for rooms, error in (
        ([], (400, 7, "Nothing to modify")),
        ([gallery, {"id": "1"}], (400, 21, "Invalid room_id")),
        (
            [gallery | {"therm_setpoint_temperature": 31}],
            (400, 21, "Temperature out of range"),
        ),
        (
            [gallery | {"therm_setpoint_mode": "off"}],
            (400, 21, "off mode can only be applied on thermostat room"),
        ),
        ([gallery | {"therm_setpoint_end_time": 5}], (400, 21, "Endtime in the past")),
    ):
        assert (await app.set_state("Manor", rooms)).error == error
    assert app.control.setpoint("Manor", "Gallery")[0] == "schedule"
    assert (await app.post("setstate", {})).error == (400, 10, "Missing home")


async def test_a_room_with_both(app: App) -> None:
    """Thermostat and valve in one room: it can be off, and asks for heat."""
    app.sign_in(NETATMO_TERRACE_USER)
    answer = await app.set_room("Front room", "off", home="Terrace 1")
    assert answer.status == 200
    room = (await app.rooms("Terrace 1"))["Front room"]
    assert "heating_power_request" in room


async def test_unreachable(app: App) -> None:
    """Nothing can be set behind a gateway that is off, or on a lost valve."""
    lost = (400, 41, "Device is unreachable")
    app.control.module(ELM, app.control.module_ids(ELM, "NRV")[0], reachable=False)
    assert (await app.set_room("Kitchen", temp=20)).error == lost
    app.control.home(ELM, "offline")
    assert (await app.set_room("Office", temp=20)).error == lost
    assert (await app.set_home("away")).error == lost
    assert app.control.setpoint(ELM, "Office")[0] == "schedule"
    app.sign_in(NETATMO_ODD_USER)
    nothing = await app.set_home("away", "Garden")
    assert nothing.error == (404, 9, "Device not found")


async def test_by_hand(app: App) -> None:
    """The valve's wheel and the vendor's app change rooms without a call."""
    app.control.room(
        ELM, "Kitchen", mode="manual", temperature=24, end=NOON + timedelta(hours=1)
    )
    assert await seen(app, "Kitchen") == ("manual", 24, NOW_S + 3600)
    app.control.home(ELM, "mode", mode="away", end_s=NOW_S + 60)
    assert await seen(app, "Office") == ("away", 14, NOW_S + 60)
    app.control.home(MILL, "schedule", schedule="At home")
    assert (await seen(app, "Lounge", MILL))[1] == 21
    assert "setroomthermpoint" not in app.control.calls(NETATMO_USER)


async def test_windows_and_people(app: App) -> None:
    """A window cools and shuts the valve; people warm."""
    await app.set_room("Kitchen", temp=22)
    app.simulator.step(HOUR)
    before = app.control.truth(ELM)
    app.control.room(ELM, "Kitchen", window=True)
    app.control.room(ELM, "Office", people=6)
    app.simulator.step(15 * MINUTE)
    kitchen = (await app.rooms())["Kitchen"]
    assert kitchen["open_window"] is True
    assert kitchen["heating_power_request"] == 0
    after = app.control.truth(ELM)
    assert after["Kitchen"]["air"] < before["Kitchen"]["air"] - 0.4
    assert after["Office"]["air"] > before["Office"]["air"] + 0.5
    app.control.room(ELM, "Kitchen", window=False)
    app.simulator.step(10 * MINUTE)
    kitchen = (await app.rooms())["Kitchen"]
    assert kitchen["open_window"] is False
    assert kitchen["heating_power_request"] > 0


async def test_a_lost_answer_is_a_done_deed(app: App) -> None:
    """A reply that breaks off was a command that worked."""
    app.simulator.fault("garbage", command="setroomthermpoint", count=1)
    answer = await app.set_room("Kitchen", temp=23)
    assert answer.status == 200
    assert not answer.body.endswith(b"}")
    assert app.control.setpoint(ELM, "Kitchen")[:2] == ("manual", 23)
