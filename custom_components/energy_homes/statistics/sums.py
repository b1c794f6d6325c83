"""One comparison of the sums of an energy total in the recorder with the ledger."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
import logging
from typing import Final, Literal

from homeassistant.components.recorder import get_instance
from homeassistant.components.recorder.statistics import async_import_statistics
from homeassistant.const import UnitOfEnergy
from homeassistant.core import HomeAssistant

from ..ledger import Ledger, PastAdjustment, StatisticMark
from ..metering.reconcile import (
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
from .reading import LONG_AGO, Statistic, async_recorder_done, read_rows, read_statistic

_LOGGER = logging.getLogger(__name__)

CHUNK_HOURS: Final = 31 * 24
"""How much of a statistic is read and compared at once."""


class SumsJob:
    """One comparison of one entity's statistic with the ledger."""

    def __init__(
        self,
        hass: HomeAssistant,
        ledger: Ledger,
        key: str,
        entity_id: str,
        present_id: Callable[[], str | None],
    ) -> None:
        """Prepare the comparison of the entity of a key under its present id."""
        self._hass = hass
        self._ledger = ledger
        self._key = key
        self._entity_id = entity_id
        self._present_id = present_id
        self._recorder = get_instance(hass)

    async def async_run(self) -> int:
        """Write what differs, remember how far all was right; return the rows written."""
        if (statistic := await self._async_statistic()) is None:
            return 0
        noted = mark = await self._ledger.marks.async_load(self._key)
        if mark is None:
            mark = await self._async_first_mark()
        elif mark.step is not None:
            mark = await self._async_end_step(mark, mark.step, statistic)
        if mark is not None and not same(statistic.latest.offset, mark.offset_kwh):
            mark = await self._async_judge(mark)
        if mark is not None:
            mark = await self._async_take_past(mark)
        if mark is not noted:
            statistic = await self._async_statistic()
        if (
            mark is None
            or statistic is None
            or not same(statistic.latest.offset, mark.offset_kwh)
        ):
            return 0
        return await self._async_compare(statistic, mark)

    async def _async_take_past(self, mark: StatisticMark) -> StatisticMark | None:
        """Have the sums begin earlier, where the ledger has more of the past than before.

        All sums after it rise by what is new, and stay true to each other meanwhile. Where
        the recorder has a history of its own from before, that stays, and only what was
        counted since belongs to the sums.
        """
        past = self._ledger.sums.past(self._key)
        if past == mark.seen_kwh:
            return mark
        floor = await self._async_past_floor(mark)
        included = await self._ledger.sums.async_past_since(self._key, floor)
        offset = mark.offset_kwh + included - mark.past_kwh
        if floor < mark.floor:
            # Sums begin at zero, also where the statistic had not begun with the first slot.
            offset = included
            until = mark.floor if mark.past is None else max(mark.past[1], mark.floor)
            mark = replace(
                mark,
                checked_until=mark.checked_until or mark.floor,
                past=(floor, until),
            )
        step = PastAdjustment(offset, floor, included, past)
        if same(offset, mark.offset_kwh):
            step = replace(step, offset_kwh=mark.offset_kwh)
            return await self._async_remember(_adjusted(mark, step))
        start = floor
        if mark.checked_until is not None and mark.past is not None:
            # What is before it has not changed.
            start = max(floor, mark.past[0])
        noted = await self._async_remember(replace(mark, step=step))
        if noted is None or self._renamed:
            return None
        _LOGGER.debug(
            "Adding %.6f kWh to the sums of %s since %s: the past is known from %s on",
            offset - mark.offset_kwh,
            self._entity_id,
            start.isoformat(),
            floor.isoformat(),
        )
        await self._async_adjust(start, offset - mark.offset_kwh)
        statistic = await self._async_statistic()
        if statistic is None or not same(statistic.latest.offset, offset):
            return None
        return await self._async_remember(_adjusted(noted, step))

    async def _async_past_floor(self, mark: StatisticMark) -> datetime:
        """Return the first hour that may be rewritten, given all of the past.

        Rows before the present one are somebody else's where anything is counted in them.
        """
        first = await self._ledger.sums.async_first_slot(self._key)
        if (
            first is None
            or (hour := hour_start(first)) >= mark.floor
            or self._ledger.sums.carried(self._key)
        ):
            return mark.floor
        before = await self._async_hours(LONG_AGO, mark.floor)
        counted = any(row.state or row.sum for row in before.values())
        return mark.floor if counted else hour

    async def _async_end_step(
        self, mark: StatisticMark, step: PastAdjustment, statistic: Statistic
    ) -> StatisticMark | None:
        """Find out whether sums were moved before somebody was stopped in between."""
        latest = statistic.latest.offset
        if not same(latest, step.offset_kwh) and not same(latest, mark.offset_kwh):
            # Neither: what has happened since is judged by what the sums were before.
            hour = statistic.latest.start - HOUR
            hours = await self._async_hours(LONG_AGO, hour_start(hour))
            latest = next((row.offset for row in reversed(hours.values())), latest)
        mark = (
            _adjusted(mark, step)
            if same(latest, step.offset_kwh)
            else replace(mark, step=None)
        )
        return await self._async_remember(mark)

    async def _async_adjust(self, start: datetime, amount: float) -> None:
        """Add energy in kWh to all sums from an hour on, and wait until that is done."""
        self._recorder.async_adjust_statistics(
            self._entity_id, start, amount, UnitOfEnergy.KILO_WATT_HOUR
        )
        await async_recorder_done(self._hass)

    async def _async_first_mark(self) -> StatisticMark | None:
        """Remember the offset and the first hour of ours when both are there."""
        first_slot = await self._ledger.sums.async_first_slot(self._key)
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
                mark = await self._async_rebased(mark, offset, floor)
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
                await self._async_adjust(start, amount)
        return await self._async_remember(mark)

    async def _async_rebased(
        self, mark: StatisticMark, offset: float, floor: datetime
    ) -> StatisticMark:
        """Return the mark of a statistic whose sums have another offset from an hour on."""
        if same(offset + mark.past_kwh, mark.offset_kwh):
            # A database of before the past was imported.
            return StatisticMark(offset, floor)
        past = self._ledger.sums.past(self._key)
        included = await self._ledger.sums.async_past_since(self._key, floor)
        if mark.past is not None and mark.past[0] >= floor:
            # What has come to be known since is not in the sums.
            included -= past - mark.seen_kwh
            past = mark.seen_kwh
        return StatisticMark(offset, floor, past_kwh=included, seen_kwh=past)

    async def _async_compare(self, statistic: Statistic, mark: StatisticMark) -> int:
        """Write the closed hours that differ, from the first that may on."""
        end = closed_until(statistic.latest.start)
        start = await self._async_first_dirty(mark, end)
        written, after = 0, replace(mark, past=None)
        if mark.past is not None:
            begin, until = max(mark.past[0], mark.floor), min(mark.past[1], start)
            written, wrong = await self._async_write(statistic, mark, begin, until)
            after = replace(mark, past=wrong)
        more, wrong = await self._async_write(statistic, mark, start, end)
        # The newest hour waits for its last slot; what was only just asked for is looked
        # at again, so that a kill before the recorder wrote it loses nothing.
        until = end - HOUR if wrong is None else min(wrong[0], end - HOUR)
        if until > mark.floor:
            after = replace(after, checked_until=until)
        if after != mark:
            await self._async_remember(after)
        return written + more

    async def _async_write(
        self, statistic: Statistic, mark: StatisticMark, start: datetime, end: datetime
    ) -> tuple[int, tuple[datetime, datetime] | None]:
        """Write the hours of `[start, end)` that differ; return how many, and their span."""
        written, wrong = 0, None
        if start >= end:
            return written, wrong
        totals = await self._ledger.sums.async_hourly(self._key, start, end)
        for first in range(0, len(totals), CHUNK_HOURS):
            chunk = totals[first : first + CHUNK_HOURS]
            rows = await self._async_hours(chunk[0].start, chunk[-1].start + HOUR)
            if not (differing := differing_rows(rows, chunk, mark.offset_kwh)):
                continue
            # Under an old id the import would begin a second statistic.
            if self._renamed:
                return written, (wrong[0] if wrong else differing[0].start, end)
            wrong = (
                wrong[0] if wrong else differing[0].start,
                differing[-1].start + HOUR,
            )
            async_import_statistics(
                self._hass, statistic.metadata.copy(), statistic.as_data(differing)
            )
            written += len(differing)
        return written, wrong

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
        if mark.past is not None and mark.past[0] <= hour < mark.past[1]:
            # It is looked at as one of the past, and may not be there yet.
            return until
        rows = await self._async_hours(hour, until)
        totals = await self._ledger.sums.async_hourly(self._key, hour, until)
        return mark.floor if differing_rows(rows, totals, mark.offset_kwh) else until

    async def _async_remember(self, mark: StatisticMark) -> StatisticMark | None:
        """Keep a mark in the ledger, unless slots have changed since it was read."""
        return await self._ledger.marks.async_set(self._key, mark)

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
        return self._present_id() != self._entity_id


def _adjusted(mark: StatisticMark, step: PastAdjustment) -> StatisticMark:
    """Return a mark once the sums have what a step brings."""
    return replace(
        mark,
        offset_kwh=step.offset_kwh,
        floor=step.floor,
        past_kwh=step.past_kwh,
        seen_kwh=step.seen_kwh,
        step=None,
    )
