"""The config entry of a Particle account: set up once, followed without a reload."""

from collections.abc import Callable, Coroutine
from typing import Any

from homeassistant.core import HomeAssistant

from ..registry import DATA_ACCOUNTS
from .hub import ParticleConfigEntry, ParticleHub


async def async_setup_particle(
    hass: HomeAssistant, entry: ParticleConfigEntry
) -> ParticleHub:
    """Set up an account: one stream for all of its boards."""
    hub = ParticleHub(hass, entry, hass.data[DATA_ACCOUNTS])
    await hub.async_start()
    entry.async_on_unload(entry.add_update_listener(_follow(hub, entry)))
    return hub


def _follow(
    hub: ParticleHub, entry: ParticleConfigEntry
) -> Callable[[HomeAssistant, ParticleConfigEntry], Coroutine[Any, Any, None]]:
    """Return a listener that reloads an account for new credentials only.

    What its boards measure may change while the stream goes on.
    """
    known = dict(entry.data)

    async def async_entry_updated(
        hass: HomeAssistant, entry: ParticleConfigEntry
    ) -> None:
        """Reload the account, or measure otherwise from now on."""
        nonlocal known
        if (new := dict(entry.data)) != known:
            known = new
            hass.config_entries.async_schedule_reload(entry.entry_id)
        else:
            hub.async_configure()

    return async_entry_updated
