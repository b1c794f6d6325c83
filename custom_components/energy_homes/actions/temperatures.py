"""The part of `get_temperature` that answers the past, from the ledger."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from homeassistant.core import ServiceCall, ServiceResponse
from homeassistant.util import dt as dt_util

from ..homes.home import Home
from ..ledger import Ledger
from ..ledger.opening import DATA_LEDGER
from ..metering.model import Provenance
from ..metering.period_documents import csv_text
from ..metering.temperature import RoomPeriod, RoomSlot, room_period
from .errors import invalid, ledger_errors, one_of
from .fields import ATTR_END, ATTR_FORMAT, ATTR_PERIOD, ATTR_START, CSV, FORMATS, JSON
from .periods import MOST_PERIODS, asked_duration_s, instant, too_long
from .rooms import HomeRoom

HISTORY_FIELDS: Final = (ATTR_START, ATTR_END, ATTR_PERIOD, ATTR_FORMAT)
"""An action that has one of them asks for the past."""

COLUMNS: Final = (
    "home",
    "room",
    "start",
    "end",
    "temperature",
    "min",
    "max",
    *(f"{origin.value}_seconds" for origin in Provenance),
)


@dataclass(frozen=True, slots=True)
class Span:
    """Whole periods from `start` to `end`, Unix seconds, each `duration_s` long."""

    start: int
    end: int
    duration_s: int


async def async_past_temperatures(
    call: ServiceCall, rooms: Iterable[tuple[Home, Sequence[HomeRoom]]]
) -> ServiceResponse:
    """Answer what rooms were like in a span; all is checked before any is read."""
    wanted = one_of(call.data.get(ATTR_FORMAT, JSON), FORMATS, "unknown_format")
    asked = [(home, some, _span(call.data, home)) for home, some in rooms]
    ledger = call.hass.data[DATA_LEDGER]
    with ledger_errors():
        found = {
            home.label: {
                room.name: await _async_read(ledger, room.driver.room_id, span)
                for room in some
            }
            for home, some, span in asked
        }
    if wanted == CSV:
        rows = [
            (label, name, *_document(period).values(), *period.quality)
            for label, by_room in found.items()
            for name, periods in by_room.items()
            for period in periods
        ]
        return {"csv": csv_text(COLUMNS, rows)}
    return {
        label: {
            "rooms": {
                name: {
                    "periods": [
                        {**_document(period), "quality": period.quality._asdict()}
                        for period in periods
                    ]
                }
                for name, periods in by_room.items()
            }
        }
        for label, by_room in found.items()
    }


def _span(data: Mapping[str, Any], home: Home) -> Span:
    """Return the span that is asked for. Raises ServiceValidationError saying what may be."""
    if ATTR_START not in data or ATTR_END not in data:
        raise invalid("span_needed")
    duration_s = asked_duration_s(data.get(ATTR_PERIOD, "60"))
    start, end = (instant(data[name], home) for name in (ATTR_START, ATTR_END))
    if start >= end:
        raise invalid("bad_span", start=start.isoformat(), end=end.isoformat())
    first, last = (
        -(-int(at.timestamp()) // duration_s) * duration_s for at in (start, end)
    )
    if (last - first) // duration_s > MOST_PERIODS:
        raise too_long()
    return Span(first, last, duration_s)


async def _async_read(ledger: Ledger, room_id: str, span: Span) -> list[RoomPeriod]:
    """Return the periods of a room that it was followed in, as far as they have ended."""
    stored = await ledger.rooms.async_load(room_id)
    if stored.first is None or stored.settled_until is None:
        return []
    length = span.duration_s
    begin = max(span.start, int(stored.first.timestamp()) // length * length)
    end = min(span.end, int(stored.settled_until.timestamp()) // length * length)
    by_period: defaultdict[int, list[RoomSlot]] = defaultdict(list)
    for slot in await ledger.rooms.async_between(room_id, _at(begin), _at(end)):
        by_period[int(slot.start.timestamp()) // length * length].append(slot)
    return [
        room_period(_at(at), timedelta(seconds=length), by_period[at])
        for at in range(begin, end, length)
    ]


def _at(seconds: int) -> datetime:
    """Return the instant of Unix seconds."""
    return dt_util.utc_from_timestamp(seconds)


def _document(period: RoomPeriod) -> dict[str, Any]:
    """Return a period; temperatures in °C, None where nothing is known."""
    return {
        "start": period.start.isoformat(),
        "end": (period.start + period.duration).isoformat(),
        "temperature": None if period.mean is None else round(period.mean, 3),
        "min": period.low,
        "max": period.high,
    }
