"""Slots of a meter that says its power."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise
from math import fsum
from typing import Final, override

from .model import (
    SLOT,
    PowerReading,
    Provenance,
    Reading,
    Slot,
    slot_boundary_from,
    slot_start,
    unknown_slot,
)
from .readings import DEFAULT_SETTLE_DELAY, ReadingSlotter

WATT_SECONDS_PER_KWH: Final = 3_600_000

KEPT_BACK: Final = timedelta(hours=1)
"""How long readings of unknown slots are kept, counted back from the newest reading.

Late readings come within minutes, those of a connection that was away in their order; a
meter that never completes a slot must not fill the memory.
"""

KNOWN_KEPT: Final = 288
"""So many known slots are remembered, a day of them; what was before they began is over."""


class PowerSlotter(ReadingSlotter[PowerReading]):
    """Turns mean powers in W into energy per slot in kWh.

    A reading's power holds from the reading before it up to its own stamp. A slot is
    MEASURED where readings cover it whole and no two neighbours that touch it are further
    apart than 2.5 usual spacings, else UNKNOWN until later readings complete it. Negative
    power is `returned`.

    Slots before `open_from`, and those that start at `known`, never change: who restores a
    slotter gives both, else nothing before `settled_until` is told again.
    """

    def __init__(
        self,
        *,
        usual_spacing: timedelta | None = None,
        learn_slower: bool = False,
        settled_until: datetime | None = None,
        settle_delay: timedelta = DEFAULT_SETTLE_DELAY,
        open_from: datetime | None = None,
        known: Iterable[datetime] = (),
    ) -> None:
        """Go on after `settled_until`; learn the usual spacing where it is None.

        With `learn_slower` also where no reading of late came as often as it says.
        """
        super().__init__(
            usual_spacing=usual_spacing,
            learn_slower=learn_slower,
            settled_until=settled_until,
            settle_delay=settle_delay,
        )
        self.open_from = settled_until if open_from is None else open_from
        self.known = frozenset(known)

    @override
    def _ours(self, reading: Reading) -> PowerReading:
        """Return the reading as a power, else raise TypeError."""
        if not isinstance(reading, PowerReading):
            raise TypeError(f"Not a power: {reading}")
        return reading

    @override
    def _is_late(self, at: datetime, settled_until: datetime, now: datetime) -> bool:
        """Return whether the slot that a reading tells of is known, or over."""
        return at <= settled_until and not self._is_open(slot_boundary_from(at) - SLOT)

    def _is_open(self, start: datetime) -> bool:
        """Return whether the slot that starts at an instant may still become known."""
        assert self.open_from is not None, "Something was settled"
        return start >= self.open_from and start not in self.known

    @override
    def _needed_from(self, settled_until: datetime, due: datetime) -> datetime:
        """Return the start of the first slot that may still become known."""
        assert self.open_from is not None, "Something was settled"
        newest = self._readings[-1].at if self._readings else settled_until
        # While the clock is behind, or was ahead, the newest stamp is not the present.
        start = max(self.open_from, slot_start(min(newest, due)) - KEPT_BACK)
        while start < settled_until and start in self.known:
            start += SLOT
        return min(start, settled_until)

    @override
    def _settle_until(self, settled_until: datetime, due: datetime) -> tuple[Slot, ...]:
        """Return the slots that late readings complete, then `[settled_until, due)`."""
        if self.open_from is None:
            self.open_from = settled_until
        slots: list[Slot] = []
        if self._readings:
            start = max(self.open_from, slot_boundary_from(self._readings[0].at))
            until = min(settled_until, due, slot_start(self._readings[-1].at))
            slots += (slot for slot in self._slots(start, until) if slot.known)
        slots += self._slots(settled_until, due)
        known = sorted(self.known.union(slot.start for slot in slots if slot.known))
        if len(known) > KNOWN_KEPT:
            known = known[-KNOWN_KEPT:]
            self.open_from = known[0]
        self.known = frozenset(known)
        return tuple(slots)

    def _slots(self, start: datetime, until: datetime) -> list[Slot]:
        """Return the open slots of `[start, until)` as the readings tell them now."""
        slots: list[Slot] = []
        index = self._index_before(start)
        while start < until:
            if not self._is_open(start):
                pass
            elif (bracket := self._bracket(start, index)) is None:
                slots.append(unknown_slot(start))
            else:
                slots.append(self._slot(start, *bracket))
                index = bracket[1] - 1
            start += SLOT
        return slots

    def _slot(self, start: datetime, first: int, last: int) -> Slot:
        """Return the slot that lies between two readings."""
        if self._has_gap(first, last):
            return unknown_slot(start)
        used: list[float] = []
        returned: list[float] = []
        for before, reading in pairwise(self._readings[first : last + 1]):
            held = min(reading.at, start + SLOT) - max(before.at, start)
            energy = reading.power * held.total_seconds()
            (used if energy >= 0 else returned).append(abs(energy))
        return Slot(
            start=start,
            energy=fsum(used) / WATT_SECONDS_PER_KWH,
            returned=fsum(returned) / WATT_SECONDS_PER_KWH,
            provenance=Provenance.MEASURED,
        )
