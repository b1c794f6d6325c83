"""Slots of a meter that says its power."""

from datetime import datetime
from itertools import pairwise
from math import fsum
from typing import Final, override

from .model import SLOT, PowerReading, Provenance, Reading, Slot, unknown_slot
from .readings import ReadingSlotter

WATT_SECONDS_PER_KWH: Final = 3_600_000


class PowerSlotter(ReadingSlotter[PowerReading]):
    """Turns mean powers in W into energy per slot in kWh.

    A reading's power holds from the reading before it up to its own stamp. A slot is
    MEASURED where readings cover it whole and no two neighbours that touch it are further
    apart than 2.5 usual spacings, else UNKNOWN for good. Negative power is `returned`.
    """

    @override
    def _ours(self, reading: Reading) -> PowerReading:
        """Return the reading as a power, else raise TypeError."""
        if not isinstance(reading, PowerReading):
            raise TypeError(f"Not a power: {reading}")
        return reading

    @override
    def _is_late(self, at: datetime, settled_until: datetime) -> bool:
        """Return whether all that a reading tells of is settled."""
        return at <= settled_until

    @override
    def _needed_from(self, settled_until: datetime) -> datetime:
        """Return the start of the next slot: what is settled stays as it is."""
        return settled_until

    @override
    def _settle_until(self, settled_until: datetime, due: datetime) -> tuple[Slot, ...]:
        """Return the slots of `[settled_until, due)`."""
        slots: list[Slot] = []
        index = self._index_before(settled_until)
        start = settled_until
        while start < due:
            if (bracket := self._bracket(start, index)) is None:
                slots.append(unknown_slot(start))
            else:
                slots.append(self._slot(start, *bracket))
                index = bracket[1] - 1
            start += SLOT
        return tuple(slots)

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
