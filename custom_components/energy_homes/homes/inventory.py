"""What the flows choose from: homes, hardware that nobody uses, and who uses the rest."""

from collections.abc import Iterable, Mapping
from datetime import datetime, tzinfo
from typing import Final

from homeassistant.config_entries import SOURCE_IGNORE, ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.translation import async_get_translations
from homeassistant.util import dt as dt_util

from ..accounts.hosts import HostInfo, SensingHub
from ..accounts.kinds import KINDS, kind_of_source
from ..accounts.registry import DATA_ACCOUNTS, AccountHub, HeatingHub, MeterInfo
from ..const import (
    CONF_KIND,
    CONF_TIME_ZONE,
    DOMAIN,
    SUBENTRY_HEATING,
    SUBENTRY_SENSORS,
    EntryKind,
    SourceKind,
)
from ..metering.model import MeterRole
from ..models import HeatingSource, Revision, SensorsSource, Source
from .directory import home_entries, meter_sources, normalized_label

type Hardware = tuple[str, str]
"""An account's key and the vendor's id of one of its meters, homes or hosts of sensors."""

NONE: Final = "-"
"""Stands in a message where there is nothing to name."""

NO_POWER: Final = NONE


async def async_zone(home: ConfigEntry) -> tzinfo:
    """Return a home's time zone, Home Assistant's where it has none that exists."""
    name = home.data.get(CONF_TIME_ZONE)
    zone = await dt_util.async_get_time_zone(name) if name else None
    return zone or dt_util.get_default_time_zone()


@callback
def homes_labelled(hass: HomeAssistant, label: str) -> list[ConfigEntry]:
    """Return the homes with a label; a rename in the UI can make it more than one."""
    wanted = normalized_label(label)
    return [
        entry for entry in home_entries(hass) if normalized_label(entry.title) == wanted
    ]


@callback
def account_entries(hass: HomeAssistant, kind: EntryKind) -> list[ConfigEntry]:
    """Return the entries of all accounts of a kind, loaded or not."""
    entries = hass.config_entries.async_entries(DOMAIN, include_ignore=False)
    return [entry for entry in entries if entry.data.get(CONF_KIND) == kind]


@callback
def hubs(hass: HomeAssistant) -> Mapping[str, AccountHub]:
    """Return the hubs of the accounts that are loaded; the first flow runs before any."""
    accounts = hass.data.get(DATA_ACCOUNTS)
    return {} if accounts is None else accounts.hubs


@callback
def heating_hubs(hass: HomeAssistant) -> Mapping[str, HeatingHub]:
    """Return the hubs of the accounts that heat and are loaded."""
    accounts = hass.data.get(DATA_ACCOUNTS)
    return {} if accounts is None else accounts.heating_hubs


@callback
def sensing_hubs(hass: HomeAssistant) -> Mapping[str, SensingHub]:
    """Return the hubs of the accounts that have hosts of sensors and are loaded."""
    accounts = hass.data.get(DATA_ACCOUNTS)
    return {} if accounts is None else accounts.hosts.hubs


@callback
def heating_sources(
    hass: HomeAssistant,
) -> Mapping[tuple[str, str], HeatingSource]:
    """Return the heatings of all homes by (entry id, subentry id), loaded or not."""
    return {
        (entry.entry_id, subentry.subentry_id): HeatingSource.from_subentry(subentry)
        for entry in home_entries(hass)
        for subentry in entry.get_subentries_of_type(SUBENTRY_HEATING)
    }


@callback
def sensors_sources(
    hass: HomeAssistant,
) -> Mapping[tuple[str, str], SensorsSource]:
    """Return the hosts of sensors of all homes by (entry id, subentry id), loaded or not."""
    return {
        (entry.entry_id, subentry.subentry_id): SensorsSource.from_subentry(subentry)
        for entry in home_entries(hass)
        for subentry in entry.get_subentries_of_type(SUBENTRY_SENSORS)
    }


@callback
def all_sources(hass: HomeAssistant) -> Mapping[tuple[str, str], Source]:
    """Return the meters, heatings and hosts of all homes by (entry id, subentry id)."""
    return {**meter_sources(hass), **heating_sources(hass), **sensors_sources(hass)}


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
    account = kind_of_source(one.kind)
    if one.kind is other.kind and account is not None and account.shared:
        return one.hardware_id == other.hardware_id
    return hardware_of(one) == hardware_of(other)


def hardware_of(revision: Revision) -> Hardware | None:
    """Return what a revision reads of an account; None where it is an entity's.

    A daemon calls its host what it likes, which may be as a channel is called.
    """
    if revision.account is None or revision.hardware_id is None:
        return None
    if revision.kind is SourceKind.REMOTE:
        return revision.account, f"{SourceKind.REMOTE}:{revision.hardware_id}"
    return revision.account, revision.hardware_id


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
def user_of(
    hass: HomeAssistant, hardware: Revision, *, but: str | None = None
) -> ConfigEntry | None:
    """Return the home with a meter or heating that is this hardware, now or later.

    `but` is the id of a source that does not count.
    """
    now = dt_util.utcnow()
    for (entry_id, _), source in all_sources(hass).items():
        if source.source_id != but and any(
            same_hardware(hass, revision, hardware)
            for revision in in_use(source.revisions, now)
        ):
            return hass.config_entries.async_get_known_entry(entry_id)
    return None


@callback
def hardware_in_use(hass: HomeAssistant) -> set[Hardware]:
    """Return what homes use of the accounts, now or later."""
    now = dt_util.utcnow()
    return {
        hardware
        for source in all_sources(hass).values()
        for revision in in_use(source.revisions, now)
        if (hardware := hardware_of(revision)) is not None
    }


@callback
def hardware_ever_used(hass: HomeAssistant) -> set[Hardware]:
    """Return what homes use of the accounts, or have used before."""
    return {
        hardware
        for source in all_sources(hass).values()
        for revision in source.revisions
        if (hardware := hardware_of(revision)) is not None
    }


@callback
def hardware_known(hass: HomeAssistant) -> set[Hardware]:
    """Return what nobody has to be asked about, as some home uses it or has used it.

    Of what several accounts share it is known from all of them.
    """
    accounts = {
        kind.source_kind: [
            entry.unique_id or "" for entry in account_entries(hass, kind.entry_kind)
        ]
        for kind in KINDS.values()
        if kind.shared
    }
    return hardware_ever_used(hass) | {
        (account, revision.hardware_id)
        for source in all_sources(hass).values()
        for revision in source.revisions
        if revision.hardware_id is not None
        for account in accounts.get(revision.kind, ())
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
def host_revision(hub: SensingHub, host_id: str, since: datetime) -> Revision:
    """Return the revision that reads an account's host of sensors."""
    return Revision(
        since=since, kind=hub.source_kind, account=hub.key, hardware_id=host_id
    )


@callback
def free_hosts(hass: HomeAssistant) -> dict[Hardware, HostInfo]:
    """Return the hosts of all loaded accounts that no home has."""
    now = dt_util.utcnow()
    return {
        (key, host_id): host
        for key, hub in sensing_hubs(hass).items()
        for host_id, host in hub.hosts.items()
        if user_of(hass, host_revision(hub, host_id, now)) is None
    }


@callback
def is_ignored(hass: HomeAssistant, unique_id: str) -> bool:
    """Return whether somebody does not want to hear of a discovered item."""
    entry = hass.config_entries.async_entry_for_domain_unique_id(DOMAIN, unique_id)
    return entry is not None and entry.source == SOURCE_IGNORE


def discovery_id(account: str, hardware_id: str) -> str:
    """Return the unique id of the discovered item that a meter or a home becomes."""
    return f"{account}_{hardware_id}"


def free_name(name: str, taken: Iterable[str]) -> str:
    """Return a name, numbered where something has it already."""
    used = {other.strip().casefold() for other in taken}
    candidate, number = name, 1
    while candidate.casefold() in used:
        number += 1
        candidate = f"{name} {number}"
    return candidate


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
