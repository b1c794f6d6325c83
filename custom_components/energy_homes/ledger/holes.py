"""Which slots of a source are missing, and for which of them a vendor was asked."""

from collections.abc import Iterable
import sqlite3
from typing import Final

from ..metering.holes import Hole, find_holes, hole, joined

ASKED_SCHEMA: Final = (
    """CREATE TABLE asked (
        source INTEGER NOT NULL REFERENCES source,
        start INTEGER NOT NULL, stop INTEGER NOT NULL,
        PRIMARY KEY (source, start)
    ) STRICT, WITHOUT ROWID""",
)


def read_holes(
    connection: sqlite3.Connection,
    number: int,
    begin_s: int,
    end_s: int,
    cuts_s: Iterable[int],
) -> list[Hole]:
    """Return the holes of a source in a span, newest first; none before its first slot."""
    (first,) = connection.execute(
        "SELECT MIN(start) FROM slot WHERE source = ?", (number,)
    ).fetchone()
    if first is None or max(first, begin_s) >= end_s:
        return []
    begin_s = max(first, begin_s)
    known = connection.execute(
        "SELECT start FROM slot WHERE source = ? AND start >= ? AND start < ?"
        " AND provenance <> 0 ORDER BY start",
        (number, begin_s, end_s),
    )
    return find_holes((start for (start,) in known), begin_s, end_s, cuts_s=cuts_s)


def read_asked(connection: sqlite3.Connection, number: int) -> list[Hole]:
    """Return the spans of a source that a vendor was asked for."""
    return [
        hole(start, stop)
        for start, stop in connection.execute(
            "SELECT start, stop FROM asked WHERE source = ?", (number,)
        )
    ]


def write_asked(
    connection: sqlite3.Connection, number: int, spans: Iterable[Hole]
) -> None:
    """Add to the spans of a source that a vendor was asked for."""
    together = joined([*read_asked(connection, number), *spans])
    connection.execute("DELETE FROM asked WHERE source = ?", (number,))
    connection.executemany(
        "INSERT INTO asked VALUES (?, ?, ?)",
        [(number, span.start, span.stop) for span in together],
    )
