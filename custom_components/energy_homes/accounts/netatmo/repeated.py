"""A call that an account makes again and again. Pure.

Instants are seconds on a clock that nobody sets back.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Final

from ..backoff import Backoff
from .budget import CallPriority

_WAIT: Final = (timedelta(seconds=15), timedelta(minutes=15))


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """A call to make at `at_s` or later: of a home's status, or of the topology (None)."""

    home_id: str | None
    priority: CallPriority
    at_s: float


@dataclass(slots=True)
class RepeatedCall:
    """When one call was made, and when it is wanted again.

    `asked_s` is when it was last answered; `anchor_s` is when regular calls count from, None
    where one is wanted now; `wanted_s` are further instants, in order; `not_before_s` keeps
    what fails from being tried too often.
    """

    wait: Backoff
    asked_s: float | None = None
    anchor_s: float | None = None
    wanted_s: list[float] = field(default_factory=list)
    not_before_s: float = 0.0

    @classmethod
    def new(cls, random: Random) -> RepeatedCall:
        """Return a call that has not been made."""
        return cls(Backoff(*_WAIT, random))

    def want(self, *instants_s: float) -> None:
        """Have calls made at further instants."""
        self.wanted_s = sorted({*self.wanted_s, *instants_s})

    def came(self, asked_s: float) -> None:
        """Note an answer to a call."""
        self.wait.reset()
        self.not_before_s = 0.0
        self.asked_s = self.anchor_s = asked_s
        del self.wanted_s[: bisect_right(self.wanted_s, asked_s)]

    def failed(self, now_s: float) -> None:
        """Wait longer from failure to failure."""
        self.not_before_s = now_s + self.wait.next().total_seconds()

    def polls(self, home_id: str | None, at_s: float) -> Iterator[Poll]:
        """Return the next call that is wanted, and the regular one, which is due at `at_s`."""
        instants = [(CallPriority.POLL, at_s)]
        if self.wanted_s:
            instants.insert(0, (CallPriority.READ_BACK, self.wanted_s[0]))
        for priority, instant_s in instants:
            yield Poll(
                home_id=home_id,
                priority=priority,
                at_s=max(instant_s, self.not_before_s),
            )
