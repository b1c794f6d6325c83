"""How many calls an account makes, and may make. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Self

DAY: Final = timedelta(days=1)
HOUR: Final = timedelta(hours=1)
_MINUTE: Final = timedelta(minutes=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class CallKind(StrEnum):
    """Kinds of calls that have limits of their own."""

    LIVE = "live"
    HISTORY = "history"


@dataclass(frozen=True, slots=True)
class CallLimit:
    """At most `calls` in any `window` (whole minutes, at most a day)."""

    calls: int
    window: timedelta


DEFAULT_LIMITS: Final[Mapping[CallKind, CallLimit]] = {
    CallKind.LIVE: CallLimit(300, HOUR),
    CallKind.HISTORY: CallLimit(100, DAY),
}


class CallBudget:
    """Counts calls by minute, a day back, and says whether another one is allowed.

    A minute counts for as long as any part of it is inside a window, so that no window holds
    more calls than its limit. Where calls lie ahead the clock was set back: all of them move
    back with it, the newest to now, so that polling that kept its limit still does. Instants
    are aware.
    """

    def __init__(self, limits: Mapping[CallKind, CallLimit] = DEFAULT_LIMITS) -> None:
        """Start without a call."""
        self._limits = dict(limits)
        self._minutes: dict[CallKind, dict[int, int]] = {kind: {} for kind in CallKind}

    @classmethod
    def from_data(
        cls,
        data: Mapping[str, Any] | None,
        limits: Mapping[CallKind, CallLimit] = DEFAULT_LIMITS,
    ) -> Self:
        """Read a budget as it was stored."""
        budget = cls(limits)
        for kind in CallKind:
            for minute, calls in (data or {}).get(kind.value, ()):
                budget._minutes[kind][minute] = calls
        return budget

    def as_data(self, now: datetime) -> dict[str, list[list[int]]]:
        """Return the budget as it is stored: pairs of minute and number of calls."""
        self._prune(now)
        return {
            kind.value: [[minute, calls] for minute, calls in sorted(minutes.items())]
            for kind, minutes in self._minutes.items()
        }

    def record(self, kind: CallKind, now: datetime) -> None:
        """Count a call."""
        self._prune(now)
        minutes = self._minutes[kind]
        minutes[_minute(now)] = minutes.get(_minute(now), 0) + 1

    def allow(self, kind: CallKind, now: datetime) -> bool:
        """Return whether a call may be made now."""
        return self.wait(kind, now) <= timedelta()

    def wait(self, kind: CallKind, now: datetime, *, spare: int = 0) -> timedelta:
        """Return how long to wait until a call may be made; zero where it may be now.

        So many calls that are allowed now are left to others (`spare`).
        """
        if (limit := self._limits.get(kind)) is None:
            return timedelta()
        self._catch_up(now)
        allowed = limit.calls - spare
        left = allowed - 1
        for minute, calls in sorted(self._minutes[kind].items(), reverse=True):
            left -= calls
            if left < 0:
                over = _EPOCH + (minute + 1) * _MINUTE + limit.window
                return max(over - now, timedelta())
        return timedelta() if allowed > 0 else limit.window

    def count(
        self, window: timedelta, now: datetime, kind: CallKind | None = None
    ) -> int:
        """Return how many calls were made in the last `window`, of one kind or of all."""
        self._catch_up(now)
        return sum(
            calls
            for counted, minutes in self._minutes.items()
            if kind in {None, counted}
            for minute, calls in minutes.items()
            if _EPOCH + (minute + 1) * _MINUTE + window > now
        )

    def _catch_up(self, now: datetime) -> None:
        """Move all calls back where the newest lies ahead."""
        newest = max((max(m) for m in self._minutes.values() if m), default=0)
        if (ahead := newest - _minute(now)) > 0:
            for kind, minutes in self._minutes.items():
                self._minutes[kind] = {m - ahead: calls for m, calls in minutes.items()}

    def _prune(self, now: datetime) -> None:
        """Forget calls older than a day."""
        self._catch_up(now)
        oldest = _minute(now - DAY)
        for minutes in self._minutes.values():
            for minute in [m for m in minutes if m < oldest]:
                del minutes[minute]


def _minute(at: datetime) -> int:
    """Return the number of an instant's minute since the epoch."""
    return (at - _EPOCH) // _MINUTE
