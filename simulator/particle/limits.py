"""The vendor's limits: each counts what one public address does, whoever calls from it."""

from collections import defaultdict, deque
from dataclasses import dataclass

WINDOW_MS = 300_000


@dataclass
class Quotas:
    """How many calls and stream openings five minutes allow, and how many open streams."""

    calls: int = 10_000
    opens: int = 100
    open_streams: int = 100


class Limits:
    """What was let through in the last five minutes."""

    def __init__(self) -> None:
        """Begin with the documented limits and no call."""
        self.quotas = Quotas()
        self._calls: defaultdict[str, deque[int]] = defaultdict(deque)
        self._opens: defaultdict[str, deque[int]] = defaultdict(deque)

    def call(self, now_ms: int, address: str) -> bool:
        """Count a call, and tell whether it is let through."""
        return _admit(self._calls[address], now_ms, self.quotas.calls)

    def open(self, now_ms: int, address: str, open_streams: int) -> bool:
        """Count the opening of a stream, and tell whether it is let through."""
        return _admit(self._opens[address], now_ms, self.quotas.opens) and (
            open_streams < self.quotas.open_streams
        )

    def spend(self, now_ms: int, address: str, calls: int, opens: int) -> None:
        """Count what somebody else at an address did."""
        self._calls[address].extend([now_ms] * calls)
        self._opens[address].extend([now_ms] * opens)

    def as_json(self, now_ms: int) -> dict[str, dict[str, int]]:
        """Return what is used, by address."""
        return {
            address: {
                "calls": _recent(calls, now_ms),
                "opens": _recent(self._opens[address], now_ms),
            }
            for address, calls in self._calls.items()
        }


def _admit(counted: deque[int], now_ms: int, limit: int) -> bool:
    """Count one more where the limit allows it."""
    if _recent(counted, now_ms) >= limit:
        return False
    counted.append(now_ms)
    return True


def _recent(counted: deque[int], now_ms: int) -> int:
    """Return how many are in the window; forget the others."""
    while counted and not now_ms - WINDOW_MS < counted[0] <= now_ms:
        counted.popleft()
    return len(counted)
