"""Meters that no home has become discovered items; meters that went missing, repairs."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from homeassistant.config_entries import (
    SIGNAL_CONFIG_ENTRY_CHANGED,
    ConfigEntry,
    ConfigEntryChange,
)
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.event import async_track_time_interval

from .accounts.registry import AccountHub, Accounts, AccountState
from .const import DOMAIN
from .flows.assign import assignments, async_discover
from .flows.inventory import (
    Hardware,
    account_entries,
    discovery_id,
    hardware_ever_used,
    is_ignored,
    live_meters,
)
from .missing import MissingMeters

CHECK_INTERVAL: Final = timedelta(minutes=10)
"""How often entities and accounts that are gone are looked at; hubs tell by themselves."""


async def async_start_discovery(
    hass: HomeAssistant, accounts: Accounts
) -> CALLBACK_TYPE:
    """Keep discovered items and repairs in step with accounts and homes.

    Return how to stop.
    """
    return await Discovery(hass, accounts).async_start()


class Discovery:
    """Follows the meters of all accounts."""

    def __init__(self, hass: HomeAssistant, accounts: Accounts) -> None:
        """Start without following any."""
        self._hass = hass
        self._accounts = accounts
        self._missing = MissingMeters(hass)
        self._offered: set[Hardware] = set()
        self._followed: dict[str, tuple[AccountHub, CALLBACK_TYPE]] = {}
        self._unsubscribe: list[Callable[[], None]] = []

    async def async_start(self) -> CALLBACK_TYPE:
        """Follow accounts and homes; return how to stop."""
        await self._missing.async_load()
        self._unsubscribe = [
            self._accounts.watch(self._hubs_changed),
            async_dispatcher_connect(
                self._hass, SIGNAL_CONFIG_ENTRY_CHANGED, self._entry_changed
            ),
            async_track_time_interval(
                self._hass,
                self._tick,
                CHECK_INTERVAL,
                name=f"{DOMAIN} discovery",
                cancel_on_shutdown=True,
            ),
        ]
        self._hubs_changed()
        return self._stop

    @callback
    def _stop(self) -> None:
        """Stop following."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        for _, unfollow in self._followed.values():
            unfollow()
        self._unsubscribe = []
        self._followed = {}

    @callback
    def _hubs_changed(self) -> None:
        """Follow the hubs that are there now."""
        for key, (hub, unfollow) in tuple(self._followed.items()):
            if self._accounts.get(key) is not hub:
                unfollow()
                del self._followed[key]
                self._offered = {item for item in self._offered if item[0] != key}
        for key, hub in self._accounts.hubs.items():
            if key not in self._followed:
                self._followed[key] = (hub, hub.async_add_listener(self._check))
        self._check()

    @callback
    def _entry_changed(self, change: ConfigEntryChange, entry: ConfigEntry) -> None:
        """Look again after a home or an account of ours changed."""
        if entry.domain == DOMAIN:
            self._check()

    @callback
    def _tick(self, _now: datetime) -> None:
        """Look again from time to time."""
        self._check()

    @callback
    def _check(self) -> None:
        """Bring discovered items and repairs in step."""
        self._missing.async_check()
        used = hardware_ever_used(self._hass)
        self._offered -= used
        self._withdraw(used)
        for key, hub in self._accounts.hubs.items():
            live = {meter.hardware_id: meter for meter in live_meters(hub)}
            self._offered = {
                item for item in self._offered if item[0] != key or item[1] in live
            }
            for hardware_id, meter in live.items():
                hardware = (key, hardware_id)
                if hardware in used | self._offered or is_ignored(
                    self._hass, discovery_id(key, hardware_id)
                ):
                    continue
                self._offered.add(hardware)
                self._hass.async_create_task(
                    async_discover(self._hass, key, meter),
                    f"{DOMAIN} discovery of {hardware_id}",
                )

    @callback
    def _withdraw(self, used: set[Hardware]) -> None:
        """End the flows of meters that have a home now, or that are gone."""
        used_ids = {discovery_id(*hardware) for hardware in used}
        for flow in assignments(self._hass):
            unique_id = flow["context"].get("unique_id") or ""
            opened = flow["context"].get("dismiss_protected", False)
            if unique_id in used_ids or (not opened and self._is_gone(unique_id)):
                self._hass.config_entries.flow.async_abort(flow["flow_id"])

    def _is_gone(self, unique_id: str) -> bool:
        """Return whether a discovered meter is known not to be there any more."""
        for entry in account_entries(self._hass):
            key = entry.unique_id or ""
            if not unique_id.startswith(discovery_id(key, "")):
                continue
            hub = self._accounts.get(key)
            if hub is None or hub.state is not AccountState.CONNECTED:
                return False
            return all(
                unique_id != discovery_id(key, meter.hardware_id)
                for meter in live_meters(hub)
            )
        return True
