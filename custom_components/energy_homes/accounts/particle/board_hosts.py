"""Boards as hosts of sensors: what they measured last, and what of it is worth showing. Pure.

Boards say the same thing every few seconds; what moves little is shown from time to time.
"""

from collections.abc import Iterable
from datetime import datetime

from ...sensing.model import SensorReading
from ...sensing.silence import Silence
from .board import Board, Measured
from .deadbands import quantity_moved

_SUFFIX = ".sensors"


def host_of(board_id: str) -> str:
    """Return the id of a board as a host: it may be a meter by its own id beside."""
    return board_id + _SUFFIX


def board_of(host: str) -> str:
    """Return the id of the board that a host is."""
    return host.removesuffix(_SUFFIX)


class BoardHosts:
    """Follows what is shown of each board. Instants are aware and UTC."""

    def __init__(self) -> None:
        """Begin without having shown anything."""
        self._silences: dict[tuple[str, str], Silence] = {}
        self._shown: dict[tuple[str, str], float] = {}
        self._waiting: set[str] = set()

    def note(self, board: Board, measured: Iterable[Measured], now: datetime) -> None:
        """Note what a board has just measured."""
        for one in measured:
            key = (board.board_id, one.measure.key)
            if (silence := self._silences.get(key)) is None:
                self._silences[key] = Silence(now)
            else:
                silence.heard(now)
            self._waiting.add(board.board_id)

    def matters(self, board: Board) -> bool:
        """Return whether something has moved too far to wait, or is new."""
        return board.board_id in self._waiting and any(
            quantity_moved(
                one.measure.quantity,
                self._shown.get((board.board_id, one.measure.key)),
                one.value,
            )
            for one in board.latest()
        )

    def waits(self, board: Board) -> bool:
        """Return whether something was measured since it was shown."""
        return board.board_id in self._waiting

    def shown(self, board: Board) -> None:
        """Note that what is known of a board is shown now."""
        self._waiting.discard(board.board_id)
        for one in board.latest():
            self._shown[board.board_id, one.measure.key] = one.value

    def readings(self, board: Board) -> tuple[SensorReading, ...]:
        """Return what a board measured last."""
        return tuple(
            SensorReading(
                hardware_id=one.measure.key,
                quantity=one.measure.quantity,
                value=one.value,
                at=silence.at,
                silent_at=silence.silent_at,
                name=one.measure.name,
            )
            for one in board.latest()
            if (silence := self._silences.get((board.board_id, one.measure.key)))
        )
