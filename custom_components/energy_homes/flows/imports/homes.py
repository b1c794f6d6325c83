"""Homes and accounts from the action `import_homes`, through flows like all others."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
import logging
from traceback import format_tb
from typing import Any, Final

from homeassistant.config_entries import SOURCE_IMPORT, ConfigEntry, ConfigFlowResult
from homeassistant.const import CONF_NAME
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.translation import async_get_translations
from homeassistant.util import dt as dt_util
import voluptuous as vol

from ...const import (
    CONF_ACCOUNT,
    CONF_ENTITY,
    CONF_IMPORT_FROM,
    CONF_ROLE,
    CONF_SINCE,
    CONF_TIME_ZONE,
    DOMAIN,
    EntryKind,
)
from ...homes.inventory import homes_labelled
from ...metering.model import MeterRole
from ...models import HeatingSource, MeterSource
from ..forms import CONF_HOME, CONF_LABEL, Fields
from ..home import HomeSteps, async_refuse_time_zone, home_label
from ..kinds import FLOWS
from ..refused import Refused
from ..sources.metering import refuse_future
from ..sources.part import add_part, part_data
from .accounts import CONF_SID, Given, HeatingImport, ImportedAccount, WantedHeating
from .meters import (
    MeterAccounts,
    WantedMeter,
    async_sources,
    has_entity,
    wanted_entity,
    wanted_hardware,
)

_LOGGER = logging.getLogger(__name__)

CONF_METERS: Final = "meters"

IMPORTED: Final = "imported"
"""How the flow ends that adds meters to a home."""

_NAMED: Final[Fields] = {vol.Required(CONF_ACCOUNT): cv.string}
_SID: Final[Fields] = {vol.Optional(CONF_SID): cv.string}
_HOME: Final[Fields] = {vol.Optional(CONF_HOME): cv.string}
_METER_FIELDS: Final[Fields] = {
    vol.Optional(CONF_NAME): cv.string,
    vol.Optional(CONF_ROLE): vol.Coerce(MeterRole),
}

METERS: Final = {
    flow.kind: flow.meters.credentials
    for flow in FLOWS.values()
    if flow.meters is not None and flow.meters.credentials is not None
}
HEATING: Final = {
    flow.kind: flow.heating for flow in FLOWS.values() if flow.heating is not None
}
"""What tells a new account with meters, and who comes by those that heat, by kind."""


def _account(credentials: Fields | None, more: Fields) -> vol.Any:
    """Return the schema of an account that is named, or told by its credentials."""
    told = () if credentials is None else (vol.Schema({**credentials, **more}),)
    return vol.Any(vol.Schema({**_NAMED, **more}), *told)


IMPORT_HOME_SCHEMA: Final = vol.Schema(
    {
        vol.Required(CONF_LABEL): cv.string,
        vol.Optional(CONF_TIME_ZONE): cv.string,
        vol.Optional(CONF_SINCE): vol.Any(cv.date, cv.datetime),
        vol.Optional(CONF_IMPORT_FROM): vol.Any(cv.date, cv.datetime),
        vol.Optional(CONF_METERS, default=list): vol.All(
            cv.ensure_list,
            [
                vol.Any(
                    vol.Schema({**_METER_FIELDS, vol.Required(CONF_ENTITY): cv.string}),
                    vol.Schema({**_METER_FIELDS, **_NAMED, **_SID}),
                    *(
                        vol.Schema({**_METER_FIELDS, **credentials, **_SID})
                        for credentials in METERS.values()
                    ),
                )
            ],
        ),
        **{
            vol.Optional(kind.value): _account(credentials, _SID)
            for kind, credentials in METERS.items()
        },
        **{
            vol.Optional(kind.value): _account(importer.credentials, _HOME)
            for kind, importer in HEATING.items()
        },
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
    """What became of one home: the meters and the heating that were added, or why it failed."""

    label: str
    outcome: ImportOutcome
    meters: tuple[str, ...] = ()
    heating: str | None = None
    error: str | None = None
    message: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the action's answer for this home."""
        answer: dict[str, Any] = {
            "home": self.label,
            "result": self.outcome.value,
            "meters": list(self.meters),
        }
        if self.heating is not None:
            answer["heating"] = self.heating
        if self.error is not None:
            answer |= {"error": self.error, "message": self.message}
        return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedHome:
    """Meters and a heating for a home; `home` where it is there already."""

    label: str
    time_zone: str
    home: ConfigEntry | None
    sources: list[MeterSource]
    heating: HeatingSource | None = None


async def async_import_homes(
    hass: HomeAssistant, items: Iterable[dict[str, Any]]
) -> list[ImportResult]:
    """Add homes with their sources and accounts, or what is missing of them.

    `items` are as IMPORT_HOME_SCHEMA returns them; one that fails does not stop the others.
    """
    heating = {kind: importer.begin(hass) for kind, importer in HEATING.items()}
    return [await _async_import_home(hass, item, heating) for item in items]


async def _async_import_home(
    hass: HomeAssistant,
    item: dict[str, Any],
    heating: Mapping[EntryKind, HeatingImport],
) -> ImportResult:
    """Add a home with its sources and their accounts, or what is missing of it.

    Accounts that are not there are asked once; where one does not answer nothing of the home
    is added. A home that is there keeps its label, time zone, meters and heating, so that a
    second import changes nothing.
    """
    label: str = item[CONF_LABEL].strip()
    try:
        return await _async_import(hass, item, heating)
    except Refused as err:
        refused = err
    except Exception as err:  # noqa: BLE001
        # Its text is left out: it may quote what was given, and so a token.
        _LOGGER.error(
            "Importing “%s” failed by %s:\n%s",
            label,
            type(err).__name__,
            "".join(format_tb(err.__traceback__)),
        )
        refused = Refused("import_failed", kind=type(err).__name__)
    return ImportResult(
        label=label,
        outcome=ImportOutcome.FAILED,
        error=refused.key,
        message=await refused.async_message(hass),
    )


async def _async_import(
    hass: HomeAssistant,
    item: dict[str, Any],
    heating_imports: Mapping[EntryKind, HeatingImport],
) -> ImportResult:
    """Add what is missing of a home; raises Refused before anything is added."""
    label = home_label(item[CONF_LABEL], CONF_LABEL)
    homes = homes_labelled(hass, label)
    if len(homes) > 1:
        raise Refused("ambiguous_home", home=label)
    home = homes[0] if homes else None
    zone = item.get(CONF_TIME_ZONE)
    await async_refuse_time_zone(hass, zone or hass.config.time_zone)
    heats = await _async_heats(item, label, home, heating_imports)
    if heats is not None:
        zone = zone or await heats.async_zone()
    zone = zone or hass.config.time_zone
    since = await _async_since(item.get(CONF_SINCE), zone)
    import_from = await _async_import_from(item.get(CONF_IMPORT_FROM), zone)

    accounts = MeterAccounts(hass)
    wanted: list[WantedMeter] = []
    for meter in _meters(item):
        if CONF_ENTITY in meter:
            if not has_entity(hass, meter, home):
                wanted.append(wanted_entity(hass, meter, since, home))
        elif not accounts.has_already(meter, home):
            account = await accounts.async_account(meter)
            wanted.extend(wanted_hardware(account, meter, since))
    sources = await async_sources(hass, wanted, home, import_from)
    heating: HeatingSource | None = None
    if heats is not None:
        names = [source.name for source in sources]
        heating = await heats.async_source(home, since, names, import_from)

    # The home first: what an account has would be discovered while nobody has it.
    if home is None or sources or heating is not None:
        await _async_import_flow(
            hass,
            ImportedHome(
                label=label, time_zone=zone, home=home, sources=sources, heating=heating
            ),
        )
    new_accounts: list[ImportedAccount] = [*accounts.new]
    if heats is not None and heats.account.data is not None:
        new_accounts.append(heats.account)
    for new in new_accounts:
        await _async_import_flow(hass, new)
    if home is None:
        outcome = ImportOutcome.CREATED
    elif sources or heating is not None or new_accounts:
        outcome = ImportOutcome.UPDATED
    else:
        outcome = ImportOutcome.EXISTS
    return ImportResult(
        label=label if home is None else home.title,
        outcome=outcome,
        meters=tuple(source.name for source in sources),
        heating=None if heating is None else heating.name,
    )


async def _async_import_flow(
    hass: HomeAssistant, imported: ImportedAccount | ImportedHome
) -> None:
    """Run the flow that adds a home or an account; raises Refused where it is ended."""
    result = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_IMPORT}, data=imported
    )
    if result["type"] is FlowResultType.CREATE_ENTRY or result["reason"] == IMPORTED:
        return
    texts = await async_get_translations(
        hass, hass.config.language, "config", [DOMAIN, "homeassistant"]
    )
    reason = result["reason"]
    keys = [f"component.{d}.config.abort.{reason}" for d in (DOMAIN, "homeassistant")]
    text = next((texts[key] for key in keys if key in texts), reason)
    named = result.get("description_placeholders") or {}
    raise Refused("import_aborted", reason=text.format(**named))


async def _async_heats(
    item: Mapping[str, Any],
    label: str,
    home: ConfigEntry | None,
    imports: Mapping[EntryKind, HeatingImport],
) -> WantedHeating | None:
    """Return what is to heat a home; None where nothing is, or it does already."""
    for kind, ask in imports.items():
        given = item.get(kind.value)
        if given is not None and not await ask.async_heats(given, home):
            return await ask.async_wanted(given, label)
    return None


def _meters(item: Mapping[str, Any]) -> Iterable[Given]:
    """Return the meters of a home that is to be imported, the shorthands' too."""
    yield from item[CONF_METERS]
    yield from (item[kind.value] for kind in METERS if kind.value in item)


async def _async_since(since: date | datetime | None, zone: str) -> datetime:
    """Return from when the home's meters read their hardware, in UTC."""
    if since is None:
        return dt_util.utcnow()
    local = since if isinstance(since, datetime) else datetime.combine(since, time())
    if local.tzinfo is None:
        local = local.replace(tzinfo=await dt_util.async_get_time_zone(zone))
    return dt_util.as_utc(local)


async def _async_import_from(day: date | datetime | None, zone: str) -> date | None:
    """Return the day from which the past is wanted; raises Refused where it is yet to come."""
    if isinstance(day, datetime):
        day = day.date()
    if day is not None:
        refuse_future(day, await dt_util.async_get_time_zone(zone))
    return day


class ImportSteps(HomeSteps):
    """The step behind the action `import_homes`."""

    async def async_step_import(
        self, import_data: ImportedAccount | ImportedHome
    ) -> ConfigFlowResult:
        """Add an account, a home, or sources to a home, all of it checked before."""
        if isinstance(import_data, ImportedHome):
            return await self._async_import_home(import_data)
        assert import_data.data is not None
        await self.async_set_unique_id(import_data.key)
        self._abort_if_unique_id_configured(
            description_placeholders={"account": import_data.title}
        )
        return self.async_create_entry(title=import_data.title, data=import_data.data)

    async def _async_import_home(self, imported: ImportedHome) -> ConfigFlowResult:
        """Add a home, or sources to a home that is there."""
        heating = imported.heating
        if (home := imported.home) is None:
            subentries = [part_data(source) for source in imported.sources]
            if heating is not None:
                subentries.append(part_data(heating))
            return await self.async_create_home(
                imported.label, imported.time_zone, *subentries
            )
        for source in imported.sources:
            add_part(self.hass, home, source)
        if heating is not None:
            add_part(self.hass, home, heating)
        return self.async_abort(reason=IMPORTED)
