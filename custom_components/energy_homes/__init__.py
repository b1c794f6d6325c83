"""The Energy Homes integration: homes with meters and heating, and a history that is whole."""

from collections.abc import Callable, Coroutine
from contextlib import suppress
import logging
from pathlib import Path
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE, Platform
from homeassistant.core import Event, HomeAssistant
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.typing import ConfigType
from homeassistant.util import dt as dt_util

from .accounts.kinds import is_account, kind_of
from .accounts.registry import DATA_ACCOUNTS, Accounts
from .const import (
    CONF_HOME_ID,
    CONF_SENSORS,
    CONF_SOURCE_ID,
    DOMAIN,
    LEDGER_FILE,
    SUBENTRY_METER,
    SUBENTRY_SENSORS,
)
from .endpoints.edges import async_forget_edges, async_start_edges, async_stop_edges
from .endpoints.view import async_register_board_view
from .history.backfill import DATA_BACKFILL, Backfill
from .history.issue import async_delete_history_issues
from .history.repair import DATA_REPAIR, GapRepair
from .homes.directory import DATA_HOMES, Homes, is_home
from .homes.home import Home, HomeConfigEntry
from .ledger import Ledger, LedgerError
from .ledger.opening import (
    DATA_LEDGER,
    DATA_LEDGER_OPENING,
    LedgerOpening,
    ledger_needed,
)
from .rooms.store import async_forget_heating
from .services import async_setup_services
from .statistics.guard import async_delete_guard_issues
from .statistics.reconcile import DATA_RECONCILE, Reconciler
from .watch.discovery import async_start_discovery

_LOGGER = logging.getLogger(__name__)

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)

HOME_PLATFORMS: Final = [
    Platform.BINARY_SENSOR,
    Platform.BUTTON,
    Platform.CLIMATE,
    Platform.EVENT,
    Platform.NUMBER,
    Platform.SELECT,
    Platform.SENSOR,
    Platform.SWITCH,
]


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Open the ledger and make the homes reachable before any of them is there."""
    ledger = hass.data[DATA_LEDGER] = Ledger(
        hass.async_add_executor_job, Path(hass.config.path(LEDGER_FILE))
    )
    opening = hass.data[DATA_LEDGER_OPENING] = LedgerOpening(hass, ledger)
    accounts = hass.data[DATA_ACCOUNTS] = Accounts()
    homes = hass.data[DATA_HOMES] = Homes(hass)
    reconciler = hass.data[DATA_RECONCILE] = Reconciler(hass, ledger)
    repair = hass.data[DATA_REPAIR] = GapRepair(hass, homes, accounts, ledger)
    backfill = hass.data[DATA_BACKFILL] = Backfill(hass, homes, accounts, ledger)
    # Each home tries again, and says why where it cannot be.
    with suppress(LedgerError):
        await opening.async_open()
    reconciler.async_start()
    repair.async_start()
    await backfill.async_start()
    stop_discovery = await async_start_discovery(hass, accounts)
    async_setup_services(hass)
    async_register_board_view(hass)

    async def async_stop(_event: Event) -> None:
        """Leave the ledger in good order when Home Assistant stops."""
        await repair.async_stop()
        await backfill.async_stop()
        await homes.async_stop()
        await async_stop_edges(hass)
        stop_discovery()
        await reconciler.async_stop()
        await ledger.async_close()

    hass.bus.async_listen_once(EVENT_HOMEASSISTANT_FINAL_WRITE, async_stop)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: ConfigEntry) -> bool:
    """Set up a home or an account."""
    if is_home(entry):
        await _async_setup_home(hass, entry)
    else:
        entry.runtime_data = await kind_of(entry).async_setup(hass, entry)
        await async_start_edges(hass, entry)
    await hass.config_entries.async_forward_entry_setups(entry, _platforms(entry))
    if is_home(entry):
        entry.runtime_data.start_reconciling(hass.data[DATA_RECONCILE])
    return True


def _platforms(entry: ConfigEntry) -> list[Platform]:
    """Return the platforms that an entry has entities of."""
    return HOME_PLATFORMS if is_home(entry) else kind_of(entry).platforms


async def _async_setup_home(hass: HomeAssistant, entry: HomeConfigEntry) -> None:
    """Set up a home from what is stored, whether or not its accounts are there."""
    home = Home(hass, entry, hass.data[DATA_ACCOUNTS], hass.data[DATA_LEDGER])
    with ledger_needed():
        await hass.data[DATA_LEDGER_OPENING].async_open()
        await home.async_start()
    entry.async_on_unload(hass.data[DATA_HOMES].attach(home))
    await hass.data[DATA_BACKFILL].async_add_home(home)
    entry.runtime_data = home
    entry.async_on_unload(entry.add_update_listener(_reload_on_change(entry)))


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
    if is_account(entry):
        await kind_of(entry).async_forget(hass, entry)
        await async_forget_edges(hass, entry)
    if is_home(entry):
        await _async_forget_home(hass, entry)


async def _async_forget_home(hass: HomeAssistant, entry: HomeConfigEntry) -> None:
    """Take back a home's repairs and what is pending of it; its history stays."""
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
    await hass.data[DATA_BACKFILL].async_forget_home(entry.data[CONF_HOME_ID])
    try:
        await hass.data[DATA_LEDGER].homes.async_mark_removed(
            entry.data[CONF_HOME_ID], dt_util.utcnow()
        )
    except LedgerError as err:
        _LOGGER.warning(
            "When %s was removed could not be noted, its history stays: %s",
            entry.title,
            err,
        )
