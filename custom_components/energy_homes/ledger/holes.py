"""Which slots of a source or room are missing, and which of them a vendor was asked for."""

from collections.abc import Iterable, Mapping
import sqlite3
from typing import Final, Literal

from ..metering.gaps import Gap, find_gaps, gap, joined

ASKED_SCHEMA: Final = (
    """CREATE TABLE asked (
        source INTEGER NOT NULL REFERENCES source,
        start INTEGER NOT NULL, stop INTEGER NOT NULL,
        PRIMARY KEY (source, start)
    ) STRICT, WITHOUT ROWID""",
)

ROOM_ASKED_SCHEMA: Final = (
    """CREATE TABLE room_asked (
        room INTEGER NOT NULL REFERENCES room,
        start INTEGER NOT NULL, stop INTEGER NOT NULL,
        PRIMARY KEY (room, start)
    ) STRICT, WITHOUT ROWID""",
)

type Asked = Literal["source", "room"]
"""What a vendor was asked for; each has a table of its own."""

_TABLES: Final[Mapping[Asked, str]] = {"source": "asked", "room": "room_asked"}


def read_holes(
    connection: sqlite3.Connection,
    number: int,
    begin_s: int,
    end_s: int,
    cuts_s: Iterable[int],
) -> list[Gap]:
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
    return find_gaps((start for (start,) in known), begin_s, end_s, cuts_s=cuts_s)


def read_room_holes(
    connection: sqlite3.Connection,
    number: int,
    begin_s: int,
    end_s: int,
    cuts_s: Iterable[int],
) -> list[Gap]:
    """Return the holes of a room in a span, newest first."""
    if begin_s >= end_s:
        return []
    known = connection.execute(
        "SELECT start FROM room_slot WHERE room = ? AND start >= ? AND start < ?"
        " ORDER BY start",
        (number, begin_s, end_s),
    )
    return find_gaps((start for (start,) in known), begin_s, end_s, cuts_s=cuts_s)


def read_asked(
    connection: sqlite3.Connection, number: int, of: Asked = "source"
) -> list[Gap]:
    """Return the spans of a source or room that a vendor was asked for."""
    return [
        gap(start, stop)
        for start, stop in connection.execute(
            f"SELECT start, stop FROM {_TABLES[of]} WHERE {of} = ?",  # noqa: S608
            (number,),
        )
    ]


def write_asked(
    connection: sqlite3.Connection,
    number: int,
    spans: Iterable[Gap],
    of: Asked = "source",
) -> None:
    """Add to the spans of a source or room that a vendor was asked for."""
    together = joined([*read_asked(connection, number, of), *spans])
    connection.execute(f"DELETE FROM {_TABLES[of]} WHERE {of} = ?", (number,))  # noqa: S608
    connection.executemany(
        f"INSERT INTO {_TABLES[of]} VALUES (?, ?, ?)",  # noqa: S608
        [(number, span.start, span.stop) for span in together],
    )
