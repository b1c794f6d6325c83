"""How many calls Netatmo takes: per user, and per application across its users. Pure.

Every window leaves something to what matters more: history stops first, then polls, then
the read-backs of commands, so that a command goes out when all of them have spent theirs.
History has a small share of its own besides: years that are asked for slow no poll down.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ..quota import CallPriority, QuotaLog, QuotaWindow

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

HISTORY_PERCENT: Final = 10
"""So much of each window history may take: what polls and it take together is theirs."""


class AppBudget:
    """The calls of one application (client id) over all of its users."""

    def __init__(
        self,
        app_windows: Sequence[QuotaWindow] = APP_WINDOWS,
        user_windows: Sequence[QuotaWindow] = USER_WINDOWS,
    ) -> None:
        """Start without a user."""
        self.log = QuotaLog(app_windows)
        self.history = QuotaLog(_for_history(app_windows))
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
        self._history = QuotaLog(_for_history(windows))
        self._windows = tuple(windows)

    @property
    def hourly_polls(self) -> int:
        """Return how many polls in an hour leave room for every user of the application."""
        return self._app.hourly_polls

    def record(self, now: datetime, *, history: bool = False) -> None:
        """Count a call, also one that was made without asking."""
        self._log.record(now)
        self._app.log.record(now)
        if history:
            self._history.record(now)
            self._app.history.record(now)

    def allow(self, priority: CallPriority, now: datetime) -> bool:
        """Return whether a call may be made now."""
        return self.wait(priority, now) <= timedelta()

    def wait(
        self, priority: CallPriority, now: datetime, *, room: bool = False
    ) -> timedelta:
        """Return how long to wait until a call may be made; zero where it may be now.

        With `room` until it leaves room for further ones.
        """
        wait = max(
            log.wait(priority, now, room=room) for log in (self._log, self._app.log)
        )
        if priority is CallPriority.HISTORY:
            logs = (self._history, self._app.history)
            # Their windows are all for history.
            wait = max(wait, *(log.wait(CallPriority.COMMAND, now) for log in logs))
        return wait

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
        logs = {"calls_ms": self._log, "history_ms": self._history}
        for log in logs.values():
            log.used(HOUR, now)
        return {
            name: [(at - _EPOCH) // _MILLISECOND for at in log.calls]
            for name, log in logs.items()
        }

    def restore(self, data: Mapping[str, Any] | None) -> None:
        """Count calls that were stored before a restart."""
        for name, logs in (
            ("calls_ms", (self._log, self._app.log)),
            ("history_ms", (self._history, self._app.history)),
        ):
            calls = [_EPOCH + ms * _MILLISECOND for ms in (data or {}).get(name, ())]
            for log in logs:
                log.restore(calls)


def _for_history(windows: Sequence[QuotaWindow]) -> tuple[QuotaWindow, ...]:
    """Return what of windows history may take."""
    return tuple(
        QuotaWindow(max(window.calls * HISTORY_PERCENT // 100, 1), window.span)
        for window in windows
    )
