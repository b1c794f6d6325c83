"""The temperatures of rooms in the ledger."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from homeassistant.core import HomeAssistant
import pytest

from custom_components.energy_homes.ledger import (
    Ledger,
    LedgerError,
    StatisticMark,
    StoredRoom,
)
from custom_components.energy_homes.ledger.codes import seconds
from custom_components.energy_homes.ledger.schema import VERSION
from custom_components.energy_homes.metering.gaps import gap
from custom_components.energy_homes.metering.model import SLOT, Provenance
from custom_components.energy_homes.metering.temperature import RoomReading, RoomSlot
from tests.ledger.older import make_older

T0 = datetime(2026, 11, 18, 10, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def slot(
    number: int,
    mean: float,
    provenance: Provenance = Provenance.MEASURED,
    by: float = 0,
) -> RoomSlot:
    """Return the known slot that starts so many slots after T0, `by` °C around its mean."""
    return RoomSlot(
        start=T0 + number * SLOT,
        mean=mean,
        low=mean - by,
        high=mean + by,
        provenance=provenance,
    )


@pytest.fixture
async def ledger(hass: HomeAssistant, tmp_path: Path) -> AsyncIterator[Ledger]:
    """Return an open ledger with a room in each of two homes."""
    ledger = Ledger(hass.async_add_executor_job, tmp_path / "ledger.db")
    await ledger.async_open()
    for home in ("elm", "mill"):
        await ledger.homes.async_add(home, home.title())
        await ledger.rooms.async_add(f"{home}-kitchen", home)
    yield ledger
    await ledger.async_close()


async def due(ledger: Ledger, room: str = "elm-kitchen") -> list[int]:
    """Return the hours that are due, counted from T0."""
    return [(one.start - T0) // HOUR for one in await ledger.rooms.async_due(room)]


async def test_a_room_goes_on_where_it_was(ledger: Ledger) -> None:
    """Slots, readings and how far it is settled survive a restart."""
    assert await ledger.rooms.async_load("elm-kitchen") == StoredRoom()
    assert await ledger.rooms.async_load("nobody") == StoredRoom()
    readings = (RoomReading(T0 + 3 * SLOT, 19.5), RoomReading(T0 + 4 * SLOT, None))
    slots = [slot(0, 19.123, by=0.25), slot(1, -3.4), RoomSlot(start=T0 + 2 * SLOT)]
    assert await ledger.rooms.async_settle("elm-kitchen", slots, readings) == 2
    await ledger.async_close()
    await ledger.async_open()

    stored = await ledger.rooms.async_load("elm-kitchen")
    assert stored == StoredRoom(T0, T0 + 3 * SLOT, readings)
    found = await ledger.rooms.async_between("elm-kitchen", T0, T0 + HOUR)
    assert found == slots[:2]
    assert await ledger.rooms.async_between("elm-kitchen", T0 + SLOT, T0 + SLOT) == []
    assert await ledger.rooms.async_between("mill-kitchen", T0, T0 + HOUR) == []
    assert await due(ledger) == []


async def test_a_known_slot_never_changes(ledger: Ledger) -> None:
    """The vendor's history fills what is not known, and moves nothing that is."""
    await ledger.rooms.async_settle("elm-kitchen", [slot(0, 19.0)], ())
    repaired = [slot(n, 25.0, Provenance.VENDOR) for n in range(14)]
    assert await ledger.rooms.async_settle("elm-kitchen", repaired) == 13
    assert await ledger.rooms.async_settle("elm-kitchen", repaired) == 0
    found = await ledger.rooms.async_between("elm-kitchen", T0, T0 + 2 * HOUR)
    assert found == [slot(0, 19.0), *repaired[1:]]
    # The past is no reason to wait for less of the present.
    stored = await ledger.rooms.async_load("elm-kitchen")
    assert stored.settled_until == T0 + SLOT


async def test_hours_that_were_repaired_are_due(ledger: Ledger) -> None:
    """What Home Assistant saw itself is not compared; what changes meanwhile stays due."""
    await ledger.rooms.async_settle("elm-kitchen", [slot(0, 19.0), slot(30, 19.0)], ())
    await ledger.rooms.async_settle(
        "elm-kitchen",
        [slot(13, 25.0, Provenance.VENDOR), slot(1, 20.0, Provenance.INTERPOLATED)],
    )
    assert await due(ledger) == [0, 1]
    assert await due(ledger, "mill-kitchen") == []
    read = await ledger.rooms.async_due("elm-kitchen")
    await ledger.rooms.async_settle("elm-kitchen", [slot(2, 20.0, Provenance.VENDOR)])
    await ledger.rooms.async_done("elm-kitchen", read)
    assert await due(ledger) == [0]
    await ledger.rooms.async_done(
        "mill-kitchen", await ledger.rooms.async_due("elm-kitchen")
    )
    assert await due(ledger) == [0]
    await ledger.rooms.async_done(
        "elm-kitchen", await ledger.rooms.async_due("elm-kitchen")
    )
    assert await due(ledger) == []


def span(first: int, stop: int) -> range:
    """Return the gap of the slots `[first, stop)` after T0."""
    return gap(seconds(T0 + first * SLOT), seconds(T0 + stop * SLOT))


async def test_gaps_of_a_room(ledger: Ledger) -> None:
    """All that is not known of a span, newest first, wherever its slots begin."""
    await ledger.rooms.async_settle(
        "elm-kitchen", [slot(2, 19.0), slot(3, 19.0), slot(7, 19.0)], ()
    )
    assert await ledger.rooms.async_gaps("elm-kitchen", T0 + SLOT, T0 + 9 * SLOT) == [
        span(8, 9),
        span(4, 7),
        span(1, 2),
    ]
    cut = T0 + 5 * SLOT + timedelta(minutes=1)
    assert await ledger.rooms.async_gaps(
        "elm-kitchen", T0, T0 + 7 * SLOT, cuts=[cut]
    ) == [span(5, 7), span(4, 5), span(0, 2)]
    assert await ledger.rooms.async_gaps("elm-kitchen", T0, T0) == []
    assert await ledger.rooms.async_gaps("mill-kitchen", T0, T0 + HOUR) == [span(0, 12)]
    with pytest.raises(LedgerError, match="no room"):
        await ledger.rooms.async_gaps("nobody", T0, T0)


async def test_what_was_asked_of_a_room_is_kept(ledger: Ledger) -> None:
    """Spans that touch become one, and survive a restart."""
    await ledger.rooms.async_add_asked("elm-kitchen", [span(3, 5), span(7, 8)])
    await ledger.rooms.async_add_asked("elm-kitchen", [span(5, 6)])
    await ledger.async_close()
    await ledger.async_open()
    assert await ledger.rooms.async_asked("elm-kitchen") == [span(3, 6), span(7, 8)]
    assert await ledger.rooms.async_asked("mill-kitchen") == []
    for asks in (
        ledger.rooms.async_asked("nobody"),
        ledger.rooms.async_add_asked("nobody", [span(0, 1)]),
    ):
        with pytest.raises(LedgerError, match="no room"):
            await asks


async def test_a_forgotten_home_leaves_no_temperature(ledger: Ledger) -> None:
    """All rows of the home's rooms go, and none of another's."""
    for room in ("elm-kitchen", "mill-kitchen"):
        await ledger.rooms.async_settle(
            room, [slot(0, 19.0, Provenance.VENDOR)], [RoomReading(T0, 19.0)]
        )
        await ledger.rooms.async_add_asked(room, [span(0, 1)])
    # A slot, a reading, a due hour, a question, the room and the home.
    assert await ledger.homes.async_forget("elm") == 6
    assert await ledger.rooms.async_load("elm-kitchen") == StoredRoom()
    assert await due(ledger) == []
    assert (await ledger.rooms.async_load("mill-kitchen")).first == T0
    assert await ledger.rooms.async_asked("mill-kitchen") == [span(0, 1)]
    assert await due(ledger, "mill-kitchen") == [0]


async def test_what_makes_no_sense_is_refused(ledger: Ledger) -> None:
    """A mistake of ours is an error and changes nothing."""
    with pytest.raises(LedgerError, match="no room"):
        await ledger.rooms.async_settle("nobody", [slot(0, 19.0)], ())
    with pytest.raises(LedgerError, match="another home"):
        await ledger.rooms.async_add("elm-kitchen", "mill")
    with pytest.raises(LedgerError, match="FOREIGN KEY"):
        await ledger.rooms.async_add("new", "no such home")
    for wrong in (timedelta(minutes=1), timedelta(microseconds=1)):
        with pytest.raises(ValueError, match="No slot starts"):
            await ledger.rooms.async_settle(
                "elm-kitchen", [slot(0, 19.0), RoomSlot(start=T0 + wrong)], ()
            )
    assert await ledger.rooms.async_load("elm-kitchen") == StoredRoom()


@pytest.mark.parametrize("version", [3, 5])
async def test_a_ledger_of_before_rooms_is_opened(ledger: Ledger, version: int) -> None:
    """An older file gets the tables, and keeps how far statistics were right."""
    mark = StatisticMark(offset_kwh=1.5, floor=T0, checked_until=T0 + HOUR)
    await ledger.marks.async_set("source:meter", mark)
    await ledger.async_close()
    make_older(ledger.path, version)

    assert (await ledger.async_open()).damaged_copy is None
    assert (await ledger.async_stats())["version"] == VERSION
    assert await ledger.marks.async_load("source:meter") == mark
    await ledger.rooms.async_add("elm-kitchen", "elm")
    assert await ledger.rooms.async_settle("elm-kitchen", [slot(0, 19.0)], ()) == 1
    await ledger.rooms.async_add_asked("elm-kitchen", [span(0, 1)])
    assert await ledger.rooms.async_asked("elm-kitchen") == [span(0, 1)]
