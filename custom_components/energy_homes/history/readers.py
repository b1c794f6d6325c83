"""The meters and rooms that somebody keeps a history of, and the reader for each."""

from homeassistant.core import HomeAssistant

from ..accounts.kinds import kind_of_source
from ..accounts.registry import Accounts
from ..const import SourceKind
from ..heating.records import RoomRecord
from ..models import (
    AskRoom,
    HeatingSource,
    HistoryReader,
    MeterSource,
    OpenHistory,
    OpenRoomHistory,
    Revision,
)
from . import entity


def keeps_history(revision: Revision) -> bool:
    """Return whether somebody keeps what the hardware of a revision measured."""
    return _opener(revision.kind) is not None


def open_history(
    hass: HomeAssistant, source: MeterSource, revision: Revision
) -> HistoryReader | None:
    """Return the history of a meter in the time of a revision, None where nobody has one.

    Raises NotNowError where it cannot be asked now.
    """
    opened = _opener(revision.kind)
    return None if opened is None else opened(hass, source, revision)


def open_room_history(
    accounts: Accounts, source: HeatingSource, room: RoomRecord
) -> OpenRoomHistory:
    """Return one look into what the vendors of a heating know of a room of it."""
    vendors: dict[SourceKind, OpenRoomHistory] = {}
    for kind in {revision.kind for revision in source.revisions}:
        account = kind_of_source(kind)
        if account is not None and account.room_history is not None:
            vendors[kind] = account.room_history(accounts, source, room)

    def opened(revision: Revision) -> AskRoom | None:
        """Return who is asked in the time of a revision."""
        vendor = vendors.get(revision.kind)
        return None if vendor is None else vendor(revision)

    return opened


def _opener(kind: SourceKind) -> OpenHistory | None:
    """Return who opens what a kind of hardware measured; None where nobody keeps it.

    Boards and hosts forget what they have sent.
    """
    if kind is SourceKind.ENTITY:
        return entity.open_history
    account = kind_of_source(kind)
    return None if account is None else account.open_history
