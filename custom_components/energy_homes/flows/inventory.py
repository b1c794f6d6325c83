"""What the flows choose from: homes, meters that nobody uses, and who uses the others."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from homeassistant.config_entries import SOURCE_IGNORE, ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.translation import async_get_translations
from homeassistant.util import dt as dt_util

from ..accounts.registry import AccountHub, MeterInfo
from ..const import CONF_KIND, DOMAIN, EntryKind, SourceKind
from ..homes import DATA_HOMES, home_entries, meter_sources, normalized_label
from ..metering.model import MeterRole
from ..models import Revision
from .refused import NONE

type Hardware = tuple[str, str]
"""An account's key and the hardware id of one of its meters."""

NO_POWER: Final = NONE


@callback
def homes_labelled(hass: HomeAssistant, label: str) -> list[ConfigEntry]:
    """Return the homes with a label; a rename in the UI can make it more than one."""
    wanted = normalized_label(label)
    return [
        entry for entry in home_entries(hass) if normalized_label(entry.title) == wanted
    ]


@callback
def account_entries(hass: HomeAssistant) -> list[ConfigEntry]:
    """Return the entries of all accounts, loaded or not."""
    entries = hass.config_entries.async_entries(DOMAIN, include_ignore=False)
    return [entry for entry in entries if entry.data.get(CONF_KIND) == EntryKind.EFERGY]


@callback
def hubs(hass: HomeAssistant) -> Mapping[str, AccountHub]:
    """Return the hubs of the accounts that are loaded; the first flow runs before any."""
    homes = hass.data.get(DATA_HOMES)
    return {} if homes is None else homes.accounts.hubs


@callback
def account_title(hass: HomeAssistant, account: str) -> str:
    """Return what an account is called."""
    entry = hass.config_entries.async_entry_for_domain_unique_id(DOMAIN, account)
    return account if entry is None else entry.title


@callback
def same_hardware(hass: HomeAssistant, one: Revision, other: Revision) -> bool:
    """Return whether two revisions read the same thing."""
    if one.kind is SourceKind.ENTITY or other.kind is SourceKind.ENTITY:
        return one.kind is other.kind and (entity_id_of(hass, one) or one.entity) == (
            entity_id_of(hass, other) or other.entity
        )
    return (one.account, one.hardware_id) == (other.account, other.hardware_id)


@callback
def entity_id_of(hass: HomeAssistant, revision: Revision) -> str | None:
    """Return the present entity id of an entity's revision."""
    entity = revision.entity or ""
    return er.async_resolve_entity_id(er.async_get(hass), entity)


def in_use(revisions: Iterable[Revision], now: datetime) -> list[Revision]:
    """Return the revision that is current, and those that are still to begin."""
    begun = [revision for revision in revisions if revision.since <= now]
    return begun[-1:] + [revision for revision in revisions if revision.since > now]


@callback
def user_of(hass: HomeAssistant, hardware: Revision) -> ConfigEntry | None:
    """Return the home with a meter that reads this hardware, now or later."""
    now = dt_util.utcnow()
    for (entry_id, _), source in meter_sources(hass).items():
        if any(
            same_hardware(hass, revision, hardware)
            for revision in in_use(source.revisions, now)
        ):
            return hass.config_entries.async_get_known_entry(entry_id)
    return None


@callback
def hardware_in_use(hass: HomeAssistant) -> set[Hardware]:
    """Return the account meters that a home reads, now or later."""
    now = dt_util.utcnow()
    return {
        (revision.account, revision.hardware_id)
        for source in meter_sources(hass).values()
        for revision in in_use(source.revisions, now)
        if revision.account is not None and revision.hardware_id is not None
    }


@callback
def hardware_ever_used(hass: HomeAssistant) -> set[Hardware]:
    """Return the account meters that a meter of a home reads, or has read before."""
    return {
        (revision.account, revision.hardware_id)
        for source in meter_sources(hass).values()
        for revision in source.revisions
        if revision.account is not None and revision.hardware_id is not None
    }


@callback
def live_meters(hub: AccountHub) -> list[MeterInfo]:
    """Return the meters of an account that report."""
    return [
        meter
        for hardware_id, meter in hub.meters.items()
        if not meter.ghost and hardware_id not in hub.missing
    ]


@callback
def free_meters(hass: HomeAssistant) -> dict[Hardware, MeterInfo]:
    """Return the meters of all loaded accounts that report and that no home reads."""
    used = hardware_in_use(hass)
    return {
        (account, meter.hardware_id): meter
        for account, hub in hubs(hass).items()
        for meter in live_meters(hub)
        if (account, meter.hardware_id) not in used
    }


@callback
def is_ignored(hass: HomeAssistant, unique_id: str) -> bool:
    """Return whether somebody does not want to hear of a discovered item."""
    entry = hass.config_entries.async_entry_for_domain_unique_id(DOMAIN, unique_id)
    return entry is not None and entry.source == SOURCE_IGNORE


def discovery_id(account: str, hardware_id: str) -> str:
    """Return the unique id of the discovered item that a meter becomes."""
    return f"{account}_{hardware_id}"


def power_text(power: float | None) -> str:
    """Return a power for a text."""
    return NO_POWER if power is None else f"{power:.0f} W"


async def async_role_texts(hass: HomeAssistant, key: str) -> dict[MeterRole, str]:
    """Return a text for each role, as the selector `key` of the translations has it."""
    texts = await async_get_translations(
        hass, hass.config.language, "selector", [DOMAIN]
    )
    return {
        role: texts[f"component.{DOMAIN}.selector.{key}.options.{role}"]
        for role in MeterRole
    }
