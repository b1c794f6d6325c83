"""The action that answers what homes counted in each period, from the ledger."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any, Final

from homeassistant.core import ServiceCall, ServiceResponse
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
import voluptuous as vol

from ..homes.directory import DATA_HOMES, Homes
from ..homes.home import Home
from ..ledger import Ledger
from ..ledger.opening import DATA_LEDGER
from ..metering.period_documents import (
    PERIOD_COLUMNS,
    SECONDS,
    DocumentId,
    csv_text,
    document,
    period_cells,
)
from ..metering.periods import PERIOD_S, SHOWN_S, Period, newest_start_s, starts_s
from .errors import invalid, ledger_errors, one_of
from .fields import (
    ATTR_END,
    ATTR_FORMAT,
    ATTR_HOME,
    ATTR_ID,
    ATTR_PERIOD,
    ATTR_START,
    CSV,
    FORMATS,
    HOME_FIELD,
    JSON,
)

MINUTE_S: Final = 60
DAY_S: Final = 86_400

MOST_PERIODS: Final = 31 * DAY_S // PERIOD_S
"""So many periods of each meter are answered at once: a month of quarter hours."""

GET_PERIODS_SCHEMA: Final = vol.Schema(
    {
        **HOME_FIELD,
        vol.Optional(ATTR_START): cv.datetime,
        vol.Optional(ATTR_END): cv.datetime,
        vol.Optional(ATTR_PERIOD): cv.string,
        vol.Optional(ATTR_ID): vol.All(cv.ensure_list, [cv.string]),
        vol.Optional(ATTR_FORMAT, default=JSON): cv.string,
    }
)

COLUMNS: Final = ("home", "meter", "role", "source", *PERIOD_COLUMNS)


@dataclass(frozen=True, slots=True)
class MeterPeriods:
    """A meter of a home with its periods; one that was removed has no name and no role."""

    source_id: str
    name: str | None
    role: str | None
    periods: Sequence[Period]


async def async_get_periods(call: ServiceCall) -> ServiceResponse:
    """Answer the periods of a span, or those that are named by their ids."""
    hass = call.hass
    homes, ledger = hass.data[DATA_HOMES], hass.data[DATA_LEDGER]
    wanted = one_of(call.data[ATTR_FORMAT], FORMATS, "unknown_format")
    with ledger_errors():
        if ids := call.data.get(ATTR_ID):
            found = await _async_by_id(homes, ledger, call.data, ids)
        else:
            found = await _async_by_span(homes, ledger, call.data)
    # A month of many meters takes the processor long enough to be felt.
    answer: ServiceResponse = await hass.async_add_executor_job(
        _csv if wanted == CSV else _documents, found
    )
    return answer


async def _async_by_span(
    homes: Homes, ledger: Ledger, data: Mapping[str, Any]
) -> dict[str, list[MeterPeriods]]:
    """Return the periods that start in a span; all homes are checked before any is read."""
    if ATTR_START not in data or ATTR_END not in data:
        raise invalid("span_needed")
    duration_s = asked_duration_s(data.get(ATTR_PERIOD, str(PERIOD_S // MINUTE_S)))
    newest_s = newest_start_s(dt_util.utcnow(), duration_s)
    spans: list[tuple[Home, range]] = []
    for home in homes.select(data.get(ATTR_HOME)):
        start, end = (instant(data[name], home) for name in (ATTR_START, ATTR_END))
        if start >= end:
            raise invalid("bad_span", start=start.isoformat(), end=end.isoformat())
        starts = starts_s(
            ceil(start.timestamp()),
            min(ceil(end.timestamp()), newest_s + duration_s),
            duration_s,
        )
        if len(starts) > MOST_PERIODS:
            raise too_long()
        spans.append((home, starts))
    return {
        home.label: await _async_read(ledger, home, starts) for home, starts in spans
    }


async def _async_read(ledger: Ledger, home: Home, starts: range) -> list[MeterPeriods]:
    """Return a home's meters with their periods, those that are gone too."""
    found = await ledger.async_periods(await ledger.async_sources(home.home_id), starts)
    return _meters(home, found)


def _meters(home: Home, found: Mapping[str, Sequence[Period]]) -> list[MeterPeriods]:
    """Return meters of a home with periods that were found; gone ones only with some."""
    present = {source.source_id: source for source in home.sources.values()}
    return [
        MeterPeriods(source_id, source.name, source.role.value, found[source_id])
        for source_id, source in present.items()
        if source_id in found
    ] + [
        MeterPeriods(source_id, None, None, periods)
        for source_id, periods in found.items()
        if source_id not in present and periods
    ]


async def _async_by_id(
    homes: Homes, ledger: Ledger, data: Mapping[str, Any], ids: Iterable[str]
) -> dict[str, list[MeterPeriods]]:
    """Return the periods that ids name, as far as they exist by now."""
    if {ATTR_HOME, ATTR_START, ATTR_END, ATTR_PERIOD} & set(data):
        raise invalid("id_alone")
    home_of = {
        source_id: home
        for home in homes.all
        for source_id in await ledger.async_sources(home.home_id)
    }
    wanted: defaultdict[int, set[int]] = defaultdict(set)
    sources: defaultdict[tuple[int, int], list[str]] = defaultdict(list)
    for text in ids:
        try:
            one = DocumentId.parse(text)
        except ValueError as err:
            raise invalid(
                "bad_period_id",
                id=text,
                lengths=", ".join(SECONDS),
                example=str(
                    DocumentId(
                        next(iter(home_of), "source"),
                        newest_start_s(dt_util.utcnow()),
                        PERIOD_S,
                    )
                ),
            ) from err
        if one.source_id not in home_of:
            raise invalid(
                "unknown_source",
                source=one.source_id,
                choices=", ".join(
                    f"{source.source_id} ({home.label} {source.name})"
                    for home in homes.all
                    for source in home.sources.values()
                )
                or "-",
            )
        wanted[one.duration_s].add(one.start_s)
        if one.source_id not in sources[one.duration_s, one.start_s]:
            sources[one.duration_s, one.start_s].append(one.source_id)
    if sum(map(len, sources.values())) > MOST_PERIODS:
        raise invalid("too_many_ids", most=str(MOST_PERIODS))
    now = dt_util.utcnow()
    found: defaultdict[str, list[Period]] = defaultdict(list)
    for duration_s, starts in sorted(wanted.items()):
        newest_s = newest_start_s(now, duration_s)
        for run in _runs(sorted(starts), duration_s):
            asked = {name for start in run for name in sources[duration_s, start]}
            for source_id, periods in (
                await ledger.async_periods(sorted(asked), run)
            ).items():
                found[source_id] += [
                    period
                    for period in periods
                    if period.start_s <= newest_s
                    and source_id in sources[duration_s, period.start_s]
                ]
    labels = {home_of[source_id].label: home_of[source_id] for source_id in found}
    return {
        label: _meters(
            home, {name: some for name, some in found.items() if home_of[name] is home}
        )
        for label, home in sorted(labels.items())
    }


def _runs(starts: Sequence[int], duration_s: int) -> list[range]:
    """Return ordered starts as ranges without a gap."""
    runs: list[range] = []
    for start in starts:
        if runs and runs[-1].stop == start:
            runs[-1] = range(runs[-1].start, start + duration_s, duration_s)
        else:
            runs.append(range(start, start + duration_s, duration_s))
    return runs


def asked_duration_s(text: str) -> int:
    """Return a length in minutes, or in ISO 8601, in seconds. Raises naming the choices."""
    choices = {str(seconds // MINUTE_S): seconds for seconds in SHOWN_S}
    iso = {duration.lower(): seconds for duration, seconds in SECONDS.items()}
    if (length := iso.get(text.strip().lower())) is not None:
        return length
    return choices[one_of(text, choices, "unknown_period")]


def too_long() -> ServiceValidationError:
    """Return what is told of a span with too many periods in it."""
    return invalid(
        "span_too_long",
        choices=", ".join(
            f"{seconds // MINUTE_S} min: {MOST_PERIODS * seconds // DAY_S} d"
            for seconds in SHOWN_S
        ),
    )


def instant(at: datetime, home: Home) -> datetime:
    """Return an instant; without an offset it is the home's wall time."""
    if at.utcoffset() is None:
        return at.replace(tzinfo=home.coordinator.time_zone)
    return at


def _documents(found: Mapping[str, Iterable[MeterPeriods]]) -> dict[str, Any]:
    """Return the answer as documents, per home."""
    return {
        label: {
            "meters": {
                meter.source_id: {"name": meter.name, "role": meter.role}
                for meter in meters
            },
            "periods": [
                document(meter.source_id, period)
                for meter in meters
                for period in meter.periods
            ],
        }
        for label, meters in found.items()
    }


def _csv(found: Mapping[str, Iterable[MeterPeriods]]) -> dict[str, Any]:
    """Return the answer as one table of all homes."""
    rows = [
        (label, meter.name, meter.role, meter.source_id, *period_cells(period))
        for label, meters in found.items()
        for meter in meters
        for period in meter.periods
    ]
    return {"csv": csv_text(COLUMNS, rows)}
