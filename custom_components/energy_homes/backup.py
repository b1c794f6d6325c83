"""Hold the ledger's file still while Home Assistant backs it up."""

from collections.abc import Awaitable
import logging

from homeassistant.core import HomeAssistant

from .homes.directory import DATA_HOMES
from .ledger import LedgerError

_LOGGER = logging.getLogger(__name__)


async def async_pre_backup(hass: HomeAssistant) -> None:
    """Stop changes to the main file; what is settled meanwhile goes to its log."""
    homes = hass.data[DATA_HOMES]
    await _async_try(hass, homes.ledger.async_hold())


async def async_post_backup(hass: HomeAssistant) -> None:
    """Let the main file change again."""
    homes = hass.data[DATA_HOMES]
    await _async_try(hass, homes.ledger.async_release())


async def _async_try(hass: HomeAssistant, job: Awaitable[None]) -> None:
    """Do what the ledger can; what it cannot must not cost the whole backup."""
    homes = hass.data[DATA_HOMES]
    try:
        await job
    except LedgerError as err:
        if not homes.backup_failing:
            _LOGGER.warning("The ledger is backed up as it is: %s", err)
        homes.backup_failing = True
    else:
        homes.backup_failing = False
