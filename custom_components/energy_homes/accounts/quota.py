"""How many calls a vendor takes in a while, and what they are kept for. Pure."""

from bisect import bisect_right, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

_SLACK: Final = timedelta(seconds=1)
"""Calls may arrive a little closer together than they were sent."""


class CallPriority(StrEnum):
    """What a call is for, the least important first."""

    HISTORY = "history"
    POLL = "poll"
    READ_BACK = "read_back"
    COMMAND = "command"


_PERCENT: Final[Mapping[CallPriority, int]] = {
    CallPriority.HISTORY: 75,
    CallPriority.POLL: 80,
    CallPriority.READ_BACK: 90,
    CallPriority.COMMAND: 100,
}

ROOM_PERCENT: Final = 1
"""A limit that was reached is over when so much of its windows is free, not one call."""


@dataclass(frozen=True, slots=True)
class QuotaWindow:
    """The vendor takes at most `calls` in any `span`."""

    calls: int
    span: timedelta

    def share(self, priority: CallPriority, *, room: bool = False) -> int:
        """Return how many of the calls there may be by the time one of a priority is made.

        With `room` so many as leave room for further ones.
        """
        percent = _PERCENT[priority] - (ROOM_PERCENT if room else 0)
        return max(self.calls * percent // 100, 1)


class QuotaLog:
    """Calls of the longest window, held against all of them. Instants are aware.

    Calls that lie ahead because the clock was set back count as made now.
    """

    def __init__(self, windows: Sequence[QuotaWindow]) -> None:
        """Start without a call."""
        self._windows = tuple(windows)
        self._longest = max(window.span for window in windows) + _SLACK
        self._calls: list[datetime] = []

    @property
    def calls(self) -> Sequence[datetime]:
        """Return when the calls that still count were made, in time order."""
        return self._calls

    def record(self, at: datetime) -> None:
        """Count a call."""
        self._catch_up(at)
        self._calls.append(at)

    def restore(self, calls: Iterable[datetime]) -> None:
        """Count calls that were made earlier."""
        for at in calls:
            insort(self._calls, at)

    def wait(
        self, priority: CallPriority, now: datetime, *, room: bool = False
    ) -> timedelta:
        """Return how long to wait until a call may be made; zero where it may be now.

        With `room` until it leaves room for further ones.
        """
        self._catch_up(now)
        longest = timedelta()
        for window in self._windows:
            allowed = window.share(priority, room=room)
            span = window.span + _SLACK
            if len(self._calls) >= allowed:
                # The window has room when the newest `allowed` calls are one fewer.
                longest = max(longest, self._calls[-allowed] + span - now)
        return longest

    def used(self, span: timedelta, now: datetime) -> int:
        """Return how many calls were made in the last `span`, an hour at most."""
        self._catch_up(now)
        return len(self._calls) - bisect_right(self._calls, now - span)

    def _catch_up(self, now: datetime) -> None:
        """Move calls that lie ahead to now, and forget those that no window holds."""
        ahead = len(self._calls) - bisect_right(self._calls, now)
        if ahead:
            self._calls[-ahead:] = [now] * ahead
        del self._calls[: bisect_right(self._calls, now - self._longest)]
