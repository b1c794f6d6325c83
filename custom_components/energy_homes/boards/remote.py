"""What sensor daemons report, and what they are answered. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

from .fields import BLANKS, read_json
from .refused import BoardMessageError

MAX_UPDATE: Final = 65_536
"""The bytes of the largest report."""

MAX_SENSORS: Final = 128
MAX_ID: Final = 64
MAX_WORDS: Final = 255
"""The characters of the longest id, and of the longest of other texts."""

TEMPERATURES: Final = (-100.0, 300.0)
"""Nothing that a home's sensor measures is outside of this, in °C."""

type Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteReading:
    """What a sensor of a host measures: °C, None where it has no reading now.

    `key` is the id that the daemon is answered with; it tells the sensors of one host
    apart, not those of all hosts.
    """

    key: str
    sensor_id: str
    temperature: float | None
    kind: str | None = None
    alias: str | None = None
    extra: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteUpdate:
    """The readings of a host that make sense, and how many of its sensors do not."""

    host_id: str
    readings: tuple[RemoteReading, ...]
    failed: int = 0


@dataclass(frozen=True, slots=True)
class RemoteReply:
    """An HTTP status and the JSON of its body."""

    status: int
    body: Json


class RemoteUpdateError(ValueError):
    """A report that changes nothing; `reply` says to the daemon what was wrong."""

    def __init__(self, status: int, text: str) -> None:
        """Store what is answered."""
        super().__init__(text)
        self.reply = RemoteReply(status, {"status": "error", "error": text})


def read_update(body: bytes) -> RemoteUpdate:
    """Return what a daemon reports.

    Raises RemoteUpdateError: 413 too large, 400 not JSON, 422 without a host or sensors.
    """
    if len(body) > MAX_UPDATE:
        raise RemoteUpdateError(413, f"more than {MAX_UPDATE} bytes")
    try:
        report = read_json(body)
        problem = None
    except BoardMessageError as error:
        report, problem = None, str(error)
    # Raised out here so that no error that holds the body is its context.
    if problem is not None:
        raise RemoteUpdateError(400, problem)
    if not isinstance(report, dict):
        raise RemoteUpdateError(422, "the report must be an object")
    host_id = _name(report.get("host_id"))
    if host_id is None:
        raise RemoteUpdateError(
            422, f"host_id must be a text of at most {MAX_ID} printable characters"
        )
    sensors = report.get("sensors")
    if not isinstance(sensors, dict) or not sensors:
        raise RemoteUpdateError(422, "sensors must be an object that is not empty")
    if len(sensors) > MAX_SENSORS:
        raise RemoteUpdateError(422, f"sensors must be at most {MAX_SENSORS}")
    readings = tuple(_readings(host_id, sensors))
    return RemoteUpdate(
        host_id=host_id, readings=readings, failed=len(sensors) - len(readings)
    )


def update_reply(update: RemoteUpdate, stored: Iterable[str]) -> RemoteReply:
    """Return the answer, given the keys of the readings that were stored.

    201 where all sensors of the report were, else 400: `partial` or `failed`.
    """
    keys = set(stored)
    ids = [reading.key for reading in update.readings if reading.key in keys]
    failed = update.failed + len(update.readings) - len(ids)
    if not ids:
        return RemoteReply(400, {"status": "failed"})
    if failed:
        error = f"{failed} of {failed + len(ids)} sensors failed"
        return RemoteReply(400, {"status": "partial", "ids": ids, "error": error})
    return RemoteReply(201, {"status": "ok", "ids": ids})


def _readings(host_id: str, sensors: Mapping[str, Any]) -> Iterable[RemoteReading]:
    """Yield what makes sense."""
    known: set[str] = set()
    for sensor_id, sensor in sensors.items():
        name = _name(sensor_id)
        if name is None or not isinstance(sensor, dict) or "value" not in sensor:
            continue
        if name in known:
            continue
        known.add(name)
        if (value := sensor["value"]) is None or _is_temperature(value):
            yield RemoteReading(
                key=f"{host_id}_{name}",
                sensor_id=name,
                temperature=None if value is None else float(value),
                kind=_words(sensor.get("type")),
                alias=_words(sensor.get("alias")),
                extra=_words(sensor.get("extra")),
            )


def _is_temperature(value: Any) -> bool:
    """Return whether a JSON value can be a temperature."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    low, high = TEMPERATURES
    return low <= value <= high and isfinite(value)


def _name(value: Any) -> str | None:
    """Return an id; None where it cannot be one."""
    if not isinstance(value, str):
        return None
    name = value.strip(BLANKS)
    return name if 0 < len(name) <= MAX_ID and name.isprintable() else None


def _words(value: Any) -> str | None:
    """Return a text for people, cut; None where there is none."""
    if not isinstance(value, str):
        return None
    words = "".join(filter(str.isprintable, value)).strip()[:MAX_WORDS]
    return words or None
