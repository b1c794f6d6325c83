"""The sources of the ledger: what they read from, and where their slotter goes on."""

from collections.abc import Iterable
import sqlite3

from ..metering.model import Reading
from ..metering.power import KNOWN_KEPT
from .codes import from_seconds, reading_row, row_reading
from .totals import SourceState
from .types import StoredSource


def insert_source(
    connection: sqlite3.Connection, source_id: str, home_id: str, live_s: int | None
) -> int:
    """Add a source of a home and return its number."""
    (number,) = connection.execute(
        "INSERT INTO source (source_id, home_id, live_from) VALUES (?, ?, ?)"
        " RETURNING number",
        (source_id, home_id, live_s),
    ).fetchone()
    return int(number)


def write_hardware(connection: sqlite3.Connection, number: int, hardware: str) -> bool:
    """Note what a source reads from; return whether it has read from something else.

    What only other hardware could go on from goes then.
    """
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


def read_source(connection: sqlite3.Connection, source: SourceState) -> StoredSource:
    """Return where a source's slotter goes on."""
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


def insert_pending(
    connection: sqlite3.Connection, number: int, readings: Iterable[Reading]
) -> None:
    """Insert pending readings of a source; a stamp that is there changes nothing."""
    connection.executemany(
        "INSERT OR IGNORE INTO pending VALUES (?, ?, ?, ?)",
        [(number, *reading_row(reading)) for reading in readings],
    )


def replace_pending(
    connection: sqlite3.Connection, number: int, readings: Iterable[Reading]
) -> None:
    """Have a source's pending readings be these and no others."""
    connection.execute("DELETE FROM pending WHERE source = ?", (number,))
    insert_pending(connection, number, readings)
