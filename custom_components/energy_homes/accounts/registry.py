"""Where homes find the accounts that they use, whichever of the two comes first."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN, EntryKind
from ..metering.model import MeterRole, Reading
from ..metering.pulse_decay import PresentPower
from .hosts import Hosts

DATA_ACCOUNTS: HassKey[Accounts] = HassKey(f"{DOMAIN}_accounts")


class AccountState(StrEnum):
    """How an account's conversation with its cloud is going."""

    STARTING = "starting"
    CONNECTED = "connected"
    QUOTA = "quota"
    OUTAGE = "outage"
    AUTH = "auth"


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterInfo:
    """A meter as its account knows it.

    `power` in W; `last_seen` is the meter's own newest stamp, UTC; `ghost` marks what the
    vendor lists without it being a meter that reports (sid "0", ages of hours).
    """

    hardware_id: str
    name: str
    role: MeterRole
    power: float | None
    last_seen: datetime | None
    ghost: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterUpdate:
    """What a subscriber of one meter is told.

    `available` is False while the account cannot say anything about the meter (no account,
    outage, refused credentials, the meter is gone from the account). A quota does not make
    it False: the last reading stays until it is stale. `reading` is None where there is no
    new one; `gap` says that nobody knows what was used between it and the one before.
    `present` is the power now where the account tells it apart from its readings;
    `at_once` says that it is worth to be shown without waiting for others. `online` says
    whether the board behind the meter is connected, None where nobody knows or asks.
    """

    available: bool
    reading: Reading | None = None
    gap: bool = False
    present: PresentPower | None = None
    at_once: bool = False
    online: bool | None = None


type MeterListener = Callable[[MeterUpdate], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatingUpdate[Topology = Any, Status = Any]:
    """What a subscriber of one vendor's home is told, all that is known of it.

    `state` is None while the account is not loaded. `gone` says that the account answers
    and has no such home (any more). `topology` and `status` are the newest that were got,
    None until there are any; `status_at` is when the status was got, UTC. `asked_at` is when
    the call that got it was made, so that what was sent later is not in it, and
    `topology_asked_at` says the same of the topology (None for what an earlier run knew).
    """

    state: AccountState | None
    gone: bool = False
    topology: Topology | None = None
    status: Status | None = None
    status_at: datetime | None = None
    asked_at: datetime | None = None
    topology_asked_at: datetime | None = None


type HeatingListener = Callable[[HeatingUpdate], None]


class AccountHub(Protocol):
    """What an account offers to homes and entities, whatever its vendor."""

    @property
    def kind(self) -> EntryKind:
        """Return which row of the table of kinds describes the account."""

    @property
    def key(self) -> str:
        """Return the account's own id, the unique id of its config entry."""

    @property
    def state(self) -> AccountState:
        """Return how the conversation with the cloud is going."""

    @property
    def meters(self) -> Mapping[str, MeterInfo]:
        """Return the account's meters by hardware id."""

    @property
    def calls_last_hour(self) -> int:
        """Return how many calls the account made in the last hour."""

    @property
    def calls_last_day(self) -> int:
        """Return how many calls the account made in the last day."""

    @property
    def missing(self) -> Mapping[str, datetime]:
        """Return the meters that have reported and do not now, and since when."""

    def meter_update(self, hardware_id: str) -> MeterUpdate:
        """Return the present state of one meter for a new subscriber."""

    def async_add_listener(
        self, update_callback: Callable[[], None], context: Any = None
    ) -> Callable[[], None]:
        """Call back after each conversation with the cloud; return how to stop."""


class HeatingHub(Protocol):
    """What an account that heats offers to homes and entities, whatever its vendor.

    What its homes are and how they are commanded only the vendor's own hub says.
    """

    @property
    def kind(self) -> EntryKind:
        """Return which row of the table of kinds describes the account."""

    @property
    def key(self) -> str:
        """Return the account's own id, the unique id of its config entry."""

    @property
    def title(self) -> str:
        """Return what people call the account."""

    @property
    def state(self) -> AccountState:
        """Return how the conversation with the cloud is going."""

    @property
    def calls_last_hour(self) -> int:
        """Return how many calls the account made in the last hour."""

    def heating_update(self, home_id: str) -> HeatingUpdate:
        """Return the present state of one home for a new subscriber."""

    def async_add_listener(
        self, update_callback: Callable[[], None], context: Any = None
    ) -> Callable[[], None]:
        """Call back after each conversation with the cloud; return how to stop."""


class Accounts:
    """Account hubs by key, and who wants to hear of their meters and homes.

    Subscriptions outlive hubs: an account may be added, reloaded or removed while homes wait.
    """

    def __init__(self) -> None:
        """Start without accounts."""
        self._hubs: dict[str, AccountHub] = {}
        self._listeners: defaultdict[tuple[str, str], list[MeterListener]] = (
            defaultdict(list)
        )
        self._heating_hubs: dict[str, HeatingHub] = {}
        self._heating_listeners: defaultdict[tuple[str, str], list[HeatingListener]] = (
            defaultdict(list)
        )
        self._watchers: list[Callable[[], None]] = []
        self._follow_watchers: dict[str, Callable[[], None]] = {}
        self.hosts = Hosts(self._tell_watchers)

    def attach(self, hub: AccountHub) -> Callable[[], None]:
        """Make a hub known and tell its subscribers; return how to take it away."""
        key = hub.key
        self._hubs[key] = hub
        self._tell_all(key)
        self._tell_watchers()

        def detach() -> None:
            """Take the hub away and tell its subscribers."""
            if self._hubs.get(key) is hub:
                del self._hubs[key]
                self._tell_all(key)
                self._tell_watchers()

        return detach

    def get(self, key: str) -> AccountHub | None:
        """Return the hub of an account that is loaded now."""
        return self._hubs.get(key)

    @property
    def of_every_kind(self) -> Mapping[str, AccountHub | HeatingHub]:
        """Return all hubs that are loaded now, of meters or of heating, by key."""
        return {**self._hubs, **self._heating_hubs}

    @property
    def hubs(self) -> Mapping[str, AccountHub]:
        """Return all hubs that are loaded now, by key."""
        return self._hubs

    def watch(self, watcher: Callable[[], None]) -> Callable[[], None]:
        """Hear of hubs that come and go; return how to stop."""
        self._watchers.append(watcher)

        def unwatch() -> None:
            """Stop hearing of hubs."""
            self._watchers.remove(watcher)

        return unwatch

    def subscribe(
        self, key: str, hardware_id: str, listener: MeterListener
    ) -> Callable[[], None]:
        """Hear of a meter from now on, its present state first; return how to stop."""
        listeners = self._listeners[key, hardware_id]
        listeners.append(listener)
        listener(self._present(key, hardware_id))

        def unsubscribe() -> None:
            """Stop hearing of the meter."""
            listeners.remove(listener)
            if not listeners:
                self._listeners.pop((key, hardware_id), None)

        return unsubscribe

    def publish(self, key: str, hardware_id: str, update: MeterUpdate) -> None:
        """Hand an update to everybody who uses the meter."""
        for listener in tuple(self._listeners.get((key, hardware_id), ())):
            listener(update)

    def _present(self, key: str, hardware_id: str) -> MeterUpdate:
        """Return what is known of a meter now."""
        if (hub := self._hubs.get(key)) is None:
            return MeterUpdate(available=False)
        return hub.meter_update(hardware_id)

    def _tell_watchers(self) -> None:
        """Tell everybody who watches that hubs came or went."""
        for watcher in tuple(self._watchers):
            watcher()

    def _tell_all(self, key: str) -> None:
        """Tell every subscriber of an account its meter's present state."""
        for account, hardware_id in tuple(self._listeners):
            if account == key:
                self.publish(key, hardware_id, self._present(key, hardware_id))

    def attach_heating(self, hub: HeatingHub) -> Callable[[], None]:
        """Make a hub that heats known and tell its subscribers; return how to take it away."""
        key = hub.key
        self._heating_hubs[key] = hub
        self._tell_all_heating(key)
        self._tell_watchers()

        def detach() -> None:
            """Take the hub away and tell its subscribers."""
            if self._heating_hubs.get(key) is hub:
                del self._heating_hubs[key]
                self._tell_all_heating(key)
                self._tell_watchers()

        return detach

    @property
    def heating_hubs(self) -> Mapping[str, HeatingHub]:
        """Return all hubs that heat and are loaded now, by key."""
        return self._heating_hubs

    def subscribe_heating(
        self, key: str, home_id: str, listener: HeatingListener
    ) -> Callable[[], None]:
        """Hear of a vendor's home from now on, its present state first; return how to stop."""
        listeners = self._heating_listeners[key, home_id]
        listeners.append(listener)
        listener(self._present_heating(key, home_id))
        self._tell_follow_watcher(key)

        def unsubscribe() -> None:
            """Stop hearing of the home."""
            listeners.remove(listener)
            if not listeners:
                self._heating_listeners.pop((key, home_id), None)
                self._tell_follow_watcher(key)

        return unsubscribe

    def followed(self, key: str) -> frozenset[str]:
        """Return the ids of the account's homes that somebody subscribed to."""
        return frozenset(
            home_id for known, home_id in self._heating_listeners if known == key
        )

    def watch_followed(
        self, key: str, watcher: Callable[[], None]
    ) -> Callable[[], None]:
        """Hear when other homes of an account are followed; return how to stop."""
        self._follow_watchers[key] = watcher

        def unwatch() -> None:
            """Stop hearing of homes that are followed."""
            if self._follow_watchers.get(key) is watcher:
                del self._follow_watchers[key]

        return unwatch

    def _tell_follow_watcher(self, key: str) -> None:
        """Tell the account's hub that it may be about other homes now."""
        if (watcher := self._follow_watchers.get(key)) is not None:
            watcher()

    def publish_heating(self, key: str, home_id: str, update: HeatingUpdate) -> None:
        """Hand an update to everybody who uses the home."""
        for listener in tuple(self._heating_listeners.get((key, home_id), ())):
            listener(update)

    def _present_heating(self, key: str, home_id: str) -> HeatingUpdate:
        """Return what a new subscriber of a home is told."""
        if (hub := self._heating_hubs.get(key)) is None:
            return HeatingUpdate(state=None)
        return hub.heating_update(home_id)

    def _tell_all_heating(self, key: str) -> None:
        """Tell every subscriber of an account's homes how things are."""
        for known, home_id in tuple(self._heating_listeners):
            if known == key:
                self.publish_heating(key, home_id, self._present_heating(key, home_id))
