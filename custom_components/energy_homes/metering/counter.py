"""Slots of a meter that counts its energy."""

from datetime import datetime, timedelta
from typing import Final, override

from .dial import drop_oldest, judge
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

UNITS_PER_KWH: Final = 1_000_000_000
"""Shares of a difference are whole micro-Wh, so that they add up to it exactly."""


class CounterSlotter(ReadingSlotter[CounterReading]):
    """Turns what a counter shows, in kWh, into energy per slot in kWh.

    A slot's energy is the counter's difference between its bounds, linear between
    neighbouring readings: MEASURED, or INTERPOLATED where neighbours that touch the slot
    are further apart than 2.5 usual spacings. A slot whose end no reading has reached when
    it is due is settled UNKNOWN, and once more by a later `settle` when the counter is
    back. What a smaller value or a jump means is in `dial`; `refused` counts what counts
    nothing, and slots wait as unknown for the reading that confirms the last one.

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
    def _is_late(self, at: datetime, settled_until: datetime, now: datetime) -> bool:
        """Return whether a reading would move a bound of a known slot, or precedes all."""
        if self._sealed is not None:
            return at < self._sealed
        if self._readings:
            return at <= settled_until and at < self._readings[0].at
        # A clock that was ahead has settled what is still to come: that is not known.
        return at < min(settled_until, slot_start(now - self._settle_delay))

    @override
    def _needed_from(self, settled_until: datetime, due: datetime) -> datetime:
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
        judged = judge(self._readings)
        counted = judged.counted
        until = min(slot_start(self._readings[len(counted) - 1].at), due)
        if until <= start:
            return []
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
        while self._readings[index].at < until:
            index += 1
        # Until here the counter's line is told: no later reading may bend it, nor what
        # was said of the last one by the one after it.
        told, self._sealed = self._sealed, self._readings[index].at
        if index in judged.turns:
            self._sealed = self._readings[index + 1].at
        self.refused += sum(
            at <= self._sealed and (told is None or at > told) for at in judged.refused
        )
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
        """Forget the oldest readings, but not what the counter showed by then."""
        drop_oldest(self._readings, count)
