"""What accounts have and no home becomes discovered items; what went missing, repairs."""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from homeassistant.config_entries import (
    SIGNAL_CONFIG_ENTRY_CHANGED,
    ConfigEntry,
    ConfigEntryChange,
)
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.util import dt as dt_util

from ..accounts.kinds import KINDS, is_account
from ..accounts.registry import AccountHub, Accounts, AccountState, HeatingHub
from ..const import DOMAIN
from ..flows.kind import Offer
from ..flows.kinds import FLOWS
from ..flows.sources.assign import assignments
from ..flows.sources.sensing import async_discover_host
from ..homes.inventory import (
    Hardware,
    discovery_id,
    hardware_known,
    hardware_of,
    host_revision,
    is_ignored,
)
from .missing import MissingSources

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
    """Follows the hardware of all accounts."""

    def __init__(self, hass: HomeAssistant, accounts: Accounts) -> None:
        """Start without following any."""
        self._hass = hass
        self._accounts = accounts
        self._missing = MissingSources(hass)
        self._offered: set[Hardware] = set()
        self._followed: dict[str, tuple[AccountHub | HeatingHub, CALLBACK_TYPE]] = {}
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
        hubs = self._accounts.of_every_kind
        for key, (hub, unfollow) in tuple(self._followed.items()):
            if hubs.get(key) is not hub:
                unfollow()
                del self._followed[key]
                self._offered = {item for item in self._offered if item[0] != key}
        for key, hub in hubs.items():
            if key not in self._followed:
                check = self._check
                if (seen := KINDS[hub.kind].seen) is not None:
                    check = self._check_on_change(partial(seen, hub))
                self._followed[key] = (hub, hub.async_add_listener(check))
        self._check()

    def _check_on_change(self, seen: Callable[[], object]) -> CALLBACK_TYPE:
        """Return what looks again where something else is seen of a hub.

        It tells of every status of every home, or of every pulse, which says nothing of
        what there is.
        """
        known = seen()

        @callback
        def check() -> None:
            """Look again where anything is new."""
            nonlocal known
            if (new := seen()) != known:
                known = new
                self._check()

        return check

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
        used = hardware_known(self._hass)
        live = self._live()
        self._offered = (self._offered & live.keys()) - used
        self._withdraw(used, live.keys())
        for hardware, offer in live.items():
            if hardware in used | self._offered or is_ignored(
                self._hass, discovery_id(*hardware)
            ):
                continue
            self._offered.add(hardware)
            self._hass.async_create_task(
                offer(), f"{DOMAIN} discovery of {hardware[1]}"
            )

    def _live(self) -> dict[Hardware, Offer]:
        """Return what the accounts have that works, and how it is offered."""
        live: dict[Hardware, Offer] = {
            (key, hardware_id): offer
            for key, hub in self._accounts.of_every_kind.items()
            for hardware_id, offer in FLOWS[hub.kind].offers(self._hass, hub).items()
        }
        now = dt_util.utcnow()
        for sensing in self._accounts.hosts.hubs.values():
            for host_id, host in sensing.hosts.items():
                if not host.offered:
                    continue
                if hardware := hardware_of(host_revision(sensing, host_id, now)):
                    live[hardware] = partial(
                        async_discover_host, self._hass, sensing, host
                    )
        return live

    @callback
    def _withdraw(self, used: set[Hardware], live: Collection[Hardware]) -> None:
        """End the flows of what has a home now, or is gone."""
        used_ids = {discovery_id(*hardware) for hardware in used}
        live_ids = {discovery_id(*hardware) for hardware in live}
        for flow in assignments(self._hass):
            unique_id = flow["context"].get("unique_id") or ""
            opened = flow["context"].get("dismiss_protected", False)
            if unique_id in used_ids or (
                not opened and unique_id not in live_ids and self._is_gone(unique_id)
            ):
                self._hass.config_entries.flow.async_abort(flow["flow_id"])

    def _is_gone(self, unique_id: str) -> bool:
        """Return whether an item that does not work is known not to be there any more."""
        for entry in self._hass.config_entries.async_entries(DOMAIN):
            key = entry.unique_id or ""
            if is_account(entry) and unique_id.startswith(discovery_id(key, "")):
                hub = self._accounts.of_every_kind.get(key)
                return hub is not None and hub.state is AccountState.CONNECTED
        return True
