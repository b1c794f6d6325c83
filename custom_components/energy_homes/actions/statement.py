"""The action that answers what homes counted in a month, from the ledger."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
import re
from typing import Any, Final

from homeassistant.core import ServiceCall, ServiceResponse
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
import voluptuous as vol

from ..homes.directory import DATA_HOMES
from ..homes.home import Home
from ..ledger import Counted, HomeStatement
from ..ledger.opening import DATA_LEDGER
from ..metering.model import Provenance
from ..metering.period_documents import csv_text
from .errors import invalid, ledger_errors, one_of
from .fields import ATTR_FORMAT, ATTR_HOMES, ATTR_MONTH, CSV, FORMATS, JSON

GET_STATEMENT_SCHEMA: Final = vol.Schema(
    {
        vol.Optional(ATTR_HOMES): vol.All(cv.ensure_list, [cv.string]),
        vol.Required(ATTR_MONTH): cv.string,
        vol.Optional(ATTR_FORMAT, default=JSON): cv.string,
    }
)

_MONTH: Final = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")

COLUMNS: Final = (
    "home",
    "month",
    "time_zone",
    "complete",
    "begin",
    "end",
    "first_reading_kwh",
    "last_reading_kwh",
    "energy_kwh",
    *(f"{origin.value}_percent" for origin in Provenance),
    "generation_kwh",
    "returned_kwh",
)


@dataclass(frozen=True, slots=True)
class Month:
    """A month of a home's own calendar, `[start, end)`."""

    name: str
    start: datetime
    end: datetime


async def async_get_statement(call: ServiceCall) -> ServiceResponse:
    """Answer the month of the named homes, or of all; all are checked before any is read."""
    homes = call.hass.data[DATA_HOMES]
    wanted = one_of(call.data[ATTR_FORMAT], FORMATS, "unknown_format")
    labels = call.data.get(ATTR_HOMES) or [home.label for home in homes.all]
    months = [
        (home, _month(call.data[ATTR_MONTH], home)) for home in homes.select(labels)
    ]
    with ledger_errors():
        found = [
            (
                home,
                month,
                await call.hass.data[DATA_LEDGER].async_statement(
                    home.home_id, month.start, month.end
                ),
            )
            for home, month in months
        ]
    if wanted == CSV:
        rows = [
            _cells(home.label, _answer(home, month, statement))
            for home, month, statement in found
        ]
        return {"csv": csv_text(COLUMNS, rows)}
    return {
        home.label: _answer(home, month, statement) for home, month, statement in found
    }


def _month(text: str, home: Home) -> Month:
    """Return a month in a home's time zone. Raises naming what may be asked for."""
    zone = home.coordinator.time_zone
    now = dt_util.utcnow().astimezone(zone)
    if (match := _MONTH.fullmatch(text.strip())) is None or match[1] == "0000":
        raise invalid("bad_month", month=text, newest=f"{now:%Y-%m}")
    year, number = int(match[1]), int(match[2])
    start = datetime(year, number, 1, tzinfo=zone)
    if start > now:
        raise invalid(
            "month_in_future", month=text, home=home.label, newest=f"{now:%Y-%m}"
        )
    end = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=zone)
    return Month(f"{start:%Y-%m}", start, end)


def _answer(home: Home, month: Month, statement: HomeStatement) -> dict[str, Any]:
    """Return a home's month; what has no slot in it is None."""
    grid = statement.grid
    return {
        "month": month.name,
        "time_zone": str(home.coordinator.time_zone),
        "complete": grid is not None
        and (grid.begin, grid.end) == (month.start, month.end),
        **_counted(home, grid),
        "generation": statement.generation and statement.generation.energy,
        "returned": statement.returned and statement.returned.energy,
        "meters": _meters(home, statement),
    }


def _meters(home: Home, statement: HomeStatement) -> list[dict[str, Any]]:
    """Return what each meter counted; one that was removed has no name."""
    names = {source.source_id: source.name for source in home.sources.values()}
    return [
        {
            "source": source_id,
            "name": names.get(source_id),
            "role": statement.roles[source_id].value,
            **_counted(home, counted),
        }
        for source_id, counted in statement.sources.items()
    ]


def _counted(home: Home, counted: Counted | None) -> dict[str, Any]:
    """Return readings in kWh, and the share of time that is known, and how, in %."""
    if counted is None:
        return dict.fromkeys(
            ("begin", "end", "first_reading", "last_reading", "energy", "share")
        )
    zone = home.coordinator.time_zone
    slots = sum(counted.slots.values())
    return {
        "begin": counted.begin.astimezone(zone).isoformat(),
        "end": counted.end.astimezone(zone).isoformat(),
        "first_reading": counted.first,
        "last_reading": counted.last,
        "energy": counted.energy,
        "share": {
            origin.value: round(100 * counted.slots[origin] / slots, 2)
            for origin in Provenance
        },
    }


def _cells(label: str, answer: Mapping[str, Any]) -> tuple[object, ...]:
    """Return a home's answer as the cells of COLUMNS."""
    share = answer["share"] or {}
    return (
        label,
        answer["month"],
        answer["time_zone"],
        "yes" if answer["complete"] else "no",
        answer["begin"],
        answer["end"],
        answer["first_reading"],
        answer["last_reading"],
        answer["energy"],
        *(share.get(origin.value) for origin in Provenance),
        answer["generation"],
        answer["returned"],
    )
