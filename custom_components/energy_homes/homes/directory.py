"""Homes: label -> home. The one access point for everything that names a home."""

import asyncio
from collections.abc import Callable, Iterable, Mapping

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import issue_registry as ir
from homeassistant.util.hass_dict import HassKey

from ..const import CONF_HOME_ID, CONF_KIND, DOMAIN, SUBENTRY_METER, EntryKind
from ..models import MeterSource
from .home import Home

DATA_HOMES: HassKey[Homes] = HassKey(DOMAIN)


def normalized_label(label: str) -> str:
    """Return what makes two labels the same: outer blanks and case do not count."""
    return label.strip().casefold()


class Homes:
    """All homes that are loaded now, and how to find one by its label."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Start without homes."""
        self._hass = hass
        self._homes: dict[str, Home] = {}

    def attach(self, home: Home) -> Callable[[], None]:
        """Make a home known; return how to take it away."""
        self._homes[home.home_id] = home
        self.check_labels()

        def detach() -> None:
            """Take the home away."""
            if self._homes.get(home.home_id) is home:
                del self._homes[home.home_id]
                self.check_labels()

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
        same = self._by_label().get(wanted, [])
        if len(same) > 1:
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="ambiguous_home",
                translation_placeholders={"homes": _named(same)},
            )
        for home in self.all:
            if normalized_label(home.label) == wanted:
                return home
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="unknown_home",
            translation_placeholders={"home": label, "homes": self.choices},
        )

    def select(self, labels: Iterable[str] | None) -> tuple[Home, ...]:
        """Return the named homes; without names the only one there is.

        Raises ServiceValidationError where a name is unknown or needed.
        """
        if named := tuple(labels or ()):
            return tuple({home.home_id: home for home in map(self.get, named)}.values())
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

    async def async_stop(self) -> None:
        """Stop every home, so that nothing is left that would want the ledger."""
        await asyncio.gather(*(home.async_stop() for home in self.all))

    def _by_label(self) -> dict[str, list[ConfigEntry]]:
        """Return the homes that are not disabled, loaded or not, by what makes labels equal."""
        groups: dict[str, list[ConfigEntry]] = {}
        for entry in home_entries(self._hass):
            if entry.disabled_by is None:
                groups.setdefault(normalized_label(entry.title), []).append(entry)
        return groups

    @callback
    def check_labels(self) -> None:
        """Raise a repair for each label that more than one home has, and drop old ones.

        A home that is only reloading counts, so that a repair that is ignored stays so.
        """
        doubled = {
            f"duplicate_label_{label}": homes
            for label, homes in self._by_label().items()
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


def _named(homes: Iterable[ConfigEntry]) -> str:
    """Name homes so that two with the same label can be told apart."""
    return ", ".join(f"“{home.title}” ({home.data[CONF_HOME_ID]})" for home in homes)


def is_home(entry: ConfigEntry) -> bool:
    """Return whether an entry is a home, and neither an account nor an ignored item."""
    return entry.data.get(CONF_KIND) == EntryKind.HOME


@callback
def home_entries(hass: HomeAssistant) -> list[ConfigEntry]:
    """Return the entries of all homes, loaded or not, by label."""
    entries = hass.config_entries.async_entries(DOMAIN, include_ignore=False)
    return sorted(
        (entry for entry in entries if is_home(entry)),
        key=lambda entry: normalized_label(entry.title),
    )


def meter_sources(hass: HomeAssistant) -> Mapping[tuple[str, str], MeterSource]:
    """Return the meters of all homes by (entry id, subentry id), loaded or not."""
    return {
        (entry.entry_id, subentry.subentry_id): MeterSource.from_subentry(subentry)
        for entry in home_entries(hass)
        for subentry in entry.get_subentries_of_type(SUBENTRY_METER)
    }
