"""Which boards a Particle account has: when it is asked for them, and asking."""

from datetime import timedelta
from random import Random
from typing import Final

from homeassistant.core import HomeAssistant, callback

from ...clouds.errors import CloudAuthError, CloudError
from ...clouds.particle.client import ParticleClient
from ...clouds.particle.models import ParticleDevice
from ..backoff import Backoff

LIST_INTERVAL: Final = timedelta(minutes=10)
"""How often the account is asked which boards it has."""

LIST_SOON: Final = timedelta(seconds=30)
"""How long after news of a board the list is asked for, so that many cause one call."""

_WAIT: Final = (timedelta(seconds=30), LIST_INTERVAL)


class BoardList:
    """Asks for an account's boards; `due_s` is when it is to, on the loop's own clock."""

    def __init__(
        self, hass: HomeAssistant, client: ParticleClient, random: Random
    ) -> None:
        """Begin with a list that is due at once."""
        self.due_s = 0.0
        self._hass = hass
        self._client = client
        self._wait = Backoff(*_WAIT, random)

    @callback
    def soon(self) -> None:
        """Have the list asked for before long."""
        self.due_s = min(self.due_s, self._time_s(LIST_SOON))

    async def async_ask(self) -> tuple[ParticleDevice, ...]:
        """Return the boards that the account lists.

        Raises CloudError by kind. Unless the token is refused, the list is due again after
        a while, longer from failure to failure.
        """
        try:
            devices = await self._client.devices()
        except CloudAuthError:
            raise
        except CloudError:
            self.due_s = self._time_s(self._wait.next())
            raise
        self._wait.reset()
        self.due_s = self._time_s(LIST_INTERVAL)
        return devices

    def _time_s(self, wait: timedelta) -> float:
        """Return when a wait that begins now ends."""
        return self._hass.loop.time() + wait.total_seconds()
