"""The Energy Homes integration: homes with meters and heating, and a history that is whole."""

from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
import logging
from pathlib import Path
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE, Platform
from homeassistant.core import Event, HomeAssistant
from homeassistant.exceptions import ConfigEntryError, ConfigEntryNotReady
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.typing import ConfigType
from homeassistant.util import dt as dt_util

from .accounts.boards import boards_of
from .accounts.efergy import EfergyConfigEntry, EfergyHub, async_remove_account
from .accounts.netatmo import (
    NetatmoConfigEntry,
    NetatmoHub,
    async_remove_netatmo_account,
)
from .accounts.netatmo_tokens import async_forget_tokens, async_netatmo_tokens
from .accounts.particle import async_remove_particle_account
from .accounts.particle_entry import async_setup_particle
from .accounts.pulse_board_entry import (
    PulseBoardConfigEntry,
    async_forget_board,
    pulse_board_hub,
)
from .board_edges import async_start_edges
from .board_push import async_forget_nights
from .board_view import async_register_board_view
from .const import (
    CONF_HOME_ID,
    CONF_KIND,
    CONF_SENSORS,
    CONF_SOURCE_ID,
    DOMAIN,
    LEDGER_FILE,
    SUBENTRY_METER,
    SUBENTRY_SENSORS,
    EntryKind,
)
from .coordinator import HomeConfigEntry
from .discovery import async_start_discovery
from .heating_store import async_forget_heating
from .history_issue import async_delete_history_issues
from .home import Home
from .homes import DATA_HOMES, Homes
from .ledger import Ledger, LedgerError, LedgerVersionError
from .services import async_setup_services
from .total_guard import async_delete_guard_issues

_LOGGER = logging.getLogger(__name__)

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)

PLATFORMS: dict[EntryKind, list[Platform]] = {
    EntryKind.HOME: [
        Platform.BINARY_SENSOR,
        Platform.BUTTON,
        Platform.CLIMATE,
        Platform.EVENT,
        Platform.NUMBER,
        Platform.SELECT,
        Platform.SENSOR,
        Platform.SWITCH,
    ],
    EntryKind.EFERGY: [Platform.SENSOR],
    EntryKind.NETATMO: [Platform.SENSOR],
    EntryKind.PULSE_BOARD: [
        Platform.BINARY_SENSOR,
        Platform.SENSOR,
        Platform.SWITCH,
    ],
    EntryKind.PARTICLE: [Platform.SENSOR],
}
"""What each kind of entry has entities of."""


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Open the ledger and make the homes reachable before any of them is there."""
    homes = hass.data[DATA_HOMES] = Homes(
        hass, Ledger(hass.async_add_executor_job, Path(hass.config.path(LEDGER_FILE)))
    )
    # Each home tries again, and says why where it cannot be.
    with suppress(LedgerError):
        await homes.async_open_ledger()
    homes.true_up.async_start()
    homes.history.async_start()
    await homes.past.async_start()
    stop_discovery = await async_start_discovery(hass, homes.accounts)
    async_setup_services(hass)
    async_register_board_view(hass)

    async def async_stop(_event: Event) -> None:
        """Leave the ledger in good order when Home Assistant stops."""
        await homes.history.async_stop()
        await homes.past.async_stop()
        await homes.async_stop()
        await boards_of(hass).async_stop()
        stop_discovery()
        await homes.true_up.async_stop()
        await homes.ledger.async_close()

    hass.bus.async_listen_once(EVENT_HOMEASSISTANT_FINAL_WRITE, async_stop)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: ConfigEntry) -> bool:
    """Set up a home or an account."""
    match entry.data[CONF_KIND]:
        case EntryKind.HOME:
            await _async_setup_home(hass, entry)
        case EntryKind.NETATMO:
            await _async_setup_netatmo(hass, entry)
        case EntryKind.PULSE_BOARD:
            await _async_setup_pulse_board(hass, entry)
        case EntryKind.PARTICLE:
            await async_setup_particle(hass, entry, hass.data[DATA_HOMES].accounts)
        case _:
            await _async_setup_efergy(hass, entry)
    await hass.config_entries.async_forward_entry_setups(entry, _platforms(entry))
    if entry.data[CONF_KIND] == EntryKind.HOME:
        entry.runtime_data.start_true_up()
    return True


def _platforms(entry: ConfigEntry) -> list[Platform]:
    """Return the platforms that an entry has entities of."""
    return PLATFORMS[EntryKind(entry.data[CONF_KIND])]


async def _async_setup_home(hass: HomeAssistant, entry: HomeConfigEntry) -> None:
    """Set up a home from what is stored, whether or not its accounts are there."""
    homes = hass.data[DATA_HOMES]
    home = Home(hass, entry, homes)
    with _ledger_needed():
        await homes.async_open_ledger()
        await home.async_start()
    await homes.past.async_add_home(home)
    entry.runtime_data = home
    entry.async_on_unload(entry.add_update_listener(_reload_on_change(entry)))


@contextmanager
def _ledger_needed() -> Iterator[None]:
    """Say that an entry cannot be set up without the ledger, for now or for good."""
    try:
        yield
    except LedgerVersionError as err:
        raise ConfigEntryError(
            translation_domain=DOMAIN,
            translation_key="ledger_unusable",
            translation_placeholders={"file": LEDGER_FILE, "error": str(err)},
        ) from err
    except LedgerError as err:
        raise ConfigEntryNotReady(
            translation_domain=DOMAIN,
            translation_key="ledger_failed",
            translation_placeholders={"error": str(err)},
        ) from err


async def _async_setup_efergy(hass: HomeAssistant, entry: EfergyConfigEntry) -> None:
    """Set up an account: one conversation with its cloud for all of its meters."""
    hub = EfergyHub(hass, entry, hass.data[DATA_HOMES].accounts)
    await hub.async_start()
    entry.runtime_data = hub


async def _async_setup_netatmo(hass: HomeAssistant, entry: NetatmoConfigEntry) -> None:
    """Set up an account: one conversation with its cloud for all of its homes."""
    tokens = await async_netatmo_tokens(hass, entry)
    hub = NetatmoHub(hass, entry, hass.data[DATA_HOMES].accounts, tokens)
    await hub.async_start()
    entry.runtime_data = hub


async def _async_setup_pulse_board(
    hass: HomeAssistant, entry: PulseBoardConfigEntry
) -> None:
    """Set up a board: from now on it is heard."""
    homes = hass.data[DATA_HOMES]
    hub = pulse_board_hub(hass, entry, homes)
    with _ledger_needed():
        await homes.async_open_ledger()
        await hub.async_start()
    entry.async_on_unload(hub.async_stop)
    entry.runtime_data = hub
    await async_start_edges(hass, entry, hub)


def _reload_on_change(
    entry: ConfigEntry,
) -> Callable[[HomeAssistant, ConfigEntry], Coroutine[Any, Any, None]]:
    """Return a listener that reloads a home when its label, data or sources change."""
    known = _what_matters(entry)

    async def async_entry_updated(hass: HomeAssistant, entry: ConfigEntry) -> None:
        """Reload the home once where something changed that it was built from."""
        nonlocal known
        if (new := _what_matters(entry)) != known:
            known = new
            hass.config_entries.async_schedule_reload(entry.entry_id)

    return async_entry_updated


def _what_matters(entry: ConfigEntry) -> tuple[object, ...]:
    """Return what a home is built from; sensors on record come and go without a reload."""
    return (
        entry.title,
        dict(entry.data),
        {
            subentry_id: (subentry.title, _without_record(subentry))
            for subentry_id, subentry in entry.subentries.items()
        },
    )


def _without_record(subentry: ConfigSubentry) -> dict[str, Any]:
    """Return a subentry's data without its sensors on record."""
    data = dict(subentry.data)
    if subentry.subentry_type == SUBENTRY_SENSORS:
        del data[CONF_SENSORS]
    return data


async def async_unload_entry(hass: HomeAssistant, entry: ConfigEntry) -> bool:
    """Unload a home or an account and stop everything that it ran."""
    return await hass.config_entries.async_unload_platforms(entry, _platforms(entry))


async def async_remove_entry(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Forget an account; remember when a home was removed, whose history stays."""
    kind = entry.data.get(CONF_KIND)
    if kind == EntryKind.EFERGY:
        await async_remove_account(hass, entry)
    if kind == EntryKind.NETATMO:
        await async_remove_netatmo_account(hass, entry)
        await async_forget_tokens(hass, entry)
    if kind == EntryKind.PARTICLE:
        await async_remove_particle_account(hass, entry)
    if kind == EntryKind.PULSE_BOARD:
        await async_forget_board(hass, entry)
        await async_forget_nights(hass, entry.unique_id or entry.entry_id)
    if kind != EntryKind.HOME:
        return
    async_delete_guard_issues(hass, entry)
    async_delete_history_issues(
        hass,
        (
            subentry.data[CONF_SOURCE_ID]
            for subentry in entry.get_subentries_of_type(SUBENTRY_METER)
        ),
    )
    await async_forget_heating(hass, entry)
    if (homes := hass.data.get(DATA_HOMES)) is None:
        return
    homes.check_labels()
    await homes.past.async_forget_home(entry.data[CONF_HOME_ID])
    try:
        await homes.ledger.homes.async_mark_removed(
            entry.data[CONF_HOME_ID], dt_util.utcnow()
        )
    except LedgerError as err:
        _LOGGER.warning(
            "When %s was removed could not be noted, its history stays: %s",
            entry.title,
            err,
        )
