"""What homes are told of an account's boards, as meters and as hosts of what they measure."""

from collections.abc import Callable, Iterable
from datetime import datetime
import logging

from homeassistant.core import callback

from ..registry import Accounts, MeterUpdate
from .board import Board, Taken
from .board_hosts import BoardHosts, host_of

_LOGGER = logging.getLogger(__name__)


class BoardReports:
    """Publishes readings at once, and what else a board measures when it is due."""

    def __init__(
        self,
        accounts: Accounts,
        key: str,
        hosts: BoardHosts,
        *,
        meter_update: Callable[[str], MeterUpdate],
    ) -> None:
        """Prepare to report for the account of a key.

        `meter_update` returns the present state of a board by its id.
        """
        self._accounts = accounts
        self._key = key
        self._hosts = hosts
        self._meter_update = meter_update

    @callback
    def tell_taken(self, board: Board, taken: Taken, now: datetime) -> None:
        """Tell homes what a board has just measured."""
        for reading in taken.readings:
            self._publish(
                board.board_id,
                MeterUpdate(available=True, reading=reading, online=board.online),
            )
        self._hosts.note(board, taken.measured, now)
        if self._hosts.matters(board):
            self._publish_host(board)

    @callback
    def tell_presence(self, board: Board) -> None:
        """Tell homes whether a board is there."""
        update = self._meter_update(board.board_id)
        self._publish(
            board.board_id,
            MeterUpdate(available=update.available, online=update.online),
        )
        self._publish_host(board)

    @callback
    def show(self, boards: Iterable[Board]) -> None:
        """Show what has moved little since it was shown."""
        for board in boards:
            if self._hosts.waits(board):
                self._publish_host(board)

    @callback
    def _publish(self, board_id: str, update: MeterUpdate) -> None:
        """Hand an update to the homes that have a board as a meter."""
        try:
            self._accounts.publish(self._key, board_id, update)
        except Exception:
            # One home's trouble must not keep others from hearing of theirs.
            _LOGGER.exception("A home did not take what board %s said", board_id)

    @callback
    def _publish_host(self, board: Board) -> None:
        """Hand what a board measures to the homes that have it as a host."""
        self._hosts.shown(board)
        try:
            self._accounts.hosts.publish(self._key, host_of(board.board_id))
        except Exception:
            # One home's trouble must not keep others from hearing of theirs.
            _LOGGER.exception("A home did not take what board %s said", board.name)
