"""The homes of the ledger: what they are called, and whether somebody has removed them."""

from datetime import datetime
from typing import Final

from .codes import from_micros, micros
from .rooms import FORGET_ROOMS
from .types import LedgerHome, home_key, source_key
from .view import Transaction, View

_FORGET_HOME: Final = (
    "DELETE FROM slot WHERE source IN (SELECT number FROM source WHERE home_id = ?)",
    "DELETE FROM pending WHERE source IN (SELECT number FROM source WHERE home_id = ?)",
    "DELETE FROM asked WHERE source IN (SELECT number FROM source WHERE home_id = ?)",
    "DELETE FROM period WHERE source IN (SELECT number FROM source WHERE home_id = ?)",
    "DELETE FROM source WHERE home_id = ?",
    *FORGET_ROOMS,
    "DELETE FROM home WHERE home_id = ?",
)


def add_home(transaction: Transaction, home_id: str, label: str) -> None:
    """Add a home, or take over its label; it is no longer removed."""
    transaction.connection.execute(
        "INSERT INTO home (home_id, label) VALUES (?, ?)"
        " ON CONFLICT DO UPDATE SET label = excluded.label, removed_us = NULL",
        (home_id, label),
    )


def mark_home_removed(transaction: Transaction, home_id: str, at: datetime) -> None:
    """Note when a home's entry was removed; its slots stay."""
    transaction.connection.execute(
        "UPDATE home SET removed_us = ? WHERE home_id = ?", (micros(at), home_id)
    )


def all_homes(view: View) -> tuple[LedgerHome, ...]:
    """Return all homes by label, removed ones too."""
    return tuple(
        LedgerHome(
            home_id=home_id,
            label=label,
            removed=None if removed_us is None else from_micros(removed_us),
        )
        for home_id, label, removed_us in view.connection.execute(
            "SELECT home_id, label, removed_us FROM home ORDER BY label, home_id"
        )
    )


def forget_home(transaction: Transaction, home_id: str) -> int:
    """Delete all rows of a home, and of its keys; return how many there were."""
    connection = transaction.connection
    source_ids = [source_id for source_id, _ in transaction.state.of_home(home_id)]
    keys = [
        *map(source_key, source_ids),
        home_key(home_id, "grid"),
        home_key(home_id, "generation"),
        home_key(home_id, "returned"),
    ]
    before = connection.total_changes
    for key in keys:
        connection.execute("DELETE FROM carry WHERE key = ?", (key,))
        connection.execute("DELETE FROM mark WHERE key = ?", (key,))
        connection.execute("DELETE FROM power_due WHERE key = ?", (key,))
    for statement in _FORGET_HOME:
        connection.execute(statement, (home_id,))
    transaction.state = transaction.state.without(source_ids, keys)
    return connection.total_changes - before
