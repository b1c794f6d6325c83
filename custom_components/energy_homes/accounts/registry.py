"""Where homes find the accounts that they use, whichever of the two comes first."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from ..metering.model import MeterRole, Reading


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
    new one.
    """

    available: bool
    reading: Reading | None = None


type MeterListener = Callable[[MeterUpdate], None]


class AccountHub(Protocol):
    """What an account offers to homes and entities, whatever its vendor."""

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


class Accounts:
    """Account hubs by key, and who wants to hear of their meters.

    Subscriptions outlive hubs: an account may be added, reloaded or removed while homes wait.
    """

    def __init__(self) -> None:
        """Start without accounts."""
        self._hubs: dict[str, AccountHub] = {}
        self._listeners: defaultdict[tuple[str, str], list[MeterListener]] = (
            defaultdict(list)
        )
        self._watchers: list[Callable[[], None]] = []

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
