"""How the ledger keeps the temperatures of rooms.

Whole milli-°C. Only slots that are known have a row: what is settled and has none is
unknown. An hour in which something became known that Home Assistant could not see is due:
its row in the recorder's statistics is to be compared.
"""

from collections.abc import Sequence
from datetime import datetime
import sqlite3
from typing import Final

from ..metering.model import Provenance
from ..metering.temperature import RoomReading, RoomSlot
from .codes import (
    HOUR_SECONDS,
    PROVENANCE_OF,
    PROVENANCES,
    SLOT_SECONDS,
    from_micros,
    from_seconds,
    micros,
    seconds,
    slot_start_s,
)
from .gaps import ROOM, number_of
from .types import DueHour, HourlyMean, LedgerError, StoredRoom
from .view import Transaction, View

UNITS_PER_DEGREE: Final = 1000

# A lowest or highest temperature that is the mean is left out: most slots have one only.
ROOM_SCHEMA: Final = (
    """CREATE TABLE room (
        number INTEGER PRIMARY KEY, room_id TEXT NOT NULL UNIQUE,
        home_id TEXT NOT NULL REFERENCES home, settled_until INTEGER
    ) STRICT""",
    """CREATE TABLE room_reading (
        room INTEGER NOT NULL REFERENCES room, at_us INTEGER NOT NULL,
        temperature INTEGER,
        PRIMARY KEY (room, at_us)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE room_slot (
        room INTEGER NOT NULL REFERENCES room, start INTEGER NOT NULL,
        provenance INTEGER NOT NULL, mean INTEGER NOT NULL, low INTEGER, high INTEGER,
        PRIMARY KEY (room, start)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE room_due (
        room INTEGER NOT NULL REFERENCES room, hour INTEGER NOT NULL,
        changes INTEGER NOT NULL,
        PRIMARY KEY (room, hour)
    ) STRICT, WITHOUT ROWID""",
)

FORGET_ROOMS: Final = (
    *(
        f"DELETE FROM {table}"  # noqa: S608
        " WHERE room IN (SELECT number FROM room WHERE home_id = ?)"
        for table in ("room_reading", "room_slot", "room_due", "room_asked")
    ),
    "DELETE FROM room WHERE home_id = ?",
)

_MEASURED: Final = PROVENANCES[Provenance.MEASURED]


def add_room(transaction: Transaction, room_id: str, home_id: str) -> None:
    """Add a room of a home; adding it again changes nothing.

    Raises LedgerError for a home that is not there, and for another home's room.
    """
    connection = transaction.connection
    connection.execute(
        "INSERT OR IGNORE INTO room (room_id, home_id) VALUES (?, ?)",
        (room_id, home_id),
    )
    (owner,) = connection.execute(
        "SELECT home_id FROM room WHERE room_id = ?", (room_id,)
    ).fetchone()
    if owner != home_id:
        raise LedgerError(f"Room {room_id} belongs to another home")


def load_room(view: View, room_id: str) -> StoredRoom:
    """Return where a room's slotter goes on; nothing for an unknown room."""
    connection = view.connection
    (first,) = connection.execute(
        "SELECT MIN(start) FROM room_slot"
        " WHERE room = (SELECT number FROM room WHERE room_id = ?)",
        (room_id,),
    ).fetchone()
    row = connection.execute(
        "SELECT settled_until FROM room WHERE room_id = ?", (room_id,)
    ).fetchone()
    until = None if row is None else row[0]
    readings = connection.execute(
        "SELECT at_us, temperature FROM room_reading"
        " WHERE room = (SELECT number FROM room WHERE room_id = ?) ORDER BY at_us",
        (room_id,),
    )
    return StoredRoom(
        first=None if first is None else from_seconds(first),
        settled_until=None if until is None else from_seconds(until),
        readings=tuple(
            RoomReading(from_micros(at_us), _degrees(temperature))
            for at_us, temperature in readings
        ),
    )


def settle_room(
    transaction: Transaction,
    room_id: str,
    slots: Sequence[RoomSlot],
    readings: Sequence[RoomReading] | None = None,
) -> int:
    """Commit temperatures of a room and return how many slots became known.

    A known slot never changes. `readings` are those that the slotter still needs: they
    replace those that are kept, and the slots settle the time up to their end. Who repairs
    the past leaves them as they are. What is not measured makes its hour due. Raises
    LedgerError for an unknown room and ValueError for a slot that is not aligned.
    """
    connection = transaction.connection
    number = number_of(connection, ROOM, room_id)
    rows, due = _new_rows(slots, number, _starts(connection, number, slots))
    connection.executemany("INSERT INTO room_slot VALUES (?, ?, ?, ?, ?, ?)", rows)
    connection.executemany(
        "INSERT INTO room_due VALUES (?, ?, 1)"
        " ON CONFLICT DO UPDATE SET changes = changes + 1",
        [(number, hour) for hour in due],
    )
    if readings is not None:
        if slots:
            connection.execute(
                "UPDATE room SET settled_until = MAX(COALESCE(settled_until, 0), ?)"
                " WHERE number = ?",
                (max(seconds(slot.start) for slot in slots) + SLOT_SECONDS, number),
            )
        connection.execute("DELETE FROM room_reading WHERE room = ?", (number,))
        connection.executemany(
            "INSERT INTO room_reading VALUES (?, ?, ?)",
            [(number, micros(one.at), _units(one.temperature)) for one in readings],
        )
    return len(rows)


def room_slots(
    view: View, room_id: str, start: datetime, end: datetime
) -> list[RoomSlot]:
    """Return the known slots of a room that start in `[start, end)`, oldest first."""
    return [
        _slot(*row)
        for row in view.connection.execute(
            "SELECT start, provenance, mean, low, high FROM room_slot"
            " WHERE room = (SELECT number FROM room WHERE room_id = ?)"
            " AND start >= ? AND start < ? ORDER BY start",
            (room_id, seconds(start), seconds(end)),
        )
    ]


def room_hours(
    view: View, room_id: str, start: datetime, end: datetime
) -> list[HourlyMean]:
    """Return the hours that start in `[start, end)` and have known slots of a room."""
    return [
        HourlyMean(
            from_seconds(hour * HOUR_SECONDS),
            mean / UNITS_PER_DEGREE,
            low / UNITS_PER_DEGREE,
            high / UNITS_PER_DEGREE,
        )
        for hour, mean, low, high in view.connection.execute(
            "SELECT start / 3600, AVG(mean), MIN(COALESCE(low, mean)),"
            " MAX(COALESCE(high, mean)) FROM room_slot"
            " WHERE room = (SELECT number FROM room WHERE room_id = ?)"
            " AND start >= ? AND start < ? GROUP BY 1",
            (room_id, seconds(start), seconds(end)),
        )
    ]


def room_due(view: View, room_id: str) -> list[DueHour]:
    """Return the hours in which a room's temperature became known by a repair.

    Oldest first.
    """
    return [
        DueHour(from_seconds(hour), changes)
        for hour, changes in view.connection.execute(
            "SELECT hour, changes FROM room_due"
            " WHERE room = (SELECT number FROM room WHERE room_id = ?) ORDER BY hour",
            (room_id,),
        )
    ]


def room_done(transaction: Transaction, room_id: str, hours: Sequence[DueHour]) -> None:
    """Have hours compared no more, unless they have changed since they were read."""
    transaction.connection.executemany(
        "DELETE FROM room_due WHERE hour = ? AND changes = ?"
        " AND room = (SELECT number FROM room WHERE room_id = ?)",
        [(seconds(due.start), due.changes, room_id) for due in hours],
    )


def _starts(
    connection: sqlite3.Connection, number: int, slots: Sequence[RoomSlot]
) -> set[int]:
    """Return where the known slots of a room start in the span of some slots."""
    if not slots:
        return set()
    starts = [slot.start for slot in slots]
    return {
        start
        for (start,) in connection.execute(
            "SELECT start FROM room_slot WHERE room = ? AND start >= ? AND start <= ?",
            (number, seconds(min(starts)), seconds(max(starts))),
        )
    }


def _new_rows(
    slots: Sequence[RoomSlot], number: int, known: set[int]
) -> tuple[list[tuple[int, int, int, int, int | None, int | None]], set[int]]:
    """Return known slots that are not there yet as they are stored, and what is due.

    Raises ValueError for a slot that is not aligned.
    """
    rows: list[tuple[int, int, int, int, int | None, int | None]] = []
    due: set[int] = set()
    # A year has a hundred thousand of them: hence one loop and few calls.
    for slot in slots:
        start = slot_start_s(slot.start)
        if (mean := slot.mean) is None or start in known:
            continue
        known.add(start)
        units = round(mean * UNITS_PER_DEGREE)
        low = units if slot.low == mean else _units(slot.low)
        high = units if slot.high == mean else _units(slot.high)
        provenance = PROVENANCES[slot.provenance]
        rows.append(
            (
                number,
                start,
                provenance,
                units,
                None if low == units else low,
                None if high == units else high,
            )
        )
        if provenance != _MEASURED:
            due.add(start - start % HOUR_SECONDS)
    return rows, due


def _slot(
    start: int, provenance: int, mean: int, low: int | None, high: int | None
) -> RoomSlot:
    """Return a stored slot."""
    return RoomSlot(
        start=from_seconds(start),
        mean=_degrees(mean),
        low=_degrees(mean if low is None else low),
        high=_degrees(mean if high is None else high),
        provenance=PROVENANCE_OF[provenance],
    )


def _units(temperature: float | None) -> int | None:
    """Return a temperature in milli-°C."""
    return None if temperature is None else round(temperature * UNITS_PER_DEGREE)


def _degrees(temperature: int | None) -> float | None:
    """Return a temperature in °C."""
    return None if temperature is None else temperature / UNITS_PER_DEGREE
