"""What sensor daemons said last, bounded. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from .remote import RemoteReading, RemoteUpdate

MAX_REMEMBERED: Final = 512
"""So many sensors of all hosts that report to one board are remembered."""

SILENT_AFTER: Final = timedelta(minutes=5)
"""Daemons report once a minute; a sensor that missed five reports is not there."""

FORGOTTEN_AFTER: Final = timedelta(days=7)
"""A sensor that was silent for so long makes room for others."""

type SensorKey = tuple[str, str]
"""The ids of a host and of its sensor: only both together tell sensors apart."""


@dataclass(frozen=True, slots=True)
class RemoteSensor:
    """The newest reading of a sensor, and when it arrived (aware, UTC)."""

    reading: RemoteReading
    at: datetime

    def available(self, now: datetime) -> bool:
        """Return whether the sensor measures and was heard of late."""
        return self.reading.temperature is not None and now - self.at < SILENT_AFTER


class RemoteSensors:
    """The sensors of all hosts that report to one board."""

    def __init__(self) -> None:
        """Begin without any."""
        self._sensors: dict[SensorKey, RemoteSensor] = {}

    @property
    def all(self) -> dict[SensorKey, RemoteSensor]:
        """Return what is known of each sensor."""
        return dict(self._sensors)

    def take(self, update: RemoteUpdate, now: datetime) -> tuple[str, ...]:
        """Remember a report; return the keys of the readings for which there was room."""
        stored: list[str] = []
        for reading in update.readings:
            key = (update.host_id, reading.sensor_id)
            if key not in self._sensors and not self._has_room(now):
                continue
            self._sensors[key] = RemoteSensor(reading, now)
            stored.append(reading.key)
        return tuple(stored)

    def next_silence(self, now: datetime) -> datetime | None:
        """Return when the next sensor falls silent unless it reports before."""
        dues = (sensor.at + SILENT_AFTER for sensor in self._sensors.values())
        return min((due for due in dues if due > now), default=None)

    def _has_room(self, now: datetime) -> bool:
        """Return whether one more sensor can be remembered; forget old ones for it."""
        if len(self._sensors) < MAX_REMEMBERED:
            return True
        for key, sensor in tuple(self._sensors.items()):
            if now - sensor.at >= FORGOTTEN_AFTER:
                del self._sensors[key]
        return len(self._sensors) < MAX_REMEMBERED
