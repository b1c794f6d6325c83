"""How the ledger keeps what pulse boards have counted, one row for each channel.

A channel is JSON: only all of it together means anything, and no query looks into it.
"""

from collections.abc import Mapping
from json import dumps, loads
import sqlite3
from typing import Any, Final

from .types import LedgerError

BOARD_SCHEMA: Final = (
    """CREATE TABLE board_channel (
        board TEXT NOT NULL, channel INTEGER NOT NULL, data TEXT NOT NULL,
        PRIMARY KEY (board, channel)
    ) STRICT, WITHOUT ROWID""",
)

type ChannelData = Mapping[str, Any]


def write_board(
    connection: sqlite3.Connection, board: str, channels: Mapping[int, ChannelData]
) -> None:
    """Replace channels of a board; those that are not named stay as they are."""
    connection.executemany(
        "INSERT OR REPLACE INTO board_channel VALUES (?, ?, ?)",
        [
            (board, channel, dumps(data, separators=(",", ":"), allow_nan=False))
            for channel, data in channels.items()
        ],
    )


def read_board(connection: sqlite3.Connection, board: str) -> dict[int, ChannelData]:
    """Return the channels of a board. Raises LedgerError where one cannot be read."""
    rows = connection.execute(
        "SELECT channel, data FROM board_channel WHERE board = ? ORDER BY channel",
        (board,),
    ).fetchall()
    try:
        return {channel: loads(data) for channel, data in rows}
    except ValueError as err:
        raise LedgerError(f"A channel of board {board} cannot be read: {err}") from err


def delete_board(connection: sqlite3.Connection, board: str) -> int:
    """Delete a board's channels and return how many there were."""
    return connection.execute(
        "DELETE FROM board_channel WHERE board = ?", (board,)
    ).rowcount
