"""Hold the ledger's file still while Home Assistant backs it up."""

from collections.abc import Awaitable
import logging

from homeassistant.core import HomeAssistant
from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN
from .ledger import LedgerError
from .ledger.opening import DATA_LEDGER

_LOGGER = logging.getLogger(__name__)

DATA_BACKUP_FAILED: HassKey[bool] = HassKey(f"{DOMAIN}_backup_failed")


async def async_pre_backup(hass: HomeAssistant) -> None:
    """Stop changes to the main file; what is settled meanwhile goes to its log."""
    await _async_try(hass, hass.data[DATA_LEDGER].async_hold())


async def async_post_backup(hass: HomeAssistant) -> None:
    """Let the main file change again."""
    await _async_try(hass, hass.data[DATA_LEDGER].async_release())


async def _async_try(hass: HomeAssistant, job: Awaitable[None]) -> None:
    """Do what the ledger can; what it cannot must not cost the whole backup."""
    try:
        await job
    except LedgerError as err:
        if not hass.data.get(DATA_BACKUP_FAILED):
            _LOGGER.warning("The ledger is backed up as it is: %s", err)
        hass.data[DATA_BACKUP_FAILED] = True
    else:
        hass.data[DATA_BACKUP_FAILED] = False
