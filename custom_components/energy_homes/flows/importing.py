"""Homes and accounts from the action `import_homes`, through flows like all others."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from typing import Any, Final

from homeassistant.config_entries import SOURCE_IMPORT, ConfigEntry, ConfigFlowResult
from homeassistant.const import CONF_NAME, CONF_TOKEN, CONF_URL
from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
from homeassistant.util.ulid import ulid_now
import voluptuous as vol

from ..accounts.registry import MeterInfo
from ..const import (
    CONF_ENTITY,
    CONF_ROLE,
    CONF_SERVER,
    CONF_SINCE,
    CONF_TIME_ZONE,
    DOMAIN,
    EfergyServer,
    EntryKind,
    SourceKind,
)
from ..homes import meter_sources
from ..metering.model import MeterRole
from ..models import MeterSource, Revision
from .checking import Credentials, async_check, refuse_empty
from .entity import entity_revision
from .forms import CONF_LABEL
from .home import HomeSteps, async_refuse_time_zone, home_label
from .inventory import account_entries, homes_labelled, hubs, live_meters, same_hardware
from .metering import (
    add_meter,
    async_default_name,
    hardware_revision,
    meter_names,
    refuse_name,
    refuse_used,
)
from .refused import BASE, NONE, Refused

CONF_METERS: Final = "meters"
CONF_SID: Final = "sid"

_ACCOUNT_FIELDS: Final[dict[vol.Marker, Any]] = {
    vol.Required(CONF_TOKEN): cv.string,
    vol.Optional(CONF_SERVER): vol.Coerce(EfergyServer),
    vol.Optional(CONF_URL): cv.string,
    vol.Optional(CONF_SID): cv.string,
}
_METER_FIELDS: Final[dict[vol.Marker, Any]] = {
    vol.Optional(CONF_NAME): cv.string,
    vol.Optional(CONF_ROLE): vol.Coerce(MeterRole),
}

IMPORT_HOME_SCHEMA: Final = vol.Schema(
    {
        vol.Required(CONF_LABEL): cv.string,
        vol.Optional(CONF_TIME_ZONE): cv.string,
        vol.Optional(CONF_SINCE): vol.Any(cv.date, cv.datetime),
        vol.Optional(CONF_METERS, default=list): vol.All(
            cv.ensure_list,
            [
                vol.Any(
                    vol.Schema({**_METER_FIELDS, vol.Required(CONF_ENTITY): cv.string}),
                    vol.Schema({**_METER_FIELDS, **_ACCOUNT_FIELDS}),
                )
            ],
        ),
        vol.Optional(EntryKind.EFERGY.value): vol.Schema(_ACCOUNT_FIELDS),
    }
)
"""One home of `import_homes`; values that a home can fail by are checked later."""


class ImportOutcome(StrEnum):
    """What became of a home that was to be imported."""

    CREATED = "created"
    UPDATED = "updated"
    EXISTS = "exists"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportResult:
    """What became of one home: the meters that were added, or why it failed."""

    label: str
    outcome: ImportOutcome
    meters: tuple[str, ...] = ()
    error: str | None = None
    message: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the action's answer for this home."""
        answer: dict[str, Any] = {
            "home": self.label,
            "result": self.outcome.value,
            "meters": list(self.meters),
        }
        if self.error is not None:
            answer |= {"error": self.error, "message": self.message}
        return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedAccount:
    """An account that a home needs; `credentials` where it is still to be added."""

    key: str
    title: str
    meters: list[MeterInfo]
    credentials: Credentials | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedHome:
    """Meters for a home; `home` where it is there already."""

    label: str
    time_zone: str
    home: ConfigEntry | None
    sources: list[MeterSource]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """A meter that a home is to have."""

    revision: Revision
    name: str | None
    role: MeterRole
    what: str


async def async_import_home(hass: HomeAssistant, item: dict[str, Any]) -> ImportResult:
    """Add a home with its meters and their accounts, or what is missing of it.

    `item` is as IMPORT_HOME_SCHEMA returns it. Accounts that are not there are asked once;
    where one does not answer nothing of the home is added. A home that is there keeps its
    label, time zone and meters, so that a second import changes nothing.
    """
    try:
        return await _async_import(hass, item)
    except Refused as refused:
        return ImportResult(
            label=item[CONF_LABEL].strip(),
            outcome=ImportOutcome.FAILED,
            error=refused.key,
            message=await refused.async_message(hass),
        )


async def _async_import(hass: HomeAssistant, item: dict[str, Any]) -> ImportResult:
    """Add what is missing of a home; raises Refused before anything is added."""
    label = home_label(item[CONF_LABEL], CONF_LABEL)
    homes = homes_labelled(hass, label)
    if len(homes) > 1:
        raise Refused("ambiguous_home", home=label)
    home = homes[0] if homes else None
    zone = item.get(CONF_TIME_ZONE) or hass.config.time_zone
    await async_refuse_time_zone(hass, zone)
    since = await _async_since(item.get(CONF_SINCE), zone)

    accounts: dict[str, ImportedAccount] = {}
    wanted: list[_Wanted] = []
    for meter in _meters(item):
        if _has_already(hass, meter, home):
            continue
        if CONF_ENTITY in meter:
            wanted.append(_wanted_entity(hass, meter, since, home))
        else:
            account = await _async_account(hass, meter, accounts)
            wanted.extend(_wanted_hardware(account, meter, since))
    sources = await _async_sources(hass, wanted, home)

    # The home first: an account's meters would be discovered while nobody has them.
    if home is None or sources:
        await _async_import_flow(
            hass, ImportedHome(label=label, time_zone=zone, home=home, sources=sources)
        )
    new_accounts = [a for a in accounts.values() if a.credentials is not None]
    for account in new_accounts:
        await _async_import_flow(hass, account)
    if home is None:
        outcome = ImportOutcome.CREATED
    elif sources or new_accounts:
        outcome = ImportOutcome.UPDATED
    else:
        outcome = ImportOutcome.EXISTS
    return ImportResult(
        label=label if home is None else home.title,
        outcome=outcome,
        meters=tuple(source.name for source in sources),
    )


async def _async_import_flow(
    hass: HomeAssistant, imported: ImportedAccount | ImportedHome
) -> None:
    """Run the flow that adds a home or an account."""
    await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_IMPORT}, data=imported
    )


def _meters(item: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """Return the meters of a home that is to be imported, the shorthand's too."""
    yield from item[CONF_METERS]
    if (account := item.get(EntryKind.EFERGY.value)) is not None:
        yield account


async def _async_since(since: date | datetime | None, zone: str) -> datetime:
    """Return from when the home's meters read their hardware, in UTC."""
    if since is None:
        return dt_util.utcnow()
    local = since if isinstance(since, datetime) else datetime.combine(since, time())
    if local.tzinfo is None:
        local = local.replace(tzinfo=await dt_util.async_get_time_zone(zone))
    return dt_util.as_utc(local)


def _wanted_entity(
    hass: HomeAssistant,
    meter: Mapping[str, Any],
    since: datetime,
    home: ConfigEntry | None,
) -> _Wanted:
    """Return an entity that is to be a meter; raises Refused where it cannot be one."""
    return _Wanted(
        revision=entity_revision(hass, meter[CONF_ENTITY], since, home),
        name=meter.get(CONF_NAME),
        role=meter.get(CONF_ROLE, MeterRole.GRID),
        what=meter[CONF_ENTITY],
    )


def _has_already(
    hass: HomeAssistant, meter: Mapping[str, Any], home: ConfigEntry | None
) -> bool:
    """Return whether a home has what is wanted, without asking anybody.

    Of an account without a sid it is enough to have one meter.
    """
    revisions = _revisions(hass, home)
    if CONF_ENTITY in meter:
        wanted = Revision(
            since=dt_util.utcnow(), kind=SourceKind.ENTITY, entity=meter[CONF_ENTITY]
        )
        return any(same_hardware(hass, known, wanted) for known in revisions)
    entry = _account_with(hass, meter[CONF_TOKEN])
    return entry is not None and any(
        known.account == entry.unique_id
        and meter.get(CONF_SID) in (None, known.hardware_id)
        for known in revisions
    )


def _account_with(hass: HomeAssistant, token: str) -> ConfigEntry | None:
    """Return the account that has a token."""
    return next(
        (e for e in account_entries(hass) if e.data[CONF_TOKEN] == token.strip()), None
    )


def _revisions(hass: HomeAssistant, home: ConfigEntry | None) -> list[Revision]:
    """Return everything that the meters of a home read, or have read."""
    return [
        revision
        for (entry_id, _), source in meter_sources(hass).items()
        if home is not None and entry_id == home.entry_id
        for revision in source.revisions
    ]


async def _async_account(
    hass: HomeAssistant, meter: Mapping[str, Any], accounts: dict[str, ImportedAccount]
) -> ImportedAccount:
    """Return an account with its meters, asked for at most once.

    Raises Refused where the account does not answer, or has no meter.
    """
    credentials = Credentials.read(meter)
    if (known := accounts.get(credentials.token)) is not None:
        return known
    entry = _account_with(hass, credentials.token)
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
        there = hass.config_entries.async_entry_for_domain_unique_id(
            DOMAIN, check.unique_id
        )
        account = ImportedAccount(
            key=check.unique_id,
            title=check.title,
            meters=[known for known in check.meters if not known.ghost],
            credentials=credentials if there is None else None,
        )
    accounts[credentials.token] = account
    return account


def _wanted_hardware(
    account: ImportedAccount, meter: Mapping[str, Any], since: datetime
) -> list[_Wanted]:
    """Return which meters of an account a home is to have.

    Without a sid: all, of the wanted role where one is given. Raises Refused where a sid
    is unknown, or needed to tell grid meters apart.
    """
    role: MeterRole | None = meter.get(CONF_ROLE)
    if (sid := meter.get(CONF_SID)) is not None:
        found = [known for known in account.meters if known.hardware_id == sid]
    else:
        # The cloud knows no submeters: one of those counts as a grid meter there.
        listed = MeterRole.GRID if role is MeterRole.SUBMETER else role
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
        _Wanted(
            revision=hardware_revision((account.key, known.hardware_id), since),
            name=meter.get(CONF_NAME) if len(found) == 1 else None,
            role=role or known.role,
            what=known.name,
        )
        for known in found
    ]


async def _async_sources(
    hass: HomeAssistant, wanted: Iterable[_Wanted], home: ConfigEntry | None
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
            )
        )
    return sources


class ImportSteps(HomeSteps):
    """The step behind the action `import_homes`."""

    async def async_step_import(
        self, import_data: ImportedAccount | ImportedHome
    ) -> ConfigFlowResult:
        """Add an account, a home, or meters to a home, all of it checked before."""
        if isinstance(import_data, ImportedHome):
            if (home := import_data.home) is None:
                return await self.async_create_home(
                    import_data.label, import_data.time_zone, *import_data.sources
                )
            for source in import_data.sources:
                add_meter(self.hass, home, source)
            return self.async_abort(reason="imported")
        assert import_data.credentials is not None
        await self.async_set_unique_id(import_data.key)
        self._abort_if_unique_id_configured(
            description_placeholders={"account": import_data.title}
        )
        return self.async_create_entry(
            title=import_data.title, data=import_data.credentials.as_data()
        )
