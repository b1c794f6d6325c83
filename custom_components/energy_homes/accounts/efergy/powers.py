"""Asking an Efergy account what power its meters have."""

from datetime import timedelta
import logging
from typing import Final

from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from ...clouds.efergy.client import EfergyClient
from ...clouds.errors import CloudNonsenseError, CloudOutageError, CloudRequestError
from ...metering.model import PowerReading
from .calls import EfergyCalls
from .inventory import Inventory

_LOGGER = logging.getLogger(__name__)

SUMMARY_IS_DEAD: Final = 3
"""So many failures in a row, and the summary is only tried every `SUMMARY_RETRY`."""

SUMMARY_RETRY: Final = timedelta(minutes=10)


class PowerPolls:
    """Polls all meters by the summary of their current values, which tells of all at once.

    Where the summary is dead and the account has one meter, the household's power stands
    in (`standing_in`); that it is dead as well matters to nobody whose summary works.
    """

    def __init__(
        self, hass: HomeAssistant, calls: EfergyCalls, inventory: Inventory, name: str
    ) -> None:
        """Prepare to poll the account of a name."""
        self.standing_in = False
        self.nonsense_count = 0
        self._hass = hass
        self._calls = calls
        self._inventory = inventory
        self._name = name
        self._summary_failures = 0
        self._summary_retry_s = 0.0

    async def async_poll(self) -> dict[str, PowerReading]:
        """Return new readings by sid; values that make no sense are counted.

        Raises CloudError by kind.
        """
        asked = False
        if (
            self.standing_in
            and self._inventory.sole_meter is not None
            and self._summary_failures >= SUMMARY_IS_DEAD
            and self._hass.loop.time() < self._summary_retry_s
        ):
            try:
                return await self._async_poll_instant()
            except CloudOutageError, CloudNonsenseError, CloudRequestError:
                asked = True
        try:
            values = await self._calls.async_live(EfergyClient.current_values)
        except (CloudOutageError, CloudNonsenseError, CloudRequestError) as err:
            self._summary_failures += 1
            now_s = self._hass.loop.time()
            self._summary_retry_s = now_s + SUMMARY_RETRY.total_seconds()
            if isinstance(err, CloudNonsenseError):
                self.nonsense_count += 1
            if asked or self._inventory.sole_meter is None:
                raise
            try:
                return await self._async_poll_instant()
            except CloudOutageError, CloudNonsenseError, CloudRequestError:
                raise err from None
        self._summary_failures = 0
        if self.standing_in:
            self.standing_in = False
            _LOGGER.info("Current values of %s are back", self._name)
        return self._counted(self._inventory.update(values, dt_util.utcnow()))

    async def _async_poll_instant(self) -> dict[str, PowerReading]:
        """Return what the household's power says of the only meter, as `async_poll` does."""
        value = await self._calls.async_live(EfergyClient.instant)
        if not self.standing_in:
            self.standing_in = True
            _LOGGER.info(
                "Current values of %s do not come, the household's power stands in",
                self._name,
            )
        return self._counted(self._inventory.update_instant(value, dt_util.utcnow()))

    def _counted(
        self, taken: tuple[dict[str, PowerReading], int]
    ) -> dict[str, PowerReading]:
        """Count the values of an answer that made no sense; return its new readings."""
        readings, nonsense = taken
        self.nonsense_count += nonsense
        return readings
