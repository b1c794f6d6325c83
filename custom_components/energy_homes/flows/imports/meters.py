"""What a home that is imported is to have: meters, and the accounts behind them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_NAME
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
from homeassistant.util.ulid import ulid_now

from ...accounts.kinds import kind_of
from ...const import CONF_ACCOUNT, CONF_ENTITY, CONF_ROLE, SourceKind
from ...homes.directory import meter_sources
from ...homes.inventory import NONE, same_hardware
from ...metering.model import MeterRole
from ...models import MeterSource, Revision
from ..kinds import FLOWS
from ..refused import BASE, Refused
from ..sources.entity import entity_revision
from ..sources.metering import async_default_name, meter_names, refuse_name, refuse_used
from .accounts import CONF_SID, Given, MeterAccount, MeterImport, named_account


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


class MeterAccounts:
    """The accounts with meters of one home that is imported."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Start without an account."""
        self._hass = hass
        self._imports = {
            flow.kind: (flow.meters, flow.meters.begin(hass))
            for flow in FLOWS.values()
            if flow.meters is not None
        }
        self.new: list[MeterAccount] = []
        """The accounts that were asked for and are still to be added."""

    def has_already(self, meter: Given, home: ConfigEntry | None) -> bool:
        """Return whether a home has what is wanted, without asking anybody.

        Of an account without a sid it is enough to have one meter. Raises Refused where an
        account is named that is not there.
        """
        _, entry = self._find(meter)
        return entry is not None and any(
            known.account == entry.unique_id
            and meter.get(CONF_SID) in (None, known.hardware_id)
            for known in _revisions(self._hass, home)
        )

    async def async_account(self, meter: Given) -> MeterAccount:
        """Return an account with its meters, asked for at most once.

        Raises Refused where the account does not answer, or has no meter.
        """
        ask, entry = self._find(meter)
        account = await ask.async_account(meter, entry)
        if account.data is not None and not any(account is one for one in self.new):
            self.new.append(account)
        return account

    def _find(self, meter: Given) -> tuple[MeterImport, ConfigEntry | None]:
        """Return the account that a meter names or has the credentials of, and its kind's.

        Raises Refused where none has the name, or more than one.
        """
        if (name := meter.get(CONF_ACCOUNT)) is not None:
            entry = named_account(self._hass, name, *self._imports)
            return self._imports[kind_of(entry).entry_kind][1], entry
        # The schema lets nothing pass that none of them is told by.
        ask = next(ask for one, ask in self._imports.values() if one.told_by(meter))
        return ask, ask.entry_with(meter)


def has_entity(hass: HomeAssistant, meter: Given, home: ConfigEntry | None) -> bool:
    """Return whether a home has an entity that is to be a meter."""
    wanted = Revision(
        since=dt_util.utcnow(), kind=SourceKind.ENTITY, entity=meter[CONF_ENTITY]
    )
    return any(same_hardware(hass, known, wanted) for known in _revisions(hass, home))


def _revisions(hass: HomeAssistant, home: ConfigEntry | None) -> list[Revision]:
    """Return everything that the meters of a home read, or have read."""
    return [
        revision
        for (entry_id, _), source in meter_sources(hass).items()
        if home is not None and entry_id == home.entry_id
        for revision in source.revisions
    ]


def wanted_hardware(
    account: MeterAccount, meter: Given, since: datetime
) -> list[WantedMeter]:
    """Return which meters of an account a home is to have.

    Without a sid: all, of the wanted role where one is given. Raises Refused where a sid
    is unknown, or needed to tell grid meters apart.
    """
    role: MeterRole | None = meter.get(CONF_ROLE)
    if (sid := meter.get(CONF_SID)) is not None:
        found = [known for known in account.meters if known.hardware_id == sid]
    else:
        # Where they are not told apart a submeter counts as a grid meter.
        listed = role
        if role is MeterRole.SUBMETER and not account.tells_submeters:
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
