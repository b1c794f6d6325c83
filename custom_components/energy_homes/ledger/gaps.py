"""Which slots of a source or room are missing, and which of them a vendor was asked for."""

from collections.abc import Collection, Sequence
from datetime import datetime
import sqlite3
from typing import Final, NamedTuple

from ..metering.gaps import Gap, find_gaps, gap, joined
from .codes import seconds, slot_from
from .types import LedgerError
from .view import Transaction, View

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


class Subject(NamedTuple):
    """The tables of sources or of rooms.

    The first is also the name of the column of their number in the others.
    """

    table: str
    slots: str
    asked: str


SOURCE: Final = Subject("source", "slot", "asked")
ROOM: Final = Subject("room", "room_slot", "room_asked")


def number_of(connection: sqlite3.Connection, subject: Subject, subject_id: str) -> int:
    """Return the number of a source or room. Raises LedgerError for an unknown one."""
    row = connection.execute(
        f"SELECT number FROM {subject.table} WHERE {subject.table}_id = ?",  # noqa: S608
        (subject_id,),
    ).fetchone()
    if row is None:
        raise LedgerError(f"The ledger has no {subject.table} {subject_id}")
    return int(row[0])


def source_gaps(
    view: View,
    source_id: str,
    begin: datetime | None = None,
    end: datetime | None = None,
    *,
    cuts: Collection[datetime] = (),
) -> list[Gap]:
    """Return the spans of a source's slots that are not known, newest first.

    Slots that start in `[begin, end)`, from its first slot on and as far as it is settled.
    A gap ends at each of `cuts`. Raises LedgerError for an unknown source.
    """
    source = view.state.source(source_id)
    (first,) = view.connection.execute(
        "SELECT MIN(start) FROM slot WHERE source = ?", (source.number,)
    ).fetchone()
    if first is None:
        return []
    begin_s = first if begin is None else max(first, slot_from(begin))
    end_s = source.settled_until or 0
    if end is not None:
        end_s = min(end_s, slot_from(end))
    return _gaps(view.connection, SOURCE, source.number, begin_s, end_s, cuts)


def room_gaps(
    view: View,
    room_id: str,
    begin: datetime,
    end: datetime,
    *,
    cuts: Collection[datetime] = (),
) -> list[Gap]:
    """Return the spans of a room's slots that are not known, newest first.

    Slots that start in `[begin, end)`, also before its first slot and after what is
    settled. A gap ends at each of `cuts`. Raises LedgerError for an unknown room.
    """
    number = number_of(view.connection, ROOM, room_id)
    begin_s, end_s = slot_from(begin), slot_from(end)
    return _gaps(view.connection, ROOM, number, begin_s, end_s, cuts)


def asked(view: View, subject: Subject, subject_id: str) -> list[Gap]:
    """Return the spans of a source or room that a vendor was asked for, in no order.

    Raises LedgerError for an unknown one.
    """
    number = number_of(view.connection, subject, subject_id)
    return _asked(view.connection, subject, number)


def add_asked(
    transaction: Transaction, subject: Subject, subject_id: str, spans: Sequence[Gap]
) -> None:
    """Add to the spans of a source or room that a vendor was asked for.

    Raises LedgerError for an unknown one.
    """
    connection = transaction.connection
    number = number_of(connection, subject, subject_id)
    together = joined([*_asked(connection, subject, number), *spans])
    connection.execute(
        f"DELETE FROM {subject.asked} WHERE {subject.table} = ?",  # noqa: S608
        (number,),
    )
    connection.executemany(
        f"INSERT INTO {subject.asked} VALUES (?, ?, ?)",  # noqa: S608
        [(number, span.start, span.stop) for span in together],
    )


def _gaps(
    connection: sqlite3.Connection,
    subject: Subject,
    number: int,
    begin_s: int,
    end_s: int,
    cuts: Collection[datetime],
) -> list[Gap]:
    """Return the gaps of a subject in a span, newest first."""
    if begin_s >= end_s:
        return []
    known = connection.execute(
        f"SELECT start FROM {subject.slots} WHERE {subject.table} = ?"  # noqa: S608
        " AND start >= ? AND start < ? AND provenance <> 0 ORDER BY start",
        (number, begin_s, end_s),
    )
    return find_gaps(
        (start for (start,) in known), begin_s, end_s, cuts_s=map(seconds, cuts)
    )


def _asked(connection: sqlite3.Connection, subject: Subject, number: int) -> list[Gap]:
    """Return the spans of a subject that a vendor was asked for."""
    return [
        gap(start, stop)
        for start, stop in connection.execute(
            f"SELECT start, stop FROM {subject.asked} WHERE {subject.table} = ?",  # noqa: S608
            (number,),
        )
    ]
