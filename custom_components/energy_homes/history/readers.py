"""The meters that somebody keeps a history of, and the reader for each."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from homeassistant.core import HomeAssistant

from ..accounts.efergy import history as efergy
from ..const import SourceKind
from ..models import HistoryReader, MeterSource, OpenHistory, Revision
from . import entity

READERS: Final[Mapping[SourceKind, OpenHistory]] = MappingProxyType(
    {
        SourceKind.EFERGY: efergy.open_history,
        SourceKind.ENTITY: entity.open_history,
    }
)
"""Who is asked for what a kind of hardware measured.

The others have nobody: boards and hosts forget what they have sent.
"""


def keeps_history(revision: Revision) -> bool:
    """Return whether somebody keeps what the hardware of a revision measured."""
    return revision.kind in READERS


def open_history(
    hass: HomeAssistant, source: MeterSource, revision: Revision
) -> HistoryReader | None:
    """Return the history of a meter in the time of a revision, None where nobody has one.

    Raises NotNowError where it cannot be asked now.
    """
    opened = READERS.get(revision.kind)
    return None if opened is None else opened(hass, source, revision)
