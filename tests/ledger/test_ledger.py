"""The ledger through its interface: totals, idempotence, restarts, damage, backups."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
import shutil
import sqlite3

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
import pytest

from custom_components.energy_homes.ledger import (
    Ledger,
    LedgerError,
    LedgerHome,
    LedgerVersionError,
    StatisticMark,
    StoredSource,
    home_key,
    source_key,
)
from custom_components.energy_homes.ledger.schema import VERSION
from custom_components.energy_homes.metering.model import (
    SLOT,
    CounterReading,
    MeterRole,
    PowerReading,
    Provenance,
    Slot,
    unknown_slot,
)
from custom_components.energy_homes.metering.power import KNOWN_KEPT

from .slots import T0, slot, unknown

HOUR = timedelta(hours=1)
GRID, GENERATION, SUBMETER = MeterRole.GRID, MeterRole.GENERATION, MeterRole.SUBMETER


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the ledger is."""
    return tmp_path / "energy_homes.db"


@pytest.fixture
async def ledger(hass: HomeAssistant, path: Path) -> AsyncIterator[Ledger]:
    """Return an open ledger with two homes, the first with three meters."""
    ledger = Ledger(
        hass.async_add_executor_job, path, busy_timeout=timedelta(milliseconds=20)
    )
    await ledger.async_open()
    await ledger.homes.async_add("elm", "Elm Street")
    await ledger.homes.async_add("mill", "Mill Cottage")
    for source_id in ("elm-grid", "elm-sun", "elm-oven"):
        await ledger.sources.async_add(source_id, "elm")
    await ledger.sources.async_add("mill-grid", "mill")
    yield ledger
    await ledger.async_close()


async def everything(ledger: Ledger) -> list[object]:
    """Return all that a ledger can be asked about both homes."""
    answers: list[object] = [await ledger.homes.async_all()]
    for home_id in ("elm", "mill"):
        answers.append(ledger.sums.totals(home_id))
        answers.append(
            await ledger.slots.async_counts(home_id, T0 - HOUR, T0 + 24 * HOUR)
        )
        for what in ("grid", "generation", "returned"):
            key = f"home:{home_id}:{what}"
            answers.append(ledger.sums.total(key))
            answers.append(await ledger.sums.async_first_slot(key))
            answers.append(
                await ledger.sums.async_hourly(key, T0 - 2 * HOUR, T0 + 4 * HOUR)
            )
    for source_id in ("elm-grid", "elm-sun", "elm-oven", "mill-grid"):
        answers.append(await ledger.sources.async_load(source_id))
        answers.append(
            await ledger.slots.async_between(source_id, T0 - HOUR, T0 + 24 * HOUR)
        )
        answers.append(ledger.sums.total(source_key(source_id)))
        answers.append(await ledger.marks.async_load(source_key(source_id)))
    return answers


async def fill(ledger: Ledger) -> None:
    """Settle some slots of every meter."""
    await ledger.slots.async_settle(
        "elm-grid", GRID, [slot(0, 0.25, 0.5), unknown(1), slot(2, 1 / 3)], []
    )
    await ledger.slots.async_settle(
        "elm-sun", GENERATION, [slot(0, 2), slot(13, 1)], []
    )
    await ledger.slots.async_settle("elm-oven", SUBMETER, [slot(0, 0.2)], [])
    await ledger.slots.async_settle("mill-grid", GRID, [slot(0, 7, 1)], [])
    await ledger.sources.async_add_readings("mill-grid", [PowerReading(T0, 5)])
    await ledger.marks.async_set(source_key("mill-grid"), replace(MARK, changes=1))


MARK = StatisticMark(offset_kwh=-0.125, floor=T0 - HOUR, checked_until=T0 + HOUR)


async def test_totals_add_up_by_role(ledger: Ledger) -> None:
    """Grid meters are added, generation is another total, submeters are their own only."""
    await fill(ledger)

    totals = ledger.sums.totals("elm")
    assert (totals.grid, totals.generation, totals.returned) == (0.583333, 3.0, 0.5)
    assert totals.sources == {"elm-grid": 0.583333, "elm-sun": 3.0, "elm-oven": 0.2}
    assert ledger.sums.total(home_key("elm", "grid")) == 0.583333
    assert ledger.sums.total(home_key("elm", "returned")) == 0.5
    assert ledger.sums.total(home_key("elm", "generation")) == 3.0
    assert ledger.sums.total(source_key("elm-oven")) == 0.2
    assert ledger.sums.total(source_key("nobody")) == 0
    assert ledger.sums.totals("mill").grid == 7.0


async def test_delivering_twice_changes_nothing(ledger: Ledger) -> None:
    """The same slots again, and other values for known ones, are ignored."""
    await fill(ledger)
    before = await everything(ledger)

    assert (
        await ledger.slots.async_settle("elm-grid", GRID, [slot(0, 0.25, 0.5)], []) == 0
    )
    assert (
        await ledger.slots.async_settle("elm-grid", GRID, [slot(0, 99), unknown(2)], [])
        == 0
    )
    assert (
        await ledger.slots.async_settle("elm-grid", SUBMETER, [slot(0, 0.25, 0.5)], [])
        == 0
    )
    twice = [slot(0, 99), slot(0, 99)]
    assert await ledger.slots.async_settle("elm-sun", GENERATION, twice, []) == 0
    assert await everything(ledger) == before


async def test_unknown_slot_becomes_known_once(ledger: Ledger) -> None:
    """A repair fills a gap, and a second one does not fill it again."""
    await fill(ledger)
    repaired = slot(1, 0.5, 0.25, Provenance.VENDOR)

    assert await ledger.slots.async_settle("elm-grid", GRID, [repaired], []) == 1
    assert await ledger.slots.async_settle("elm-grid", GRID, [slot(1, 0.7)], []) == 0
    assert await ledger.slots.async_between("elm-grid", T0 + SLOT, T0 + 2 * SLOT) == [
        repaired
    ]
    totals = ledger.sums.totals("elm")
    assert (totals.grid, totals.returned) == (1.083333, 0.75)
    assert (await ledger.sources.async_load("elm-grid")).settled_until == T0 + 3 * SLOT


async def test_what_was_counted_of_an_unknown_slot_only_grows(ledger: Ledger) -> None:
    """It counts in the totals, in the role that it had, and never counts twice."""
    await fill(ledger)
    before = ledger.sums.totals("elm").grid

    def counted(energy: float) -> Slot:
        """Return a slot of which so many kWh were counted."""
        return Slot(
            start=T0 + SLOT,
            energy=energy,
            returned=0.0,
            provenance=Provenance.UNKNOWN,
        )

    for energy, changed in ((0.25, 1), (0.25, 0), (0.125, 0), (0.5, 1)):
        settled = await ledger.slots.async_settle(
            "elm-grid", GRID, [counted(energy)], []
        )
        assert settled == changed
    assert ledger.sums.totals("elm").grid == before + 0.5
    assert (
        await ledger.slots.async_settle("elm-grid", SUBMETER, [slot(1, 0.4)], []) == 0
    )
    assert (
        await ledger.slots.async_settle("elm-grid", SUBMETER, [slot(1, 0.75)], []) == 1
    )
    totals = ledger.sums.totals("elm")
    assert totals.grid == before + 0.75
    await ledger.async_close()
    await ledger.async_open()
    assert ledger.sums.totals("elm") == totals
    known = await ledger.slots.async_between("elm-grid", T0 + SLOT, T0 + 2 * SLOT)
    assert known == [slot(1, 0.75)]


async def test_restart_finds_everything(hass: HomeAssistant, ledger: Ledger) -> None:
    """What was answered before a restart is answered after it."""
    await fill(ledger)
    await ledger.sums.async_carry(home_key("elm", "grid"), T0 + HOUR, 12.5)
    before = await everything(ledger)
    await ledger.async_close()

    opened = await ledger.async_open()
    assert (opened.created, opened.damaged_copy) == (False, None)
    assert await everything(ledger) == before
    other = Ledger(hass.async_add_executor_job, ledger.path)
    assert (await other.async_open()).ledger_id == opened.ledger_id
    assert await everything(other) == before
    await other.async_close()


async def test_pending_readings_are_replaced_by_settling(ledger: Ledger) -> None:
    """Readings are kept to the microsecond and repeated stamps change nothing."""
    first = PowerReading(T0 + timedelta(microseconds=123_457), -1234.5)
    second = PowerReading(T0 + timedelta(seconds=30), 0.1)
    assert await ledger.sources.async_load("elm-grid") == StoredSource(None, ())

    await ledger.sources.async_add_readings("elm-grid", [second])
    await ledger.sources.async_add_readings(
        "elm-grid", [first, PowerReading(second.at, 9)]
    )
    assert await ledger.sources.async_load("elm-grid") == StoredSource(
        None, (first, second)
    )

    count = CounterReading(T0 + SLOT, 12_345.678, gap=True)
    await ledger.slots.async_settle("elm-grid", GRID, [slot(0)], [second, count])
    assert await ledger.sources.async_load("elm-grid") == StoredSource(
        T0 + SLOT, (second, count), known=frozenset({T0}), open_from=T0
    )
    await ledger.slots.async_settle("elm-grid", GRID, [], [])
    assert await ledger.sources.async_load("elm-grid") == StoredSource(
        T0 + SLOT, (), known=frozenset({T0}), open_from=T0
    )
    assert await ledger.sources.async_load("nobody") == StoredSource(None, ())


async def test_load_tells_which_slots_are_known(ledger: Ledger) -> None:
    """The newest known slots, where the unknown between them begin, whose readings."""
    await ledger.sources.async_read_from("elm-grid", "entity::clamp")
    await ledger.slots.async_settle(
        "elm-grid", GRID, [unknown(0), slot(1), unknown(2)], []
    )
    stored = await ledger.sources.async_load("elm-grid")
    assert (stored.known, stored.open_from) == (frozenset({T0 + SLOT}), T0)
    assert stored.hardware == "entity::clamp"

    later = [slot(i) for i in range(3, KNOWN_KEPT + 4)]
    await ledger.slots.async_settle("elm-grid", GRID, later, [])
    stored = await ledger.sources.async_load("elm-grid")
    assert stored.known == {slot.start for slot in later[1:]}
    assert stored.open_from == later[1].start


async def test_hourly_totals_lead_up_to_the_total(ledger: Ledger) -> None:
    """Each hour has all slots that start before its end, and carries from then on."""
    await ledger.slots.async_settle(
        "elm-grid", GRID, [slot(i, 0.5, 0.25) for i in range(-12, 13)], []
    )
    await ledger.sums.async_carry(
        home_key("elm", "grid"), T0 + timedelta(minutes=61), 100
    )

    async def totals(
        key: str, start: datetime, end: datetime
    ) -> list[tuple[datetime, float]]:
        """Return hours with their totals; what was shown is the same without a past."""
        found = await ledger.sums.async_hourly(key, start, end)
        assert [one.total for one in found] == [one.live for one in found]
        return [(one.start, one.total) for one in found]

    key = home_key("elm", "grid")
    assert await totals(key, T0 - 2 * HOUR, T0 + 3 * HOUR) == [
        (T0 - 2 * HOUR, 0.0),
        (T0 - HOUR, 6.0),
        (T0, 12.0),
        (T0 + HOUR, 112.5),
        (T0 + 2 * HOUR, 112.5),
    ]
    half = timedelta(minutes=30)
    assert await totals(key, T0 - half, T0 + half) == [(T0, 12.0)]
    assert await totals(key, T0, T0) == []
    assert await totals(home_key("elm", "returned"), T0, T0 + HOUR) == [(T0, 6.0)]
    assert await totals(source_key("elm-grid"), T0 + HOUR, T0 + 2 * HOUR) == [
        (T0 + HOUR, 12.5)
    ]
    assert await totals(source_key("nobody"), T0, T0 + HOUR) == [(T0, 0.0)]


async def test_slot_total_never_falls_by_rounding(ledger: Ledger) -> None:
    """Parts of a micro-Wh are neither lost nor shown early."""
    seen = []
    for number in range(30):
        await ledger.slots.async_settle("elm-grid", GRID, [slot(number, 1e-7)], [])
        seen.append(ledger.sums.total(source_key("elm-grid")))

    assert seen == sorted(seen)
    assert seen[-1] == 3e-6


async def test_removed_source_stays_in_the_total(ledger: Ledger) -> None:
    """A home's total keeps what a meter counted that is in no entry any more."""
    await ledger.sources.async_add("elm-old", "elm")
    await ledger.slots.async_settle("elm-old", GRID, [slot(0, 5)], [])
    await fill(ledger)
    await ledger.slots.async_settle("elm-old", SUBMETER, [slot(1, 3)], [])

    assert ledger.sums.totals("elm").grid == 5.583333
    assert ledger.sums.total(source_key("elm-old")) == 8.0


async def test_first_slot_and_counts(ledger: Ledger) -> None:
    """Submeters do not count for their home, unknown slots do."""
    assert await ledger.sums.async_first_slot(home_key("elm", "grid")) is None
    await fill(ledger)
    await ledger.slots.async_settle("elm-oven", SUBMETER, [slot(-5), unknown(-4)], [])

    assert await ledger.sums.async_first_slot(home_key("elm", "grid")) == T0
    assert await ledger.sums.async_first_slot(source_key("elm-oven")) == T0 - 5 * SLOT
    assert await ledger.slots.async_counts("elm", T0, T0 + HOUR) == {
        Provenance.MEASURED: 3,
        Provenance.VENDOR: 0,
        Provenance.INTERPOLATED: 0,
        Provenance.UNKNOWN: 1,
    }
    assert (
        sum((await ledger.slots.async_counts("elm", T0 + SLOT, T0 + SLOT)).values())
        == 0
    )


async def test_homes_come_and_go(ledger: Ledger) -> None:
    """A removed home keeps its slots, and is itself again when it comes back."""
    await fill(ledger)
    await ledger.homes.async_mark_removed("elm", T0)
    assert await ledger.homes.async_all() == (
        LedgerHome("elm", "Elm Street", T0),
        LedgerHome("mill", "Mill Cottage", None),
    )

    await ledger.homes.async_add("elm", "Elm Road")
    await ledger.sources.async_add("elm-grid", "elm")
    assert (await ledger.homes.async_all())[0] == LedgerHome("elm", "Elm Road", None)
    assert ledger.sums.totals("elm").grid == 0.583333


async def test_forget_home_deletes_that_home_only(ledger: Ledger) -> None:
    """All rows of the home go, and none of another."""
    await fill(ledger)
    await ledger.sources.async_add_readings("elm-grid", [PowerReading(T0 + HOUR, 1)])
    await ledger.sums.async_carry(home_key("elm", "grid"), T0, 1)
    await ledger.marks.async_set(source_key("elm-grid"), StatisticMark(0.0, T0))
    mill = (
        ledger.sums.totals("mill"),
        await ledger.slots.async_between("mill-grid", T0, T0 + HOUR),
        await ledger.sources.async_load("mill-grid"),
        await ledger.marks.async_load(source_key("mill-grid")),
    )

    # Six slots, a reading, a carry, a mark, three sources and the home.
    assert await ledger.homes.async_forget("elm") == 13
    assert await ledger.homes.async_forget("elm") == 0
    assert [home.home_id for home in await ledger.homes.async_all()] == ["mill"]
    assert ledger.sums.total(home_key("elm", "grid")) == 0
    assert await ledger.marks.async_load(source_key("elm-grid")) is None
    stats = await ledger.async_stats()
    assert (stats["homes"], stats["sources"], stats["slots"]) == (1, 1, 1)
    assert stats["pending"] == 1
    assert mill == (
        ledger.sums.totals("mill"),
        await ledger.slots.async_between("mill-grid", T0, T0 + HOUR),
        await ledger.sources.async_load("mill-grid"),
        await ledger.marks.async_load(source_key("mill-grid")),
    )

    await ledger.async_close()
    await ledger.async_open()
    assert ledger.sums.total(home_key("elm", "grid")) == 0


async def test_carry_goes_on_from_before(ledger: Ledger) -> None:
    """A new ledger goes on from what the recorder knew, and counts that once."""
    key = home_key("elm", "grid")
    await ledger.sums.async_carry(key, T0, 812.5)
    await ledger.sums.async_carry(key, T0, 812.5)
    await fill(ledger)

    assert ledger.sums.total(key) == 813.083333
    assert ledger.sums.totals("elm").grid == 813.083333
    assert ledger.sums.total(source_key("elm-grid")) == 0.583333
    await ledger.sums.async_carry(key, T0 + HOUR, 0.5)
    assert ledger.sums.total(key) == 813.583333


async def test_marks_are_kept(ledger: Ledger) -> None:
    """A mark is replaced as a whole."""
    key = source_key("elm-grid")
    assert await ledger.marks.async_load(key) is None
    assert await ledger.marks.async_set(key, MARK) == MARK
    assert await ledger.marks.async_load(key) == MARK
    fresh = StatisticMark(offset_kwh=1.0, floor=T0)
    await ledger.marks.async_set(key, fresh)
    assert await ledger.marks.async_load(key) == fresh


async def test_marks_go_back_to_what_changes(ledger: Ledger) -> None:
    """Each total that a slot counts for is compared again from the slot's hour on."""
    keys = {
        what: home_key("elm", what) for what in ("grid", "generation", "returned")
    } | {name: source_key(name) for name in ("elm-grid", "elm-sun", "elm-oven")}
    mark = StatisticMark(0.0, T0, checked_until=T0 + 9 * HOUR)

    async def marks() -> dict[str, int]:
        """Return how many hours are still known to be right, where not all are."""
        found = {what: await ledger.marks.async_load(key) for what, key in keys.items()}
        return {
            what: (one.checked_until - T0) // HOUR
            for what, one in found.items()
            if one and one.checked_until and one.checked_until != mark.checked_until
        }

    for key in keys.values():
        await ledger.marks.async_set(key, mark)
    # An hour after those that were compared takes nothing back, nor one without energy.
    later = [slot(9 * 12, 1), unknown(2 * 12), slot(3 * 12, 0)]
    await ledger.slots.async_settle("elm-grid", GRID, later, [])
    assert await marks() == {}
    await ledger.slots.async_settle("elm-grid", GRID, [slot(8 * 12, 1)], [])
    assert await marks() == {"elm-grid": 8, "grid": 8, "returned": 8}
    await ledger.slots.async_settle("elm-oven", SUBMETER, [slot(5 * 12 + 11, 1)], [])
    await ledger.slots.async_settle(
        "elm-sun", GENERATION, [slot(7 * 12, 1), slot(-50, 0)], []
    )
    assert await marks() == {
        "elm-grid": 8,
        "grid": 8,
        "returned": 8,
        "elm-oven": 5,
        "elm-sun": 7,
        "generation": 7,
    }
    # What was known before does not change, and what was before is not ours to write.
    await ledger.slots.async_settle("elm-oven", SUBMETER, [slot(5 * 12 + 11, 2)], [])
    await ledger.slots.async_settle("elm-sun", GENERATION, [slot(-40, 1)], [])
    assert (await marks())["elm-oven"] == 5
    assert (await marks())["elm-sun"] == 0
    assert (await marks())["generation"] == 0


async def test_a_comparison_of_before_is_not_kept(ledger: Ledger) -> None:
    """Where slots change while a statistic is compared it is compared once more."""
    key = home_key("elm", "grid")
    await ledger.marks.async_set(key, StatisticMark(0.0, T0))
    read = await ledger.marks.async_load(key)
    assert read is not None
    await ledger.slots.async_settle("elm-grid", GRID, [slot(0, 1)], [])
    compared = replace(read, checked_until=T0 + HOUR)

    assert await ledger.marks.async_set(key, compared) is None
    again = await ledger.marks.async_load(key)
    assert again is not None
    assert again.checked_until is None
    assert await ledger.marks.async_set(key, replace(again, checked_until=T0 + HOUR))
    # Energy that is carried on changes the hours after it too.
    await ledger.sums.async_carry(key, T0, 1.0)
    assert await ledger.marks.async_set(key, compared) is None


async def test_what_makes_no_sense_is_refused(ledger: Ledger) -> None:
    """A mistake of ours is an error and changes nothing."""
    await fill(ledger)
    before = await everything(ledger)
    askew = unknown_slot(T0 + timedelta(microseconds=1))

    with pytest.raises(LedgerError, match="no source"):
        await ledger.slots.async_settle("nobody", GRID, [slot(0)], [])
    with pytest.raises(LedgerError, match="no source"):
        await ledger.sources.async_add_readings("nobody", [PowerReading(T0, 1)])
    with pytest.raises(LedgerError, match="another home"):
        await ledger.sources.async_add("elm-grid", "mill")
    with pytest.raises(LedgerError, match="FOREIGN KEY"):
        await ledger.sources.async_add("new", "no such home")
    for wrong in (askew, unknown_slot(T0 + timedelta(minutes=1))):
        with pytest.raises(ValueError, match="No slot starts"):
            await ledger.slots.async_settle("elm-grid", GRID, [slot(3), wrong], [])
    with pytest.raises(ValueError, match="carried on"):
        await ledger.sums.async_carry(home_key("elm", "grid"), T0, -1)
    for key in ("home:elm", "home:elm:gas", "elm"):
        with pytest.raises(ValueError, match="not the key"):
            ledger.sums.total(key)
        with pytest.raises(ValueError, match="not the key"):
            await ledger.sums.async_carry(key, T0, 1)
    assert await everything(ledger) == before


async def test_cancelled_call_is_done_once_or_not_at_all(ledger: Ledger) -> None:
    """A caller that goes away in the middle may deliver again."""
    slots = [slot(number, 1) for number in range(3000)]
    task = asyncio.create_task(ledger.slots.async_settle("elm-grid", GRID, slots, []))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    await ledger.slots.async_settle("elm-grid", GRID, slots, [])
    assert ledger.sums.totals("elm").grid == 3000.0
    await ledger.async_close()
    await ledger.async_open()
    assert ledger.sums.totals("elm").grid == 3000.0


async def test_closed_ledger_says_so(ledger: Ledger) -> None:
    """Closing twice is no harm, using a closed ledger is an error."""
    await ledger.async_close()
    await ledger.async_close()

    with pytest.raises(LedgerError, match="not open"):
        await ledger.slots.async_settle("elm-grid", GRID, [slot(0)], [])
    with pytest.raises(LedgerError, match="not open"):
        await ledger.homes.async_all()


async def test_locked_file_is_an_error_that_a_retry_mends(ledger: Ledger) -> None:
    """While another process writes nothing changes; afterwards the same call works."""
    await fill(ledger)
    before = await everything(ledger)
    other = sqlite3.connect(ledger.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(LedgerError, match="locked"):
        await ledger.slots.async_settle("elm-grid", GRID, [slot(3, 9)], [])
    with pytest.raises(LedgerError, match="locked"):
        await ledger.sums.async_carry(home_key("elm", "grid"), T0, 9)
    assert await everything(ledger) == before

    other.execute("ROLLBACK")
    other.close()
    assert await ledger.slots.async_settle("elm-grid", GRID, [slot(3, 9)], []) == 1
    assert ledger.sums.totals("elm").grid == 9.583333


async def test_locked_file_cannot_be_opened(hass: HomeAssistant, path: Path) -> None:
    """A lock is not damage: nothing is moved aside."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("CREATE TABLE anything (x)")
    ledger = Ledger(
        hass.async_add_executor_job, path, busy_timeout=timedelta(milliseconds=20)
    )

    with pytest.raises(LedgerError, match="locked"):
        await ledger.async_open()
    other.close()
    assert list(path.parent.iterdir()) == [path]


async def test_folder_that_is_not_there(hass: HomeAssistant, tmp_path: Path) -> None:
    """A file that cannot be made is an error of its own."""
    ledger = Ledger(hass.async_add_executor_job, tmp_path / "no" / "such" / "folder.db")

    with pytest.raises(LedgerError, match="cannot be opened"):
        await ledger.async_open()


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(b"This is not a database, not at all." * 100, id="no database"),
        pytest.param(b"SQLite format 3\0" + bytes(range(256)) * 40, id="broken header"),
    ],
)
async def test_damaged_file_is_set_aside(
    hass: HomeAssistant, path: Path, damage: bytes
) -> None:
    """The file is kept with its WAL, and a new one is made."""
    wal = path.with_name(f"{path.name}-wal")
    await hass.async_add_executor_job(path.write_bytes, damage)
    await hass.async_add_executor_job(wal.write_bytes, b"not written back yet")
    ledger = Ledger(hass.async_add_executor_job, path)

    opened = await ledger.async_open()

    assert opened.created
    assert opened.damaged_copy is not None
    assert opened.damaged_copy.name.startswith("energy_homes.db.damaged-2")
    assert opened.damaged_copy.read_bytes() == damage
    copy_of_wal = opened.damaged_copy.with_name(f"{opened.damaged_copy.name}-wal")
    assert copy_of_wal.read_bytes() == b"not written back yet"
    await ledger.homes.async_add("elm", "Elm Street")
    assert len(await ledger.homes.async_all()) == 1
    await ledger.async_close()


async def test_torn_page_is_set_aside(
    freezer: FrozenDateTimeFactory, ledger: Ledger
) -> None:
    """Damage in the middle of a good file is found when it is opened, twice in a second."""
    await ledger.slots.async_settle(
        "elm-grid", GRID, [slot(i) for i in range(2000)], []
    )
    freezer.move_to(T0)
    copies = []
    for _ in range(2):
        await ledger.async_close()
        size = ledger.path.stat().st_size
        with ledger.path.open("r+b") as file:
            file.seek(4096)
            file.write(b"\xff" * (size - 4096))
        opened = await ledger.async_open()
        copies.append(opened.damaged_copy)
        assert await ledger.homes.async_all() == ()

    assert [copy.name for copy in copies if copy] == [
        "energy_homes.db.damaged-20261118T100000Z",
        "energy_homes.db.damaged-20261118T100000Z-2",
    ]


async def test_file_without_its_tables_is_set_aside(
    hass: HomeAssistant, ledger: Ledger
) -> None:
    """A database that says it is a ledger and is none is damaged too."""
    await ledger.async_close()
    with sqlite3.connect(ledger.path) as other:
        other.execute("DROP TABLE carry")
    other.close()

    opened = await ledger.async_open()
    assert opened.created
    assert opened.damaged_copy is not None


async def test_newer_version_is_not_touched(
    hass: HomeAssistant, ledger: Ledger
) -> None:
    """A file of a newer version is refused and stays as it is, to the byte."""
    await fill(ledger)
    await ledger.async_close()
    other = sqlite3.connect(ledger.path)
    other.setconfig(sqlite3.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, True)
    other.execute("PRAGMA user_version = 99")
    other.close()
    files = sorted(
        f for f in ledger.path.parent.iterdir() if not f.name.endswith("-shm")
    )
    assert len(files) == 2
    before = [file.read_bytes() for file in files]

    with pytest.raises(LedgerVersionError) as caught:
        await ledger.async_open()
    assert (caught.value.found, caught.value.known) == (99, VERSION)
    assert [file.read_bytes() for file in files] == before


async def test_backup_while_writing(
    hass: HomeAssistant, ledger: Ledger, tmp_path: Path
) -> None:
    """The main file is still while it is held, and a copy has all that was committed."""
    await fill(ledger)
    await ledger.async_hold()
    still = ledger.path.read_bytes()
    wal = ledger.path.with_name(f"{ledger.path.name}-wal")
    copies = []
    for number in range(100, 700):
        await ledger.slots.async_settle("mill-grid", GRID, [slot(number, 1)], [])
        if number % 150 == 0:
            # As a backup does: without the -shm file, one file after the other.
            folder = tmp_path / f"copy{number}"
            folder.mkdir()
            shutil.copy(ledger.path, folder)
            shutil.copy(wal, folder)
            copies.append((folder / ledger.path.name, number - 92.0))
    assert ledger.path.read_bytes() == still
    # SQLite would have written a WAL of this length back by itself.
    assert wal.stat().st_size > 1000 * 4096

    await ledger.async_release()
    await ledger.slots.async_settle("mill-grid", GRID, [slot(900, 1)], [])
    assert ledger.path.read_bytes() != still
    assert len(copies) == 4
    for path, total in copies:
        copy = Ledger(hass.async_add_executor_job, path)
        assert (await copy.async_open()).damaged_copy is None
        assert copy.sums.totals("mill").grid == total
        await copy.async_close()


async def test_backup_that_cuts_the_wal(
    hass: HomeAssistant, ledger: Ledger, tmp_path: Path
) -> None:
    """A WAL that was copied while it grew gives the commits before the cut."""
    await ledger.async_hold()
    for number in range(20):
        await ledger.slots.async_settle("mill-grid", GRID, [slot(number, 1)], [])
    wal = ledger.path.with_name(f"{ledger.path.name}-wal").read_bytes()
    seen = []
    for cut in range(0, len(wal) + 1, 3001):
        path = tmp_path / "copy.db"
        path.write_bytes(ledger.path.read_bytes())
        path.with_name("copy.db-wal").write_bytes(wal[:cut])
        copy = Ledger(hass.async_add_executor_job, path)
        assert (await copy.async_open()).damaged_copy is None
        total = copy.sums.totals("mill").grid
        assert (
            len(await copy.slots.async_between("mill-grid", T0, T0 + 24 * HOUR))
            == total
        )
        seen.append(total)
        await copy.async_close()

    assert seen == sorted(seen)
    assert len(set(seen)) > 10
    await ledger.async_release()


async def test_stats(ledger: Ledger) -> None:
    """Sizes are there for diagnostics."""
    await fill(ledger)
    stats = await ledger.async_stats()

    assert stats["file_bytes"] + stats["wal_bytes"] > 0
    del stats["file_bytes"], stats["wal_bytes"]
    assert stats == {
        "version": VERSION,
        "homes": 2,
        "sources": 4,
        "slots": 7,
        "pending": 1,
    }
