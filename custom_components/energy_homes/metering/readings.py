"""The readings that a slotter still needs: sorted, without repeats, bounded."""

from abc import ABC, abstractmethod
from bisect import bisect_left, bisect_right
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Final

from .model import SLOT, CounterReading, PowerReading, Reading, Slot, slot_start

DEFAULT_SETTLE_DELAY: Final = timedelta(seconds=90)
"""How long after its end a slot waits for late readings before it is settled."""

MAX_AHEAD: Final = timedelta(minutes=2)
"""How far ahead of the present a stamp may be: clocks differ, but not by more."""

MAX_FIRST_AGE: Final = timedelta(days=1)
"""How old a meter's very first reading may be: history does not begin with a stale stamp."""

MIN_SPACING: Final = timedelta(milliseconds=100)
"""Readings nearer to each other than this say the same.

So at most ten a second are kept, and the five minutes, the settle delay and what is ahead
of the present fit below MAX_KEPT even where a device floods.
"""

MAX_KEPT: Final = 10_000
"""How many readings are kept, also where nobody ever settles.

Beyond it the oldest go: their slots become unknown, none becomes wrong.
"""

GAP_FACTOR: Final = 2.5
"""Neighbouring readings further apart than this many usual spacings leave a gap."""

LEARNED_GAPS: Final = 12
"""How many gaps the usual spacing is learned from."""

MIN_LEARNED_GAPS: Final = 3
"""With fewer gaps than these the usual spacing is not known."""


class AddResult(StrEnum):
    """What became of a reading that was added."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    LATE = "late"
    FUTURE = "future"


def stamp(reading: Reading) -> datetime:
    """Return when a reading was taken."""
    return reading.at


class ReadingSlotter[R: (PowerReading, CounterReading)](ABC):
    """What slotters of all kinds of readings share.

    All instants are aware and UTC. Until the first call of `settle` a slotter takes up
    readings from before `settled_until` too: they are the `pending` of the slotter that a
    restart ended.
    """

    def __init__(
        self,
        *,
        usual_spacing: timedelta | None = None,
        learn_slower: bool = False,
        settled_until: datetime | None = None,
        settle_delay: timedelta = DEFAULT_SETTLE_DELAY,
    ) -> None:
        """Go on after `settled_until`; learn the usual spacing where it is None.

        With `learn_slower` also where no reading of late came as often as it says.
        """
        self._readings: list[R] = []
        self._given_spacing = usual_spacing
        self._learns = learn_slower or usual_spacing is None
        self._settle_delay = settle_delay
        self._restoring = True
        self.settled_until = settled_until
        self.late = 0
        self.refused = 0

    @property
    def usual_spacing(self) -> timedelta | None:
        """Return the usual time between readings; None while it is not known."""
        return self._spacing_at(len(self._readings) - 1)

    def pending(self) -> tuple[R, ...]:
        """Return what a new slotter needs, oldest first, to go on as this one would."""
        return tuple(self._readings)

    def add(self, reading: Reading, now: datetime) -> AddResult:
        """Take a reading at its own stamp, in any order.

        Only an ACCEPTED reading changes anything; LATE ones are counted in `late`.
        Raises TypeError for the other kind of reading.
        """
        ours = self._ours(reading)
        if ours.at > now + MAX_AHEAD:
            return AddResult.FUTURE
        index = bisect_left(self._readings, ours.at, key=stamp)
        if any(
            abs(neighbour.at - ours.at) < MIN_SPACING
            for neighbour in self._readings[max(index - 1, 0) : index + 1]
        ):
            return AddResult.DUPLICATE
        if (
            ours.at < now - MAX_FIRST_AGE
            if self.settled_until is None
            else not self._restoring and self._is_late(ours.at, self.settled_until, now)
        ):
            self.late += 1
            return AddResult.LATE
        self._readings.insert(index, ours)
        if len(self._readings) > MAX_KEPT:
            self._drop(len(self._readings) - MAX_KEPT)
        return AddResult.ACCEPTED

    def settle(self, now: datetime) -> tuple[Slot, ...]:
        """Settle the slots that ended `settle_delay` before `now`, oldest first.

        New slots follow on `settled_until` without a gap, each once; the first slot of
        all is the one of the first reading. Before them come slots that were unknown and
        are known now. Time and memory grow with what is settled now, not with what was.
        """
        self._restoring = False
        if self.settled_until is None:
            if not self._readings:
                return ()
            self.settled_until = slot_start(self._readings[0].at)
        due = slot_start(now - self._settle_delay)
        slots = self._settle_until(self.settled_until, due)
        self.settled_until = max(self.settled_until, due)
        needed = self._needed_from(self.settled_until, due)
        self._drop(self._index_before(needed) - self._memory)
        return slots

    @abstractmethod
    def _ours(self, reading: Reading) -> R:
        """Return the reading as this slotter's kind, else raise TypeError."""

    @abstractmethod
    def _is_late(self, at: datetime, settled_until: datetime, now: datetime) -> bool:
        """Return whether a reading could only change what is settled."""

    @abstractmethod
    def _settle_until(self, settled_until: datetime, due: datetime) -> tuple[Slot, ...]:
        """Return what is known only now of the past, then the slots up to `due`.

        `due` is before `settled_until` while the clock is behind what it was.
        """

    @abstractmethod
    def _needed_from(self, settled_until: datetime, due: datetime) -> datetime:
        """Return the start of the first slot that readings may still make known."""

    @property
    def _memory(self) -> int:
        """Return how many older readings the usual spacing is learned from."""
        return LEARNED_GAPS if self._learns else 0

    def _drop(self, count: int) -> None:
        """Forget the oldest readings."""
        del self._readings[: max(count, 0)]

    def _index_before(self, at: datetime) -> int:
        """Return the index of the last reading at or before an instant, else 0."""
        return max(bisect_right(self._readings, at, key=stamp) - 1, 0)

    def _bracket(self, start: datetime, index: int) -> tuple[int, int] | None:
        """Return the readings that a slot lies between, as indexes.

        The first is the last at or before its start, searched from `index` on; the second
        is the first at or after its end. None where there is no such pair.
        """
        readings = self._readings
        while index + 1 < len(readings) and readings[index + 1].at <= start:
            index += 1
        if not readings or readings[index].at > start:
            return None
        cover = index + 1
        while cover < len(readings) and readings[cover].at < start + SLOT:
            cover += 1
        return (index, cover) if cover < len(readings) else None

    def _has_gap(self, first: int, last: int) -> bool:
        """Return whether neighbours among these readings are too far apart."""
        if (spacing := self._spacing_at(last)) is None:
            return True
        limit = GAP_FACTOR * spacing
        return any(
            after.at - before.at > limit
            for before, after in pairwise(self._readings[first : last + 1])
        )

    def _spacing_at(self, index: int) -> timedelta | None:
        """Return the usual spacing as the readings up to an index tell it."""
        given = self._given_spacing
        if not self._learns:
            return given
        recent = self._readings[max(index - LEARNED_GAPS, 0) : index + 1]
        gaps = sorted(after.at - before.at for before, after in pairwise(recent))
        if given is not None and (
            len(gaps) < LEARNED_GAPS or gaps[0] <= GAP_FACTOR * given
        ):
            return given
        return gaps[len(gaps) // 2] if len(gaps) >= MIN_LEARNED_GAPS else None
