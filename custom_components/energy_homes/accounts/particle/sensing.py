"""The boards of an account as hosts of sensors, for homes that use them."""

from collections.abc import Mapping

from homeassistant.core import callback

from ...const import SourceKind
from ..conversation import Conversation
from ..hosts import HostInfo, HostUpdate
from .board_hosts import BoardHosts, board_of, host_of
from .known import KnownBoards


class ParticleSensing:
    """What an account's boards measure beside what makes them meters.

    It satisfies `SensingHub`.
    """

    source_kind = SourceKind.PARTICLE

    def __init__(
        self,
        key: str,
        known: KnownBoards,
        board_hosts: BoardHosts,
        conversation: Conversation,
    ) -> None:
        """Stand for the boards of the account of a key."""
        self.key = key
        self._known = known
        self._board_hosts = board_hosts
        self._conversation = conversation

    @property
    def hosts(self) -> Mapping[str, HostInfo]:
        """Return the boards that have measured something; a meter is not offered as a host."""
        return {
            host: HostInfo(
                hardware_id=host,
                name=board.name,
                readings=self._board_hosts.readings(board),
                offered=board.meter is None,
            )
            for board in self._known.boards.values()
            if board.values and (host := host_of(board.board_id))
        }

    @callback
    def host_update(self, host_id: str) -> HostUpdate:
        """Return what a board measured last."""
        board = self._known.boards.get(board_of(host_id))
        if board is None or not self._conversation.holds:
            return HostUpdate(available=False)
        return HostUpdate(
            available=True,
            readings=(
                self._board_hosts.readings(board) if board.online is not False else ()
            ),
            online=board.online,
            last_event=board.last_event,
        )
