"""The vendor's limits, counted by user and by app in sliding windows."""

from collections import defaultdict, deque
from dataclasses import dataclass
from enum import StrEnum

SHORT_MS = 10_000
HOUR_MS = 3_600_000


class Over(StrEnum):
    """Which limit a call would break; the text is the vendor's."""

    USER = "User usage reached"
    APP = "Maximum api usage reached"


@dataclass
class Quotas:
    """How many calls are allowed; `status` is what a refusal comes with.

    In ten seconds an app may make the more of `app_short` and
    `app_short_per_user` times its users.
    """

    user_short: int = 50
    user_hour: int = 500
    app_short: int = 200
    app_short_per_user: int = 2
    app_hour: int = 2000
    status: int = 429
    retry_after_s: int | None = None


class Limits:
    """The calls that were let through in the last hour."""

    def __init__(self) -> None:
        """Begin with the documented limits and no call."""
        self.quotas = Quotas()
        self._by_user: defaultdict[str, deque[int]] = defaultdict(deque)
        self._by_app: defaultdict[str, deque[int]] = defaultdict(deque)
        self._users: defaultdict[str, set[str]] = defaultdict(set)

    def admit(self, now_ms: int, user: str, app: str) -> Over | None:
        """Count a call, or say which limit refuses it."""
        quotas = self.quotas
        self._users[app].add(user)
        app_short = max(
            quotas.app_short, quotas.app_short_per_user * len(self._users[app])
        )
        if not (
            _recent(self._by_user[user], now_ms, SHORT_MS) < quotas.user_short
            and _recent(self._by_user[user], now_ms, HOUR_MS) < quotas.user_hour
        ):
            return Over.USER
        if not (
            _recent(self._by_app[app], now_ms, SHORT_MS) < app_short
            and _recent(self._by_app[app], now_ms, HOUR_MS) < quotas.app_hour
        ):
            return Over.APP
        self._by_user[user].append(now_ms)
        self._by_app[app].append(now_ms)
        return None

    def spend(self, now_ms: int, user: str, app: str, calls: int) -> None:
        """Count calls that somebody else made."""
        self._users[app].add(user)
        self._by_user[user].extend([now_ms] * calls)
        self._by_app[app].extend([now_ms] * calls)

    def as_json(self, now_ms: int) -> dict[str, object]:
        """Return what is used, by user and app: in ten seconds and in an hour."""
        return {
            name: {
                key: {
                    "short": _recent(calls, now_ms, SHORT_MS),
                    "hour": _recent(calls, now_ms, HOUR_MS),
                }
                for key, calls in counted.items()
            }
            for name, counted in (("users", self._by_user), ("apps", self._by_app))
        }


def _recent(calls: deque[int], now_ms: int, window_ms: int) -> int:
    """Return how many calls are in the window; forget those older than an hour."""
    while calls and calls[0] <= now_ms - HOUR_MS:
        calls.popleft()
    return sum(1 for at_ms in calls if now_ms - window_ms < at_ms <= now_ms)
