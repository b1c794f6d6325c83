"""What homes are told of an account's boards, as meters and as hosts of what they measure."""

from datetime import datetime
import logging

from homeassistant.core import callback

from ..conversation import Conversation
from ..isolation import isolated
from ..registry import Accounts, MeterUpdate
from .board import Board, EventReport
from .board_hosts import BoardHosts, host_of
from .known import KnownBoards

_LOGGER = logging.getLogger(__name__)


class BoardReports:
    """Publishes readings at once, and what else a board measures when it is due."""

    def __init__(
        self,
        accounts: Accounts,
        key: str,
        known: KnownBoards,
        hosts: BoardHosts,
        conversation: Conversation,
    ) -> None:
        """Prepare to report for the account of a key."""
        self._accounts = accounts
        self._key = key
        self._known = known
        self._hosts = hosts
        self._conversation = conversation

    @callback
    def update(self, board_id: str) -> MeterUpdate:
        """Return the present state of one board as a meter."""
        board = self._known.boards.get(board_id)
        if board is None or not self._conversation.holds:
            return MeterUpdate(available=False)
        return MeterUpdate(
            available=board.online is not False and board.reading is not None,
            reading=board.reading,
            online=board.online,
        )

    @callback
    def tell_taken(self, board: Board, taken: EventReport, now: datetime) -> None:
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
        update = self.update(board.board_id)
        self._publish(
            board.board_id,
            MeterUpdate(available=update.available, online=update.online),
        )
        self._publish_host(board)

    @callback
    def tell_all(self) -> None:
        """Tell homes whether each board is there."""
        for board in self._known.boards.values():
            self.tell_presence(board)

    @callback
    def show(self, _now: datetime) -> None:
        """Show what has moved little since it was shown."""
        for board in self._known.boards.values():
            if self._hosts.waits(board):
                self._publish_host(board)

    @callback
    def _publish(self, board_id: str, update: MeterUpdate) -> None:
        """Hand an update to the homes that have a board as a meter."""
        with isolated(_LOGGER, "A home did not take what board %s said", board_id):
            self._accounts.publish(self._key, board_id, update)

    @callback
    def _publish_host(self, board: Board) -> None:
        """Hand what a board measures to the homes that have it as a host."""
        self._hosts.shown(board)
        with isolated(_LOGGER, "A home did not take what board %s said", board.name):
            self._accounts.hosts.publish(self._key, host_of(board.board_id))
