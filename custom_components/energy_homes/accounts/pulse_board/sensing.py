"""Sensor daemons that report to a board: hosts of sensors, for homes that use them."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime

from homeassistant.core import callback

from ...boards.remote import RemoteReply, RemoteUpdate, update_reply
from ...boards.sensors import RemoteSensors
from ...const import SourceKind
from ..hosts import HostInfo, Hosts, HostUpdate


class DaemonSensing:
    """What the daemons' sensors said last (`sensors`). It satisfies `SensingHub`."""

    source_kind = SourceKind.REMOTE

    def __init__(
        self,
        key: str,
        hosts: Hosts,
        counts: Counter[str],
        *,
        on_report: Callable[[], None],
    ) -> None:
        """Stand for the daemons of the board of a key, of which homes hear through `hosts`.

        `counts` counts reports with the board's messages; `on_report` is called after each.
        """
        self.key = key
        self.sensors = RemoteSensors()
        self._hosts = hosts
        self._counts = counts
        self._on_report = on_report

    @property
    def hosts(self) -> Mapping[str, HostInfo]:
        """Return the hosts of sensor daemons that reported to the board."""
        return {
            host_id: HostInfo(hardware_id=host_id, name=host_id, readings=readings)
            for host_id, readings in self.sensors.hosts.items()
        }

    @callback
    def host_update(self, host_id: str) -> HostUpdate:
        """Return what the sensors of a host said last."""
        return HostUpdate(available=True, readings=self.sensors.host(host_id))

    @callback
    def take(self, update: RemoteUpdate, arrival: datetime) -> RemoteReply:
        """Return the answer to what a sensor daemon reports."""
        stored = self.sensors.take(update, arrival)
        self._counts["report"] += 1
        if stored:
            self._hosts.publish(self.key, update.host_id)
        self._on_report()
        return update_reply(update, stored)
