"""How many calls Netatmo takes: per user, and per application across its users. Pure.

Every window leaves something to what matters more: back-fill stops first, then polls, then
the read-backs of commands, so that a command goes out when all of them have spent theirs.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from .quota import CallPriority, QuotaLog, QuotaWindow

__all__ = ["AppBudget", "CallPriority", "QuotaLog", "QuotaWindow", "UserBudget"]

HOUR: Final = timedelta(hours=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)

USER_WINDOWS: Final = (
    QuotaWindow(50, timedelta(seconds=10)),
    QuotaWindow(500, HOUR),
)
APP_WINDOWS: Final = (
    QuotaWindow(200, timedelta(seconds=10)),
    QuotaWindow(2000, HOUR),
)


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
