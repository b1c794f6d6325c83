"""The homes of the ledger: what they are called, and whether somebody has removed them."""

from collections.abc import Iterable
from datetime import datetime
import sqlite3
from typing import Final

from .codes import from_micros, micros
from .rooms import FORGET_ROOMS
from .types import LedgerHome

_FORGET_HOME: Final = (
    "DELETE FROM slot WHERE source IN (SELECT number FROM source WHERE home_id = ?)",
    "DELETE FROM pending WHERE source IN (SELECT number FROM source WHERE home_id = ?)",
    "DELETE FROM asked WHERE source IN (SELECT number FROM source WHERE home_id = ?)",
    "DELETE FROM period WHERE source IN (SELECT number FROM source WHERE home_id = ?)",
    "DELETE FROM source WHERE home_id = ?",
    *FORGET_ROOMS,
    "DELETE FROM home WHERE home_id = ?",
)


def write_home(connection: sqlite3.Connection, home_id: str, label: str) -> None:
    """Add a home, or take over its label; it is no longer removed."""
    connection.execute(
        "INSERT INTO home (home_id, label) VALUES (?, ?)"
        " ON CONFLICT DO UPDATE SET label = excluded.label, removed_us = NULL",
        (home_id, label),
    )


def write_removed(connection: sqlite3.Connection, home_id: str, at: datetime) -> None:
    """Note when a home's entry was removed."""
    connection.execute(
        "UPDATE home SET removed_us = ? WHERE home_id = ?", (micros(at), home_id)
    )


def read_homes(connection: sqlite3.Connection) -> tuple[LedgerHome, ...]:
    """Return all homes by label."""
    return tuple(
        LedgerHome(
            home_id=home_id,
            label=label,
            removed=None if removed_us is None else from_micros(removed_us),
        )
        for home_id, label, removed_us in connection.execute(
            "SELECT home_id, label, removed_us FROM home ORDER BY label, home_id"
        )
    )


def delete_home(
    connection: sqlite3.Connection, home_id: str, keys: Iterable[str]
) -> int:
    """Delete all rows of a home, and of its keys; return how many there were."""
    before = connection.total_changes
    for key in keys:
        connection.execute("DELETE FROM carry WHERE key = ?", (key,))
        connection.execute("DELETE FROM mark WHERE key = ?", (key,))
        connection.execute("DELETE FROM power_due WHERE key = ?", (key,))
    for statement in _FORGET_HOME:
        connection.execute(statement, (home_id,))
    return connection.total_changes - before
