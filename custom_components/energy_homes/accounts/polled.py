"""What hubs that poll have in common: one timer for the next poll, on the loop's own clock."""

from abc import abstractmethod
from datetime import datetime, timedelta

from homeassistant.core import CALLBACK_TYPE, HassJob, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator

from .registry import AccountState


class PolledAccount[Data](DataUpdateCoordinator[Data]):
    """An account that is polled for everybody, whether or not an entity listens."""

    state = AccountState.STARTING
    _cancel_timer: CALLBACK_TYPE | None = None

    @abstractmethod
    def _next_wait(self) -> timedelta:
        """Return how long to wait until there is something to do."""

    @callback
    def _schedule_poll(self) -> None:
        """Arrange for the next poll, in the place of one that was arranged before."""
        self._unschedule_poll()
        assert self.config_entry is not None
        if (
            self._shutdown_requested
            or self.hass.is_stopping
            or self.state is AccountState.AUTH
            or self.config_entry.pref_disable_polling
        ):
            return
        self._cancel_timer = async_call_later(
            self.hass,
            self._next_wait(),
            HassJob(self._timer, f"{self.name} poll", cancel_on_shutdown=True),
        )

    @callback
    def _unschedule_poll(self) -> None:
        """Cancel the timer."""
        if self._cancel_timer is not None:
            self._cancel_timer()
            self._cancel_timer = None

    @callback
    def _timer(self, _now: datetime) -> None:
        """Poll what is due."""
        self._cancel_timer = None
        assert self.config_entry is not None
        self.config_entry.async_create_background_task(
            self.hass, self.async_refresh(), f"{self.name} poll"
        )
