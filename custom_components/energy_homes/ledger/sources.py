"""The sources of the ledger: what they read from, and where their slotter goes on."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
import sqlite3

from ..metering.model import Reading
from ..metering.power import KNOWN_KEPT
from .codes import from_seconds, reading_row, row_reading, slot_from
from .totals import SourceState
from .types import LedgerError, StoredSource
from .view import Transaction, View


def add_source(
    transaction: Transaction,
    source_id: str,
    home_id: str,
    live_from: datetime | None = None,
) -> None:
    """Add a source of a home; adding it again changes nothing.

    Slots that start before `live_from` are of the past: present totals are without them.
    Where it is not given it is where the first slots that are settled start. Raises
    LedgerError for a home that is not there, and for another home's source.
    """
    live_s = None if live_from is None else slot_from(live_from)
    source = transaction.state.sources.get(source_id)
    if source is None:
        (number,) = transaction.connection.execute(
            "INSERT INTO source (source_id, home_id, live_from) VALUES (?, ?, ?)"
            " RETURNING number",
            (source_id, home_id, live_s),
        ).fetchone()
        source = SourceState(number=number, home_id=home_id, live_from=live_s)
    elif source.home_id != home_id:
        raise LedgerError(f"Source {source_id} belongs to another home")
    elif source.live_from is None and live_s is not None:
        transaction.connection.execute(
            "UPDATE source SET live_from = ? WHERE number = ?", (live_s, source.number)
        )
        source = replace(source, live_from=live_s)
    transaction.state = transaction.state.with_source(source_id, source)


def read_from(transaction: Transaction, source_id: str, hardware: str) -> bool:
    """Note what a source reads from; return whether that was something else before.

    Its pending readings are dropped then: a counter must not go on from what another
    counter showed. Raises LedgerError for an unknown source.
    """
    connection = transaction.connection
    number = transaction.state.source(source_id).number
    (before,) = connection.execute(
        "SELECT hardware FROM source WHERE number = ?", (number,)
    ).fetchone()
    if before == hardware:
        return False
    connection.execute(
        "UPDATE source SET hardware = ? WHERE number = ?", (hardware, number)
    )
    if before is not None:
        replace_pending(connection, number, ())
    return before is not None


def load_source(view: View, source_id: str) -> StoredSource:
    """Return where a source's slotter goes on; nothing for an unknown source."""
    if (source := view.state.sources.get(source_id)) is None:
        return StoredSource(settled_until=None, pending=())
    connection = view.connection
    rows = connection.execute(
        "SELECT at_us, kind, value FROM pending WHERE source = ? ORDER BY at_us",
        (source.number,),
    ).fetchall()
    known = connection.execute(
        "SELECT start FROM slot WHERE source = ? AND provenance <> 0"
        " ORDER BY start DESC LIMIT ?",
        (source.number, KNOWN_KEPT),
    ).fetchall()
    (first,) = connection.execute(
        "SELECT MIN(start) FROM slot WHERE source = ?", (source.number,)
    ).fetchone()
    (hardware,) = connection.execute(
        "SELECT hardware FROM source WHERE number = ?", (source.number,)
    ).fetchone()
    until = source.settled_until
    open_from = known[-1][0] if len(known) == KNOWN_KEPT else first
    return StoredSource(
        settled_until=None if until is None else from_seconds(until),
        pending=tuple(row_reading(*row) for row in rows),
        known=frozenset(from_seconds(start) for (start,) in known),
        open_from=None if open_from is None else from_seconds(open_from),
        hardware=hardware,
    )


def add_readings(
    transaction: Transaction, source_id: str, readings: Sequence[Reading]
) -> None:
    """Keep readings that no settled slot has used yet; a known stamp changes nothing.

    Raises LedgerError for an unknown source.
    """
    number = transaction.state.source(source_id).number
    _insert_pending(transaction.connection, number, readings)


def replace_pending(
    connection: sqlite3.Connection, number: int, readings: Iterable[Reading]
) -> None:
    """Have a source's pending readings be these and no others."""
    connection.execute("DELETE FROM pending WHERE source = ?", (number,))
    _insert_pending(connection, number, readings)


def _insert_pending(
    connection: sqlite3.Connection, number: int, readings: Iterable[Reading]
) -> None:
    """Insert pending readings of a source; a stamp that is there changes nothing."""
    connection.executemany(
        "INSERT OR IGNORE INTO pending VALUES (?, ?, ?, ?)",
        [(number, *reading_row(reading)) for reading in readings],
    )
