"""How the ledger keeps quarter hours: columns that are made once of the slots they are of.

A row that says what no period can be is made again. A slot that becomes known later deletes
the rows that its packet changes.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from json import dumps
import sqlite3
from typing import Final

from ..metering.periods import PERIOD_S, Accumulation, Period, Quality, SlotRow, periods
from .codes import PROVENANCE_OF
from .totals import SourceState

PERIOD_SCHEMA: Final = (
    """CREATE TABLE period (
        source INTEGER NOT NULL REFERENCES source, start INTEGER NOT NULL,
        first_ms INTEGER, last_ms INTEGER,
        energy INTEGER NOT NULL, returned INTEGER NOT NULL,
        unknown_start_ms INTEGER,
        unknown_energy INTEGER NOT NULL, unknown_returned INTEGER NOT NULL,
        measured INTEGER NOT NULL, vendor INTEGER NOT NULL,
        interpolated INTEGER NOT NULL, unknown INTEGER NOT NULL,
        PRIMARY KEY (source, start)
    ) STRICT, WITHOUT ROWID""",
)

_SLOTS: Final = """
    SELECT source, start, provenance, energy, returned FROM slot
    WHERE source IN (SELECT value FROM json_each(:sources))
    AND start >= :begin AND start < :end
    UNION ALL
    SELECT source, start, provenance, energy, returned
    FROM json_each(:sources) AS wanted JOIN slot ON source = wanted.value AND start = (
        SELECT start FROM slot
        WHERE source = wanted.value AND start < :begin AND provenance <> 0
        ORDER BY start DESC LIMIT 1
    )
    ORDER BY 1, 2
"""
_READ: Final = """
    SELECT source, start, first_ms, last_ms, energy, returned,
        unknown_start_ms, unknown_energy, unknown_returned,
        measured, vendor, interpolated, unknown
    FROM period
    WHERE source IN (SELECT value FROM json_each(?)) AND start >= ? AND start < ?
"""
_WRITE: Final = """
    INSERT OR REPLACE INTO period VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_FORGET: Final = """
    DELETE FROM period WHERE source = :source AND start >= :begin AND start <= MAX(
        :end, COALESCE((
            SELECT start FROM slot
            WHERE source = :source AND start > :last AND provenance <> 0
            ORDER BY start LIMIT 1
        ), 0)
    )
"""


def read_slots(
    connection: sqlite3.Connection, numbers: Sequence[int], begin_s: int, end_s: int
) -> dict[int, list[SlotRow]]:
    """Return the slots of sources that start in a span, by number and in order.

    Before them comes the last known slot of each source, where there is one.
    """
    rows: dict[int, list[SlotRow]] = {number: [] for number in numbers}
    for number, start, provenance, energy, returned in connection.execute(
        _SLOTS, {"sources": dumps(numbers), "begin": begin_s, "end": end_s}
    ):
        rows[number].append(SlotRow(start, PROVENANCE_OF[provenance], energy, returned))
    return rows


def read_periods(
    connection: sqlite3.Connection, numbers: Sequence[int], starts: range
) -> dict[int, dict[int, Period]]:
    """Return the stored quarter hours of sources that can be read, by number and start."""
    found: dict[int, dict[int, Period]] = {number: {} for number in numbers}
    for number, start, *columns in connection.execute(
        _READ, (dumps(numbers), starts.start, starts.stop)
    ):
        with suppress(ValueError):
            found[number][start] = Period(
                start_s=start,
                duration_s=PERIOD_S,
                counted=Accumulation(*columns[:7]),
                quality=Quality(*columns[7:]),
            )
    return found


def made_periods(
    connection: sqlite3.Connection, sources: Collection[SourceState], starts: range
) -> tuple[dict[int, list[Period]], list[tuple[int, Period]]]:
    """Return quarter hours by the number of their source, computed where not stored.

    And of those that were computed the ones to store, which are settled whole.
    """
    found = read_periods(connection, [source.number for source in sources], starts)
    missing = {
        source.number: [
            start
            for start in starts
            if start < (source.settled_until or 0) and start not in found[source.number]
        ]
        for source in sources
    }
    wanted = [start for some in missing.values() for start in some]
    if not wanted:
        return _in_order(found), []
    begin, end = min(wanted), max(wanted) + PERIOD_S
    numbers = [number for number, some in missing.items() if some]
    rows = read_slots(connection, numbers, begin, end)
    whole: list[tuple[int, Period]] = []
    for source in sources:
        absent = set(missing[source.number])
        for period in periods(rows.get(source.number, ()), range(begin, end, PERIOD_S)):
            if period.start_s in absent:
                found[source.number][period.start_s] = period
                if period.start_s + PERIOD_S <= (source.settled_until or 0):
                    whole.append((source.number, period))
    return _in_order(found), whole


def write_periods(
    connection: sqlite3.Connection, some: Iterable[tuple[int, Period]]
) -> None:
    """Keep quarter hours, each with the number of its source."""
    connection.executemany(
        _WRITE,
        [
            (
                number,
                period.start_s,
                period.counted.first_ms,
                period.counted.last_ms,
                period.counted.energy,
                period.counted.returned,
                period.counted.unknown_start_ms,
                period.counted.unknown_energy,
                period.counted.unknown_returned,
                *period.quality,
            )
            for number, period in some
        ],
    )


def forget_periods(
    connection: sqlite3.Connection, number: int, slots_s: Iterable[int]
) -> None:
    """Delete the quarter hours that change because slots of a source have.

    Beside a slot's own it is the next one, whose known part begins in the slot's, and the
    one with the next packet, whose unknown part begins with the slot's.
    """
    runs: list[list[int]] = []
    for start in sorted(slots_s):
        if runs and start - runs[-1][-1] <= PERIOD_S:
            runs[-1].append(start)
        else:
            runs.append([start])
    for run in runs:
        connection.execute(
            _FORGET,
            {
                "source": number,
                "begin": run[0] // PERIOD_S * PERIOD_S,
                "end": (run[-1] // PERIOD_S + 1) * PERIOD_S,
                "last": run[-1],
            },
        )


def _in_order(found: Mapping[int, Mapping[int, Period]]) -> dict[int, list[Period]]:
    """Return the periods of each source in the order of time."""
    return {
        number: [period for _, period in sorted(some.items())]
        for number, some in found.items()
    }
