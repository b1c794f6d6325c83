"""Hours whose power became known by a repair or an import, and what it was.

They are due until the recorder's statistic of the power says what is known. A meter's power
is its energy less what it returned; a home's is that of all of its grid meters, where none
of them is unknown.
"""

from collections.abc import Collection, Iterable
from json import dumps
import sqlite3
from typing import Final

from ..metering.model import MeterRole
from .codes import (
    HOUR_SECONDS,
    ROLES,
    SLOT_SECONDS,
    UNITS_PER_KWH,
    from_seconds,
    seconds,
)
from .types import DueHour, HourlyMean

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


def read_power_due(connection: sqlite3.Connection, key: str) -> list[DueHour]:
    """Return the hours of a key that are due, oldest first."""
    return [
        DueHour(from_seconds(hour), changes)
        for hour, changes in connection.execute(
            "SELECT hour, changes FROM power_due WHERE key = ? ORDER BY hour", (key,)
        )
    ]


def delete_power_due(
    connection: sqlite3.Connection, key: str, hours: Iterable[DueHour]
) -> None:
    """Forget hours of a key that are done, unless they have changed since."""
    connection.executemany(
        "DELETE FROM power_due WHERE key = ? AND hour = ? AND changes = ?",
        [(key, seconds(due.start), due.changes) for due in hours],
    )


def read_powers(
    connection: sqlite3.Connection,
    numbers: Collection[int],
    role: MeterRole | None,
    begin_s: int,
    end_s: int,
) -> list[HourlyMean]:
    """Return the hours of a span in which the power of sources is known, oldest first.

    Together, of the slots that they have in a role (None: any).
    """
    return [
        HourlyMean(
            from_seconds(hour * HOUR_SECONDS),
            mean * WATTS_PER_UNIT,
            low * WATTS_PER_UNIT,
            high * WATTS_PER_UNIT,
        )
        for hour, mean, low, high in connection.execute(
            _OF_METER if len(numbers) == 1 else _OF_HOME,
            {
                "sources": dumps(list(numbers)),
                "begin": begin_s,
                "end": end_s,
                "role": None if role is None else ROLES[role],
            },
        )
    ]
