"""Hold the ledger's file still while Home Assistant backs it up."""

from homeassistant.core import HomeAssistant

from .homes import DATA_HOMES


async def async_pre_backup(hass: HomeAssistant) -> None:
    """Stop changes to the main file; what is settled meanwhile goes to its log."""
    await hass.data[DATA_HOMES].ledger.async_hold()


async def async_post_backup(hass: HomeAssistant) -> None:
    """Let the main file change again."""
    await hass.data[DATA_HOMES].ledger.async_release()
