"""How the ledger keeps how far statistics of the recorder agree with it."""

from dataclasses import replace
import sqlite3
from typing import Final

from .codes import from_micros, micros
from .types import PastAdjustment, StatisticMark
from .view import Transaction, View

MARK_SCHEMA: Final = (
    "ALTER TABLE mark ADD COLUMN past_kwh REAL NOT NULL DEFAULT 0",
    "ALTER TABLE mark ADD COLUMN seen_kwh REAL NOT NULL DEFAULT 0",
    "ALTER TABLE mark ADD COLUMN past_from_us INTEGER",
    "ALTER TABLE mark ADD COLUMN past_until_us INTEGER",
    "ALTER TABLE mark ADD COLUMN step_offset_kwh REAL",
    "ALTER TABLE mark ADD COLUMN step_floor_us INTEGER",
    "ALTER TABLE mark ADD COLUMN step_past_kwh REAL",
    "ALTER TABLE mark ADD COLUMN step_seen_kwh REAL",
)

_READ: Final = """
    SELECT offset_kwh, floor_us, checked_until_us, past_kwh, seen_kwh, past_from_us,
        past_until_us, step_offset_kwh, step_floor_us, step_past_kwh, step_seen_kwh
    FROM mark WHERE key = ?
"""
_WRITE: Final = """
    INSERT OR REPLACE INTO mark (
        key, offset_kwh, floor_us, checked_until_us, past_kwh, seen_kwh, past_from_us,
        past_until_us, step_offset_kwh, step_floor_us, step_past_kwh, step_seen_kwh
    ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_TAKE_BACK: Final = """
    UPDATE mark SET checked_until_us = MAX(floor_us, :hour_us)
    WHERE key = :key AND checked_until_us > :hour_us
"""
_WIDEN: Final = """
    UPDATE mark SET past_from_us = MIN(COALESCE(past_from_us, :from_us), :from_us),
        past_until_us = MAX(COALESCE(past_until_us, :until_us), :until_us)
    WHERE key = :key
"""


def load_mark(view: View, key: str) -> StatisticMark | None:
    """Return how far the statistic of a key was brought in line; None where it never was."""
    if (row := view.connection.execute(_READ, (key,)).fetchone()) is None:
        return None
    offset, floor, until, past_kwh, seen_kwh, past_from, past_until, *step = row
    return StatisticMark(
        offset_kwh=offset,
        floor=from_micros(floor),
        checked_until=None if until is None else from_micros(until),
        changes=view.changes[key],
        past_kwh=past_kwh,
        seen_kwh=seen_kwh,
        past=None
        if past_from is None
        else (from_micros(past_from), from_micros(past_until)),
        step=None
        if step[0] is None
        else PastAdjustment(step[0], from_micros(step[1]), step[2], step[3]),
    )


def set_mark(
    transaction: Transaction, key: str, mark: StatisticMark
) -> StatisticMark | None:
    """Keep how far the statistic of a key was brought in line; return what is kept.

    None, and nothing is kept, where it has a `checked_until` and slots of the key have
    changed since it was read: what was compared may be of before.
    """
    changes = transaction.changes[key]
    if mark.checked_until is not None and mark.changes != changes:
        return None
    until, past, step = mark.checked_until, mark.past, mark.step
    transaction.connection.execute(
        _WRITE,
        (
            key,
            mark.offset_kwh,
            micros(mark.floor),
            None if until is None else micros(until),
            mark.past_kwh,
            mark.seen_kwh,
            *((None, None) if past is None else map(micros, past)),
            *(
                (None, None, None, None)
                if step is None
                else (
                    step.offset_kwh,
                    micros(step.floor),
                    step.past_kwh,
                    step.seen_kwh,
                )
            ),
        ),
    )
    return replace(mark, changes=changes)


def take_back(connection: sqlite3.Connection, key: str, hour_us: int) -> None:
    """Have the statistic of a key compared again from an hour on."""
    connection.execute(_TAKE_BACK, {"key": key, "hour_us": hour_us})


def widen_past(
    connection: sqlite3.Connection, key: str, from_us: int, until_us: int
) -> None:
    """Have hours of a key's past compared again."""
    connection.execute(_WIDEN, {"key": key, "from_us": from_us, "until_us": until_us})
