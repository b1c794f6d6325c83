"""The Energy Homes integration: homes with meters, and a history that is whole."""

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE, Platform
from homeassistant.core import Event, HomeAssistant
from homeassistant.exceptions import ConfigEntryError, ConfigEntryNotReady
from homeassistant.helpers import config_validation as cv, issue_registry as ir
from homeassistant.helpers.typing import ConfigType
from homeassistant.util import dt as dt_util

from .accounts.efergy import EfergyConfigEntry, EfergyHub, async_remove_account
from .const import CONF_HOME_ID, CONF_KIND, DOMAIN, LEDGER_FILE, EntryKind
from .coordinator import HomeConfigEntry
from .discovery import async_start_discovery
from .home import Home
from .homes import DATA_HOMES, Homes
from .ledger import Ledger, LedgerError
from .services import async_setup_services

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)

PLATFORMS: list[Platform] = [Platform.SENSOR]


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Open the ledger and make the homes reachable before any of them is there."""
    homes = hass.data[DATA_HOMES] = Homes(
        hass, Ledger(hass, Path(Path(hass.config.path(LEDGER_FILE))))
    )
    await _async_open_ledger(hass, homes)
    homes.true_up.async_start()
    stop_discovery = async_start_discovery(hass, homes.accounts)
    async_setup_services(hass)

    async def async_stop(_event: Event) -> None:
        """Leave the ledger in good order when Home Assistant stops."""
        stop_discovery()
        await homes.true_up.async_stop()
        await homes.ledger.async_close()

    hass.bus.async_listen_once(EVENT_HOMEASSISTANT_FINAL_WRITE, async_stop)
    return True


async def _async_open_ledger(hass: HomeAssistant, homes: Homes) -> None:
    """Open the ledger; say so where it was damaged or cannot be used."""
    try:
        opened = await homes.ledger.async_open()
    except LedgerError as err:
        homes.ledger_error = str(err)
        return
    if opened.damaged_copy is not None:
        ir.async_create_issue(
            hass,
            DOMAIN,
            "ledger_damaged",
            is_fixable=False,
            is_persistent=True,
            severity=ir.IssueSeverity.ERROR,
            translation_key="ledger_damaged",
            translation_placeholders={"file": opened.damaged_copy.name},
        )


async def async_setup_entry(hass: HomeAssistant, entry: ConfigEntry) -> bool:
    """Set up a home or an account."""
    if entry.data[CONF_KIND] == EntryKind.HOME:
        await _async_setup_home(hass, entry)
    else:
        await _async_setup_account(hass, entry)
    return True


async def _async_setup_home(hass: HomeAssistant, entry: HomeConfigEntry) -> None:
    """Set up a home from what is stored, whether or not its accounts are there."""
    homes = hass.data[DATA_HOMES]
    if homes.ledger_error is not None:
        raise ConfigEntryError(
            translation_domain=DOMAIN,
            translation_key="ledger_unusable",
            translation_placeholders={"file": LEDGER_FILE, "error": homes.ledger_error},
        )
    home = Home(hass, entry, homes)
    try:
        await home.async_start()
    except LedgerError as err:
        raise ConfigEntryNotReady(
            translation_domain=DOMAIN,
            translation_key="ledger_failed",
            translation_placeholders={"error": str(err)},
        ) from err
    entry.runtime_data = home
    entry.async_on_unload(entry.add_update_listener(_reload_on_change(entry)))
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    home.start_true_up()


async def _async_setup_account(hass: HomeAssistant, entry: EfergyConfigEntry) -> None:
    """Set up an account: one conversation with its cloud for all of its meters."""
    hub = EfergyHub(hass, entry, hass.data[DATA_HOMES].accounts)
    await hub.async_start()
    entry.runtime_data = hub
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)


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
    """Return what a home is built from."""
    return (
        entry.title,
        dict(entry.data),
        {
            subentry_id: (subentry.title, dict(subentry.data))
            for subentry_id, subentry in entry.subentries.items()
        },
    )


async def async_unload_entry(hass: HomeAssistant, entry: ConfigEntry) -> bool:
    """Unload a home or an account and stop everything that it ran."""
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)


async def async_remove_entry(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Remember when a home was removed; its history stays until somebody forgets it."""
    kind = entry.data.get(CONF_KIND)
    if kind == EntryKind.EFERGY:
        await async_remove_account(hass, entry)
    homes = hass.data.get(DATA_HOMES)
    if homes is None or homes.ledger_error is not None or kind != EntryKind.HOME:
        return
    await homes.ledger.async_mark_home_removed(
        entry.data[CONF_HOME_ID], dt_util.utcnow()
    )
