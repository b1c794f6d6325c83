"""A Netatmo home as the heating of a home: its name, its rooms, and since when."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.selector import SelectSelector
from homeassistant.util import dt as dt_util
from homeassistant.util.ulid import ulid_now

from ...accounts.netatmo.hub import NetatmoHub
from ...clouds.netatmo.models import HomeTopology
from ...const import SourceKind
from ...heating.netatmo.matching import merged
from ...homes.inventory import NONE, Hardware, heating_hubs, in_use, user_of
from ...models import HeatingSource, Revision
from ..forms import chosen_hardware, hardware_choice, time_zones
from ..refused import Refused
from ..sources.part import async_part_name, names_in, refuse_part_name

CONF_NETATMO_HOME: Final = "netatmo_home"


@callback
def netatmo_hubs(hass: HomeAssistant) -> dict[str, NetatmoHub]:
    """Return the hubs of the Netatmo accounts that are loaded."""
    return {
        key: hub
        for key, hub in heating_hubs(hass).items()
        if isinstance(hub, NetatmoHub)
    }


@callback
def live_homes(hub: NetatmoHub) -> list[HomeTopology]:
    """Return the Netatmo homes of an account that it has and that can be heated."""
    return [
        topology
        for home_id, topology in hub.homes.items()
        if topology.heated_rooms and not hub.heating_update(home_id).gone
    ]


@callback
def free_homes(
    hass: HomeAssistant, heating: HeatingSource | None = None
) -> dict[Hardware, HomeTopology]:
    """Return the Netatmo homes of all loaded accounts that no home has.

    With `heating` also its own one as another account sees it.
    """
    now = dt_util.utcnow()
    own = [] if heating is None else in_use(heating.revisions, now)
    but = None if heating is None else heating.source_id
    present = {(revision.account, revision.hardware_id) for revision in own}
    found: dict[Hardware, HomeTopology] = {}
    for account, hub in netatmo_hubs(hass).items():
        for topology in live_homes(hub):
            hardware = (account, topology.home_id)
            revision = Revision(
                since=now,
                kind=SourceKind.NETATMO,
                account=account,
                hardware_id=topology.home_id,
            )
            if hardware not in present and user_of(hass, revision, but=but) is None:
                found[hardware] = topology
    return found


def heating_revision(hardware: Hardware, since: datetime) -> Revision:
    """Return the revision that is an account's Netatmo home."""
    account, home_id = hardware
    return Revision(
        since=since, kind=SourceKind.NETATMO, account=account, hardware_id=home_id
    )


def new_heating(
    revision: Revision,
    topology: HomeTopology,
    name: str,
    import_from: date | None = None,
) -> HeatingSource:
    """Return a heating with the rooms and modules that a Netatmo home has."""
    rooms, modules = merged((), (), topology, ulid_now)
    return HeatingSource(
        source_id=ulid_now(),
        name=name,
        revisions=(revision,),
        import_from=import_from,
        rooms=rooms,
        modules=modules,
    )


async def async_named_heating(
    hass: HomeAssistant,
    name: str,
    hardware: Hardware,
    topology: HomeTopology,
    home: ConfigEntry | None = None,
    since: datetime | None = None,
    names: Iterable[str] = (),
    import_from: date | None = None,
) -> HeatingSource:
    """Return a new heating of a home that may be there already.

    Without a name it gets one, without `since` it begins now; `names` are those that other
    new things of the home have. Raises Refused where another home has the Netatmo home, or
    where the home has something of that name.
    """
    revision = heating_revision(hardware, since or dt_util.utcnow())
    refuse_used_home(hass, revision, topology.name)
    taken = [*names_in(home), *names]
    name = name.strip() or await async_part_name(hass, "heating", taken)
    refuse_part_name(name, taken, home)
    return new_heating(revision, topology, name, import_from)


@callback
def refuse_used_home(
    hass: HomeAssistant, revision: Revision, name: str, *, but: str | None = None
) -> None:
    """Raise Refused where a home has the Netatmo home, now or later.

    `but` is the id of a heating that does not count.
    """
    if (user := user_of(hass, revision, but=but)) is not None:
        raise Refused("heating_used", netatmo_home=name, other=user.title)


async def async_zone_of(hass: HomeAssistant, topology: HomeTopology) -> str:
    """Return a Netatmo home's time zone, Home Assistant's where it has none that exists."""
    zones = await hass.async_add_executor_job(time_zones)
    zone = topology.time_zone
    return zone if zone is not None and zone in zones else hass.config.time_zone


def rooms_text(topology: HomeTopology) -> str:
    """Return a Netatmo home's rooms for a text."""
    return ", ".join(room.name for room in topology.heated_rooms) or NONE


@callback
def heating_choice(
    hass: HomeAssistant, homes: Mapping[Hardware, HomeTopology]
) -> SelectSelector:
    """Return a choice of Netatmo homes."""
    return hardware_choice(hass, homes, lambda one: f": {rooms_text(one)}")


@callback
def chosen_heating(
    hass: HomeAssistant, homes: Mapping[Hardware, HomeTopology], value: str
) -> tuple[Hardware, HomeTopology]:
    """Return the Netatmo home that a choice's value stands for; raises Refused."""
    return chosen_hardware(
        hass, homes, value, CONF_NETATMO_HOME, "unknown_netatmo_home", "homes"
    )
