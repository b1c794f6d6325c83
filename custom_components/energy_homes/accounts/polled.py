"""What hubs that poll have in common: their conversation, and one timer for the next poll.

The timer runs on the loop's own clock, which nobody sets back.
"""

from abc import abstractmethod
from datetime import datetime, timedelta
from logging import Logger
from typing import override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator

from .conversation import Conversation
from .registry import AccountState


class PolledAccount[Data](DataUpdateCoordinator[Data]):
    """An account that is polled for everybody, whether or not an entity listens."""

    def __init__(
        self,
        hass: HomeAssistant,
        logger: Logger,
        entry: ConfigEntry,
        conversation: Conversation,
    ) -> None:
        """Prepare to poll."""
        super().__init__(hass, logger, config_entry=entry, name=entry.title)
        self.key = entry.unique_id or entry.entry_id
        self.conversation = conversation
        self._cancel_timer: CALLBACK_TYPE | None = None
        self._leave: list[CALLBACK_TYPE] = []
        self._was_failing = False

    @property
    def state(self) -> AccountState:
        """Return how the conversation with the cloud is going."""
        return self.conversation.state

    @abstractmethod
    def tell_homes(self) -> None:
        """Tell homes what is new."""

    @abstractmethod
    def _next_wait(self) -> timedelta:
        """Return how long to wait until there is something to do."""

    @override
    async def async_shutdown(self) -> None:
        """Stop polling, and leave the registry."""
        await super().async_shutdown()
        self._unschedule_poll()
        while self._leave:
            self._leave.pop(0)()

    @callback
    def schedule_poll(self) -> None:
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

    @override
    def _async_refresh_finished(self) -> None:
        """Tell homes what is new and arrange for the next poll."""
        if not self._leave:
            return
        failing = not self.last_update_success
        if failing:
            self.conversation.go_on_with_care()
        self.tell_homes()
        self.schedule_poll()
        if failing and self._was_failing:
            # The coordinator itself says nothing while one failure follows another, which
            # may be of another kind.
            self.async_update_listeners()
        self._was_failing = failing

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

    def _time_s(self, wait: timedelta) -> float:
        """Return when a wait that begins now ends, on the loop's clock."""
        return self.hass.loop.time() + wait.total_seconds()
