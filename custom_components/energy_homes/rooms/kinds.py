"""Who heats homes: one row for each vendor."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant

from ..accounts.registry import Accounts
from ..const import SourceKind
from ..models import HeatingSource
from .coordinator import HeatingCoordinator
from .netatmo.coordinator import NetatmoHeating

type Heating = Callable[[HomeAssistant, ConfigEntry, str, Accounts], HeatingCoordinator]
"""Prepares the heating that is the subentry with an id."""

HEATINGS: Final[Mapping[SourceKind, Heating]] = MappingProxyType(
    {SourceKind.NETATMO: NetatmoHeating}
)


def heating_of(
    hass: HomeAssistant, entry: ConfigEntry, subentry_id: str, accounts: Accounts
) -> HeatingCoordinator:
    """Return the heating of a home by its vendor, which all of its revisions share."""
    source = HeatingSource.from_subentry(entry.subentries[subentry_id])
    return HEATINGS[source.revisions[0].kind](hass, entry, subentry_id, accounts)
