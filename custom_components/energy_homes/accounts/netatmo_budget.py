"""How many calls Netatmo takes: per user, and per application across its users. Pure.

Every window leaves something to what matters more: back-fill stops first, then polls, then
the read-backs of commands, so that a command goes out when all of them have spent theirs.
"""

from bisect import bisect_right, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

HOUR: Final = timedelta(hours=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_SLACK: Final = timedelta(seconds=1)
"""Calls may arrive a little closer together than they were sent."""


class CallPriority(StrEnum):
    """What a call is for, the least important first."""

    HISTORY = "history"
    POLL = "poll"
    READ_BACK = "read_back"
    COMMAND = "command"


_PERCENT: Final[Mapping[CallPriority, int]] = {
    CallPriority.HISTORY: 50,
    CallPriority.POLL: 80,
    CallPriority.READ_BACK: 90,
    CallPriority.COMMAND: 100,
}


@dataclass(frozen=True, slots=True)
class QuotaWindow:
    """The vendor takes at most `calls` in any `span`."""

    calls: int
    span: timedelta

    def share(self, priority: CallPriority) -> int:
        """Return how many of the calls there may be by the time one of a priority is made."""
        return max(self.calls * _PERCENT[priority] // 100, 1)


USER_WINDOWS: Final = (
    QuotaWindow(50, timedelta(seconds=10)),
    QuotaWindow(500, HOUR),
)
APP_WINDOWS: Final = (
    QuotaWindow(200, timedelta(seconds=10)),
    QuotaWindow(2000, HOUR),
)


class QuotaLog:
    """Calls of the last hour, held against windows. Instants are aware.

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

    def wait(self, priority: CallPriority, now: datetime) -> timedelta:
        """Return how long to wait until a call may be made; zero where it may be now."""
        self._catch_up(now)
        longest = timedelta()
        for window in self._windows:
            allowed = window.share(priority)
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


class AppBudget:
    """The calls of one application (client id) over all of its users."""

    def __init__(
        self,
        app_windows: Sequence[QuotaWindow] = APP_WINDOWS,
        user_windows: Sequence[QuotaWindow] = USER_WINDOWS,
    ) -> None:
        """Start without a user."""
        self.log = QuotaLog(app_windows)
        self._app_windows = tuple(app_windows)
        self._user_windows = tuple(user_windows)
        self._users: dict[str, UserBudget] = {}
        self._active: set[str] = set()

    def user(self, user_id: str, data: Mapping[str, Any] | None = None) -> UserBudget:
        """Return a user's budget; `data` is what was stored of it before a restart.

        A user who comes back in the same run keeps the budget, and `data` is not needed.
        """
        self._active.add(user_id)
        if (known := self._users.get(user_id)) is None:
            known = self._users[user_id] = UserBudget(self, self._user_windows)
            known.restore(data)
        return known

    def leave(self, user_id: str) -> None:
        """Stop counting on a user; the calls already made go on counting."""
        self._active.discard(user_id)

    @property
    def hourly_polls(self) -> int:
        """Return how many polls in an hour each user may make for all to find room."""
        shares = [
            self._per_hour(window) // max(len(self._active), 1)
            for window in self._app_windows
        ]
        return min(*shares, *map(self._per_hour, self._user_windows))

    @staticmethod
    def _per_hour(window: QuotaWindow) -> int:
        """Return how many polls an hour a window leaves."""
        return int(window.share(CallPriority.POLL) * (HOUR / window.span))


class UserBudget:
    """The calls of one user, who shares an application with others. Instants are aware."""

    def __init__(self, app: AppBudget, windows: Sequence[QuotaWindow]) -> None:
        """Start without a call."""
        self._app = app
        self._log = QuotaLog(windows)
        self._windows = tuple(windows)

    @property
    def hourly_polls(self) -> int:
        """Return how many polls in an hour leave room for every user of the application."""
        return self._app.hourly_polls

    def record(self, now: datetime) -> None:
        """Count a call, also one that was made without asking."""
        self._log.record(now)
        self._app.log.record(now)

    def allow(self, priority: CallPriority, now: datetime) -> bool:
        """Return whether a call may be made now."""
        return self.wait(priority, now) <= timedelta()

    def wait(self, priority: CallPriority, now: datetime) -> timedelta:
        """Return how long to wait until a call may be made; zero where it may be now."""
        return max(self._log.wait(priority, now), self._app.log.wait(priority, now))

    def used(self, now: datetime, span: timedelta = HOUR) -> int:
        """Return how many calls the user made in the last `span`, an hour at most."""
        return self._log.used(span, now)

    def app_used(self, now: datetime, span: timedelta = HOUR) -> int:
        """Return how many calls all users of the application made in the last `span`."""
        return self._app.log.used(span, now)

    def left(self, now: datetime) -> int:
        """Return how many calls the user's own hour still has, the reserve included."""
        hour = min(window.calls for window in self._windows if window.span == HOUR)
        return max(hour - self.used(now), 0)

    def as_data(self, now: datetime) -> dict[str, list[int]]:
        """Return the calls of the last hour as they are stored, in epoch milliseconds."""
        self._log.used(HOUR, now)
        return {"calls_ms": [(at - _EPOCH) // _MILLISECOND for at in self._log.calls]}

    def restore(self, data: Mapping[str, Any] | None) -> None:
        """Count calls that were stored before a restart."""
        calls = [_EPOCH + ms * _MILLISECOND for ms in (data or {}).get("calls_ms", ())]
        self._log.restore(calls)
        self._app.log.restore(calls)
