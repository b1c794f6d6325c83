"""How the ledger keeps what pulse boards have counted, one row for each channel.

A channel is JSON: only all of it together means anything, and no query looks into it.
"""

from collections.abc import Mapping
from json import dumps, loads
from typing import Any, Final

from .types import LedgerError
from .view import Transaction, View

BOARD_SCHEMA: Final = (
    """CREATE TABLE board_channel (
        board TEXT NOT NULL, channel INTEGER NOT NULL, data TEXT NOT NULL,
        PRIMARY KEY (board, channel)
    ) STRICT, WITHOUT ROWID""",
)

type ChannelData = Mapping[str, Any]


def store_board(
    transaction: Transaction, board: str, channels: Mapping[int, ChannelData]
) -> None:
    """Commit channels of a board, as JSON has them, all of them or none.

    They have reached the disk once this returns; other channels stay as they are.
    """
    transaction.connection.executemany(
        "INSERT OR REPLACE INTO board_channel VALUES (?, ?, ?)",
        [
            (board, channel, dumps(data, separators=(",", ":"), allow_nan=False))
            for channel, data in channels.items()
        ],
    )


def load_board(view: View, board: str) -> dict[int, ChannelData]:
    """Return what was kept of a board's channels, by number; nothing where none was.

    Raises LedgerError where one cannot be read.
    """
    rows = view.connection.execute(
        "SELECT channel, data FROM board_channel WHERE board = ? ORDER BY channel",
        (board,),
    ).fetchall()
    try:
        return {channel: loads(data) for channel, data in rows}
    except ValueError as err:
        raise LedgerError(f"A channel of board {board} cannot be read: {err}") from err


def forget_board(transaction: Transaction, board: str) -> int:
    """Delete all that was kept of a board and return how many channels that were."""
    return transaction.connection.execute(
        "DELETE FROM board_channel WHERE board = ?", (board,)
    ).rowcount
