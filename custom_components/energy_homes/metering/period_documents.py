"""How periods are named and written down for others: documents and CSV.

A document is one period of one source, found again by its id for ever:
`cache_<start>_<length>_<source>_energyAccumulation`, times in ISO 8601 and UTC.
"""

from collections.abc import Iterable
import csv
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from io import StringIO
import re
from typing import Any, Final, Self, override

from .counter import UNITS_PER_KWH
from .periods import SHOWN_S, Period

CACHE_NAME: Final = "energyAccumulation"
FRAGMENT_ID: Final = 1
"""A source is one meter, so that each document has one node."""

DURATIONS: Final = dict(zip(SHOWN_S, ("PT5M", "PT15M", "PT30M", "PT1H"), strict=True))
SECONDS: Final = {duration: seconds for seconds, duration in DURATIONS.items()}

_ID: Final = re.compile(
    rf"cache_(?P<start>[0-9T:-]{{19}}Z)_(?P<duration>PT[0-9]+[MH])"
    rf"_(?P<source>(?s:.+))_{CACHE_NAME}"
)
_STAMP: Final = "%Y-%m-%dT%H:%M:%SZ"


def shown_kwh(energy: int) -> float:
    """Return an energy in micro-Wh as it is shown: kWh with six decimals."""
    return round(energy / UNITS_PER_KWH, 6)


@dataclass(frozen=True, slots=True)
class DocumentId:
    """What a document is of: a source and a period, in Unix seconds."""

    source_id: str
    start_s: int
    duration_s: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an id; raises ValueError for what is none."""
        if (match := _ID.fullmatch(text)) is None:
            raise ValueError(f"{text} is not the id of a period")
        start = datetime.strptime(match["start"], _STAMP).replace(tzinfo=UTC)
        found = cls(
            match["source"], int(start.timestamp()), SECONDS.get(match["duration"], 0)
        )
        if not found.duration_s or found.start_s % found.duration_s:
            raise ValueError(f"No period is {text}")
        return found

    @override
    def __str__(self) -> str:
        """Return the id."""
        return _id(self.source_id, self.start_s, self.duration_s)


def _id(source_id: str, start_s: int, duration_s: int) -> str:
    """Return the id of a source's period."""
    return f"{_id_of_all(start_s, duration_s)}{source_id}_{CACHE_NAME}"


@lru_cache(maxsize=1024)
def _id_of_all(start_s: int, duration_s: int) -> str:
    """Return what the ids of all sources' periods begin with: meters are read together."""
    return f"cache_{_iso(1000 * start_s)}_{DURATIONS[duration_s]}_"


def document(source_id: str, period: Period) -> dict[str, Any]:
    """Return a period as a document; energies are in kWh, times in milliseconds."""
    counted = period.counted
    return {
        "id": _id(source_id, period.start_s, period.duration_s),
        "periodStartDateMillis": 1000 * period.start_s,
        "periodDurationMillis": 1000 * period.duration_s,
        "sourceId": source_id,
        "cacheName": CACHE_NAME,
        "nodes": [
            {
                "fragmentId": FRAGMENT_ID,
                "data": {
                    "identifier": source_id,
                    "generationKWH": shown_kwh(counted.energy),
                    "returnedKWH": shown_kwh(counted.returned),
                    "firstDateMillis": counted.first_ms,
                    "lastDateMillis": counted.last_ms,
                    "unknownGenerationKWH": shown_kwh(counted.unknown_energy),
                    "unknownReturnedKWH": shown_kwh(counted.unknown_returned),
                    "unknownStartDateMillis": counted.unknown_start_ms,
                    "quality": period.quality._asdict(),
                },
            }
        ],
    }


PERIOD_COLUMNS: Final = (
    "start",
    "end",
    "energy_kwh",
    "returned_kwh",
    "first",
    "last",
    "unknown_energy_kwh",
    "unknown_returned_kwh",
    "unknown_start",
    "measured_s",
    "vendor_s",
    "interpolated_s",
    "unknown_s",
)


def period_cells(period: Period) -> tuple[object, ...]:
    """Return a period as the cells of PERIOD_COLUMNS; nothing known is an empty cell."""
    counted = period.counted
    return (
        _iso(1000 * period.start_s),
        _iso(1000 * (period.start_s + period.duration_s)),
        shown_kwh(counted.energy) if counted.known else None,
        shown_kwh(counted.returned) if counted.known else None,
        _iso(counted.first_ms),
        _iso(counted.last_ms),
        shown_kwh(counted.unknown_energy),
        shown_kwh(counted.unknown_returned),
        _iso(counted.unknown_start_ms),
        *period.quality,
    )


def csv_text(header: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Return a table as CSV: commas, a line each, cells of None empty."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def _iso(at_ms: int | None) -> str | None:
    """Return an instant in UTC as ISO 8601, to the millisecond where it is between seconds."""
    if at_ms is None:
        return None
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    spec = "milliseconds" if at_ms % 1000 else "seconds"
    return at.isoformat(timespec=spec).replace("+00:00", "Z")
