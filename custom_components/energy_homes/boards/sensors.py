"""What sensor daemons said last, bounded. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ..sensing.model import Quantity, SensorReading
from ..sensing.silence import Silence
from .remote import RemoteReading, RemoteUpdate

MAX_REMEMBERED: Final = 512
"""So many sensors of all hosts that report to one board are remembered."""

MAX_HOSTS: Final = 32
"""So many hosts are."""

FORGOTTEN_AFTER: Final = timedelta(days=7)
"""A sensor that was silent for so long makes room for others."""

type SensorKey = tuple[str, str]
"""The ids of a host and of its sensor: only both together tell sensors apart."""


@dataclass(frozen=True, slots=True)
class RemoteSensor:
    """The newest reading of a sensor, and how often it is heard."""

    reading: RemoteReading
    silence: Silence

    @property
    def at(self) -> datetime:
        """Return when the reading arrived, aware."""
        return self.silence.at

    @property
    def shown(self) -> SensorReading:
        """Return the reading as homes get it."""
        return SensorReading(
            hardware_id=self.reading.sensor_id,
            quantity=Quantity.TEMPERATURE,
            value=self.reading.temperature,
            at=self.silence.at,
            silent_at=self.silence.silent_at,
            name=self.reading.alias,
        )


class RemoteSensors:
    """The sensors of all hosts that report to one board."""

    def __init__(self) -> None:
        """Begin without any."""
        self._sensors: dict[SensorKey, RemoteSensor] = {}

    @property
    def all(self) -> dict[SensorKey, RemoteSensor]:
        """Return what is known of each sensor."""
        return dict(self._sensors)

    @property
    def hosts(self) -> dict[str, tuple[SensorReading, ...]]:
        """Return what the sensors of each host said last."""
        hosts: dict[str, tuple[SensorReading, ...]] = {}
        for (host_id, _), sensor in self._sensors.items():
            hosts[host_id] = (*hosts.get(host_id, ()), sensor.shown)
        return hosts

    def host(self, host_id: str) -> tuple[SensorReading, ...]:
        """Return what the sensors of one host said last."""
        return tuple(
            sensor.shown
            for (known, _), sensor in self._sensors.items()
            if known == host_id
        )

    def take(self, update: RemoteUpdate, now: datetime) -> tuple[str, ...]:
        """Remember a report; return the keys of the readings for which there was room."""
        stored: list[str] = []
        for reading in update.readings:
            key = (update.host_id, reading.sensor_id)
            if (known := self._sensors.get(key)) is not None:
                silence = known.silence
                silence.heard(now)
            elif self._has_room(update.host_id, now):
                silence = Silence(now)
            else:
                continue
            self._sensors[key] = RemoteSensor(reading, silence)
            stored.append(reading.key)
        return tuple(stored)

    def _has_room(self, host_id: str, now: datetime) -> bool:
        """Return whether one more sensor can be remembered; forget old ones for it."""
        if self._fits(host_id):
            return True
        for key, sensor in tuple(self._sensors.items()):
            if now - sensor.at >= FORGOTTEN_AFTER:
                del self._sensors[key]
        return self._fits(host_id)

    def _fits(self, host_id: str) -> bool:
        """Return whether there is room for one more sensor of a host."""
        hosts = {known for known, _ in self._sensors}
        return len(self._sensors) < MAX_REMEMBERED and (
            host_id in hosts or len(hosts) < MAX_HOSTS
        )
