"""The action that looks for what is missing of homes' history and repairs it."""

from datetime import UTC, datetime
from typing import Any, Final

from homeassistant.core import ServiceCall, ServiceResponse
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from ..const import DOMAIN
from ..history.repair import DATA_REPAIR
from ..history.repaired import Repaired
from ..homes.directory import DATA_HOMES
from ..homes.home import Home
from ..metering.gaps import Gap, slots_in
from .errors import invalid, ledger_errors
from .fields import ATTR_END, ATTR_HOME, ATTR_START, HOME_FIELD
from .periods import instant

REPAIR_GAPS_SCHEMA: Final = vol.Schema(
    {
        **HOME_FIELD,
        vol.Optional(ATTR_START): cv.datetime,
        vol.Optional(ATTR_END): cv.datetime,
    }
)

MOST_GAPS: Final = 50
"""So many of what is left are told one by one, the newest ones."""


async def async_repair_gaps(call: ServiceCall) -> ServiceResponse:
    """Repair homes now, asking also for what was asked before, and answer what came of it.

    Raises HomeAssistantError where a vendor could not be asked and nobody wants an answer.
    """
    homes = call.hass.data[DATA_HOMES]
    spans = [
        (home, *span_of(call, home)) for home in homes.select(call.data.get(ATTR_HOME))
    ]
    found: dict[str, list[Repaired]] = {}
    with ledger_errors():
        for home, begin, end in spans:
            found[home.label] = await call.hass.data[DATA_REPAIR].async_repair(
                home, begin, end, again=True
            )
    if call.return_response:
        return {label: _answer(repairs) for label, repairs in found.items()}
    stopped = [
        f"{label} {repair.name}"
        for label, repairs in found.items()
        for repair in repairs
        if repair.problem is not None
    ]
    if stopped:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="repair_stopped",
            translation_placeholders={"meters": ", ".join(stopped)},
        )
    return None


def span_of(call: ServiceCall, home: Home) -> tuple[datetime | None, datetime | None]:
    """Return the span that is asked for, open at both ends where it does not say."""
    start, end = (
        None if (at := call.data.get(name)) is None else instant(at, home)
        for name in (ATTR_START, ATTR_END)
    )
    if start is not None and end is not None and start >= end:
        raise invalid("bad_span", start=start.isoformat(), end=end.isoformat())
    return start, end


def _answer(repairs: list[Repaired]) -> dict[str, Any]:
    """Return what came of a home, in slots of five minutes, of each meter and each room."""
    meters = [_document(repair) for repair in repairs if repair.room_id is None]
    rooms = [_document(repair) for repair in repairs if repair.room_id is not None]
    return {
        **_totals(meters),
        "meters": meters,
        "room_totals": _totals(rooms),
        "rooms": rooms,
    }


def _document(repair: Repaired) -> dict[str, Any]:
    """Return what came of a meter or room."""
    return {
        "name": repair.name,
        "found": repair.found,
        "vendor": repair.vendor,
        "interpolated": repair.interpolated,
        "left": slots_in(repair.left),
        "calls": repair.calls,
        "problem": repair.problem,
        "holes": [_gap(one) for one in repair.left[:MOST_GAPS]],
    }


def _totals(documents: list[dict[str, Any]]) -> dict[str, int]:
    """Return the sums over meters, or over rooms."""
    return {
        name: sum(document[name] for document in documents)
        for name in ("found", "vendor", "interpolated", "left", "calls")
    }


def _gap(one: Gap) -> dict[str, str]:
    """Return a span that is not known."""
    return {
        "start": datetime.fromtimestamp(one.start, UTC).isoformat(),
        "end": datetime.fromtimestamp(one.stop, UTC).isoformat(),
    }
