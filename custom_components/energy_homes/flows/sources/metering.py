"""A new meter of a home: its name, its role and what it reads."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, tzinfo
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_NAME
from homeassistant.core import HomeAssistant, callback
from homeassistant.util import dt as dt_util
from homeassistant.util.ulid import ulid_now

from ...accounts.kinds import kind_of, kind_of_key
from ...const import CONF_IMPORT_FROM, CONF_ROLE, CONF_SINCE, DOMAIN, SUBENTRY_METER
from ...homes.inventory import (
    Hardware,
    async_role_texts,
    async_zone,
    free_name,
    user_of,
)
from ...metering.model import MeterRole
from ...models import MeterSource, Revision, Source
from ..refused import Refused


@callback
def hardware_revision(
    hass: HomeAssistant, hardware: Hardware, since: datetime
) -> Revision:
    """Return the revision that reads an account's meter."""
    account, hardware_id = hardware
    entry = hass.config_entries.async_entry_for_domain_unique_id(DOMAIN, account)
    kind = kind_of_key(account) if entry is None else kind_of(entry)
    return Revision(
        since=since,
        kind=kind.source_kind,
        account=account,
        hardware_id=hardware_id,
    )


@callback
def refuse_used(hass: HomeAssistant, hardware: Revision, field: str, name: str) -> None:
    """Raise Refused where a meter of a home reads the hardware, now or later."""
    if (user := user_of(hass, hardware)) is not None:
        raise Refused("hardware_used", field, meter=name, home=user.title)


def meter_names(entry: ConfigEntry, *, but: str | None = None) -> list[str]:
    """Return the names of a home's meters, but for one subentry's."""
    return [
        subentry.title
        for subentry in entry.get_subentries_of_type(SUBENTRY_METER)
        if subentry.subentry_id != but
    ]


async def async_default_name(
    hass: HomeAssistant, role: MeterRole, taken: Iterable[str] = ()
) -> str:
    """Return a name for a meter that no other meter of its home has."""
    return free_name((await async_role_texts(hass, "meter_name"))[role], taken)


async def async_named_meter(
    hass: HomeAssistant,
    user_input: Mapping[str, Any],
    revision: Revision,
    *,
    home: ConfigEntry | None = None,
    suggested: MeterRole | None = None,
) -> MeterSource:
    """Return a new meter with the name and role that a form gave.

    A name that was left out, or left as suggested for another role, follows the role.
    Raises Refused where another meter of the home has the name.
    """
    taken = [] if home is None else meter_names(home)
    role = MeterRole(user_input[CONF_ROLE])
    name = user_input.get(CONF_NAME, "").strip()
    untouched = suggested is not None and name == await async_default_name(
        hass, suggested, taken
    )
    if not name or untouched:
        name = await async_default_name(hass, role, taken)
    refuse_name(name, taken, "" if home is None else home.title)
    return MeterSource(
        source_id=ulid_now(),
        name=name,
        role=role,
        revisions=(revision,),
        import_from=await async_import_from(user_input, home),
    )


async def async_import_from(
    user_input: Mapping[str, Any], home: ConfigEntry | None
) -> date | None:
    """Return the day from which the past is wanted; raises Refused where it is yet to come."""
    if (day := user_input.get(CONF_IMPORT_FROM)) is None:
        return None
    wanted = date.fromisoformat(day)
    refuse_future(wanted, await async_home_zone(home))
    return wanted


def refuse_future(day: date, zone: tzinfo | None) -> None:
    """Raise Refused where a day from which the past is wanted is yet to come."""
    if day > (today := dt_util.now(zone).date()):
        raise Refused(
            "import_in_future",
            CONF_IMPORT_FROM,
            date=day.isoformat(),
            today=today.isoformat(),
        )


def refuse_name(name: str, taken: Iterable[str], home: str) -> None:
    """Raise Refused where another meter of the home has the name."""
    if name.casefold() in {other.strip().casefold() for other in taken}:
        raise Refused("duplicate_name", CONF_NAME, name=name, home=home)


async def async_home_zone(home: ConfigEntry | None) -> tzinfo:
    """Return the time zone of a home, Home Assistant's of one that is not there yet."""
    return dt_util.get_default_time_zone() if home is None else await async_zone(home)


async def async_today(home: ConfigEntry) -> str:
    """Return the present day in a home."""
    return dt_util.now(await async_zone(home)).date().isoformat()


async def async_begin(
    home: ConfigEntry, source: Source, day: str, **placeholders: str
) -> datetime:
    """Return when a replacement begins; raises Refused where it cannot then.

    A day begins at the home's midnight; on the present day's second change it is now.
    """
    since = await async_midnight(home, day)
    newest, now = source.revisions[-1].since, dt_util.utcnow()
    if since > newest:
        return since
    if day == await async_today(home) and newest < now:
        return now
    zone = await async_zone(home)
    raise Refused(
        "date_too_early",
        CONF_SINCE,
        date=day,
        first=newest.astimezone(zone).date().isoformat(),
        **placeholders,
    )


async def async_midnight(home: ConfigEntry, day: str) -> datetime:
    """Return the start of an ISO day in a home, in UTC."""
    zone = await async_zone(home)
    return dt_util.as_utc(datetime.fromisoformat(day).replace(tzinfo=zone))
