"""The ledger: all that can be asked of it and changed in it, by subject.

Most methods are a function of the module named after their subject, made one by `reads` or
`writes`: units, errors and what None means stand there.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from ..metering.gaps import Gap
from ..metering.periods import Period
from .boards import forget_board, load_board, store_board
from .codes import from_seconds, kwh
from .file import LedgerFile
from .gaps import ROOM, SOURCE, Subject, add_asked, asked, room_gaps, source_gaps
from .homes import add_home, all_homes, forget_home, mark_home_removed
from .lane import Executor, Facet, Lane, reads, writes
from .marks import load_mark, set_mark
from .powers import power_done, power_due, power_hours
from .quarters import periods_of
from .rooms import (
    add_room,
    load_room,
    room_done,
    room_due,
    room_hours,
    room_slots,
    settle_room,
)
from .slots import count_slots, settle, source_slots
from .sources import add_readings, add_source, load_source, read_from
from .statement import home_statement
from .sums import carry, first_slot, hourly_totals, past_since
from .types import HomeTotals, Opened, home_key, source_key

BUSY_TIMEOUT: Final = timedelta(seconds=5)
"""How long to wait for another process that has the file locked."""

PERIODS_AT_ONCE: Final = 96
"""So many periods of each source are read in one job."""


class Homes(Facet):
    """Homes: their labels, and whether they were removed."""

    async_add = writes(add_home)
    async_all = reads(all_homes)
    async_mark_removed = writes(mark_home_removed)
    async_forget = writes(forget_home)


class Sources(Facet):
    """Sources of energy: whose they are, and where their slotters go on.

    Readings survive a killed process once they are added. A power cut may take those since
    the last slot, whose slot the cut left incomplete anyway, and that saves the disk a
    flush for each reading.
    """

    async_add = writes(add_source)
    async_read_from = writes(read_from)
    async_load = reads(load_source)
    async_add_readings = writes(add_readings, synchronous="NORMAL")

    def of_home(self, home_id: str) -> tuple[str, ...]:
        """Return the sources that a home has or had; costs no I/O."""
        return tuple(source_id for source_id, _ in self._state.of_home(home_id))

    def live_from(self, source_id: str) -> datetime | None:
        """Return where a source's past ends; costs no I/O.

        None where the source is unknown, or has neither slots nor an instant given.
        """
        source = self._state.sources.get(source_id)
        if source is None or source.live_from is None:
            return None
        return from_seconds(source.live_from)


class AskedFacet(Facet):
    """Sources or rooms, and what a vendor was asked for of them."""

    _subject: Subject

    async def async_asked(self, subject_id: str) -> list[Gap]:
        """Return the spans that a vendor was asked for, in no order.

        Raises LedgerError for an unknown source or room.
        """
        return await self._lane.read(asked, self._subject, subject_id)

    async def async_add_asked(self, subject_id: str, spans: Sequence[Gap]) -> None:
        """Remember that a vendor was asked for spans, so that it is not again.

        Raises LedgerError for an unknown source or room.
        """
        await self._lane.write("FULL", add_asked, self._subject, subject_id, spans)


class Slots(AskedFacet):
    """Settled slots of sources; a commit of them has reached the disk."""

    _subject = SOURCE

    async_settle = writes(settle)
    async_between = reads(source_slots)
    async_counts = reads(count_slots)
    async_gaps = reads(source_gaps)


class Periods(Facet):
    """Slots as periods."""

    async def async_between(
        self, source_ids: Sequence[str], starts: range
    ) -> dict[str, list[Period]]:
        """Return the periods of sources that start at `starts`, oldest first.

        `starts` are Unix seconds, and its step is the length: 5, 15, 30 or 60 minutes, to
        which it is aligned. A long span is read bit by bit, so that slots can be settled
        in between. A source that was never added has no periods.
        """
        file = self._lane.file
        found: dict[str, list[Period]] = {}
        for first in range(0, len(starts) or 1, PERIODS_AT_ONCE):
            part = starts[first : first + PERIODS_AT_ONCE]
            some = await self._lane.run(partial(periods_of, file, source_ids, part))
            for source_id, periods in some.items():
                found.setdefault(source_id, []).extend(periods)
        return found


class Sums(Facet):
    """Totals by key: live slots and carries added up, and the slots of the past apart."""

    def totals(self, home_id: str) -> HomeTotals:
        """Return a home's totals; costs no I/O."""
        state = self._state
        return HomeTotals(
            grid=kwh(state.total(home_key(home_id, "grid"))),
            generation=kwh(state.total(home_key(home_id, "generation"))),
            returned=kwh(state.total(home_key(home_id, "returned"))),
            sources={
                source_id: kwh(state.total(source_key(source_id)))
                for source_id, _ in state.of_home(home_id)
            },
        )

    def total(self, key: str) -> float:
        """Return the total of a key in kWh; costs no I/O.

        Raises ValueError for what is not a key.
        """
        return kwh(self._state.total(key))

    def past(self, key: str) -> float:
        """Return what a key has in slots of the past in kWh; costs no I/O.

        Raises ValueError for what is not a key.
        """
        return kwh(self._state.quantity(key).past_sum())

    def carried(self, key: str) -> bool:
        """Return whether a key's total was ever carried on; costs no I/O."""
        return key in self._state.carries

    async_first_slot = reads(first_slot)
    async_hourly = reads(hourly_totals)
    async_past_since = reads(past_since)
    async_carry = writes(carry)
    async_statement = reads(home_statement)


class Marks(Facet):
    """How far statistics of the recorder agree with the totals."""

    async_load = reads(load_mark)
    async_set = writes(set_mark)


class Powers(Facet):
    """Hourly powers by key, and those that a repair or an import made known."""

    async_hours = reads(power_hours)
    async_due = reads(power_due)
    async_done = writes(power_done)


class Rooms(AskedFacet):
    """Temperatures of rooms.

    A power cut may take what was settled last: the vendor's history knows it all the same.
    """

    _subject = ROOM

    async_add = writes(add_room)
    async_load = reads(load_room)
    async_settle = writes(settle_room, synchronous="NORMAL")
    async_between = reads(room_slots)
    async_gaps = reads(room_gaps)
    async_hours = reads(room_hours)
    async_due = reads(room_due)
    async_done = writes(room_done)


class Boards(Facet):
    """What pulse boards have counted."""

    async_load = reads(load_board)
    async_store = writes(store_board)
    async_forget = writes(forget_board)


class Ledger:
    """All settled slots, one SQLite file.

    Instants are aware and UTC, energies kWh. Jobs run off the loop in the order in which
    they were asked for, each change in a transaction that has reached the disk when its
    method returns, but for those that say so. Every method may raise LedgerError, and has
    then changed nothing.
    """

    def __init__(
        self,
        executor: Executor,
        path: Path,
        *,
        busy_timeout: timedelta = BUSY_TIMEOUT,
    ) -> None:
        """Stand for a file that `async_open` opens; the executor runs what blocks."""
        self.path = path
        self._file = LedgerFile(path, busy_timeout=busy_timeout.total_seconds())
        self._lane = Lane(executor, self._file)
        self.homes = Homes(self._lane)
        self.sources = Sources(self._lane)
        self.slots = Slots(self._lane)
        self.periods = Periods(self._lane)
        self.sums = Sums(self._lane)
        self.marks = Marks(self._lane)
        self.powers = Powers(self._lane)
        self.rooms = Rooms(self._lane)
        self.boards = Boards(self._lane)

    async def async_open(self) -> Opened:
        """Open the file, make it where there is none, set a damaged one aside.

        Raises LedgerVersionError, and leaves the file alone, where it is of a newer version.
        """
        return await self._lane.run(self._file.open)

    async def async_close(self) -> None:
        """Close the file; closing twice is no harm."""
        await self._lane.run(self._file.close)

    async def async_hold(self) -> None:
        """Hold the main file still for a backup; writes go on beside it, nothing waits."""
        await self._lane.run(self._file.hold)

    async def async_release(self) -> None:
        """Let the main file change again."""
        await self._lane.run(self._file.release)

    async def async_stats(self) -> dict[str, int]:
        """Return the schema version, row counts and sizes in bytes."""
        return await self._lane.run(self._file.stats)
