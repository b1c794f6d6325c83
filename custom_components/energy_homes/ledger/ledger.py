"""The ledger as Home Assistant's side uses it: asynchronous, one job at a time."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from homeassistant.core import HomeAssistant

from ..metering.gaps import Gap
from ..metering.model import MeterRole, Provenance, Reading, Slot
from ..metering.periods import Period
from ..metering.temperature import RoomReading, RoomSlot
from .boards import ChannelData
from .codes import kwh
from .store import LedgerStore
from .types import (
    DueHour,
    HomeStatement,
    HomeTotals,
    HourlyMean,
    HourlyTotal,
    LedgerHome,
    Opened,
    StatisticMark,
    StoredRoom,
    StoredSource,
)

BUSY_TIMEOUT: Final = timedelta(seconds=5)
"""How long to wait for another process that has the file locked."""


PERIODS_AT_ONCE: Final = 96
"""So many periods of each source are read in one job."""


class Ledger:
    """All settled slots, one SQLite file.

    Instants are aware and UTC, energies kWh. Jobs run off the loop in the order in which
    they were asked for. Every method may raise LedgerError, and has then changed nothing.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        path: Path,
        *,
        busy_timeout: timedelta = BUSY_TIMEOUT,
    ) -> None:
        """Stand for a file that `async_open` opens."""
        self._hass = hass
        self._store = LedgerStore(path, busy_timeout=busy_timeout.total_seconds())
        self._lock = asyncio.Lock()
        self.path = path

    async def _run[*Ts, T](self, job: Callable[[*Ts], T], *args: *Ts) -> T:
        """Run a job of the store when those before it are done."""
        async with self._lock:
            return await self._hass.async_add_executor_job(job, *args)

    async def async_open(self) -> Opened:
        """Open the file, make it where there is none, set a damaged one aside.

        Raises LedgerVersionError, and leaves the file alone, where it is of a newer version.
        """
        return await self._run(self._store.open)

    async def async_close(self) -> None:
        """Close the file; closing twice is no harm."""
        await self._run(self._store.close)

    async def async_add_home(self, home_id: str, label: str) -> None:
        """Add a home, or take over its label; it is no longer removed."""
        await self._run(self._store.add_home, home_id, label)

    async def async_add_source(
        self, source_id: str, home_id: str, live_from: datetime | None = None
    ) -> None:
        """Add a source of a home; adding it again changes nothing.

        Slots that start before `live_from` are of the past: present totals are without
        them. Where it is not given it is where the first slots that are settled start.
        Raises LedgerError for a home that is not there, and for another home's source.
        """
        await self._run(self._store.add_source, source_id, home_id, live_from)

    async def async_live_from(self, source_id: str) -> datetime | None:
        """Return where a source's past ends; costs no I/O.

        None where the source is unknown, or has neither slots nor an instant given.
        """
        return self._store.live_from(source_id)

    async def async_read_from(self, source_id: str, hardware: str) -> bool:
        """Note what a source reads from; return whether that was something else before.

        Its pending readings are dropped then: a counter must not go on from what another
        counter showed.
        """
        return await self._run(self._store.read_from, source_id, hardware)

    async def async_mark_home_removed(self, home_id: str, at: datetime) -> None:
        """Note when a home's entry was removed; its slots stay."""
        await self._run(self._store.mark_home_removed, home_id, at)

    async def async_homes(self) -> tuple[LedgerHome, ...]:
        """Return all homes by label, removed ones too."""
        return await self._run(self._store.homes)

    async def async_forget_home(self, home_id: str) -> int:
        """Delete all rows of a home and return how many there were."""
        return await self._run(self._store.forget_home, home_id)

    async def async_load(self, source_id: str) -> StoredSource:
        """Return where a source's slotter goes on; nothing for an unknown source."""
        return await self._run(self._store.load, source_id)

    async def async_add_readings(
        self, source_id: str, readings: Sequence[Reading]
    ) -> None:
        """Keep readings that no settled slot has used yet; a known stamp changes nothing.

        They survive a killed process once this returns.
        """
        await self._run(self._store.add_readings, source_id, readings)

    async def async_settle(
        self,
        source_id: str,
        role: MeterRole,
        slots: Sequence[Slot],
        pending: Sequence[Reading],
    ) -> int:
        """Commit slots, replace the pending readings, return how many slots changed.

        A known slot never changes, an unknown one may become known, in the role that it was
        written with; delivering slots twice changes nothing. `pending` is the slotter's at the moment of the call. Raises
        ValueError for a slot that is not aligned.
        """
        return await self._run(self._store.settle, source_id, role, slots, pending)

    async def async_totals(self, home_id: str) -> HomeTotals:
        """Return a home's totals; costs no I/O."""
        return self._store.totals(home_id)

    async def async_total(self, key: str) -> float:
        """Return the total of a key in kWh; costs no I/O.

        Raises ValueError for what is not a key.
        """
        return kwh(self._store.state.total(key))

    async def async_hourly_totals(
        self, key: str, start: datetime, end: datetime
    ) -> list[HourlyTotal]:
        """Return each hour that starts in `[start, end)` with the totals at its end.

        That is the energy of all slots that start before the hour's end, less the past: a
        key is below zero there. Raises ValueError for what is not a key.
        """
        return await self._run(self._store.hourly_totals, key, start, end)

    async def async_past(self, key: str, since: datetime | None = None) -> float:
        """Return what a key has in slots of the past in kWh, since an hour or at all.

        At all costs no I/O. Raises ValueError for what is not a key.
        """
        if since is None:
            return kwh(self._store.state.quantity(key).past_sum())
        return await self._run(self._store.past, key, since)

    async def async_carried(self, key: str) -> bool:
        """Return whether a key's total was ever carried on; costs no I/O."""
        return self._store.carried(key)

    async def async_first_slot(self, key: str) -> datetime | None:
        """Return the start of the first slot that counts for a key, known or not.

        Raises ValueError for what is not a key.
        """
        return await self._run(self._store.first_slot, key)

    async def async_slots(
        self, source_id: str, start: datetime, end: datetime
    ) -> list[Slot]:
        """Return a source's slots that start in `[start, end)`, oldest first."""
        return await self._run(self._store.slots, source_id, start, end)

    async def async_periods(
        self, source_ids: Sequence[str], starts: range
    ) -> dict[str, list[Period]]:
        """Return the periods of sources that start at `starts`, oldest first.

        `starts` are Unix seconds, and its step is the length: 5, 15, 30 or 60 minutes, to
        which it is aligned. A long span is read bit by bit, so that slots can be settled
        in between. A source that was never added has no periods.
        """
        found: dict[str, list[Period]] = {}
        for first in range(0, len(starts) or 1, PERIODS_AT_ONCE):
            part = starts[first : first + PERIODS_AT_ONCE]
            for source_id, some in (
                await self._run(self._store.periods, source_ids, part)
            ).items():
                found.setdefault(source_id, []).extend(some)
        return found

    async def async_statement(
        self, home_id: str, start: datetime, end: datetime
    ) -> HomeStatement:
        """Return what a home counted in the slots that start in `[start, end)`."""
        return await self._run(self._store.statement, home_id, start, end)

    async def async_holes(
        self,
        source_id: str,
        begin: datetime | None = None,
        end: datetime | None = None,
        *,
        cuts: Iterable[datetime] = (),
    ) -> list[Gap]:
        """Return the spans of a source's slots that are not known, newest first.

        Slots that start in `[begin, end)`, from its first slot on and as far as it is
        settled. A hole ends at each of `cuts`. Raises LedgerError for an unknown source.
        """
        return await self._run(self._store.holes, source_id, begin, end, tuple(cuts))

    async def async_asked(self, source_id: str) -> list[Gap]:
        """Return the spans of a source that a vendor was asked for, in no order."""
        return await self._run(self._store.asked, source_id)

    async def async_add_asked(self, source_id: str, spans: Sequence[Gap]) -> None:
        """Remember that a vendor was asked for spans of a source, so that it is not again."""
        await self._run(self._store.add_asked, source_id, spans)

    async def async_sources(self, home_id: str) -> tuple[str, ...]:
        """Return the sources that a home has or had; costs no I/O."""
        return self._store.sources_of(home_id)

    async def async_counts(
        self, home_id: str, start: datetime, end: datetime
    ) -> dict[Provenance, int]:
        """Return how many slots of grid and generation meters come from where.

        Slots that start in `[start, end)`; every provenance is there, with 0 where none is.
        """
        return await self._run(self._store.counts, home_id, start, end)

    async def async_carry(self, key: str, at: datetime, energy_kwh: float) -> None:
        """Add to a key's total from `at` on; the same key and instant counts once.

        Raises ValueError for a negative energy and for what is not a key.
        """
        await self._run(self._store.carry, key, at, energy_kwh)

    async def async_mark(self, key: str) -> StatisticMark | None:
        """Return how far the statistic of a key was brought in line."""
        return await self._run(self._store.mark, key)

    async def async_set_mark(
        self, key: str, mark: StatisticMark
    ) -> StatisticMark | None:
        """Keep how far the statistic of a key was brought in line; return what is kept.

        None, and nothing is kept, where it has a `checked_until` and slots of the key have
        changed since it was read: what was compared may be of before.
        """
        return await self._run(self._store.set_mark, key, mark)

    async def async_power_due(self, key: str) -> list[DueHour]:
        """Return the hours in which the power of a key became known by a repair."""
        return await self._run(self._store.power_due, key)

    async def async_power_done(self, key: str, hours: Sequence[DueHour]) -> None:
        """Have hours compared no more, unless they have changed since they were read."""
        await self._run(self._store.power_done, key, hours)

    async def async_powers(
        self, key: str, start: datetime, end: datetime
    ) -> list[HourlyMean]:
        """Return the hours that start in `[start, end)` in which a key's power is known.

        Of its known slots; of a home's those in which no grid meter of it is unknown.
        """
        return await self._run(self._store.powers, key, start, end)

    async def async_add_room(self, room_id: str, home_id: str) -> None:
        """Add a room of a home; adding it again changes nothing.

        Raises LedgerError for a home that is not there, and for another home's room.
        """
        await self._run(self._store.add_room, room_id, home_id)

    async def async_load_room(self, room_id: str) -> StoredRoom:
        """Return where a room's slotter goes on; nothing for an unknown room."""
        return await self._run(self._store.load_room, room_id)

    async def async_settle_room(
        self,
        room_id: str,
        slots: Sequence[RoomSlot],
        readings: Sequence[RoomReading] | None = None,
    ) -> int:
        """Commit temperatures of a room and return how many slots became known.

        A known slot never changes. `readings` are those that the slotter still needs; who
        repairs the past leaves them as they are. What is not measured makes its hour due.
        Raises ValueError for a slot that is not aligned.
        """
        return await self._run(self._store.settle_room, room_id, slots, readings)

    async def async_room_slots(
        self, room_id: str, start: datetime, end: datetime
    ) -> list[RoomSlot]:
        """Return the known slots of a room that start in `[start, end)`, oldest first."""
        return await self._run(self._store.room_slots, room_id, start, end)

    async def async_room_holes(
        self,
        room_id: str,
        begin: datetime,
        end: datetime,
        *,
        cuts: Iterable[datetime] = (),
    ) -> list[Gap]:
        """Return the spans of a room's slots that are not known, newest first.

        Slots that start in `[begin, end)`, also before its first slot and after what is
        settled. A hole ends at each of `cuts`. Raises LedgerError for an unknown room.
        """
        return await self._run(self._store.room_holes, room_id, begin, end, tuple(cuts))

    async def async_room_asked(self, room_id: str) -> list[Gap]:
        """Return the spans of a room that a vendor was asked for, in no order."""
        return await self._run(self._store.room_asked, room_id)

    async def async_add_room_asked(self, room_id: str, spans: Sequence[Gap]) -> None:
        """Remember that a vendor was asked for spans of a room, so that it is not again."""
        await self._run(self._store.add_room_asked, room_id, spans)

    async def async_room_hours(
        self, room_id: str, start: datetime, end: datetime
    ) -> list[HourlyMean]:
        """Return the hours that start in `[start, end)` and have known slots of a room."""
        return await self._run(self._store.room_hours, room_id, start, end)

    async def async_room_due(self, room_id: str) -> list[DueHour]:
        """Return the hours in which a room's temperature became known by a repair."""
        return await self._run(self._store.room_due, room_id)

    async def async_room_done(self, room_id: str, hours: Sequence[DueHour]) -> None:
        """Have hours compared no more, unless they have changed since they were read."""
        await self._run(self._store.room_done, room_id, hours)

    async def async_board(self, board: str) -> dict[int, ChannelData]:
        """Return what was kept of a board's channels, by number; nothing where none was."""
        return await self._run(self._store.board, board)

    async def async_store_board(
        self, board: str, channels: Mapping[int, ChannelData]
    ) -> None:
        """Commit channels of a board, as JSON has them, in one transaction.

        They have reached the disk once this returns; other channels stay as they are.
        """
        await self._run(self._store.store_board, board, channels)

    async def async_forget_board(self, board: str) -> int:
        """Delete all that was kept of a board and return how many channels that were."""
        return await self._run(self._store.forget_board, board)

    async def async_hold(self) -> None:
        """Hold the main file still for a backup; writes go on beside it, nothing waits."""
        await self._run(self._store.hold)

    async def async_release(self) -> None:
        """Let the main file change again."""
        await self._run(self._store.release)

    async def async_stats(self) -> dict[str, int]:
        """Return the schema version, row counts and sizes in bytes."""
        return await self._run(self._store.stats)
