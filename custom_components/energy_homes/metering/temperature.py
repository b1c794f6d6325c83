"""Temperatures of a room in slots and hours.

All temperatures are in °C, all instants aware and UTC.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import fsum
from typing import Final

from .model import SLOT, Provenance, slot_boundary_from, slot_start
from .periods import Quality
from .readings import GAP_FACTOR

HOLDS: Final = GAP_FACTOR * timedelta(minutes=5)
"""Readings that are further apart leave open what was between; a quiet room is asked for
every five minutes."""


@dataclass(frozen=True, slots=True)
class RoomReading:
    """What a room's temperature is from an instant on; None where nobody can say."""

    at: datetime
    temperature: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomSlot:
    """A room's mean, lowest and highest temperature in `[start, start + SLOT)`.

    All three are None exactly when `provenance` is UNKNOWN. Raises ValueError where that
    does not hold, and where they are not in order.
    """

    start: datetime
    mean: float | None = None
    low: float | None = None
    high: float | None = None
    provenance: Provenance = Provenance.UNKNOWN

    def __post_init__(self) -> None:
        """Refuse a slot that says two things at once."""
        known = self.provenance is not Provenance.UNKNOWN
        for value in (self.mean, self.low, self.high):
            if (value is not None) is not known:
                raise ValueError(f"A slot that is {self.provenance} has {value} °C")
        if known and not (self.low or 0.0) <= (self.mean or 0.0) <= (self.high or 0.0):
            raise ValueError(f"{self.mean} °C is not in {self.low} to {self.high} °C")


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomPeriod:
    """A room's temperature over some slots: of those that are known, None without any.

    `quality` says for how many seconds it is known, and from where.
    """

    start: datetime
    duration: timedelta
    mean: float | None
    low: float | None
    high: float | None
    quality: Quality


class RoomSlotter:
    """Turns what a room's temperature is told to be into slots.

    A temperature holds from its stamp up to the next one, as it is shown meanwhile, unless
    that is further away than HOLDS. A slot is MEASURED where temperatures hold all through
    it, else UNKNOWN.
    """

    def __init__(
        self,
        readings: Iterable[RoomReading] = (),
        settled_until: datetime | None = None,
    ) -> None:
        """Go on after `settled_until` with the readings that were not used up by then."""
        self._readings = list(readings)
        self._settled_until = settled_until

    @property
    def readings(self) -> tuple[RoomReading, ...]:
        """Return the readings that the next slots need."""
        return tuple(self._readings)

    def hear(self, reading: RoomReading) -> None:
        """Take a reading; the newest one again changes nothing.

        Where the clock was set back, what it said ahead of now is dropped.
        """
        if self._readings and reading.at == self._readings[-1].at:
            return
        if self._readings and reading.at < self._readings[-1].at:
            self._readings = [one for one in self._readings if one.at < reading.at]
            if self._settled_until is not None:
                self._settled_until = min(self._settled_until, slot_start(reading.at))
        self._readings.append(reading)

    def settle(self) -> tuple[RoomSlot, ...]:
        """Return the slots that the newest reading has ended, oldest first."""
        if not self._readings:
            return ()
        start = self._settled_until or slot_boundary_from(self._readings[0].at)
        until = slot_start(self._readings[-1].at)
        slots: list[RoomSlot] = []
        while start < until:
            slots.append(_slot(start, self._readings))
            start += SLOT
            self._forget(start)
        if slots:
            self._settled_until = until
        return tuple(slots)

    def _forget(self, until: datetime) -> None:
        """Drop readings that were followed by another one when a slot ended."""
        while len(self._readings) > 1 and self._readings[1].at <= until:
            del self._readings[0]


def _slot(start: datetime, readings: Sequence[RoomReading]) -> RoomSlot:
    """Return the slot that starts at an instant as readings tell it."""
    end = start + SLOT
    held: list[tuple[timedelta, float]] = []
    for reading, after in pairwise(readings):
        begin, stop = max(reading.at, start), min(after.at, end)
        if (
            reading.temperature is not None
            and begin < stop
            and after.at - reading.at <= HOLDS
        ):
            held.append((stop - begin, reading.temperature))
    if sum((length for length, _ in held), timedelta()) < SLOT:
        return RoomSlot(start=start)
    low, high = min(t for _, t in held), max(t for _, t in held)
    mean = fsum(length / SLOT * temperature for length, temperature in held)
    return RoomSlot(
        start=start,
        mean=min(max(mean, low), high),
        low=low,
        high=high,
        provenance=Provenance.MEASURED,
    )


def room_period(
    start: datetime, duration: timedelta, slots: Iterable[RoomSlot]
) -> RoomPeriod:
    """Return the temperature of a period that is whole slots long, of the slots in it."""
    known = [slot for slot in slots if slot.provenance is not Provenance.UNKNOWN]
    seconds = SLOT // timedelta(seconds=1)
    counts = Counter(slot.provenance for slot in known)
    means = [slot.mean for slot in known if slot.mean is not None]
    lows = [slot.low for slot in known if slot.low is not None]
    highs = [slot.high for slot in known if slot.high is not None]
    return RoomPeriod(
        start=start,
        duration=duration,
        mean=fsum(means) / len(means) if means else None,
        low=min(lows, default=None),
        high=max(highs, default=None),
        quality=Quality(
            measured=counts[Provenance.MEASURED] * seconds,
            vendor=counts[Provenance.VENDOR] * seconds,
            interpolated=counts[Provenance.INTERPOLATED] * seconds,
            unknown=duration // timedelta(seconds=1) - len(known) * seconds,
        ),
    )
