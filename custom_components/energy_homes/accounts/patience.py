"""How long to leave an account's cloud alone after what went wrong. Pure.

Instants are seconds on a clock that nobody sets back.
"""

from datetime import timedelta
from random import Random
from typing import Final

from .backoff import Backoff

NONSENSE_IS_OUTAGE: Final = 5
"""So many answers in a row that make no sense are an outage."""

type Span = tuple[timedelta, timedelta]
"""The shortest wait and the longest."""


class Patience:
    """An account's failures in a row, and until when nothing is asked for them."""

    def __init__(self, random: Random, *, outage: Span | None, quota: Span) -> None:
        """Begin without a failure; where `outage` is None its waits are kept elsewhere."""
        self._outage_wait = None if outage is None else Backoff(*outage, random)
        self._quota_wait = Backoff(*quota, random)
        self._not_before_s: float | None = None
        self._nonsense_in_a_row = 0

    @property
    def waits(self) -> bool:
        """Return whether a wait was begun that no answer has ended, be it over or not."""
        return self._not_before_s is not None

    def wait(self, now_s: float) -> timedelta:
        """Return how long nothing may be asked; zero where it may be now."""
        if self._not_before_s is None:
            return timedelta()
        return timedelta(seconds=max(self._not_before_s - now_s, 0))

    def bears_nonsense(self) -> bool:
        """Count an answer that makes no sense; return whether it may be skipped."""
        self._nonsense_in_a_row += 1
        return self._nonsense_in_a_row < NONSENSE_IS_OUTAGE

    def wait_after_failure(self, now_s: float) -> None:
        """Ask nothing for a while, longer from failure to failure."""
        if self._outage_wait is not None:
            self._hold(now_s, self._outage_wait.next())

    def wait_for_quota(self, now_s: float, asked: timedelta | None) -> None:
        """Ask nothing for as long as the vendor asks, or longer and longer."""
        self._hold(now_s, max(self._quota_wait.next(), asked or timedelta()))

    def answered(self, now_s: float) -> None:
        """Note an answer that makes sense: failures begin to count anew."""
        self.end_wait()
        self._nonsense_in_a_row = 0
        if self._outage_wait is not None:
            self._outage_wait.reset()
        if self._forgets_quota(now_s):
            self._quota_wait.reset()

    def end_wait(self) -> None:
        """Let the next call be made when it is due; failures still count."""
        self._not_before_s = None

    def _forgets_quota(self, now_s: float) -> bool:
        """Return whether an answer makes the next reached call limit a first one again."""
        return True

    def _hold(self, now_s: float, wait: timedelta) -> None:
        """Ask nothing for a while."""
        self._not_before_s = now_s + wait.total_seconds()
