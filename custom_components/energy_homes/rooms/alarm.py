"""An alarm for one instant, which the next setting of it replaces."""

from collections.abc import Callable
from datetime import datetime

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_track_point_in_utc_time


class Alarm:
    """Calls back at the instant that it is set to."""

    def __init__(self, hass: HomeAssistant, on_time: Callable[[], None]) -> None:
        """Begin without an instant."""
        self._hass = hass
        self._on_time = on_time
        self._at: datetime | None = None
        self._cancel: CALLBACK_TYPE | None = None

    @callback
    def set(self, at: datetime | None) -> None:
        """Call back at an aware instant and at no other; None for never."""
        if at == self._at:
            return
        if self._cancel is not None:
            self._cancel()
            self._cancel = None
        self._at = at
        if at is not None:
            self._cancel = async_track_point_in_utc_time(self._hass, self._rings, at)

    @callback
    def _rings(self, _now: datetime) -> None:
        """Call back."""
        self._at = self._cancel = None
        self._on_time()
