"""What a meter says now, and when its home shows it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.util import dt as dt_util

from ..accounts.registry import MeterUpdate
from ..metering.deadband import power_moved
from ..metering.model import MAX_POWER, PowerReading
from ..metering.pulse_decay import PresentPower
from ..metering.readings import MAX_AHEAD
from .pace import Pace
from .slotter import MeterSlotter

SHOWN_EVERY: Final = timedelta(seconds=10)
"""A power that differs a little from the last one is shown so often, others at once."""


class PresentState:
    """The present power of a meter, and whether its hardware is there."""

    def __init__(
        self, hass: HomeAssistant, slotter: MeterSlotter, on_change: Callable[[], None]
    ) -> None:
        """Begin with nothing known."""
        self._slotter = slotter
        self._on_change = on_change
        self._pace = Pace(hass, SHOWN_EVERY, self._show)
        self._available = False
        self._power: float | None = None
        self._decaying: PresentPower | None = None
        self._shown: float | None = None
        self.online: bool | None = None

    @property
    def power(self) -> float | None:
        """Return the present power in W; None where nobody can say."""
        if not self._available:
            return None
        if self._decaying is not None:
            return self._decaying.power
        if self._slotter.last_reading is None:
            return None
        age = dt_util.utcnow() - self._slotter.last_reading
        return self._power if -MAX_AHEAD <= age <= self._slotter.stale_after else None

    @property
    def estimated(self) -> bool | None:
        """Return whether the power is an estimate; None where it never is one."""
        return None if self._decaying is None else self._decaying.estimated

    @callback
    def async_stop(self) -> None:
        """Know nothing any more, and show nothing by oneself."""
        self._available = False
        self.online = None
        self._decaying = None
        self._pace.async_stop()

    @callback
    def async_set_power(self, power: float | None) -> None:
        """Show what an entity says now, in W."""
        if power is not None and abs(power) > MAX_POWER:
            power = None
        self._available = power is not None
        self._power = power
        self._on_change()

    @callback
    def async_update(self, update: MeterUpdate) -> None:
        """Take what an account says, its reading being in its slot already.

        What changes at once is shown at once, a power that moves a little later.
        """
        was_available, self._available = self._available, update.available
        was_online, self.online = self.online, update.online
        before, self._decaying = self._decaying, update.present
        reading = update.reading
        # After a restart the newest reading is known already, yet to be shown.
        if (
            isinstance(reading, PowerReading)
            and reading.at == self._slotter.last_reading
        ):
            self._power = reading.power
        if (
            update.at_once
            or was_available is not update.available
            or was_online is not update.online
            or self._jumped(before)
        ):
            self._pace.now()
        else:
            self._pace.soon()

    def _jumped(self, before: PresentPower | None) -> bool:
        """Return whether the power is another than it was, and not only a little."""
        if before is None and self._decaying is None:
            return power_moved(self._shown, self.power)
        return (
            before is None
            or self._decaying is None
            or before.estimated
            or self._decaying.estimated
        )

    @callback
    def _show(self) -> None:
        """Let the home show what the meter says now."""
        self._shown = self.power
        self._on_change()
