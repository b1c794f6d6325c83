"""The hourly true-up: the recorder's hourly rows of our energy totals follow the ledger.

A total moves only with settled slots, so an hour's last slot is published after the hour and
counted in the next one; late and recovered slots even later. After every 5-minute run of the
recorder the hours that it has compiled are compared with the ledger, and rows that differ are
imported into the entity's own statistic. See `metering.trueup` for the rules.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
import logging
from typing import Final, Literal

from homeassistant.components.recorder import get_instance
from homeassistant.components.recorder.statistics import async_import_statistics
from homeassistant.const import EVENT_RECORDER_5MIN_STATISTICS_GENERATED, UnitOfEnergy
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.helpers.recorder import DATA_INSTANCE

from .ledger import Ledger, StatisticMark
from .metering.trueup import (
    HOUR,
    Rebase,
    Row,
    Shift,
    closed_until,
    differing_rows,
    hour_start,
    judge_offset,
    present_offset,
    same,
)
from .recorder_reading import Statistic, async_can_record, read_rows, read_statistic
from .recorder_temperatures import async_true_up_room

_LOGGER = logging.getLogger(__name__)

CHUNK_HOURS: Final = 31 * 24
"""How much of a statistic is read and compared at once."""


@dataclass(slots=True, eq=False)
class _Kept:
    """An entity whose statistic is kept true: a total's by its key, else a room's."""

    key: str
    room_id: str | None
    entity_id: Callable[[], str | None]
    name: str
    failing: bool = False


class TrueUp:
    """Keeps the hourly statistics of all registered energy entities as the ledger says."""

    def __init__(self, hass: HomeAssistant, ledger: Ledger) -> None:
        """Start with no entity; nothing runs before `async_start`."""
        self._hass = hass
        self._ledger = ledger
        self._kept: dict[str, _Kept] = {}
        self._due: dict[str, None] = {}
        self._lock = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._unsubscribe: CALLBACK_TYPE | None = None

    @callback
    def async_start(self) -> None:
        """Compare all entities after every 5-minute run of the recorder from now on."""
        if self._unsubscribe is None:
            self._unsubscribe = self._hass.bus.async_listen(
                EVENT_RECORDER_5MIN_STATISTICS_GENERATED, self._on_compiled
            )

    async def async_stop(self) -> None:
        """Stop for good; what was not written is found by the next start."""
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        self._due.clear()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    @callback
    def async_register(
        self, key: str, entity_id: Callable[[], str | None], name: str | None = None
    ) -> CALLBACK_TYPE:
        """Keep the statistic of the entity that shows a ledger key; return how to stop.

        `entity_id` is asked every time, because the user may rename the entity.
        """
        return self._async_keep(_Kept(key, None, entity_id, name or key))

    @callback
    def async_register_room(
        self, room_id: str, entity_id: Callable[[], str | None], name: str
    ) -> CALLBACK_TYPE:
        """Repair the statistic of the sensor of a room's temperature; return how to stop."""
        return self._async_keep(_Kept(f"room:{room_id}", room_id, entity_id, name))

    @callback
    def _async_keep(self, kept: _Kept) -> CALLBACK_TYPE:
        """Compare an entity from now on; return how to stop."""
        self._kept[kept.key] = kept

        @callback
        def unregister() -> None:
            """Leave the statistic alone from now on."""
            if self._kept.get(kept.key) is kept:
                del self._kept[kept.key]

        return unregister

    async def async_reconcile(self, key: str) -> int:
        """Compare one entity's closed hours now; return how many rows were written.

        The rows are written by the recorder's own thread, soon after the return.
        """
        async with self._lock:
            if not await self._async_recorder_done():
                return 0
            return await self._async_reconcile(key)

    @callback
    def _on_compiled(self, _event: Event) -> None:
        """Compare all entities, one after the other, unless that is under way."""
        self._due |= dict.fromkeys(self._kept)
        if self._due and (self._task is None or self._task.done()):
            self._task = self._hass.async_create_background_task(
                self._async_work(), "Energy Homes true-up of statistics"
            )

    async def _async_work(self) -> None:
        """Compare the entities that are due until none is."""
        while self._due:
            async with self._lock:
                if not await self._async_recorder_done():
                    self._due.clear()
                    return
                due, self._due = self._due, {}
                for key in due:
                    await self._async_try(key)

    async def _async_try(self, key: str) -> None:
        """Compare one entity; a failure is logged once and does not stop the others."""
        if (kept := self._kept.get(key)) is None:
            return
        try:
            await self._async_reconcile(key)
        except Exception:
            if not kept.failing:
                _LOGGER.exception("Statistics of %s could not be compared", kept.name)
            kept.failing = True
        else:
            kept.failing = False

    async def _async_recorder_done(self) -> bool:
        """Wait for the recorder to do all that was asked of it; False where it cannot.

        Its event comes before its commit, and what the last run asked it to write must be
        there before the next one compares.
        """
        if DATA_INSTANCE not in self._hass.data:
            return False
        recorder = get_instance(self._hass)
        if (
            not recorder.is_running
            or not recorder.async_recorder_ready.is_set()
            or recorder.migration_in_progress
        ):
            return False
        await recorder.async_block_till_done()
        return recorder.is_running

    async def _async_reconcile(self, key: str) -> int:
        """Write the closed hours of one entity that differ; return how many."""
        kept = self._kept.get(key)
        if (
            kept is None
            or (entity_id := kept.entity_id()) is None
            or not async_can_record(self._hass, entity_id)
        ):
            return 0
        if kept.room_id is not None:
            return await async_true_up_room(
                self._hass, self._ledger, kept.room_id, entity_id, kept.entity_id
            )
        return await _Job(self._hass, self._ledger, kept, entity_id).async_run()


class _Job:
    """One comparison of one entity's statistic with the ledger."""

    def __init__(
        self, hass: HomeAssistant, ledger: Ledger, kept: _Kept, entity_id: str
    ) -> None:
        """Prepare the comparison of an entity under its present id."""
        self._hass = hass
        self._ledger = ledger
        self._kept = kept
        self._entity_id = entity_id
        self._recorder = get_instance(hass)

    async def async_run(self) -> int:
        """Write what differs, remember how far all was right; return the rows written."""
        if (statistic := await self._async_statistic()) is None:
            return 0
        mark = await self._ledger.async_mark(self._kept.key)
        if mark is None:
            mark = await self._async_first_mark()
        elif not same(statistic.latest.offset, mark.offset_kwh):
            mark = await self._async_judge(mark)
            statistic = await self._async_statistic()
        if (
            mark is None
            or statistic is None
            or not same(statistic.latest.offset, mark.offset_kwh)
        ):
            return 0
        return await self._async_compare(statistic, mark)

    async def _async_first_mark(self) -> StatisticMark | None:
        """Remember the offset and the first hour of ours when both are there."""
        first_slot = await self._ledger.async_first_slot(self._kept.key)
        recent = await self._async_read("5minute")
        if first_slot is None or not recent:
            return None
        found = present_offset(recent)
        floor = max(found.floor, hour_start(first_slot))
        return await self._async_remember(StatisticMark(found.offset, floor))

    async def _async_judge(self, mark: StatisticMark) -> StatisticMark | None:
        """Bring the sums back to the known offset, or accept the one that is found."""
        if not (recent := await self._async_read("5minute")):
            return None
        known = Rebase(mark.offset_kwh, mark.floor)
        match judge_offset(known, recent, await self._async_read("hour")):
            case Rebase(offset, floor):
                _LOGGER.info(
                    "Sums of %s have moved by %.6f kWh; hours before %s stay as they are",
                    self._entity_id,
                    offset - mark.offset_kwh,
                    floor.isoformat(),
                )
                mark = StatisticMark(offset, floor)
            case Shift(start, amount):
                _LOGGER.info(
                    "The recorder has counted %s anew since %s; adding %.6f kWh to its sums",
                    self._entity_id,
                    start.isoformat(),
                    amount,
                )
                mark = replace(mark, checked_until=None)
                if self._renamed:
                    return None
                self._recorder.async_adjust_statistics(
                    self._entity_id, start, amount, UnitOfEnergy.KILO_WATT_HOUR
                )
                await self._recorder.async_block_till_done()
        return await self._async_remember(mark)

    async def _async_compare(self, statistic: Statistic, mark: StatisticMark) -> int:
        """Write the closed hours that differ, from the first that may on."""
        end = closed_until(statistic.latest.start)
        start = await self._async_first_dirty(mark, end)
        totals = await self._ledger.async_hourly_totals(self._kept.key, start, end)
        right_until = end
        written = 0
        for first in range(0, len(totals), CHUNK_HOURS):
            chunk = totals[first : first + CHUNK_HOURS]
            rows = await self._async_hours(chunk[0][0], chunk[-1][0] + HOUR)
            if not (differing := differing_rows(rows, chunk, mark.offset_kwh)):
                continue
            # Under an old id the import would begin a second statistic.
            if self._renamed:
                return written
            async_import_statistics(
                self._hass, statistic.metadata.copy(), statistic.as_data(differing)
            )
            right_until = min(right_until, differing[0].start)
            written += len(differing)
        # The newest hour waits for its last slot; what was only just asked for is looked
        # at again, so that a kill before the recorder wrote it loses nothing.
        until = min(right_until, end - HOUR)
        if until > mark.floor and until != mark.checked_until:
            await self._async_remember(replace(mark, checked_until=until))
        return written

    async def _async_first_dirty(self, mark: StatisticMark, end: datetime) -> datetime:
        """Return the first hour that may differ.

        The ledger takes the bookmark back to what changes in it. Where the row before the
        bookmark is not what it was, the recorder's database is another one, and all that
        is ours is compared.
        """
        if mark.checked_until is None:
            return mark.floor
        until = min(mark.checked_until, end)
        hour = until - HOUR
        if hour < mark.floor:
            return mark.floor
        rows = await self._async_hours(hour, until)
        totals = await self._ledger.async_hourly_totals(self._kept.key, hour, until)
        return mark.floor if differing_rows(rows, totals, mark.offset_kwh) else until

    async def _async_remember(self, mark: StatisticMark) -> StatisticMark | None:
        """Keep a mark in the ledger, unless slots have changed since it was read."""
        return await self._ledger.async_set_mark(self._kept.key, mark)

    async def _async_statistic(self) -> Statistic | None:
        """Read the statistic as it is now."""
        return await self._recorder.async_add_executor_job(
            read_statistic, self._hass, self._entity_id
        )

    async def _async_hours(self, start: datetime, end: datetime) -> dict[datetime, Row]:
        """Read the hourly rows of `[start, end)` by their hour."""
        rows = await self._recorder.async_add_executor_job(
            read_rows, self._hass, self._entity_id, "hour", start, end
        )
        return {row.start: row for row in rows}

    async def _async_read(self, period: Literal["5minute", "hour"]) -> list[Row]:
        """Read all rows of a kind."""
        return await self._recorder.async_add_executor_job(
            read_rows, self._hass, self._entity_id, period
        )

    @property
    def _renamed(self) -> bool:
        """Return whether the entity has another id, or none, by now."""
        return self._kept.entity_id() != self._entity_id
