"""The config entry of a pulse board: what it stores, and what is forgotten with it."""

import logging

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant

from ...boards.config import BoardConfig
from ...const import CONF_KIND, EntryKind
from ...ledger import LedgerError
from ...ledger.opening import DATA_LEDGER, DATA_LEDGER_OPENING, ledger_needed
from ..registry import DATA_ACCOUNTS
from .hub import PulseBoardHub
from .known import boards_of

_LOGGER = logging.getLogger(__name__)

type PulseBoardConfigEntry = ConfigEntry[PulseBoardHub]


def board_data(config: BoardConfig) -> dict[str, object]:
    """Return the data of a board's entry."""
    return {CONF_KIND: EntryKind.PULSE_BOARD.value, **config.as_data()}


async def async_setup_board(
    hass: HomeAssistant, entry: PulseBoardConfigEntry
) -> PulseBoardHub:
    """Set up a board: from now on it is heard."""
    hub = PulseBoardHub(
        hass,
        key=entry.unique_id or entry.entry_id,
        title=entry.title,
        config=BoardConfig.from_data(entry.data),
        accounts=hass.data[DATA_ACCOUNTS],
        boards=boards_of(hass),
        ledger=hass.data[DATA_LEDGER],
    )
    with ledger_needed():
        await hass.data[DATA_LEDGER_OPENING].async_open()
        await hub.async_start()
    entry.async_on_unload(hub.async_stop)
    return hub


async def async_forget_board(hass: HomeAssistant, entry: PulseBoardConfigEntry) -> None:
    """Delete what a board has counted, once its entry is removed."""
    if (ledger := hass.data.get(DATA_LEDGER)) is None:
        return
    try:
        await ledger.boards.async_forget(entry.unique_id or entry.entry_id)
    except LedgerError as err:
        _LOGGER.warning(
            "What %s has counted could not be deleted: %s", entry.title, err
        )
