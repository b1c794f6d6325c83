"""The ledger's SQLite file: its schema, its versions, and what to do with a damaged one.

Plain `sqlite3`: a row is seven small numbers and the dozen queries never vary, so that an
object mapper would add more than it saves.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
import sqlite3
from typing import Final
from uuid import uuid4

from .boards import BOARD_SCHEMA
from .gaps import ASKED_SCHEMA, ROOM_ASKED_SCHEMA
from .marks import MARK_SCHEMA
from .periods import PERIOD_SCHEMA
from .powers import POWER_SCHEMA
from .rooms import ROOM_SCHEMA
from .types import LedgerError, LedgerVersionError

# Times of slots are Unix seconds, other times Unix microseconds; energies are micro-Wh.
_VERSION_1: Final = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
    """CREATE TABLE home (
        home_id TEXT PRIMARY KEY, label TEXT NOT NULL, removed_us INTEGER
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE source (
        number INTEGER PRIMARY KEY, source_id TEXT NOT NULL UNIQUE,
        home_id TEXT NOT NULL REFERENCES home, settled_until INTEGER, hardware TEXT
    ) STRICT""",
    """CREATE TABLE slot (
        source INTEGER NOT NULL REFERENCES source, start INTEGER NOT NULL,
        role INTEGER NOT NULL, provenance INTEGER NOT NULL,
        energy INTEGER, returned INTEGER,
        PRIMARY KEY (source, start)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE pending (
        source INTEGER NOT NULL REFERENCES source, at_us INTEGER NOT NULL,
        kind INTEGER NOT NULL, value REAL NOT NULL,
        PRIMARY KEY (source, at_us)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE carry (
        key TEXT NOT NULL, at_us INTEGER NOT NULL, energy INTEGER NOT NULL,
        PRIMARY KEY (key, at_us)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE mark (
        key TEXT PRIMARY KEY, offset_kwh REAL NOT NULL, floor_us INTEGER NOT NULL,
        checked_until_us INTEGER, checked_sum REAL
    ) STRICT, WITHOUT ROWID""",
)

# Marks go back where slots change, so nothing needs to be compared with what was.
_RECONCILE: Final = ("ALTER TABLE mark DROP COLUMN checked_sum", *ROOM_SCHEMA)

# What a file has by now was measured or repaired: nothing of it is of the past.
_PAST: Final = (
    "ALTER TABLE source ADD COLUMN live_from INTEGER",
    "UPDATE source SET live_from = (SELECT MIN(start) FROM slot WHERE source = number)",
    *MARK_SCHEMA,
)

MIGRATIONS: Final = (
    _VERSION_1,
    BOARD_SCHEMA,
    PERIOD_SCHEMA,
    ASKED_SCHEMA,
    _RECONCILE,
    _PAST,
    POWER_SCHEMA,
    ROOM_ASKED_SCHEMA,
)
"""Statements that lead from each version to the next, the first from an empty file."""

VERSION: Final = len(MIGRATIONS)

_DAMAGE: Final = frozenset(
    # SQLITE_ERROR is a table that should be there and is not.
    {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}
)


class DamagedError(Exception):
    """The file is not a ledger that can be read."""


@contextmanager
def opening() -> Iterator[None]:
    """Tell a broken file (DamagedError) from a lock or a full disk (LedgerError)."""
    try:
        yield
    except sqlite3.Error as err:
        code: int = getattr(err, "sqlite_errorcode", 0)
        if code & 0xFF in _DAMAGE:
            raise DamagedError(str(err)) from err
        raise LedgerError(f"The ledger cannot be opened: {err}") from err


def connect(path: Path, *, busy_timeout: float) -> sqlite3.Connection:
    """Return a checked connection to the ledger, made or migrated where needed.

    `busy_timeout` is in seconds. Raises DamagedError, LedgerVersionError, LedgerError.
    """
    with opening():
        connection = sqlite3.connect(
            path, timeout=busy_timeout, isolation_level=None, check_same_thread=False
        )
        # Nothing may be written into a file that is then refused or set aside.
        connection.setconfig(sqlite3.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, True)
        try:
            _check(connection)
            _migrate(connection)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA foreign_keys = ON")
        except BaseException:
            connection.close()
            raise
        return connection


def _check(connection: sqlite3.Connection) -> None:
    """Raise LedgerVersionError or DamagedError for a file that cannot be used."""
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if found > VERSION:
        raise LedgerVersionError(found, VERSION)
    (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if answer != "ok":
        raise DamagedError(answer)


def _migrate(connection: sqlite3.Connection) -> None:
    """Bring the file to the present version, all of it or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        (found,) = connection.execute("PRAGMA user_version").fetchone()
        for statements in MIGRATIONS[found:]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute(
            "INSERT OR IGNORE INTO meta VALUES ('ledger_id', ?)", (uuid4().hex,)
        )
        connection.execute("COMMIT")
    except sqlite3.Error:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def set_aside(path: Path) -> Path:
    """Move a damaged file and its WAL away, keep them, and return where the file is."""
    now = datetime.now(UTC)
    copy = path.with_name(f"{path.name}.damaged-{now:%Y%m%dT%H%M%SZ}")
    number = 1
    while copy.exists():
        number += 1
        copy = path.with_name(f"{path.name}.damaged-{now:%Y%m%dT%H%M%SZ}-{number}")
    path.rename(copy)
    wal = path.with_name(f"{path.name}-wal")
    if wal.exists():
        wal.rename(copy.with_name(f"{copy.name}-wal"))
    path.with_name(f"{path.name}-shm").unlink(missing_ok=True)
    return copy
