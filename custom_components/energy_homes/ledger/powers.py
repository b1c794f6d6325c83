"""Hours whose power became known by a repair or an import, and what it was.

They are due until the recorder's statistic of the power says what is known. A meter's power
is its energy less what it returned; a home's is that of all of its grid meters, where none
of them is unknown.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from json import dumps
import sqlite3
from typing import Final

from .codes import (
    HOUR_SECONDS,
    ROLES,
    SLOT_SECONDS,
    UNITS_PER_KWH,
    from_seconds,
    seconds,
)
from .types import DueHour, HourlyMean
from .view import Transaction, View

POWER_SCHEMA: Final = (
    """CREATE TABLE power_due (
        key TEXT NOT NULL, hour INTEGER NOT NULL, changes INTEGER NOT NULL,
        PRIMARY KEY (key, hour)
    ) STRICT, WITHOUT ROWID""",
)

WATTS_PER_UNIT: Final = 1000 / UNITS_PER_KWH * HOUR_SECONDS / SLOT_SECONDS
"""The mean power in W of a slot with an energy of 1 micro-Wh."""

_ADD: Final = """
    INSERT INTO power_due VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET changes = changes + 1
"""
_OF_METER: Final = """
    SELECT start / 3600, AVG(energy - returned), MIN(energy - returned),
        MAX(energy - returned)
    FROM slot
    WHERE source IN (SELECT value FROM json_each(:sources))
    AND start >= :begin AND start < :end
    AND energy IS NOT NULL AND returned IS NOT NULL AND provenance <> 0
    AND role = COALESCE(:role, role)
    GROUP BY 1
"""
# A meter that is settled beyond a slot has to be known in it, or not to be a grid meter.
_OF_HOME: Final = """
    SELECT start / 3600, AVG(power), MIN(power), MAX(power) FROM (
        SELECT start, SUM(energy - returned) FILTER (WHERE role = :role) AS power
        FROM slot
        WHERE source IN (SELECT value FROM json_each(:sources))
        AND start >= :begin AND start < :end
        GROUP BY start
        HAVING COUNT(*) FILTER (WHERE provenance <> 0 OR role <> :role) = (
            SELECT COUNT(*) FROM source
            WHERE number IN (SELECT value FROM json_each(:sources))
            AND settled_until > start
        )
    )
    WHERE power IS NOT NULL
    GROUP BY 1
"""


def add_due(connection: sqlite3.Connection, key: str, hours_s: Collection[int]) -> None:
    """Have hours of a key compared."""
    connection.executemany(_ADD, [(key, hour) for hour in hours_s])


def power_due(view: View, key: str) -> list[DueHour]:
    """Return the hours in which a key's power became known by a repair, oldest first."""
    return [
        DueHour(from_seconds(hour), changes)
        for hour, changes in view.connection.execute(
            "SELECT hour, changes FROM power_due WHERE key = ? ORDER BY hour", (key,)
        )
    ]


def power_done(transaction: Transaction, key: str, hours: Sequence[DueHour]) -> None:
    """Have hours compared no more, unless they have changed since they were read."""
    transaction.connection.executemany(
        "DELETE FROM power_due WHERE key = ? AND hour = ? AND changes = ?",
        [(key, seconds(due.start), due.changes) for due in hours],
    )


def power_hours(
    view: View, key: str, start: datetime, end: datetime
) -> list[HourlyMean]:
    """Return the hours that start in `[start, end)` in which a key's power is known.

    Of its known slots; of a home's those in which no grid meter of it is unknown. Raises
    ValueError for what is not a key.
    """
    quantity = view.state.quantity(key)
    role = quantity.role
    numbers = [
        source.number
        for source in quantity.sources
        if role is None or role in source.sums
    ]
    return [
        HourlyMean(
            from_seconds(hour * HOUR_SECONDS),
            mean * WATTS_PER_UNIT,
            low * WATTS_PER_UNIT,
            high * WATTS_PER_UNIT,
        )
        for hour, mean, low, high in view.connection.execute(
            _OF_METER if len(numbers) == 1 else _OF_HOME,
            {
                "sources": dumps(numbers),
                "begin": seconds(start),
                "end": seconds(end),
                "role": None if role is None else ROLES[role],
            },
        )
    ]
