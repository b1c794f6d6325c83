"""Slots of a meter that counts its energy."""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final, override

from .model import (
    SLOT,
    CounterReading,
    Provenance,
    Reading,
    Slot,
    slot_boundary_from,
    slot_start,
    unknown_slot,
)
from .readings import DEFAULT_SETTLE_DELAY, ReadingSlotter

RESET_SHARE: Final = 0.9
"""A counter that falls below this share of what it showed began again from zero."""

UNITS_PER_KWH: Final = 1_000_000_000
"""Shares of a difference are whole micro-Wh, so that they add up to it exactly."""


class CounterSlotter(ReadingSlotter[CounterReading]):
    """Turns what a counter shows, in kWh, into energy per slot in kWh.

    A slot's energy is the counter's difference between its bounds, linear between
    neighbouring readings: MEASURED, or INTERPOLATED where neighbours that touch the slot
    are further apart than 2.5 usual spacings. A slot whose end no reading has reached when
    it is due is settled UNKNOWN, and once more by a later `settle` when the counter is
    back. A smaller value is a reset below 90 % of the previous one, else noise.

    A slotter that was restored may tell known slots again: with the same energy, to a
    micro-Wh, and perhaps another provenance. Who keeps slots keeps the first known one.
    """

    def __init__(
        self,
        *,
        usual_spacing: timedelta | None = None,
        settled_until: datetime | None = None,
        settle_delay: timedelta = DEFAULT_SETTLE_DELAY,
    ) -> None:
        """Go on after `settled_until`; learn the usual spacing where it is None."""
        super().__init__(
            usual_spacing=usual_spacing,
            settled_until=settled_until,
            settle_delay=settle_delay,
        )
        self._known_until: datetime | None = None
        self._sealed: datetime | None = None

    @override
    def _ours(self, reading: Reading) -> CounterReading:
        """Return the reading as a counter's, else raise TypeError."""
        if not isinstance(reading, CounterReading):
            raise TypeError(f"Not a counter's reading: {reading}")
        return reading

    @override
    def _is_late(self, at: datetime, settled_until: datetime) -> bool:
        """Return whether a reading would move a bound of a known slot, or precedes all."""
        if self._sealed is not None:
            return at < self._sealed
        return at <= settled_until and (not self._readings or at < self._readings[0].at)

    @override
    def _needed_from(self, settled_until: datetime) -> datetime:
        """Return the end of what is known, or where that could begin."""
        if self._known_until is not None:
            return self._known_until
        if not self._readings:
            return settled_until
        return min(settled_until, slot_boundary_from(self._readings[0].at))

    @override
    def _settle_until(self, settled_until: datetime, due: datetime) -> tuple[Slot, ...]:
        """Return the slots that the counter came back for, then those up to `due`."""
        known = self._known_slots(due)
        slots = [slot for slot in known if slot.start < settled_until]
        start = settled_until
        by_start = {slot.start: slot for slot in known}
        while start < due:
            slots.append(by_start.get(start) or unknown_slot(start))
            start += SLOT
        return tuple(slots)

    def _known_slots(self, due: datetime) -> list[Slot]:
        """Return every slot before `due` that is known only now; seal their bounds."""
        if not self._readings:
            return []
        start = slot_boundary_from(self._readings[0].at)
        if self._known_until is not None:
            start = max(start, self._known_until)
        until = min(slot_start(self._readings[-1].at), due)
        if until <= start:
            return []
        counted = _counted(self._readings)
        index = self._index_before(start)
        before = self._units_at(start, index, counted)
        slots: list[Slot] = []
        while start < until:
            bracket = self._bracket(start, index)
            assert bracket is not None, "Readings reach over all of it"
            after = self._units_at(start + SLOT, bracket[1] - 1, counted)
            slots.append(
                Slot(
                    start=start,
                    energy=(after - before) / UNITS_PER_KWH,
                    returned=0.0,
                    provenance=Provenance.INTERPOLATED
                    if self._has_gap(*bracket)
                    else Provenance.MEASURED,
                )
            )
            index, before = bracket[1] - 1, after
            start += SLOT
        self._known_until = until
        # Until here the counter's line is told: no later reading may bend it.
        self._sealed = next(r.at for r in self._readings[index:] if r.at >= until)
        return slots

    def _units_at(self, at: datetime, index: int, counted: list[float]) -> int:
        """Return what was counted up to an instant, in micro-Wh.

        `index` is of the reading at or before it, or of one more before that.
        """
        before, after = self._readings[index], self._readings[index + 1]
        share = (at - before.at) / (after.at - before.at)
        step = counted[index + 1] - counted[index]
        return round((counted[index] + step * share) * UNITS_PER_KWH)

    @override
    def _drop(self, count: int) -> None:
        """Forget the oldest readings, but not the maximum that they reached."""
        if count <= 0:
            return
        oldest = self._readings[count]
        shown = self._readings[0].energy
        for reading in self._readings[1 : count + 1]:
            shown = _shown(shown, reading.energy)
        self._readings[count] = CounterReading(oldest.at, shown)
        super()._drop(count)


def _shown(before: float, value: float) -> float:
    """Return what a counter shows without noise, after it showed `before`."""
    return value if value < RESET_SHARE * before else max(before, value)


def _counted(readings: list[CounterReading]) -> list[float]:
    """Return what was counted up to each reading in kWh, resets and noise allowed for."""
    shown = readings[0].energy
    base = 0.0
    counted = [shown]
    for _, reading in pairwise(readings):
        if reading.energy < RESET_SHARE * shown:
            base += shown
        shown = _shown(shown, reading.energy)
        counted.append(base + shown)
    return counted
