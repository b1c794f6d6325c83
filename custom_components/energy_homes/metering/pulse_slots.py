"""Slots of a meter whose pulses are counted."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final, override

from .model import (
    SLOT,
    CounterReading,
    Provenance,
    Reading,
    Slot,
    slot_start,
    unknown_slot,
)
from .readings import DEFAULT_SETTLE_DELAY, MAX_AHEAD, AddResult, ReadingSlotter

UNITS_PER_KWH: Final = 1_000_000_000
"""Shares of a pulse are whole micro-Wh, so that they add up to it exactly."""


class PulseSlotter(ReadingSlotter[CounterReading]):
    """Turns what was counted by each pulse, in kWh, into energy per slot in kWh.

    Between two pulses exactly one pulse's energy was used, however long that took: every
    slot between readings is MEASURED. Where a reading has a `gap` before it, pulses may be
    missing, and the slots that touch it are UNKNOWN for good; so is a slot whose end no
    reading has reached when it is due, until one does. Such a slot has the energy that was
    counted in it, so that the slots always add up to what was counted.

    No slot before `open_from` is told. Who keeps slots keeps the first known one of each
    start, and of unknown ones the one with the most energy.
    """

    def __init__(
        self,
        *,
        settled_until: datetime | None = None,
        settle_delay: timedelta = DEFAULT_SETTLE_DELAY,
        open_from: datetime | None = None,
    ) -> None:
        """Go on after `settled_until`."""
        super().__init__(settled_until=settled_until, settle_delay=settle_delay)
        self._open_from = open_from
        self._final_until: datetime | None = None
        self._told: int | None = None

    @override
    def add(self, reading: Reading, now: datetime) -> AddResult:
        """Take a reading; those that are ahead of a clock that was set back go."""
        ours = self._ours(reading)
        newest = now + MAX_AHEAD
        if ours.at <= newest and self._readings and self._readings[-1].at > newest:
            self._readings = [known for known in self._readings if known.at <= newest]
            self._final_until = None
            ours = replace(ours, gap=True)
        return super().add(ours, now)

    @override
    def _ours(self, reading: Reading) -> CounterReading:
        """Return the reading as a counter's, else raise TypeError."""
        if not isinstance(reading, CounterReading):
            raise TypeError(f"Not a counter's reading: {reading}")
        return reading

    @override
    def _is_late(self, at: datetime, settled_until: datetime, now: datetime) -> bool:
        """Return whether a newer reading has told all that this one could."""
        return bool(self._readings) and at < self._readings[-1].at

    @override
    def _needed_from(self, settled_until: datetime, due: datetime) -> datetime:
        """Return the start of the first slot that is not final."""
        return settled_until if self._final_until is None else self._final_until

    @override
    def _settle_until(self, settled_until: datetime, due: datetime) -> tuple[Slot, ...]:
        """Return what is known only now of the past, then the slots up to `due`."""
        told = {slot.start: slot for slot in self._counted_slots(due)}
        start = settled_until
        if self._open_from is not None:
            start = max(start, self._open_from)
        slots = [slot for slot in told.values() if slot.start < start]
        while start < due:
            slots.append(told.get(start) or unknown_slot(start))
            start += SLOT
        return tuple(slots)

    def _counted_slots(self, due: datetime) -> list[Slot]:
        """Return the slots before `due` that are final only now, and the one after them."""
        if not self._readings:
            return []
        first, last = self._readings[0], self._readings[-1]
        start = self._final_until
        if start is None:
            start = slot_start(first.at)
            if self._open_from is not None:
                start = max(start, self._open_from)
        if self._told is None:
            self._told = self._units_at(start, 0)
        told = self._told
        until = min(slot_start(last.at), due)
        slots: list[Slot] = []
        index = self._index_before(start)
        while start < until:
            bracket = self._bracket(start, index)
            if bracket is not None:
                index = bracket[1] - 1
            counted = self._units_at(start + SLOT, index)
            slots.append(_slot(start, counted - told, self._is_measured(bracket)))
            told = max(counted, told)
            start += SLOT
        self._final_until, self._told = start, told
        if start < due and start <= last.at:
            slots.append(_slot(start, _units(last) - told, measured=False))
        return slots

    def _is_measured(self, bracket: tuple[int, int] | None) -> bool:
        """Return whether readings without a gap reach over a slot."""
        if bracket is None:
            return False
        first, cover = bracket
        return not any(
            after.gap for _, after in pairwise(self._readings[first : cover + 1])
        )

    def _units_at(self, at: datetime, index: int) -> int:
        """Return what was counted up to an instant, in micro-Wh.

        `index` is of the last reading at or before it, or of one more before that; before
        the first reading nothing was.
        """
        while index + 1 < len(self._readings) and self._readings[index + 1].at <= at:
            index += 1
        before = self._readings[index]
        if at <= before.at or index + 1 == len(self._readings):
            return _units(before)
        after = self._readings[index + 1]
        if after.gap:
            return _units(before)
        share = (at - before.at) / (after.at - before.at)
        return round(_units(before) + (_units(after) - _units(before)) * share)


def _units(reading: CounterReading) -> int:
    """Return what a reading shows, in micro-Wh."""
    return round(reading.energy * UNITS_PER_KWH)


def _slot(start: datetime, counted: int, measured: bool) -> Slot:
    """Return the slot in which so many micro-Wh were counted."""
    return Slot(
        start=start,
        energy=max(counted, 0) / UNITS_PER_KWH,
        returned=0.0,
        provenance=Provenance.MEASURED if measured else Provenance.UNKNOWN,
    )
