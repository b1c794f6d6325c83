"""What the sensors of a host look like to people. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from .model import SensorReading
from .records import SensorRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorView:
    """A sensor now: its name, whether it was heard of late, and its value in its unit.

    The value is None where there is no reading.
    """

    name: str
    available: bool = False
    value: float | None = None


def views(
    records: Iterable[SensorRecord],
    host: str,
    readings: Iterable[SensorReading],
    now: datetime,
) -> Mapping[str, SensorView]:
    """Return the sensors on record, by our own ids, as their host says they are."""
    reported = {(r.quantity, r.hardware_id): r for r in readings if r.heard(now)}
    shown: dict[str, SensorView] = {}
    for record in records:
        reading = reported.get((record.quantity, record.hardware.get(host, "")))
        shown[record.sensor_id] = SensorView(
            name=record.name,
            available=reading is not None,
            value=None if reading is None else reading.value,
        )
    return shown


def next_silence(readings: Iterable[SensorReading], now: datetime) -> datetime | None:
    """Return when the next sensor falls silent unless it reports before."""
    return min((r.silent_at for r in readings if r.heard(now)), default=None)
