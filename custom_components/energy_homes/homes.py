"""Homes: label -> home. The one access point for everything that names a home."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import issue_registry as ir
from homeassistant.util.hass_dict import HassKey

from .accounts.registry import Accounts
from .const import CONF_KIND, DOMAIN, SUBENTRY_METER, EntryKind
from .ledger import Ledger
from .models import MeterSource
from .recorder_statistics import TrueUp

if TYPE_CHECKING:
    from .home import Home

DATA_HOMES: HassKey[Homes] = HassKey(DOMAIN)


def normalized_label(label: str) -> str:
    """Return what makes two labels the same: outer blanks and case do not count."""
    return label.strip().casefold()


class Homes:
    """All homes that are loaded now, what they share, and how to find one."""

    def __init__(self, hass: HomeAssistant, ledger: Ledger) -> None:
        """Start without homes."""
        self._hass = hass
        self._homes: dict[str, Home] = {}
        self.ledger = ledger
        self.ledger_error: str | None = None
        self.accounts = Accounts()
        self.true_up = TrueUp(hass, ledger)

    def attach(self, home: Home) -> Callable[[], None]:
        """Make a home known; return how to take it away."""
        self._homes[home.home_id] = home
        self._check_labels()

        def detach() -> None:
            """Take the home away."""
            if self._homes.get(home.home_id) is home:
                del self._homes[home.home_id]
                self._check_labels()

        return detach

    @property
    def all(self) -> tuple[Home, ...]:
        """Return the homes in the order of their labels."""
        return tuple(sorted(self._homes.values(), key=lambda home: home.label))

    def get(self, label: str) -> Home:
        """Return the home with a label.

        Raises ServiceValidationError where there is none or more than one.
        """
        wanted = normalized_label(label)
        found = [home for home in self.all if normalized_label(home.label) == wanted]
        if len(found) == 1:
            return found[0]
        if found:
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="ambiguous_home",
                translation_placeholders={"homes": _named(found)},
            )
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="unknown_home",
            translation_placeholders={"home": label, "homes": self.choices},
        )

    def select(self, labels: Iterable[str] | None) -> tuple[Home, ...]:
        """Return the named homes; without names the only one there is.

        Raises ServiceValidationError where a name is unknown or needed.
        """
        if labels is not None:
            return tuple(
                {home.home_id: home for home in map(self.get, labels)}.values()
            )
        if len(self._homes) == 1:
            return self.all
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="home_needed" if self._homes else "no_homes",
            translation_placeholders={"homes": self.choices},
        )

    @property
    def choices(self) -> str:
        """Return the labels of all homes for a message."""
        return ", ".join(home.label for home in self.all) or "-"

    def _check_labels(self) -> None:
        """Raise a repair for each label that more than one home has, and drop old ones."""
        groups: dict[str, list[Home]] = {}
        for home in self.all:
            groups.setdefault(normalized_label(home.label), []).append(home)
        doubled = {
            f"duplicate_label_{label}": homes
            for label, homes in groups.items()
            if len(homes) > 1
        }
        registry = ir.async_get(self._hass)
        for domain, issue_id in tuple(registry.issues):
            if (
                domain == DOMAIN
                and issue_id.startswith("duplicate_label_")
                and issue_id not in doubled
            ):
                ir.async_delete_issue(self._hass, DOMAIN, issue_id)
        for issue_id, homes in doubled.items():
            ir.async_create_issue(
                self._hass,
                DOMAIN,
                issue_id,
                is_fixable=False,
                severity=ir.IssueSeverity.WARNING,
                translation_key="duplicate_label",
                translation_placeholders={"homes": _named(homes)},
            )


def _named(homes: Iterable[Home]) -> str:
    """Name homes so that two with the same label can be told apart."""
    return ", ".join(f"“{home.label}” ({home.home_id})" for home in homes)


def meter_sources(hass: HomeAssistant) -> Mapping[tuple[str, str], MeterSource]:
    """Return the meters of all homes by (entry id, subentry id), loaded or not."""
    return {
        (entry.entry_id, subentry.subentry_id): MeterSource.from_subentry(subentry)
        for entry in hass.config_entries.async_entries(DOMAIN, include_ignore=False)
        if entry.data.get(CONF_KIND) == EntryKind.HOME
        for subentry in entry.get_subentries_of_type(SUBENTRY_METER)
    }
