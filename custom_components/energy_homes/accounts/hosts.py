"""Where homes find the hosts of sensors that they use, whichever of the two comes first."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ..const import SourceKind
from ..sensing.model import SensorReading


@dataclass(frozen=True, slots=True, kw_only=True)
class HostInfo:
    """A host of sensors as its account knows it: a daemon, or a board.

    One that is not `offered` can be chosen, but nobody is asked about it: a board that is a
    meter first.
    """

    hardware_id: str
    name: str
    readings: tuple[SensorReading, ...] = ()
    offered: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class HostUpdate:
    """What a subscriber of one host is told: what each of its sensors said last.

    `available` is False while the account cannot say anything about the host. `online` says
    whether it is connected, None where nobody knows; `last_event` is when it last said
    anything (aware, UTC), where that is told apart from its readings.
    """

    available: bool
    readings: tuple[SensorReading, ...] = ()
    online: bool | None = None
    last_event: datetime | None = None


type HostListener = Callable[[HostUpdate], None]


class SensingHub(Protocol):
    """What an account offers whose hosts have sensors."""

    @property
    def key(self) -> str:
        """Return the account's own id, the unique id of its config entry."""

    @property
    def source_kind(self) -> SourceKind:
        """Return what revisions are called that read a host of this account."""

    @property
    def hosts(self) -> Mapping[str, HostInfo]:
        """Return the account's hosts by the vendor's id."""

    def host_update(self, host_id: str) -> HostUpdate:
        """Return the present state of one host for a new subscriber."""


class Hosts:
    """Hubs with hosts by key, and who wants to hear of them.

    Subscriptions outlive hubs, as those of meters do.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        """Start without hubs; `changed` is called when they, or hosts, come or go."""
        self._changed = changed
        self._hubs: dict[str, SensingHub] = {}
        self._listeners: defaultdict[tuple[str, str], list[HostListener]] = defaultdict(
            list
        )
        self._known: set[tuple[str, str]] = set()

    @property
    def hubs(self) -> Mapping[str, SensingHub]:
        """Return all hubs with hosts that are loaded now, by key."""
        return self._hubs

    def attach(self, hub: SensingHub) -> Callable[[], None]:
        """Make a hub known and tell its subscribers; return how to take it away."""
        key = hub.key
        self._hubs[key] = hub
        self._tell_all(key)

        def detach() -> None:
            """Take the hub away and tell its subscribers."""
            if self._hubs.get(key) is hub:
                del self._hubs[key]
                self._tell_all(key)

        return detach

    def subscribe(
        self, key: str, host_id: str, listener: HostListener
    ) -> Callable[[], None]:
        """Hear of a host from now on, its present state first; return how to stop."""
        listeners = self._listeners[key, host_id]
        listeners.append(listener)
        listener(self._present(key, host_id))

        def unsubscribe() -> None:
            """Stop hearing of the host."""
            listeners.remove(listener)
            if not listeners:
                self._listeners.pop((key, host_id), None)

        return unsubscribe

    def publish(self, key: str, host_id: str) -> None:
        """Tell everybody who uses a host how it is, and who watches of a new one."""
        self._tell(key, host_id)
        if (key, host_id) not in self._known:
            self._known = {
                (account, known)
                for account, hub in self._hubs.items()
                for known in hub.hosts
            }
            self._changed()

    def _tell(self, key: str, host_id: str) -> None:
        """Tell everybody who uses a host how it is."""
        for listener in tuple(self._listeners.get((key, host_id), ())):
            listener(self._present(key, host_id))

    def _present(self, key: str, host_id: str) -> HostUpdate:
        """Return what is known of a host now."""
        if (hub := self._hubs.get(key)) is None:
            return HostUpdate(available=False)
        return hub.host_update(host_id)

    def _tell_all(self, key: str) -> None:
        """Tell every subscriber of an account's hosts how they are, and who watches."""
        for account, host_id in tuple(self._listeners):
            if account == key:
                self._tell(account, host_id)
        self._changed()
