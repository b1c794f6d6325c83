"""When to poll, so that every reading is seen a few seconds after its stamp. Pure.

Meters stamp their readings about every `interval`, each at a phase of its own. Where all
phases lie close together one poll per interval, a little after the last of them, finds
every reading fresh; else two polls do, placed so that the reading that waits longest waits
as little as possible.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Final

INTERVAL: Final = timedelta(seconds=30)
JITTER: Final = timedelta(seconds=1.5)
"""How far a stamp may be from its meter's phase."""

DELAY: Final = 2 * JITTER + timedelta(seconds=1)
"""A phase is known to within the jitter and the next stamp has its own: twice, and slack."""

MAX_LAG: Final = timedelta(seconds=8)
"""A single poll must not be further behind any phase: more is not "a few seconds"."""

_CLOSEST: Final = DELAY
"""Two polls further apart than this, and so never more than `INTERVAL - DELAY`, miss nothing."""

_WEIGHT: Final = 0.5
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MANY: Final = 24
"""Beyond so many meters not every pair of polls is tried."""


class PhaseTracker:
    """Follows each meter's phase through jitter and drift.

    A new stamp moves the phase half of the way: the phase is then never further from a stamp
    than the jitter, also where the stamps wander.
    """

    def __init__(self, interval: timedelta = INTERVAL) -> None:
        """Start without a meter."""
        self._interval = interval
        self._phases: dict[str, timedelta] = {}
        self._newest: dict[str, datetime] = {}

    @property
    def phases(self) -> Mapping[str, timedelta]:
        """Return each meter's phase, in `[0, interval)` since the epoch."""
        return self._phases

    def observe(self, meter: str, at: datetime) -> None:
        """Take a meter's newest stamp (aware) into account; the same again changes nothing.

        It may be earlier than the one before: clocks are set back.
        """
        if at == self._newest.get(meter):
            return
        self._newest[meter] = at
        phase = (at - _EPOCH) % self._interval
        if (known := self._phases.get(meter)) is not None:
            phase = (known + _WEIGHT * self._signed(phase - known)) % self._interval
        self._phases[meter] = phase

    def keep(self, meters: Iterable[str]) -> None:
        """Forget all other meters."""
        kept = set(meters)
        for meter in self._phases.keys() - kept:
            del self._phases[meter]
            del self._newest[meter]

    def _signed(self, difference: timedelta) -> timedelta:
        """Return a difference of phases the short way round."""
        half = self._interval / 2
        return (difference + half) % self._interval - half


@dataclass(frozen=True, slots=True)
class PollPlan:
    """One or two polls per interval, by their phases in `[0, interval)` since the epoch."""

    phases: tuple[timedelta, ...]
    interval: timedelta = INTERVAL

    def next(self, polls: Iterable[datetime], now: datetime) -> datetime:
        """Return when to poll next, after `now`, given earlier polls in time order.

        The plan may have moved by some seconds since the last poll; the moment just polled
        is not polled again for that, and however it moves no interval has more than two.
        Polls that lie ahead of `now` do not count: the clock was set back since.
        """
        earlier = tuple(poll for poll in polls if poll <= now)[-2:]
        after = max(now, earlier[-1] + _CLOSEST / 2) if earlier else now
        planned = min(
            after + ((phase - (after - _EPOCH)) % self.interval)
            for phase in self.phases
        )
        if len(earlier) == 2:
            planned = max(planned, earlier[0] + self.interval - 2 * JITTER)
        return planned


def plan_polls(
    phases: Iterable[timedelta],
    *,
    interval: timedelta = INTERVAL,
    delay: timedelta = DELAY,
    max_lag: timedelta = MAX_LAG,
) -> PollPlan | None:
    """Return when to poll meters of these phases; None where there is no meter."""
    known = sorted({phase % interval for phase in phases})
    if not known:
        return None
    candidates = [(phase + delay) % interval for phase in known]

    def worst(polls: tuple[timedelta, ...]) -> timedelta:
        """Return how long the reading that waits longest waits."""
        return max(
            min(
                lag if (lag := (poll - phase) % interval) >= delay else lag + interval
                for poll in polls
            )
            for phase in known
        )

    singles: list[tuple[timedelta, ...]] = [(candidate,) for candidate in candidates]
    single = min(singles, key=worst)
    if worst(single) <= max_lag:
        return PollPlan(single, interval)
    pairs: list[tuple[timedelta, ...]]
    if len(candidates) > _MANY:
        pairs = [(poll, (poll + interval / 2) % interval) for poll in candidates]
    else:
        pairs = [
            (one, other)
            for one, other in combinations(candidates, 2)
            if _CLOSEST <= (other - one) % interval <= interval - _CLOSEST
        ]
    best = min(pairs, key=worst)
    return PollPlan(tuple(sorted(best)), interval)
