"""How many requests a board makes, and may make."""

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.util import dt as dt_util

from ...boards.rate import TokenBucket

REQUESTS_PER_SECOND: Final = 100.0
REQUESTS_AT_ONCE: Final = 400.0
"""A board of eight channels with five pulses a second each sends 40 in a second."""

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
_DAY_MINUTES: Final = 24 * 60


class Requests:
    """Counts a board's requests by minute, a day back, and refuses those that are too many."""

    def __init__(
        self, hass: HomeAssistant, *, on_refused: Callable[[str], None]
    ) -> None:
        """Begin without a request; `on_refused` is called with why one is refused."""
        self._hass = hass
        self._on_refused = on_refused
        self._bucket = TokenBucket(rate=REQUESTS_PER_SECOND, burst=REQUESTS_AT_ONCE)
        self._minutes: deque[tuple[datetime, int]] = deque(maxlen=_DAY_MINUTES)

    @callback
    def admit(self) -> bool:
        """Count a request; return whether the board may make so many."""
        minute = dt_util.utcnow().replace(second=0, microsecond=0)
        count = 1
        if self._minutes and self._minutes[-1][0] == minute:
            count += self._minutes.pop()[1]
        self._minutes.append((minute, count))
        if self._bucket.take(self._hass.loop.time()):
            return True
        self._on_refused("too_many")
        return False

    def count(self, window: timedelta) -> int:
        """Return how many requests the board made in the last `window`, a day at most."""
        since = dt_util.utcnow() - window
        return sum(count for at, count in self._minutes if at > since)
