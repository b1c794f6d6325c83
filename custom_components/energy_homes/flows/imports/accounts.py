"""Accounts of homes that are imported, of whatever vendor: how they are found or tried."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final, Protocol

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant

from ...accounts.registry import MeterInfo
from ...const import EntryKind, SourceKind
from ...homes.directory import normalized_label
from ...homes.inventory import NONE, account_entries
from ...models import HeatingSource
from ..refused import Refused

CONF_SID: Final = "sid"

type Given = Mapping[str, Any]
"""What somebody gave of an account: its name or its credentials, and what of it is meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedAccount:
    """An account that a home needs; `data` of its entry where it is still to be added."""

    key: str
    title: str
    data: Mapping[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterAccount(ImportedAccount):
    """An account with meters; `tells_submeters` apart from those of the whole home."""

    kind: SourceKind
    meters: list[MeterInfo]
    tells_submeters: bool = True


class MeterImport(Protocol):
    """Comes by accounts with meters for one home; each is asked once."""

    def entry_with(self, given: Given) -> ConfigEntry | None:
        """Return the account that has the credentials that are given.

        None where there is none, as where accounts have none and can only be named.
        """
        return None

    async def async_account(
        self, given: Given, entry: ConfigEntry | None
    ) -> MeterAccount:
        """Return an account with its meters; `entry` where it is there.

        Raises Refused where it does not answer, or has no meter.
        """


class WantedHeating(Protocol):
    """What heats a home that is imported, of an account that has answered."""

    @property
    def account(self) -> ImportedAccount:
        """Return the account."""

    async def async_zone(self) -> str:
        """Return the time zone that the vendor has for the home."""

    async def async_source(
        self,
        home: ConfigEntry | None,
        since: datetime,
        names: Iterable[str],
        import_from: date | None,
    ) -> HeatingSource | None:
        """Return the heating that the home is to have; None where it has it.

        `names` are those that other new parts of the home have. Raises Refused where
        another home has the hardware.
        """


class HeatingImport(Protocol):
    """Comes by accounts that heat for all homes of an import; each is asked once."""

    async def async_heats(self, given: Given, home: ConfigEntry | None) -> bool:
        """Return whether a home has the heating that is given, without asking anybody.

        Raises Refused where an account is named that is not there.
        """

    async def async_wanted(self, given: Given, label: str) -> WantedHeating:
        """Return what is to heat the home with a label.

        Raises Refused where the account does not answer, or has no such hardware.
        """


def named_account(hass: HomeAssistant, name: str, *kinds: EntryKind) -> ConfigEntry:
    """Return the account of some kinds with a title or a unique id.

    Raises Refused where none has the name, or more than one.
    """
    entries = [entry for kind in kinds for entry in account_entries(hass, kind)]
    wanted = normalized_label(name)
    found = [e for e in entries if e.unique_id == name.strip()] or [
        e for e in entries if normalized_label(e.title) == wanted
    ]
    if len(found) == 1:
        return found[0]
    raise Refused(
        "ambiguous_account" if found else "unknown_account",
        account=name,
        accounts=", ".join(f"{e.title} ({e.unique_id})" for e in entries) or NONE,
    )
