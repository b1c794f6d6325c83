"""An entity of Home Assistant as a meter: whether it can be one."""

from datetime import datetime
import math
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import (
    ATTR_DEVICE_CLASS,
    ATTR_UNIT_OF_MEASUREMENT,
    STATE_UNAVAILABLE,
    STATE_UNKNOWN,
)
from homeassistant.core import HomeAssistant, State, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
from homeassistant.util.unit_conversion import EnergyConverter, PowerConverter

from ...const import CONF_ENTITY, DOMAIN, SourceKind
from ...homes.directory import meter_sources
from ...homes.inventory import entity_id_of, in_use
from ...models import Revision
from ..refused import Refused
from .metering import refuse_used

UNITS: Final = PowerConverter.VALID_UNITS | EnergyConverter.VALID_UNITS


@callback
def entity_revision(
    hass: HomeAssistant, entity: str, since: datetime, home: ConfigEntry | None = None
) -> Revision:
    """Return the revision that reads an entity, for a home that may be there already.

    Raises Refused where there is no such entity, where it is no number in a unit of power
    or energy, where it shows what this very home measures, or where a meter has it.
    """
    registry = er.async_get(hass)
    entity_id = er.async_resolve_entity_id(registry, entity)
    registered = registry.async_get(entity_id) if entity_id else None
    state = hass.states.get(entity_id) if entity_id else None
    if registered is None and state is None:
        raise Refused("unknown_entity", CONF_ENTITY, entity=entity)
    assert entity_id is not None
    if not _measures(registered, state):
        raise Refused("not_a_meter", CONF_ENTITY, entity=entity_id)
    if (
        registered is not None
        and registered.platform == DOMAIN
        and home is not None
        and home.entry_id in _homes_behind(hass, registered.config_entry_id)
    ):
        raise Refused("own_entity", CONF_ENTITY, entity=entity_id, home=home.title)
    revision = Revision(
        since=since,
        kind=SourceKind.ENTITY,
        entity=entity_id if registered is None else registered.id,
    )
    refuse_used(hass, revision, CONF_ENTITY, entity_id)
    return revision


def _measures(registered: er.RegistryEntry | None, state: State | None) -> bool:
    """Return whether an entity is a number of W or kWh, also while it is unavailable."""
    if state is not None and state.state not in (STATE_UNAVAILABLE, STATE_UNKNOWN):
        try:
            number = float(state.state)
        except ValueError:
            return False
        unit = state.attributes.get(ATTR_UNIT_OF_MEASUREMENT)
        return math.isfinite(number) and unit in UNITS
    units = {state.attributes.get(ATTR_UNIT_OF_MEASUREMENT)} if state else set()
    classes = {state.attributes.get(ATTR_DEVICE_CLASS)} if state else set()
    if registered is not None:
        units.add(registered.unit_of_measurement)
        classes |= {registered.device_class, registered.original_device_class}
    return bool(units & UNITS) or bool(classes & {"power", "energy"})


@callback
def _homes_behind(hass: HomeAssistant, entry_id: str | None) -> set[str]:
    """Return the home that an entity of ours belongs to, and the homes that it reads."""
    registry = er.async_get(hass)
    sources = meter_sources(hass)
    now = dt_util.utcnow()
    found: set[str] = set()
    waiting = {entry_id} if entry_id is not None else set()
    while waiting:
        found |= (home := {waiting.pop()})
        for (reader, _), source in sources.items():
            if reader not in home:
                continue
            for revision in in_use(source.revisions, now):
                read = registry.async_get(entity_id_of(hass, revision) or "")
                if (
                    read is not None
                    and read.platform == DOMAIN
                    and read.config_entry_id
                ):
                    waiting |= {read.config_entry_id} - found
    return found
