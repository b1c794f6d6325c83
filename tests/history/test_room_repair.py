"""Gaps of rooms' temperatures are found and filled from the simulated vendor's history."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from homeassistant.components.recorder import Recorder
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
import pytest

from custom_components.energy_homes.accounts.registry import AccountState
from custom_components.energy_homes.const import DOMAIN
from custom_components.energy_homes.heating.records import RoomRecord
from custom_components.energy_homes.history.repair import DATA_REPAIR
from custom_components.energy_homes.history.room_repair import (
    RoomBackfillStep,
    RoomRepair,
)
from custom_components.energy_homes.homes.directory import DATA_HOMES
from custom_components.energy_homes.ledger import Ledger
from custom_components.energy_homes.ledger.opening import DATA_LEDGER
from custom_components.energy_homes.metering.model import SLOT, Provenance
from custom_components.energy_homes.metering.temperature import RoomSlot
from tests.builders import (
    heating_source,
    heating_subentry,
    home_entry,
    netatmo_account_entry,
    netatmo_credential,
    netatmo_revision,
)
from tests.netatmo_control import NetatmoControl
from tests.rooms.world import HOUR, MINUTE, SECOND, HeatedWorld
from tests.virtual import VirtualTime

ELM = "Elm Street"
MEASURE = "getroommeasure"
BY_MODULE = "getmeasure"
DAY = timedelta(days=1)
THERMOSTAT = "Living room"
NOON = datetime(2026, 11, 17, 12, 0, tzinfo=UTC)


def ledger_of(elm: HeatedWorld) -> Ledger:
    """Return the ledger."""
    return elm.hass.data[DATA_LEDGER]


async def slots(elm: HeatedWorld, room: str) -> list[RoomSlot]:
    """Return all known slots of a room."""
    far = datetime(2100, 1, 1, tzinfo=UTC)
    return await ledger_of(elm).rooms.async_between(
        elm.record(room).room_id, datetime(2000, 1, 1, tzinfo=UTC), far
    )


async def filled(elm: HeatedWorld, room: str = "Kitchen") -> list[RoomSlot]:
    """Return the slots of a room that the vendor knew."""
    return [
        slot for slot in await slots(elm, room) if slot.provenance is Provenance.VENDOR
    ]


async def missing(elm: HeatedWorld, room: str = "Kitchen") -> int:
    """Return how many slots between the first and the last known one are not known."""
    found = await slots(elm, room)
    return (found[-1].start - found[0].start) // SLOT + 1 - len(found)


async def repair(elm: HeatedWorld, **data: object) -> Any:
    """Repair on request; the rooms of the home by their name."""
    asked = elm.hass.async_create_task(
        elm.hass.services.async_call(
            DOMAIN, "repair_gaps", data, blocking=True, return_response=True
        )
    )
    await elm.virtual.settle()
    # Many calls wait some seconds for each other.
    while not asked.done():
        await elm.virtual.run(SECOND)
    answer = await asked
    assert answer is not None
    home: Any = answer[elm.home.title]
    assert home["meters"] == []
    assert home["found"] == home["calls"] == 0
    for name, total in home["room_totals"].items():
        assert total == sum(room[name] for room in home["rooms"])
    return {room["name"]: room for room in home["rooms"]}


async def write(
    elm: HeatedWorld,
    start: datetime,
    *numbers: int,
    room: str = "Kitchen",
    record: RoomRecord | None = None,
) -> None:
    """Let a room have been 19 °C in slots with these numbers since an instant."""
    await ledger_of(elm).rooms.async_settle(
        (record or elm.record(room)).room_id,
        [
            RoomSlot(
                start=start + number * SLOT,
                mean=19.0,
                low=19.0,
                high=19.0,
                provenance=Provenance.MEASURED,
            )
            for number in numbers
        ],
    )


def assert_true(
    found: list[RoomSlot], truth: dict[datetime, float], bucket: timedelta
) -> None:
    """Check slots against the vendor's samples, to what its answers resolve."""
    assert found
    for slot in found:
        seconds = int(slot.start.timestamp()) // int(bucket.total_seconds())
        begin = datetime.fromtimestamp(seconds * bucket.total_seconds(), UTC)
        some = [value for at, value in truth.items() if begin <= at < begin + bucket]
        assert slot.mean == pytest.approx(sum(some) / len(some), abs=0.0501)
        assert slot.low == pytest.approx(min(*some, slot.mean or 0))
        assert slot.high == pytest.approx(max(*some, slot.mean or 0))


@pytest.fixture
async def running(elm: HeatedWorld) -> HeatedWorld:
    """Return Elm Street after its first slots."""
    await elm.start()
    await elm.virtual.run(20 * MINUTE)
    return elm


@pytest.mark.slow
async def test_an_outage_of_the_cloud_is_filled_by_itself(
    running: HeatedWorld, netatmo: NetatmoControl
) -> None:
    """Three hours are in the ledger as the vendor knows them, with one call for each room."""
    begin = running.virtual.now
    netatmo.simulator.fault("http_503")
    await running.virtual.run(3 * HOUR)
    netatmo.simulator.clear_faults()
    await running.virtual.run(3 * HOUR)
    truth = netatmo.samples(ELM, "Kitchen", begin - HOUR, running.virtual.now)

    assert netatmo.calls()[MEASURE] == 1 + len(running.heating.rooms)
    for room in running.heating.rooms:
        assert await missing(running, room.name) == 0
    found = await filled(running)
    assert 36 <= len(found) <= 42
    assert found[0].start >= begin - 15 * MINUTE
    assert_true(found, truth, timedelta(minutes=30))

    before = netatmo.calls()[MEASURE]
    await running.virtual.run(3 * HOUR)
    assert netatmo.calls()[MEASURE] == before
    answer = await repair(running)
    assert {room["found"] for room in answer.values()} == {0}
    assert netatmo.calls()[MEASURE] == before


@pytest.mark.heavy
async def test_what_the_vendor_does_not_know_stays_unknown(
    running: HeatedWorld, netatmo: NetatmoControl
) -> None:
    """A gateway that was off has no history: asked once, and again on request only."""
    netatmo.home(ELM, "offline")
    begin = running.virtual.now
    await running.virtual.run(3 * HOUR)
    netatmo.home(ELM, "online")
    await running.virtual.run(4 * HOUR)

    rooms = len(running.heating.rooms)
    assert netatmo.calls()[MEASURE] == rooms
    left = await missing(running)
    assert left >= 24
    found = {slot.start for slot in await slots(running, "Kitchen")}
    for number in range(24):
        assert begin.replace(minute=0) + HOUR + number * SLOT not in found
    answer = (await repair(running))["Kitchen"]
    assert (answer["found"], answer["vendor"], answer["left"]) == (left, 0, left)
    assert (answer["calls"], answer["problem"]) == (1, None)
    (gap,) = answer["holes"]
    assert (
        datetime.fromisoformat(gap["end"]) - datetime.fromisoformat(gap["start"])
    ) / SLOT == left
    assert netatmo.calls()[MEASURE] == 2 * rooms


YESTERDAY = {"start": "2026-11-17 12:00", "end": "2026-11-17 18:00"}


async def test_what_rounding_and_the_scale_resolve(
    running: HeatedWorld, netatmo: NetatmoControl
) -> None:
    """Half hours in a short gap, hours in a long one; measured slots stay as they are."""
    await write(running, NOON, 0, 3, 29)
    answer = (await repair(running, **YESTERDAY))["Kitchen"]
    assert (answer["found"], answer["vendor"], answer["calls"]) == (69, 69, 1)
    found = await filled(running)
    truth = netatmo.samples(ELM, "Kitchen", NOON, NOON + 6 * HOUR)
    assert_true(found, truth, timedelta(minutes=30))
    assert (await slots(running, "Kitchen"))[0].mean == 19.0

    long_ago = NOON - 30 * DAY
    await write(running, long_ago, 0)
    answer = (await repair(running))["Kitchen"]
    assert answer["left"] == 0
    truth = netatmo.samples(ELM, "Kitchen", long_ago, long_ago + 2 * HOUR)
    early = [slot for slot in await filled(running) if slot.start < long_ago + 2 * HOUR]
    assert len(early) == 23
    assert_true(early, truth, HOUR)


async def test_a_room_that_was_never_heard_has_no_gaps(elm: HeatedWorld) -> None:
    """Nothing is missing before the first slot."""
    await elm.start()
    assert (await repair(elm))["Kitchen"] == {
        "name": "Kitchen",
        "found": 0,
        "vendor": 0,
        "interpolated": 0,
        "left": 0,
        "calls": 0,
        "problem": None,
        "holes": [],
    }


async def test_an_hour_that_is_not_over_waits(
    running: HeatedWorld, netatmo: NetatmoControl
) -> None:
    """Half an hour is not told as if it were a whole one."""
    netatmo.simulator.fault("http_503")
    await running.virtual.run(30 * MINUTE)
    netatmo.simulator.clear_faults()
    while running.account.runtime_data.state is not AccountState.CONNECTED:
        await running.virtual.run(MINUTE)
    await running.virtual.run(MINUTE)
    assert (await repair(running))["Kitchen"]["found"] == 0
    await running.virtual.run(2 * HOUR)
    assert await missing(running) == 0


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ("usage_429", "call_limit"),
        ("http_503", "cloud"),
        ("no_body", "nonsense"),
    ],
)
async def test_trouble_is_told_and_tried_again(
    running: HeatedWorld, netatmo: NetatmoControl, fault: str, problem: str
) -> None:
    """What could not be asked is asked an hour later; without a response it is an error."""
    await write(running, NOON, 0, 30)
    netatmo.simulator.fault(fault, command=MEASURE)
    answer = (await repair(running, **YESTERDAY))["Kitchen"]
    assert answer["problem"] == problem
    assert answer["left"] == answer["found"] > 29
    with pytest.raises(HomeAssistantError, match="Elm Street Kitchen"):
        await running.hass.services.async_call(DOMAIN, "repair_gaps", {}, blocking=True)

    netatmo.simulator.clear_faults()
    await running.virtual.run(2 * HOUR)
    assert await missing(running) == 0


async def test_refused_credentials(
    running: HeatedWorld, netatmo: NetatmoControl
) -> None:
    """Somebody has to sign in again first: at once where the call finds out, and later."""
    await write(running, NOON, 0, 30)
    netatmo.revoke()
    assert (await repair(running, **YESTERDAY))["Kitchen"]["problem"] == "credentials"
    await running.virtual.run(HOUR)
    answer = (await repair(running, **YESTERDAY))["Kitchen"]
    assert (answer["problem"], answer["calls"]) == ("credentials", 0)
    assert await filled(running) == []


async def test_an_account_that_is_not_there(
    running: HeatedWorld, netatmo: NetatmoControl
) -> None:
    """Without its account a room has no history to ask for."""
    await write(running, NOON, 0, 30)
    assert await running.hass.config_entries.async_unload(running.account.entry_id)
    assert (await repair(running, **YESTERDAY))["Kitchen"]["problem"] == "account"


async def test_a_home_that_is_gone(
    running: HeatedWorld, netatmo: NetatmoControl
) -> None:
    """An account that has the home no longer cannot be asked for its rooms."""
    await write(running, NOON, 0, 30)
    netatmo.home(ELM, "remove")
    await running.virtual.run(2 * HOUR)
    answer = (await repair(running, **YESTERDAY))["Kitchen"]
    assert (answer["problem"], answer["calls"]) == ("home", 0)


async def test_a_room_that_the_vendor_has_no_longer(
    running: HeatedWorld, netatmo: NetatmoControl
) -> None:
    """Nobody can be asked for it, which is no trouble; short gaps are interpolated."""
    record = running.record("Kitchen")
    history = running.hass.data[DATA_REPAIR]
    netatmo.room(ELM, "Kitchen", action="remove")
    home = running.hass.data[DATA_HOMES].get(ELM)
    heating = running.heating
    await running.virtual.run(2 * HOUR)
    assert record not in running.heating.rooms
    await write(running, NOON, 0, 3, 30, record=record)
    repaired = await history.rooms.async_repair(
        home, heating, record, NOON, NOON + 3 * HOUR
    )
    assert repaired.problem is None
    assert (repaired.vendor, repaired.interpolated, repaired.calls) == (0, 2, 0)


async def test_a_thermostat_stands_in_for_its_room(
    running: HeatedWorld, netatmo: NetatmoControl
) -> None:
    """Where the vendor does not know the room, the thermostat in it is asked for."""
    for room in (THERMOSTAT, "Kitchen"):
        await write(running, NOON - 55 * DAY, 0, room=room)
        await write(running, NOON, 0, 30, room=room)
    netatmo.simulator.fault("device_not_found", command=MEASURE)
    answer = await repair(running)
    assert answer[THERMOSTAT]["problem"] is None
    assert answer[THERMOSTAT]["left"] == 0
    # The room is tried once, then the thermostat has all calls.
    assert answer[THERMOSTAT]["calls"] == 1 + netatmo.calls()[BY_MODULE]
    assert netatmo.calls()[BY_MODULE] == 2
    assert answer["Kitchen"]["problem"] == "cloud"
    assert answer["Kitchen"]["vendor"] == 0

    netatmo.simulator.fault("device_not_found", command=BY_MODULE)
    await write(running, NOON - 58 * DAY, 0, room=THERMOSTAT)
    assert (await repair(running))[THERMOSTAT]["problem"] == "cloud"


async def test_short_gaps_are_interpolated(
    running: HeatedWorld, netatmo: NetatmoControl
) -> None:
    """Two slots that the vendor does not know either, once they were asked for."""
    netatmo.home(ELM, "offline", at=NOON)
    netatmo.home(ELM, "online", at=NOON + 2 * HOUR)
    await write(running, NOON, 0, 3, 6, 10)
    netatmo.simulator.fault("http_503", command=MEASURE)
    span = {"start": NOON.isoformat(), "end": (NOON + HOUR).isoformat()}
    answer = (await repair(running, **span))["Kitchen"]
    assert (answer["found"], answer["interpolated"]) == (8, 0)
    netatmo.simulator.clear_faults()
    answer = (await repair(running, **span))["Kitchen"]
    assert (answer["vendor"], answer["interpolated"], answer["left"]) == (0, 4, 4)
    assert answer["calls"] == 1


async def test_a_replaced_home_inside_the_gap(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    netatmo: NetatmoControl,
    virtual: VirtualTime,
    hass_storage: dict[str, Any],
) -> None:
    """What was before the change is the old home's room of the same name, if it has one."""
    await netatmo_credential(hass)
    change = NOON + 2 * HOUR + 7 * MINUTE
    account = f"netatmo_{netatmo.overview()['users']['keeper@example.com']['id']}"
    source = heating_source(
        netatmo,
        "Mill Cottage",
        netatmo_revision(account, netatmo.home_id(ELM)),
        netatmo_revision(account, netatmo.home_id("Mill Cottage"), since=change),
    )
    home = home_entry("Mill Cottage", heating_subentry(source))
    world = HeatedWorld(
        hass, virtual, netatmo, netatmo_account_entry(netatmo), home, hass_storage
    )
    await world.start()
    await virtual.run(20 * MINUTE)
    for room in ("Bedroom", "Lounge"):
        await write(world, NOON, 0, 48, room=room)
    answer = await repair(world, start=NOON.isoformat(), end=NOON + 5 * HOUR)
    assert (answer["Bedroom"]["vendor"], answer["Bedroom"]["calls"]) == (58, 2)
    split = change.replace(minute=5)
    found = await filled(world, "Bedroom")
    for vendor_home, some in (
        (ELM, [slot for slot in found if slot.start < split]),
        ("Mill Cottage", [slot for slot in found if slot.start >= split]),
    ):
        truth = netatmo.samples(vendor_home, "Bedroom", NOON, NOON + 5 * HOUR)
        assert_true(some, truth, timedelta(minutes=30))
    # The old home has no lounge, and nobody knows what it was like before.
    assert answer["Lounge"]["problem"] is None
    assert answer["Lounge"]["calls"] == 1
    assert {slot.start >= split for slot in await filled(world, "Lounge")} == {True}
    assert answer["Lounge"]["left"] == 24
    # Nor is there anybody whom its past before then could be imported from.
    past = await rooms_of(world).async_backfill(
        world.heating, world.record("Lounge").room_id, NOON - DAY, NOON
    )
    assert (past.calls, past.done, past.reached) == (0, True, NOON - DAY)


# The past


def rooms_of(elm: HeatedWorld) -> RoomRepair:
    """Return what asks vendors for rooms."""
    return elm.hass.data[DATA_REPAIR].rooms


async def step(
    elm: HeatedWorld, begin: datetime, end: datetime, **options: bool
) -> RoomBackfillStep:
    """Make one step of the import of the kitchen's past."""
    return await rooms_of(elm).async_backfill(
        elm.heating, elm.record("Kitchen").room_id, begin, end, **options
    )


@pytest.mark.parametrize(
    "virtual_start", [datetime(2026, 11, 18, 10, 2, tzinfo=UTC)], ids=["inside a slot"]
)
async def test_the_past_is_imported_step_by_step(
    running: HeatedWorld, netatmo: NetatmoControl, virtual_start: datetime
) -> None:
    """Newest first, one call a step, before the first slot; what was measured stays."""
    measured = await slots(running, "Kitchen")
    begin = running.virtual.now - 50 * DAY
    first = await step(running, begin, running.virtual.now)
    assert (first.name, first.calls, first.done) == ("Kitchen", 1, False)
    assert first.problem is None
    assert (
        first.reached
        == begin.replace(minute=0, second=0, microsecond=0)
        + HOUR
        + (50 * DAY - 1024 * HOUR)
        - HOUR
    )
    second = await step(running, begin, running.virtual.now)
    assert (second.calls, second.done) == (1, True)
    found = await slots(running, "Kitchen")
    assert first.vendor + second.vendor == len(found) - len(measured)
    assert found[-len(measured) :] == measured
    assert found[0].start == second.reached
    again = await step(running, begin, running.virtual.now)
    assert (again.calls, again.vendor, again.done) == (0, 0, True)
    assert netatmo.calls()[MEASURE] == 2
    # What is left of the hour in which the room was first heard is a gap like any other.
    assert await missing(running) == 1
    await running.virtual.run(2 * HOUR)
    assert await missing(running) == 0


async def test_the_past_goes_on_after_a_call_limit(
    running: HeatedWorld, netatmo: NetatmoControl
) -> None:
    """A step that could not be made changes nothing and says where to go on."""
    end = NOON
    begin = NOON - 100 * DAY
    first = await step(running, begin, end)
    netatmo.simulator.fault("usage_429", command=MEASURE)
    stopped = await step(running, begin, end)
    assert (stopped.problem, stopped.vendor, stopped.calls) == ("call_limit", 0, 1)
    assert stopped.reached == first.reached
    assert not stopped.done
    netatmo.simulator.clear_faults()
    waiting = await step(running, begin, end)
    assert (waiting.problem, waiting.calls) == ("call_limit", 0)
    await running.virtual.run(30 * MINUTE)
    # The vendor knows sixty days: beyond them it is asked, and says nothing.
    steps = [await step(running, begin, end)]
    while not steps[-1].done:
        steps.append(await step(running, begin, end))
    assert len(steps) == 2
    assert steps[-1].vendor == 0
    assert steps[-1].reached == begin
    assert netatmo.calls()[MEASURE] == 4


async def test_what_was_asked_can_be_asked_again(
    running: HeatedWorld, netatmo: NetatmoControl
) -> None:
    """On request only, and then from the end on that the caller moves."""
    begin = NOON - 80 * DAY
    end = begin + 2 * DAY
    assert (await step(running, begin, end)).vendor == 0
    assert (await step(running, begin, end)).calls == 0
    again = await step(running, begin, end, again=True)
    assert (again.calls, again.done) == (1, True)


async def test_a_past_without_end_or_beginning(
    running: HeatedWorld, netatmo: NetatmoControl
) -> None:
    """Spans that are over before they begin, and those of the future, are done."""
    for begin, end in (
        (NOON, NOON - HOUR),
        (running.virtual.now, running.virtual.now + DAY),
    ):
        assert (await step(running, begin, end)).done
    with pytest.raises(KeyError):
        await rooms_of(running).async_backfill(running.heating, "attic", NOON, NOON)
    assert MEASURE not in netatmo.calls()


async def test_two_steps_at_once(running: HeatedWorld, netatmo: NetatmoControl) -> None:
    """One waits for the other, and does not ask for the same again."""
    begin = NOON - 10 * DAY
    steps = await asyncio.gather(step(running, begin, NOON), step(running, begin, NOON))
    assert [one.calls for one in steps] == [1, 0]
    assert all(one.done for one in steps)
    assert netatmo.calls()[MEASURE] == 1
