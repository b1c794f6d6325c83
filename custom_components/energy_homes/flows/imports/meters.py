"""What a home that is imported is to have: meters, and the accounts behind them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_NAME, CONF_TOKEN
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
from homeassistant.util.ulid import ulid_now

from ...accounts.registry import MeterInfo
from ...boards.config import BoardConfig
from ...const import (
    CONF_ACCOUNT,
    CONF_ENTITY,
    CONF_KIND,
    CONF_ROLE,
    DOMAIN,
    EntryKind,
    SourceKind,
)
from ...homes.directory import meter_sources, normalized_label
from ...homes.inventory import NONE, account_entries, hubs, live_meters, same_hardware
from ...metering.model import MeterRole
from ...models import MeterSource, Revision
from ..efergy.checking import Credentials, async_check, refuse_empty
from ..refused import BASE, Refused
from ..sources.entity import entity_revision
from ..sources.metering import async_default_name, meter_names, refuse_name, refuse_used

CONF_SID: Final = "sid"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedAccount:
    """An account that a home needs; `credentials` where it is still to be added."""

    key: str
    title: str
    meters: list[MeterInfo]
    kind: SourceKind = SourceKind.EFERGY
    credentials: Credentials | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedMeter:
    """A meter that a home is to have."""

    revision: Revision
    name: str | None
    role: MeterRole
    what: str


def wanted_entity(
    hass: HomeAssistant,
    meter: Mapping[str, Any],
    since: datetime,
    home: ConfigEntry | None,
) -> WantedMeter:
    """Return an entity that is to be a meter; raises Refused where it cannot be one."""
    return WantedMeter(
        revision=entity_revision(hass, meter[CONF_ENTITY], since, home),
        name=meter.get(CONF_NAME),
        role=meter.get(CONF_ROLE, MeterRole.GRID),
        what=meter[CONF_ENTITY],
    )


def has_already(
    hass: HomeAssistant, meter: Mapping[str, Any], home: ConfigEntry | None
) -> bool:
    """Return whether a home has what is wanted, without asking anybody.

    Of an account without a sid it is enough to have one meter. Raises Refused where an
    account is named that is not there.
    """
    revisions = _revisions(hass, home)
    if CONF_ENTITY in meter:
        wanted = Revision(
            since=dt_util.utcnow(), kind=SourceKind.ENTITY, entity=meter[CONF_ENTITY]
        )
        return any(same_hardware(hass, known, wanted) for known in revisions)
    entry = _account_of(hass, meter)
    return entry is not None and any(
        known.account == entry.unique_id
        and meter.get(CONF_SID) in (None, known.hardware_id)
        for known in revisions
    )


def _account_of(hass: HomeAssistant, meter: Mapping[str, Any]) -> ConfigEntry | None:
    """Return the account that a meter names or has the token of.

    Raises Refused where none has the name, or more than one.
    """
    if (name := meter.get(CONF_ACCOUNT)) is None:
        token = meter[CONF_TOKEN].strip()
        return next(
            (e for e in account_entries(hass) if e.data[CONF_TOKEN] == token), None
        )
    return named_account(hass, name, EntryKind.EFERGY, EntryKind.PULSE_BOARD)


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


def _revisions(hass: HomeAssistant, home: ConfigEntry | None) -> list[Revision]:
    """Return everything that the meters of a home read, or have read."""
    return [
        revision
        for (entry_id, _), source in meter_sources(hass).items()
        if home is not None and entry_id == home.entry_id
        for revision in source.revisions
    ]


async def async_account(
    hass: HomeAssistant, meter: Mapping[str, Any], accounts: dict[str, ImportedAccount]
) -> ImportedAccount:
    """Return an account with its meters, asked for at most once.

    Raises Refused where the account does not answer, or has no meter.
    """
    entry = _account_of(hass, meter)
    if entry is not None and entry.data[CONF_KIND] == EntryKind.PULSE_BOARD:
        return _board(hass, entry)
    credentials = Credentials.read(
        entry.data if entry is not None and CONF_ACCOUNT in meter else meter
    )
    if (known := accounts.get(credentials.token)) is not None:
        return known
    if (
        entry is not None
        and entry.unique_id is not None
        and (hub := hubs(hass).get(entry.unique_id)) is not None
        and (live := live_meters(hub))
    ):
        account = ImportedAccount(key=entry.unique_id, title=entry.title, meters=live)
    else:
        check = await async_check(hass, credentials)
        refuse_empty(check)
        there = entry or hass.config_entries.async_entry_for_domain_unique_id(
            DOMAIN, check.unique_id
        )
        account = ImportedAccount(
            key=(there and there.unique_id) or check.unique_id,
            title=check.title,
            meters=[known for known in check.meters if not known.ghost],
            credentials=credentials if there is None else None,
        )
    accounts[credentials.token] = account
    return account


def _board(hass: HomeAssistant, entry: ConfigEntry) -> ImportedAccount:
    """Return a board with the channels that are set up or were heard."""
    key = entry.unique_id or ""
    hub = hubs(hass).get(key)
    config = BoardConfig.from_data(entry.data)
    return ImportedAccount(
        key=key,
        title=entry.title,
        meters=live_meters(hub)
        if hub is not None
        else [
            MeterInfo(
                hardware_id=str(number),
                name=channel.name,
                role=channel.role,
                power=None,
                last_seen=None,
            )
            for number, channel in config.channels.items()
        ],
        kind=SourceKind.PULSE_BOARD,
    )


def wanted_hardware(
    account: ImportedAccount, meter: Mapping[str, Any], since: datetime
) -> list[WantedMeter]:
    """Return which meters of an account a home is to have.

    Without a sid: all, of the wanted role where one is given. Raises Refused where a sid
    is unknown, or needed to tell grid meters apart.
    """
    role: MeterRole | None = meter.get(CONF_ROLE)
    if (sid := meter.get(CONF_SID)) is not None:
        found = [known for known in account.meters if known.hardware_id == sid]
    else:
        # Efergy knows no submeters: one of those counts as a grid meter there.
        listed = role
        if role is MeterRole.SUBMETER and account.kind is SourceKind.EFERGY:
            listed = MeterRole.GRID
        found = [known for known in account.meters if listed in (None, known.role)]
    meters = {
        "account": account.title,
        "meters": ", ".join(known.hardware_id for known in account.meters) or NONE,
    }
    if not found:
        raise Refused("unknown_sid", sid=sid or str(role), **meters)
    if sid is None and sum(known.role is MeterRole.GRID for known in found) > 1:
        raise Refused("sid_needed", **meters)
    return [
        WantedMeter(
            revision=Revision(
                since=since,
                kind=account.kind,
                account=account.key,
                hardware_id=known.hardware_id,
            ),
            name=meter.get(CONF_NAME) if len(found) == 1 else None,
            role=role or known.role,
            what=known.name,
        )
        for known in found
    ]


async def async_sources(
    hass: HomeAssistant,
    wanted: Iterable[WantedMeter],
    home: ConfigEntry | None,
    import_from: date | None = None,
) -> list[MeterSource]:
    """Return the meters that a home has not; raises Refused where another has one."""
    revisions = _revisions(hass, home)
    names = [] if home is None else meter_names(home)
    sources: list[MeterSource] = []
    for meter in wanted:
        if any(same_hardware(hass, known, meter.revision) for known in revisions):
            continue
        refuse_used(hass, meter.revision, BASE, meter.what)
        name = (meter.name or "").strip()
        if not name:
            name = await async_default_name(hass, meter.role, names)
        refuse_name(name, names, "" if home is None else home.title)
        revisions.append(meter.revision)
        names.append(name)
        sources.append(
            MeterSource(
                source_id=ulid_now(),
                name=name,
                role=meter.role,
                revisions=(meter.revision,),
                import_from=import_from,
            )
        )
    return sources
