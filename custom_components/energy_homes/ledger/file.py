"""The ledger's file: its connection, transactions that are whole or never were, its errors."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
import sqlite3
import threading
from typing import Final, Literal

from .schema import VERSION, DamagedError, connect, opening, set_aside
from .sums import read_sums
from .totals import State
from .types import LedgerError, Opened
from .view import Transaction, View

type Synchronous = Literal["FULL", "NORMAL"]
"""A commit has reached the disk, or survives a killed process but maybe no power cut."""

CHECKPOINT_PAGES: Final = 1000
"""SQLite's own default for when the WAL is written back into the main file."""


class LedgerFile:
    """One ledger file and, in memory, what its slots add up to; any thread may use it."""

    def __init__(self, path: Path, *, busy_timeout: float) -> None:
        """Stand for a file that `open` opens; `busy_timeout` for locks is in seconds."""
        self._path = path
        self._busy_timeout = busy_timeout
        # A cancelled caller gives up its turn on the loop while its job still runs here.
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._in_doubt = False
        self._changes: Counter[str] = Counter()
        self.state = State()

    def open(self) -> Opened:
        """Open the file, make it where there is none, set a damaged one aside.

        Raises LedgerVersionError for a file of a newer version.
        """
        with self._lock:
            self.close()
            created = file_size(self._path) == 0
            damaged_copy = None
            try:
                self._connect()
            except DamagedError as damage:
                try:
                    damaged_copy = set_aside(self._path)
                except OSError as err:
                    raise LedgerError(
                        f"The ledger is damaged ({damage}) and cannot be moved: {err}"
                    ) from err
                created = True
                self._connect()
            with self.reading() as view:
                (ledger_id,) = view.connection.execute(
                    "SELECT value FROM meta WHERE key = 'ledger_id'"
                ).fetchone()
            return Opened(
                created=created, damaged_copy=damaged_copy, ledger_id=ledger_id
            )

    def _connect(self) -> None:
        """Open the file and add its slots up."""
        connection = connect(self._path, busy_timeout=self._busy_timeout)
        try:
            with opening():
                self.state = read_sums(connection)
        except BaseException:
            connection.close()
            raise
        connection.setconfig(sqlite3.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, False)
        self._connection = connection
        self._in_doubt = False

    def close(self) -> None:
        """Close the file; closing twice is no harm."""
        with self._lock:
            if self._connection is not None:
                with suppress(sqlite3.Error):
                    self._connection.close()
                self._connection = None

    @contextmanager
    def reading(self) -> Iterator[View]:
        """Give the file as it is; raises LedgerError where it is closed or SQLite fails."""
        with self._lock:
            if self._connection is None:
                raise LedgerError("The ledger is not open")
            try:
                if self._in_doubt:
                    self.state = read_sums(self._connection)
                    self._in_doubt = False
                yield View(self._connection, self.state, self._changes)
            except sqlite3.Error as err:
                raise LedgerError(f"The ledger failed: {err}") from err

    @contextmanager
    def writing(self, synchronous: Synchronous) -> Iterator[Transaction]:
        """Give a transaction; commit it, or undo all of it. Raises as `reading` does."""
        with self.reading() as view:
            connection = view.connection
            connection.execute(f"PRAGMA synchronous = {synchronous}")
            connection.execute("BEGIN IMMEDIATE")
            try:
                transaction = Transaction(connection, view.state, view.changes)
                yield transaction
                # A commit that fails may have reached the disk all the same.
                self._in_doubt = True
                connection.execute("COMMIT")
                self.state = transaction.state
                self._in_doubt = False
            except BaseException:
                with suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                raise

    def hold(self) -> None:
        """Leave the main file as it is until `release`; writes go on into the WAL."""
        with self.reading() as view:
            view.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            view.connection.execute("PRAGMA wal_autocheckpoint = 0")

    def release(self) -> None:
        """Write the WAL back into the main file again."""
        with self.reading() as view:
            view.connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
            view.connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()

    def stats(self) -> dict[str, int]:
        """Return the schema version, how many rows there are, and sizes in bytes."""
        with self.reading() as view:
            homes, sources, slots, pending = view.connection.execute(
                "SELECT (SELECT COUNT(*) FROM home), (SELECT COUNT(*) FROM source),"
                " (SELECT COUNT(*) FROM slot), (SELECT COUNT(*) FROM pending)"
            ).fetchone()
        return {
            "version": VERSION,
            "homes": homes,
            "sources": sources,
            "slots": slots,
            "pending": pending,
            "file_bytes": file_size(self._path),
            "wal_bytes": file_size(self._path.with_name(f"{self._path.name}-wal")),
        }


def file_size(path: Path) -> int:
    """Return the size of a file in bytes, 0 where there is none."""
    with suppress(FileNotFoundError):
        return path.stat().st_size
    return 0
