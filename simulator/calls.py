"""What was asked of the clouds, by whom and how often."""

from collections import Counter, defaultdict, deque
from typing import Any

LOG_LENGTH = 10_000


class CallLog:
    """Count calls per token and command and keep the last of them."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._log: deque[tuple[int, str, str]] = deque(maxlen=LOG_LENGTH)

    def note(self, now_ms: int, token: str, command: str) -> None:
        """Remember a call."""
        self._counts[token][command] += 1
        self._log.append((now_ms, token, command))

    def clear(self) -> None:
        """Forget all calls."""
        self._counts.clear()
        self._log.clear()

    def as_json(self) -> dict[str, Any]:
        """Return totals and log as the control endpoint shows them."""
        return {
            "total": sum(counts.total() for counts in self._counts.values()),
            "by_token": {token: dict(counts) for token, counts in self._counts.items()},
            "log": [list(call) for call in self._log],
        }
