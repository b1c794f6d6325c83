"""What accounts have and no home becomes discovered items; what went missing, repairs."""

from collections.abc import Callable, Collection, Coroutine
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from homeassistant.config_entries import (
    SIGNAL_CONFIG_ENTRY_CHANGED,
    ConfigEntry,
    ConfigEntryChange,
)
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.util import dt as dt_util

from ..accounts.pulse_board.hub import PulseBoardHub
from ..accounts.registry import AccountHub, Accounts, AccountState, HeatingHub
from ..const import DOMAIN, EntryKind
from ..flows.netatmo.assign import async_discover_home
from ..flows.sources.assign import assignments, async_discover
from ..flows.sources.sensing import async_discover_host
from ..homes.inventory import (
    Hardware,
    account_entries,
    discovery_id,
    hardware_known,
    hardware_of,
    host_revision,
    is_ignored,
    live_homes,
    live_meters,
)
from .missing import MissingSources

type Offer = Callable[[], Coroutine[Any, Any, str | None]]
"""Makes hardware a discovered item."""

ACCOUNT_KINDS: Final = (
    EntryKind.EFERGY,
    EntryKind.NETATMO,
    EntryKind.PULSE_BOARD,
    EntryKind.PARTICLE,
)

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
    """Follows the meters and the Netatmo homes of all accounts."""

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
        hubs = self._hubs
        for key, (hub, unfollow) in tuple(self._followed.items()):
            if hubs.get(key) is not hub:
                unfollow()
                del self._followed[key]
                self._offered = {item for item in self._offered if item[0] != key}
        for key, hub in self._accounts.hubs.items():
            if key not in self._followed:
                check = self._check
                if isinstance(hub, PulseBoardHub):
                    check = self._check_on_change(partial(_seen_of_board, hub))
                self._followed[key] = (hub, hub.async_add_listener(check))
        for key, heating in self._accounts.heating_hubs.items():
            if key not in self._followed:
                check = self._check_on_change(partial(_seen_of_heating, heating))
                self._followed[key] = (heating, heating.async_add_listener(check))
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

    @property
    def _hubs(self) -> dict[str, AccountHub | HeatingHub]:
        """Return the hubs that are there now, by key."""
        return {**self._accounts.hubs, **self._accounts.heating_hubs}

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
        live: dict[Hardware, Offer] = {}
        for key, hub in self._accounts.hubs.items():
            for meter in live_meters(hub):
                live[key, meter.hardware_id] = partial(
                    async_discover, self._hass, key, meter
                )
        for key, heating in self._accounts.heating_hubs.items():
            for topology in live_homes(heating):
                live[key, topology.home_id] = partial(
                    async_discover_home, self._hass, key, topology
                )
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
        for kind in ACCOUNT_KINDS:
            for entry in account_entries(self._hass, kind):
                key = entry.unique_id or ""
                if unique_id.startswith(discovery_id(key, "")):
                    hub = self._hubs.get(key)
                    return hub is not None and hub.state is AccountState.CONNECTED
        return True


def _seen_of_board(hub: PulseBoardHub) -> object:
    """Return what of a board says what there is."""
    return tuple(hub.channels), hub.state


def _seen_of_heating(hub: HeatingHub) -> object:
    """Return what of a heating account says what there is."""
    return hub.homes, hub.state
