"""News at once, the rest once in a while."""

from collections.abc import Callable
from datetime import datetime, timedelta

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later


class Pace:
    """Calls back at most once in an interval, but for what is worth a call at once."""

    def __init__(
        self, hass: HomeAssistant, every: timedelta, call: Callable[[], None]
    ) -> None:
        """Start without having called; `every` is the interval."""
        self._hass = hass
        self._every = every
        self._call = call
        self._not_before_s: float | None = None
        self._timer: CALLBACK_TYPE | None = None

    @callback
    def now(self) -> None:
        """Call back at once."""
        self.async_stop()
        self._not_before_s = self._hass.loop.time() + self._every.total_seconds()
        self._call()

    @callback
    def soon(self) -> None:
        """Call back once the interval since the last time is over."""
        if self._timer is not None:
            return
        wait_s = 0.0
        if self._not_before_s is not None:
            wait_s = self._not_before_s - self._hass.loop.time()
        if wait_s <= 0:
            self.now()
            return
        self._timer = async_call_later(self._hass, wait_s, self._due)

    @callback
    def async_stop(self) -> None:
        """Call back no more for what was so far."""
        if self._timer is not None:
            self._timer()
            self._timer = None

    @callback
    def _due(self, _now: datetime) -> None:
        """Call back for what has waited."""
        self._timer = None
        self.now()
