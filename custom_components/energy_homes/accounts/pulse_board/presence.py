"""Whether a board is there, by when it was heard last."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_track_point_in_utc_time

from ...metering.pulse_decay import LEAST_POWER
from .book import ChannelBook

ONLINE_FOR: Final = timedelta(minutes=30)
"""A board that was not heard for so long is taken to be away.

It calls only when a meter makes a pulse. The least power that counts as one, 25 W, makes a
pulse of a meter with 100 in a kWh every 24 minutes; slower meters are waited for longer.
"""

ONLINE_PERIODS: Final = 1.25
"""A pulse of the least power is waited for so many periods."""

_HOUR: Final = timedelta(hours=1)


class Presence:
    """Follows whether a board is online; `last_heard` is None where it was never heard."""

    def __init__(
        self,
        hass: HomeAssistant,
        book: ChannelBook,
        *,
        on_change: Callable[[], None],
    ) -> None:
        """Begin with a board that is away; `on_change` is called when it has come or gone."""
        self.last_heard: datetime | None = None
        self.online = False
        self._hass = hass
        self._book = book
        self._on_change = on_change
        self._cancel_timer: CALLBACK_TYPE | None = None

    @property
    def online_for(self) -> timedelta:
        """Return after how much silence the board is taken to be away."""
        rates = (
            channel.settings.pulses_per_kwh for channel in self._book.channels.values()
        )
        hours = 1000 / LEAST_POWER / max(rates, default=1000.0)
        return max(ONLINE_FOR, ONLINE_PERIODS * hours * _HOUR)

    @callback
    def begin(self, last_heard: datetime | None, now: datetime) -> None:
        """Go on from when an earlier run heard the board; nobody is told."""
        self.last_heard = last_heard
        self.online = self._heard_of_late(now)
        self._schedule(now)

    @callback
    def heard(self, arrival: datetime) -> None:
        """Note that the board is there."""
        self.last_heard = arrival
        if not self.online:
            self.online = True
            self._on_change()
        if self._cancel_timer is None:
            self._schedule(arrival)

    @callback
    def gone(self) -> None:
        """Note at once that the board is away."""
        self.stop()
        if self.online:
            self.online = False
            self._on_change()

    @callback
    def stop(self) -> None:
        """Look no more."""
        if self._cancel_timer is not None:
            self._cancel_timer()
            self._cancel_timer = None

    def _heard_of_late(self, now: datetime) -> bool:
        """Return whether the board has not been silent for too long."""
        return self.last_heard is not None and now - self.last_heard < self.online_for

    @callback
    def _schedule(self, now: datetime) -> None:
        """Look again when the board has been silent for too long, unless it is away."""
        if self.last_heard is None or not self.online:
            return
        self._cancel_timer = async_track_point_in_utc_time(
            self._hass, self._look, max(self.last_heard + self.online_for, now)
        )

    @callback
    def _look(self, now: datetime) -> None:
        """Note that the board is away, or look again later."""
        self._cancel_timer = None
        if self._heard_of_late(now):
            self._schedule(now)
            return
        self.online = False
        self._on_change()
