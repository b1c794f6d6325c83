"""The kinds of accounts: one row for each vendor. Nobody else asks which vendor it is."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from homeassistant.config_entries import ConfigEntry

from ..const import CONF_KIND, MANUFACTURER, EntryKind, SourceKind
from ..models import Revision, Source
from .channel import MeterChannel
from .efergy.kind import KIND as EFERGY
from .kind import AccountKind
from .netatmo.kind import KIND as NETATMO
from .particle.kind import KIND as PARTICLE
from .pulse_board.kind import KIND as PULSE_BOARD
from .registry import Accounts

KINDS: Final[Mapping[EntryKind, AccountKind]] = MappingProxyType(
    {kind.entry_kind: kind for kind in (EFERGY, NETATMO, PULSE_BOARD, PARTICLE)}
)

(APPLICATION,) = (k.application for k in KINDS.values() if k.application is not None)
"""The one that Home Assistant's application credentials are for."""

_OF_SOURCES: Final = {kind.source_kind: kind for kind in KINDS.values()}


def kind_of(entry: ConfigEntry) -> AccountKind:
    """Return the kind of an account's entry. Raises KeyError for a home's."""
    return KINDS[EntryKind(entry.data[CONF_KIND])]


def kind_of_key(key: str) -> AccountKind:
    """Return the kind of an account that may be gone: its key begins with it.

    Raises KeyError for what is the key of no account.
    """
    for name, kind in KINDS.items():
        if key.startswith(f"{name}_"):
            return kind
    raise KeyError(key)


def is_account(entry: ConfigEntry) -> bool:
    """Return whether an entry is an account, and neither a home nor an ignored item."""
    return entry.data.get(CONF_KIND) in KINDS


def kind_of_source(kind: SourceKind) -> AccountKind | None:
    """Return the kind of account that a source reads; None for what has no own account.

    That is an entity, and a sensor daemon that reports to somebody else's.
    """
    return _OF_SOURCES.get(kind)


def counts_pulses(kind: SourceKind) -> bool:
    """Return whether a source counts pulses of a meter with a dial."""
    account = kind_of_source(kind)
    return account is not None and account.channel is not None


def channel_of(accounts: Accounts, revision: Revision) -> MeterChannel | None:
    """Return the channel that a revision reads; None where none is, or not loaded."""
    kind = kind_of_source(revision.kind)
    if kind is None or kind.channel is None:
        return None
    return kind.channel(accounts, revision)


def manufacturer_of(kind: SourceKind) -> str:
    """Return who made what a source reads, ourselves where no account tells."""
    account = kind_of_source(kind)
    return MANUFACTURER if account is None else account.manufacturer


def tells_online(source: Source) -> bool:
    """Return whether a source is, was or will be a board that is online or not."""
    kinds = (kind_of_source(revision.kind) for revision in source.revisions)
    return any(kind is not None and kind.tells_online for kind in kinds)
