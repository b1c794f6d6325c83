"""The boards of an account: those that it lists, those that were heard, and since when not."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from ...clouds.particle.models import ParticleDevice, ParticleEvent
from ..registry import MeterInfo
from .board import Board
from .listen import meter_info
from .measures import BoardConfig

SILENT_AFTER: Final = timedelta(minutes=5)
"""A meter that was not heard for so long does not report."""

MAX_BOARDS: Final = 1000
"""So many boards are followed."""


class KnownBoards:
    """The boards by their ids, as they are set up. Instants are aware and UTC."""

    def __init__(self) -> None:
        """Begin without a board."""
        self.boards: dict[str, Board] = {}
        self._configs: Mapping[str, BoardConfig] = {}
        self._last_seen: dict[str, datetime] = {}

    @property
    def meters(self) -> Mapping[str, MeterInfo]:
        """Return the boards that are meters; those that never said so are ghosts."""
        found: dict[str, MeterInfo] = {}
        for board_id, board in self.boards.items():
            if board.meter is not None:
                seen = self._seen(board_id)
                found[board_id] = replace(
                    meter_info(board), last_seen=seen, ghost=seen is None
                )
        return found

    def missing(self, now: datetime) -> Mapping[str, datetime]:
        """Return the boards that were heard as meters and are not now, and since when."""
        return {
            board_id: seen
            for board_id, seen in self._all_seen().items()
            if seen < now - SILENT_AFTER
        }

    def configure(self, configs: Iterable[BoardConfig]) -> None:
        """Take what people say that boards measure."""
        self._configs = {config.board_id: config for config in configs}
        for board in self.boards.values():
            board.configure(self._configs.get(board.board_id))

    def get(self, board_id: str, event: ParticleEvent | None = None) -> Board | None:
        """Return a board, a new one where it is not known; None for what is none."""
        if (board := self.boards.get(board_id)) is not None:
            return board
        if len(self.boards) >= MAX_BOARDS or (event is not None and event.is_system):
            return None
        board = self.boards[board_id] = Board(board_id)
        board.configure(self._configs.get(board_id))
        return board

    def adopt(self, boards: Iterable[Board]) -> None:
        """Go on with boards that somebody else has listened to."""
        for board in boards:
            known = self.boards.get(board.board_id)
            if known is None or known.reading is None:
                board.configure(self._configs.get(board.board_id))
                self.boards[board.board_id] = board

    def take_list(self, devices: Iterable[ParticleDevice]) -> None:
        """Take the boards that the account lists."""
        listed: set[str] = set()
        for device in devices:
            listed.add(device.board_id)
            if (board := self.get(device.board_id)) is not None:
                board.take_device(device)
        for board_id in self.boards.keys() - listed:
            self.boards[board_id].device = None

    def restore(self, data: Mapping[str, str]) -> None:
        """Go on from what another run has stored."""
        for board_id, seen in data.items():
            self._last_seen[board_id] = datetime.fromisoformat(seen)

    def as_data(self) -> dict[str, str]:
        """Return when each board was last heard as a meter, as it is stored."""
        return {
            board_id: seen.isoformat() for board_id, seen in self._all_seen().items()
        }

    def _all_seen(self) -> dict[str, datetime]:
        """Return when each board was last heard as a meter, if it ever was."""
        return {
            board_id: seen
            for board_id in self.boards.keys() | self._last_seen.keys()
            if (seen := self._seen(board_id)) is not None
        }

    def _seen(self, board_id: str) -> datetime | None:
        """Return when a board last said something as a meter, in earlier runs too."""
        board = self.boards.get(board_id)
        if board is not None and board.reading is not None:
            return board.reading.at
        return self._last_seen.get(board_id)
