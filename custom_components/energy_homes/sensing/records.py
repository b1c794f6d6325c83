"""The sensors that a home has, with ids of their own. Pure.

A sensor keeps its id, and so its entity and statistics, when its host is exchanged: it is
found by the vendor's id, else by its name. What does not report stays on record.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Self

from .model import Quantity, SensorReading

MAX_ON_RECORD: Final = 128
"""So many sensors of one source are taken on record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorRecord:
    """A sensor of a home.

    `hardware` has the vendor's id of it at each host that was, is or will be the source's.
    """

    sensor_id: str
    name: str
    quantity: Quantity
    unit: str
    hardware: Mapping[str, str] = field(default_factory=dict)

    @property
    def unique_id(self) -> str:
        """Return what tells the sensor's entity from all others."""
        return f"{self.sensor_id}_{self.quantity}"

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """Read a sensor as it is stored."""
        return cls(
            sensor_id=data["id"],
            name=data["name"],
            quantity=Quantity(data["quantity"]),
            unit=data["unit"],
            hardware=dict(data["hardware"]),
        )

    def as_data(self) -> dict[str, Any]:
        """Return the sensor as it is stored."""
        return {
            "id": self.sensor_id,
            "name": self.name,
            "quantity": self.quantity.value,
            "unit": self.unit,
            "hardware": dict(self.hardware),
        }

    def at_host(self, host: str, hardware_id: str | None) -> Self:
        """Return the sensor with another vendor's id at a host, None for none there."""
        others = {key: value for key, value in self.hardware.items() if key != host}
        if hardware_id is not None:
            others[host] = hardware_id
        return replace(self, hardware=others)


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorMatch:
    """How the sensors on record are found at a host.

    `matched` is the vendor's id by our own; `records` are sensors without a counterpart,
    `readings` what is none's.
    """

    matched: Mapping[str, str]
    records: tuple[SensorRecord, ...]
    readings: tuple[SensorReading, ...]


def merged(
    records: Sequence[SensorRecord],
    host: str,
    readings: Iterable[SensorReading],
    now: datetime,
    new_id: Callable[[], str],
) -> tuple[SensorRecord, ...]:
    """Return the records after a host has said what it has.

    What is new gets `new_id()`, what got another name is renamed. A sensor of the same name
    takes the place of one that is silent. What is not there stays on record; merging the same
    again changes nothing.
    """
    heard = [reading for reading in readings if reading.heard(now)]
    matched = _matched(records, host, heard)
    by_key = {(reading.quantity, reading.hardware_id): reading for reading in heard}
    known: list[SensorRecord] = []
    for record in records:
        if (hardware_id := matched.get(record.sensor_id)) is None:
            known.append(record)
            continue
        reading = by_key.pop((record.quantity, hardware_id))
        if record.hardware.get(host) != hardware_id:
            record = record.at_host(host, hardware_id)
        if reading.name is not None and reading.name != record.name:
            record = replace(record, name=reading.name)
        known.append(record)
    for reading in by_key.values():
        if len(known) >= MAX_ON_RECORD:
            break
        known.append(
            SensorRecord(
                sensor_id=new_id(),
                name=reading.name or reading.hardware_id,
                quantity=reading.quantity,
                unit=reading.unit,
                hardware={host: reading.hardware_id},
            )
        )
    return tuple(known)


def match_sensors(
    records: Sequence[SensorRecord], host: str, readings: Iterable[SensorReading]
) -> SensorMatch:
    """Return which sensors of another host are those on record."""
    reported = tuple(readings)
    matched = _matched(records, host, reported)
    taken = {
        (record.quantity, matched[record.sensor_id])
        for record in records
        if record.sensor_id in matched
    }
    return SensorMatch(
        matched=matched,
        records=tuple(r for r in records if r.sensor_id not in matched),
        readings=tuple(r for r in reported if (r.quantity, r.hardware_id) not in taken),
    )


def moved(
    records: Iterable[SensorRecord], host: str, chosen: Mapping[str, str | None]
) -> tuple[SensorRecord, ...]:
    """Return the sensors with their vendor's ids at another host, by our own ids."""
    return tuple(
        record.at_host(host, chosen[record.sensor_id])
        if record.sensor_id in chosen
        else record
        for record in records
    )


def _matched(
    records: Sequence[SensorRecord], host: str, readings: Sequence[SensorReading]
) -> dict[str, str]:
    """Return the vendor's ids at a host by our own.

    A sensor is what it was at this host; else what has its id from another host; else the
    only one with its name. Only where none of that is so it is a new one.
    """
    matched: dict[str, str] = {}
    left = {(reading.quantity, reading.hardware_id): reading for reading in readings}

    def take(record: SensorRecord, hardware_id: str) -> None:
        """Let a sensor be one on record."""
        matched[record.sensor_id] = hardware_id
        del left[record.quantity, hardware_id]

    for record in records:
        if (own := record.hardware.get(host)) and (record.quantity, own) in left:
            take(record, own)
    for record in records:
        others = {
            hardware_id
            for key, hardware_id in record.hardware.items()
            if key != host and (record.quantity, hardware_id) in left
        }
        if record.sensor_id not in matched and host not in record.hardware and others:
            take(record, min(others))
    free = [record for record in records if record.sensor_id not in matched]
    named = Counter((r.quantity, _name(r.name)) for r in free)
    reported = Counter((r.quantity, _name(r.name)) for r in left.values())
    by_name = {(r.quantity, _name(r.name)): r.hardware_id for r in left.values()}
    for record in free:
        key = (record.quantity, _name(record.name))
        if key[1] and named[key] == reported[key] == 1:
            take(record, by_name[key])
    return matched


def _name(name: str | None) -> str:
    """Return what makes two names the same."""
    return (name or "").strip().casefold()
