"""Reading the Efergy cloud's replies, in every shape that was seen. Pure."""

import codecs
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
import math
import re
from typing import Any, Final

import orjson

from ...metering.model import MeterRole
from ..errors import (
    CloudAuthError,
    CloudError,
    CloudNonsenseError,
    CloudOutageError,
    CloudQuotaError,
    CloudRequestError,
)
from .models import (
    CurrentValue,
    EfergyDevice,
    EnergySum,
    Household,
    InstantValue,
    MeterHistory,
    SeriesPoint,
)

MAX_POWER_W: Final = 1_000_000
"""No home draws or feeds more: beyond it a number is not a power."""

_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NOT_JSON: Final = object()
_UNKNOWN: Final = frozenset({"", "undef", "null", "none"})
_ROLES: Final = {"PWER": MeterRole.GRID, "PWER_GAC": MeterRole.GENERATION}
_DESCRIPTIONS: Final = ("description", "desc", "more", "message", "error")
_BAD_TOKEN: Final = re.compile(
    r"(?=.*\btoken\b)(?=.*\b(bad|invalid|wrong|unknown|expired|revoked|missing)\b)",
    re.IGNORECASE | re.DOTALL,
)


def decode(body: bytes) -> Any:
    """Return the JSON of a reply, whatever type it was served as.

    Raises CloudOutageError where the service sent no reply of its own (nothing, a page),
    CloudNonsenseError for anything else that is not JSON, and the kinds of
    `raise_for_error`.
    """
    text = body.removeprefix(codecs.BOM_UTF8).strip()
    if not text:
        raise CloudOutageError("empty reply")
    if text.startswith(b"<"):
        raise CloudOutageError("a web page instead of a reply")
    try:
        reply = orjson.loads(text)
    except orjson.JSONDecodeError:
        reply = _NOT_JSON
    # Raised out here so that the decoder's error, which holds the body, is no context.
    if reply is _NOT_JSON:
        raise CloudNonsenseError("reply is not JSON")
    raise_for_error(reply)
    return reply


def raise_for_error(reply: Any) -> None:
    """Raise the kind of CloudError that an error reply stands for."""
    if (error := error_of(reply)) is not None:
        raise error


def error_of(reply: Any) -> CloudError | None:
    """Return the kind of error that a reply stands for, None where it is no error.

    The texts stay the vendor's own only where they cannot hold a token.
    """
    if not isinstance(reply, dict):
        return None
    error = reply.get("error")
    status = str(reply.get("status", "")).lower()
    words = " ".join(_words(reply)).lower()
    if (
        not error
        and status not in {"error", "fail", "failed"}
        and (status or not words)
    ):
        return None
    code = _error_id(error)
    if code in {404, 429}:
        return CloudQuotaError("call limit reached")
    if code is not None and code >= 500:
        return CloudOutageError("the service reports a problem of its own")
    if code in {401, 403} or _BAD_TOKEN.search(words):
        return CloudAuthError("token refused")
    if "hid does not exist" in words:
        # Seen for every token while the service was down (2018): nobody's token was wrong.
        return CloudOutageError("the service does not find the household")
    if code == 400:
        return CloudRequestError("request refused")
    if "method call failed" in words:
        return CloudOutageError("the service cannot reach the hub")
    # An error without an id says nothing about us, and does go away by itself.
    return CloudOutageError("the service reports an error")


def current_values(reply: Any) -> tuple[CurrentValue, ...]:
    """Read getCurrentValuesSummary; one value per sid, the newest.

    Raises CloudNonsenseError for anything but a list, and where no element makes sense.
    """
    if not isinstance(reply, list):
        raise CloudNonsenseError("current values are not a list")
    newest: dict[str, CurrentValue] = {}
    for element in reply:
        value = _current_value(element)
        if value is None:
            continue
        known = newest.get(value.sid)
        if known is None or (value.at or _EARLIEST) > (known.at or _EARLIEST):
            newest[value.sid] = value
    if reply and not any(value.nonsense is None for value in newest.values()):
        raise CloudNonsenseError("no current value makes sense")
    return tuple(newest.values())


def instant(reply: Any) -> InstantValue:
    """Read getInstant. Raises CloudNonsenseError."""
    fields = _mapping(reply, "instant value")
    power = _number(fields.get("reading"))
    stamp = fields.get("last_reading_time")
    if power is None or stamp is None:
        return InstantValue(power=None, at=None, age=_age(fields.get("age")))
    return InstantValue(
        power=_power(power), at=_from_ms(stamp), age=_age(fields.get("age"))
    )


def energy_sum(reply: Any) -> EnergySum:
    """Read getEnergy, whose sum is a string of kWh. Raises CloudNonsenseError."""
    fields = _mapping(reply, "energy")
    if "sum" not in fields:
        raise CloudNonsenseError("energy without a sum")
    units = fields.get("units")
    if units is not None and str(units).lower() != "kwh":
        raise CloudNonsenseError("energy in another unit than kWh")
    duration = _number(fields.get("duration"))
    return EnergySum(
        energy=_number(fields["sum"]),
        duration=None if duration is None else timedelta(seconds=duration),
    )


def household(reply: Any) -> Household:
    """Read getStatus. Raises CloudNonsenseError."""
    fields = _mapping(reply, "status")
    hid = fields.get("hid")
    if not isinstance(hid, str | int) or not str(hid).strip():
        raise CloudNonsenseError("status without a household")
    macs = fields.get("listOfMacs")
    return Household(
        hid=str(hid).strip(),
        hubs=tuple(
            EfergyDevice(
                mac=str(mac.get("mac", "")),
                kind=str(mac.get("type", "")),
                version=str(mac.get("version", "")),
                on=str(mac.get("status", "")).lower() == "on",
            )
            for mac in (macs if isinstance(macs, list) else ())
            if isinstance(mac, dict)
        ),
    )


def first_data(reply: Any) -> datetime | None:
    """Read getFirstData, epoch seconds in a string. Raises CloudNonsenseError."""
    seconds = _number(_mapping(reply, "first data").get("firstData"))
    return None if seconds is None else _from_ms(seconds * 1000)


def series(reply: Any) -> tuple[SeriesPoint, ...]:
    """Read getDay, getWeek, getMonth, getYear and getTimeSeries, in time order.

    Raises CloudNonsenseError.
    """
    return _points(_mapping(reply, "series").get("data"))


def history(reply: Any) -> tuple[MeterHistory, ...]:
    """Read getHV: a series per sid. Raises CloudNonsenseError."""
    data = _mapping(reply, "history").get("data")
    if isinstance(data, dict):
        data = [data]
    if not isinstance(data, list):
        raise CloudNonsenseError("history without data")
    return tuple(
        MeterHistory(
            sid=str(fields.get("sid", "")),
            units=None if (units := fields.get("units")) is None else str(units),
            points=_points(fields.get("data")),
        )
        for element in data
        for fields in (_mapping(element, "history of a meter"),)
    )


def _words(value: Any) -> Iterator[str]:
    """Yield what an error reply says in its own words."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            if str(key).lower() in _DESCRIPTIONS:
                yield from _words(inner)


def _error_id(error: Any) -> int | None:
    """Return the number of an error object."""
    code = error.get("id") if isinstance(error, dict) else None
    try:
        return None if code is None else int(code)
    except TypeError, ValueError:
        return None


def _current_value(element: Any) -> CurrentValue | None:
    """Read one element of the summary; None where it does not say which meter it is."""
    if not isinstance(element, dict):
        return None
    sid = element.get("sid")
    if not isinstance(sid, str | int) or isinstance(sid, bool) or not str(sid).strip():
        return None
    cid = str(element.get("cid") or "").strip()
    problem: str | None = None
    power: float | None = None
    at: datetime | None = None
    try:
        at, power = _newest(element.get("data"))
    except CloudNonsenseError as err:
        problem = str(err)
    return CurrentValue(
        sid=str(sid).strip(),
        cid=cid,
        role=_ROLES.get(cid.upper(), MeterRole.SUBMETER),
        power=power,
        at=at,
        age=_age(element.get("age")),
        nonsense=problem,
    )


def _newest(data: Any) -> tuple[datetime | None, float | None]:
    """Return the newest stamp of a meter's data, and its power in W."""
    entries = [
        (_from_ms(stamp), value)
        for stamp, value in _pairs(data)
        if str(value).strip().lower() not in _UNKNOWN
    ]
    if not entries:
        return None, None
    at, value = max(entries, key=lambda entry: entry[0])
    power = _number(value)
    return at, None if power is None else _power(power)


def _points(data: Any) -> tuple[SeriesPoint, ...]:
    """Return stamped values in time order."""
    points = [
        SeriesPoint(
            _from_ms(stamp),
            tuple(map(_number, value if isinstance(value, list) else [value])),
        )
        for stamp, value in _pairs(data)
    ]
    return tuple(sorted(points, key=lambda point: point.at))


def _pairs(data: Any) -> Iterator[tuple[Any, Any]]:
    """Yield stamps with their values from a mapping or a list of mappings."""
    if data is None:
        return
    for part in data if isinstance(data, list) else [data]:
        yield from _mapping(part, "data").items()


def _mapping(value: Any, what: str) -> Mapping[str, Any]:
    """Return a JSON object."""
    if not isinstance(value, dict):
        raise CloudNonsenseError(f"{what} is not an object")
    return value


def _number(value: Any) -> float | None:
    """Return a finite number from a number or a string; None for the vendor's "undef"."""
    if value is None or (isinstance(value, str) and value.strip().lower() in _UNKNOWN):
        return None
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        try:
            number = float(value)
        except ValueError, OverflowError:
            number = math.nan
        if math.isfinite(number):
            return number
    raise CloudNonsenseError("not a number")


def _power(value: float) -> float:
    """Return a power in W that a home can have."""
    if abs(value) > MAX_POWER_W:
        raise CloudNonsenseError("power beyond anything that a home has")
    return value


def _age(value: Any) -> timedelta | None:
    """Return an age from seconds; None where it cannot be one."""
    try:
        seconds = _number(value)
        return None if seconds is None else timedelta(seconds=seconds)
    except CloudNonsenseError, OverflowError:
        return None


def _from_ms(value: Any) -> datetime:
    """Return the instant of epoch milliseconds."""
    ms = _number(value)
    try:
        at = None if ms is None else _EPOCH + timedelta(milliseconds=ms)
    except OverflowError:
        at = None
    # Seconds read as milliseconds end up in 1970.
    if at is None or not _EARLIEST <= at < _LATEST:
        raise CloudNonsenseError("stamp is not in milliseconds of these centuries")
    return at
