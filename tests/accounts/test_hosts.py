"""Hosts of sensors and homes that use them: whichever of the two comes first."""

from datetime import UTC, datetime, timedelta

from custom_components.energy_homes.accounts.hosts import (
    HostInfo,
    Hosts,
    HostUpdate,
    SensingHub,
)
from custom_components.energy_homes.const import SourceKind
from custom_components.energy_homes.sensing.model import Quantity, SensorReading

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)


class Hub:
    """An account with hosts."""

    def __init__(self, key: str, *hosts: str) -> None:
        """Have some hosts, each with a sensor."""
        self.key = key
        self.source_kind = SourceKind.REMOTE
        reading = SensorReading(
            hardware_id="a",
            quantity=Quantity.TEMPERATURE,
            value=1.0,
            at=NOON,
            silent_at=NOON + timedelta(minutes=5),
        )
        self.hosts = {
            host: HostInfo(hardware_id=host, name=host, readings=(reading,))
            for host in hosts
        }

    def host_update(self, host_id: str) -> HostUpdate:
        """Return what a host said."""
        known = self.hosts.get(host_id)
        return HostUpdate(
            available=True, readings=() if known is None else known.readings
        )


def test_subscription_outlives_hubs() -> None:
    """A home hears of its host when an account comes, reports, is exchanged and goes."""
    changes: list[None] = []
    hosts = Hosts(lambda: changes.append(None))
    heard: list[HostUpdate] = []
    other: list[HostUpdate] = []
    stop = hosts.subscribe("board", "pi", heard.append)
    hosts.subscribe("else", "pi", other.append)
    assert heard == [HostUpdate(available=False)]
    hub: SensingHub = Hub("board", "pi")
    detach = hosts.attach(hub)
    assert heard[-1] == hub.host_update("pi")
    assert hosts.hubs == {"board": hub}
    newer = Hub("board")
    hosts.attach(newer)
    assert heard[-1] == HostUpdate(available=True)
    detach()
    assert hosts.hubs == {"board": newer}
    hosts.attach(newer)()
    assert heard[-1] == HostUpdate(available=False)
    assert len(other) == 1
    second: list[HostUpdate] = []
    stop_second = hosts.subscribe("board", "pi", second.append)
    stop()
    count = len(heard)
    hosts.publish("board", "pi")
    assert (len(heard), len(second)) == (count, 2)
    stop_second()


def test_who_watches_hears_of_new_hosts_only() -> None:
    """A report of a host that is known is nothing new."""
    changes: list[None] = []
    hosts = Hosts(lambda: changes.append(None))
    hosts.attach(Hub("board", "pi", "attic"))
    assert len(changes) == 1
    hosts.publish("board", "pi")
    hosts.publish("board", "attic")
    assert len(changes) == 2
    hosts.publish("board", "pi")
    assert len(changes) == 2
