"""The action that imports the past of homes: from their vendors, or what people give."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from homeassistant.core import ServiceCall, ServiceResponse
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
import voluptuous as vol

from ..const import DOMAIN
from ..history.backfill import DATA_BACKFILL, Backfill
from ..history.given import async_take_given
from ..history.job import Job
from ..history.meter_slots import MeterSlots
from ..history.subjects import Subject, subjects_of
from ..homes.directory import DATA_HOMES, normalized_label
from ..homes.home import Home
from ..ledger.opening import DATA_LEDGER
from ..models import MeterSource, NotNowError
from .errors import invalid, ledger_errors
from .fields import ATTR_END, ATTR_HOME, ATTR_START, HOME_FIELD
from .given import GIVEN_FIELDS, async_given
from .meter_reading import ATTR_METER
from .repair_gaps import span_of

IMPORT_HISTORY_SCHEMA: Final = vol.Schema(
    {
        **HOME_FIELD,
        vol.Optional(ATTR_METER): vol.All(cv.ensure_list, [cv.string]),
        vol.Optional(ATTR_START): cv.datetime,
        vol.Optional(ATTR_END): cv.datetime,
        **{vol.Optional(name): cv.string for name in GIVEN_FIELDS},
    }
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The meters of a home whose past is wanted, and of which span."""

    home: Home
    meters: Sequence[MeterSource]
    start: datetime | None
    end: datetime | None


async def async_import_history(call: ServiceCall) -> ServiceResponse:
    """Import what can be had now and answer what came of it; the rest follows by itself.

    Everything is checked before anything is changed.
    """
    homes = call.hass.data[DATA_HOMES]
    names = call.data.get(ATTR_METER)
    wanted = [
        Wanted(home, _meters(home, names), *_span(call, home))
        for home in homes.select(call.data.get(ATTR_HOME))
    ]
    _refuse_unknown(names or (), wanted)
    given = [name for name in GIVEN_FIELDS if name in call.data]
    if len(given) > 1:
        raise invalid("one_past_only", fields=", ".join(given))
    with ledger_errors():
        if given:
            return await _async_import_given(call, wanted)
        return await _async_import_kept(
            call.hass.data[DATA_BACKFILL], wanted, every_room=names is None
        )


def _meters(home: Home, names: Collection[str] | None) -> list[MeterSource]:
    """Return the meters of a home with names; without names all of them."""
    found = None if names is None else set(map(normalized_label, names))
    return [
        source
        for source in home.sources.values()
        if found is None or normalized_label(source.name) in found
    ]


def _refuse_unknown(names: Collection[str], wanted: Sequence[Wanted]) -> None:
    """Refuse the name of a meter that none of the homes has."""
    found = {normalized_label(meter.name) for one in wanted for meter in one.meters}
    for name in names:
        if normalized_label(name) not in found:
            raise invalid(
                "unknown_meter_of_home",
                meter=name,
                meters=_choices(one.home for one in wanted),
            )


def _choices(homes: Iterable[Home]) -> str:
    """Return the meters of homes for a message."""
    return "; ".join(
        f"“{home.label}”: "
        + (", ".join(source.name for source in home.sources.values()) or "-")
        for home in homes
    )


def _span(call: ServiceCall, home: Home) -> tuple[datetime | None, datetime | None]:
    """Return the span that is asked for; it begins in the past."""
    start, end = span_of(call, home)
    if start is not None and start >= (now := dt_util.utcnow()):
        raise invalid("start_in_future", start=start.isoformat(), now=now.isoformat())
    return start, end


async def _async_import_kept(
    backfill: Backfill, wanted: Sequence[Wanted], *, every_room: bool
) -> ServiceResponse:
    """Import what vendors keep of meters and rooms, as far as they may be asked now."""
    found: list[tuple[Wanted, list[Subject]]] = []
    for one in wanted:
        meters = {meter.source_id for meter in one.meters}
        found.append(
            (
                one,
                [
                    subject
                    for subject in subjects_of(one.home)
                    if subject.subject_id in meters
                    or (every_room and not subject.is_meter)
                ],
            )
        )
    if not any(subjects for _, subjects in found):
        raise invalid(
            "no_past_told", homes=", ".join(f"“{one.home.label}”" for one in wanted)
        )
    for one, subjects in found:
        await backfill.async_begin(one.home, subjects, one.start, one.end)
    for _, subjects in found:
        await backfill.async_settled(subjects)
    return {
        one.home.label: {
            kind: [
                _document(subject, job)
                for subject in subjects
                if subject.is_meter is meters
                and (job := backfill.jobs.get(subject.subject_id)) is not None
            ]
            for kind, meters in (("meters", True), ("rooms", False))
        }
        for one, subjects in found
    }


def _document(subject: Subject, job: Job) -> dict[str, Any]:
    """Return how far the import of a meter or a room has come, in slots of five minutes."""
    return {
        "name": subject.name,
        "state": job.state.value,
        "problem": None if job.problem is None else job.problem.value,
        "found": job.found,
        "filled": sum(job.filled.values()),
        "from": dict(job.filled),
        "left": job.left,
        "calls": job.calls,
        "since": None if job.begin is None else job.begin.isoformat(),
        "until": None if job.end is None else job.end.isoformat(),
    }


async def _async_import_given(
    call: ServiceCall, wanted: Sequence[Wanted]
) -> ServiceResponse:
    """Import what is given of one meter, all at once."""
    named = [(one, meter) for one in wanted for meter in one.meters]
    if len(named) != 1 or ATTR_METER not in call.data:
        raise invalid("one_meter_needed", meters=_choices(one.home for one in wanted))
    ((one, meter),) = named
    given = await async_given(call.hass, one.home, call.data)
    try:
        filled = await async_take_given(
            MeterSlots(
                call.hass.data[DATA_LEDGER], one.home.coordinator, meter.source_id
            ),
            given.answers,
            one.start,
            one.end,
        )
    except NotNowError as err:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="repair_stopped",
            translation_placeholders={"meters": f"{one.home.label} {meter.name}"},
        ) from err
    return {
        one.home.label: {
            "meters": [
                {
                    "name": meter.name,
                    "problem": None,
                    "found": filled.found,
                    "filled": filled.filled,
                    "from": {given.origin: filled.filled} if filled.filled else {},
                    "left": filled.found - filled.filled,
                    "refused_lines": list(given.refused),
                }
            ],
            "rooms": [],
        }
    }
