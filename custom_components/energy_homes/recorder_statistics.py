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
from datetime import datetime, timedelta
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

_LOGGER = logging.getLogger(__name__)

CHUNK: Final = timedelta(days=31)
"""How much of a statistic is read and compared at once."""

FIRST_STEP_BACK: Final = timedelta(days=1)
STEP_BACK_FACTOR: Final = 8


@dataclass(slots=True, eq=False)
class _Meter:
    """An energy entity whose statistic is kept true."""

    key: str
    entity_id: Callable[[], str | None]
    name: str
    looked_through: bool = False
    failing: bool = False


class TrueUp:
    """Keeps the hourly statistics of all registered energy entities as the ledger says."""

    def __init__(self, hass: HomeAssistant, ledger: Ledger) -> None:
        """Start with no entity; nothing runs before `async_start`."""
        self._hass = hass
        self._ledger = ledger
        self._meters: dict[str, _Meter] = {}
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
        meter = self._meters[key] = _Meter(key, entity_id, name or key)

        @callback
        def unregister() -> None:
            """Leave the statistic alone from now on."""
            if self._meters.get(key) is meter:
                del self._meters[key]

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
        self._due |= dict.fromkeys(self._meters)
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
        if (meter := self._meters.get(key)) is None:
            return
        try:
            await self._async_reconcile(key)
        except Exception:
            if not meter.failing:
                _LOGGER.exception("Statistics of %s could not be compared", meter.name)
            meter.failing = True
        else:
            meter.failing = False

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
        meter = self._meters.get(key)
        if (
            meter is None
            or (entity_id := meter.entity_id()) is None
            or not async_can_record(self._hass, entity_id)
        ):
            return 0
        return await _Job(self._hass, self._ledger, meter, entity_id).async_run()


def _fresh_mark(offset: float, floor: datetime) -> StatisticMark:
    """Return the mark of a statistic of which nothing is known to be right."""
    return StatisticMark(
        offset_kwh=offset, floor=floor, checked_until=None, checked_sum=None
    )


class _Job:
    """One comparison of one entity's statistic with the ledger."""

    def __init__(
        self, hass: HomeAssistant, ledger: Ledger, meter: _Meter, entity_id: str
    ) -> None:
        """Prepare the comparison of an entity under its present id."""
        self._hass = hass
        self._ledger = ledger
        self._meter = meter
        self._entity_id = entity_id
        self._recorder = get_instance(hass)

    async def async_run(self) -> int:
        """Write what differs, remember how far all was right; return the rows written."""
        if (statistic := await self._async_statistic()) is None:
            return 0
        mark = await self._ledger.async_mark(self._meter.key)
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
        first_slot = await self._ledger.async_first_slot(self._meter.key)
        recent = await self._async_read("5minute")
        if first_slot is None or not recent:
            return None
        found = present_offset(recent)
        floor = max(found.floor, hour_start(first_slot))
        return await self._async_remember(_fresh_mark(found.offset, floor))

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
                mark = _fresh_mark(offset, floor)
            case Shift(start, amount):
                _LOGGER.info(
                    "The recorder has counted %s anew since %s; adding %.6f kWh to its sums",
                    self._entity_id,
                    start.isoformat(),
                    amount,
                )
                mark = replace(mark, checked_until=None, checked_sum=None)
                if self._renamed:
                    return None
                self._recorder.async_adjust_statistics(
                    self._entity_id, start, amount, UnitOfEnergy.KILO_WATT_HOUR
                )
                await self._recorder.async_block_till_done()
        return await self._async_remember(mark)

    async def _async_compare(self, statistic: Statistic, mark: StatisticMark) -> int:
        """Write the closed hours that differ from the first dirty one on."""
        end = closed_until(statistic.latest.start)
        at = await self._async_first_dirty(mark, end)
        right_until = end
        written = 0
        while at < end:
            until = min(at + CHUNK, end)
            differing = differing_rows(
                await self._async_hours(at, until),
                await self._ledger.async_hourly_totals(self._meter.key, at, until),
                mark.offset_kwh,
            )
            if differing:
                # Under an old id the import would begin a second statistic.
                if self._renamed:
                    return written
                async_import_statistics(
                    self._hass,
                    statistic.metadata.copy(),
                    statistic.as_data(differing),
                )
                right_until = min(right_until, differing[0].start)
                written += len(differing)
            at = until
        self._meter.looked_through = True
        # The newest hour waits for its last slot; what was only just asked for is looked
        # at again, so that a kill before the recorder wrote it loses nothing.
        await self._async_bookmark(mark, min(right_until, end - HOUR))
        return written

    async def _async_first_dirty(self, mark: StatisticMark, end: datetime) -> datetime:
        """Return the first hour that may differ.

        All is right up to an hour whose row matches: sums lead up to it. Goes back from the
        bookmark in growing steps, because a late slot or a restored database moves all rows
        from some hour on.
        """
        if mark.checked_until is None or not self._meter.looked_through:
            return mark.floor
        until = min(mark.checked_until, end)
        step = FIRST_STEP_BACK
        while until > mark.floor:
            hour = until - HOUR
            rows = await self._async_hours(hour, until)
            totals = await self._ledger.async_hourly_totals(
                self._meter.key, hour, until
            )
            if rows and not differing_rows(rows, totals, mark.offset_kwh):
                return until
            until -= step
            step *= STEP_BACK_FACTOR
        return mark.floor

    async def _async_bookmark(self, mark: StatisticMark, until: datetime) -> None:
        """Remember up to which hour all rows were seen to be right."""
        if until <= mark.floor or until == mark.checked_until:
            return
        totals = await self._ledger.async_hourly_totals(
            self._meter.key, until - HOUR, until
        )
        total = totals[-1][1]
        await self._async_remember(
            replace(mark, checked_until=until, checked_sum=total + mark.offset_kwh)
        )

    async def _async_remember(self, mark: StatisticMark) -> StatisticMark:
        """Keep a mark in the ledger."""
        await self._ledger.async_set_mark(self._meter.key, mark)
        return mark

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
        return self._meter.entity_id() != self._entity_id
