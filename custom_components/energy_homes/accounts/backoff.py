"""How long to wait before the next attempt. Pure."""

from datetime import timedelta
from random import Random
from typing import Final

_MAX_DOUBLINGS: Final = 32


class Backoff:
    """Waits that double from `base` to `cap`, each drawn from the upper half of its range.

    The first is between `base` and twice `base`; none is below `base` or above `cap`.
    """

    def __init__(self, base: timedelta, cap: timedelta, random: Random) -> None:
        """Start without an attempt that failed."""
        self._base = base
        self._cap = cap
        self._random = random
        self.failures = 0

    def next(self) -> timedelta:
        """Count a failed attempt; return how long to wait after it."""
        self.failures += 1
        doublings = min(self.failures, _MAX_DOUBLINGS)
        longest = min(self._base * (1 << doublings), self._cap)
        return max(longest * self._random.uniform(0.5, 1), min(self._base, self._cap))

    def reset(self) -> None:
        """Begin again after an attempt that succeeded."""
        self.failures = 0
