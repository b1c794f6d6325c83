"""A host of sensors as a source of a home: its name, its sensors, and since when."""

from collections.abc import Mapping
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.selector import SelectSelector
from homeassistant.util import dt as dt_util
from homeassistant.util.ulid import ulid_now

from ...accounts.hosts import HostInfo
from ...homes.inventory import NONE, Hardware, user_of
from ...models import Revision, SensorsSource
from ...sensing.model import SensorReading
from ...sensing.records import merged
from ..forms import chosen_hardware, hardware_choice
from ..refused import Refused
from .part import async_part_name, names_in, refuse_part_name

CONF_HOST: Final = "host"


async def async_named_sensors(
    hass: HomeAssistant,
    name: str,
    revision: Revision,
    host: HostInfo,
    home: ConfigEntry | None = None,
) -> SensorsSource:
    """Return a new source of a home that may be there already, with what the host has.

    Without a name it gets one. Raises Refused where a home has the host, or something of
    that name.
    """
    refuse_used_host(hass, revision, host.name)
    taken = names_in(home)
    name = name.strip() or await async_part_name(hass, "sensors", taken)
    refuse_part_name(name, taken, home)
    return SensorsSource(
        source_id=ulid_now(),
        name=name,
        revisions=(revision,),
        sensors=merged(
            (), revision.hardware, host.readings, dt_util.utcnow(), ulid_now
        ),
    )


@callback
def refuse_used_host(hass: HomeAssistant, revision: Revision, name: str) -> None:
    """Raise Refused where a home has the host, now or later."""
    if (user := user_of(hass, revision)) is not None:
        raise Refused("host_used", host=name, other=user.title)


def sensors_text(host: HostInfo) -> str:
    """Return what a host measures for a text."""
    return ", ".join(map(reading_text, host.readings)) or NONE


def reading_text(reading: SensorReading) -> str:
    """Return a sensor and what it says for a text."""
    name = reading.name or reading.hardware_id
    value = NONE if reading.value is None else f"{reading.value:.1f} {reading.unit}"
    return f"{name} ({value})"


@callback
def host_choice(
    hass: HomeAssistant, hosts: Mapping[Hardware, HostInfo]
) -> SelectSelector:
    """Return a choice of hosts."""
    return hardware_choice(hass, hosts, lambda one: f": {sensors_text(one)}")


@callback
def chosen_host(
    hass: HomeAssistant, hosts: Mapping[Hardware, HostInfo], value: str
) -> tuple[Hardware, HostInfo]:
    """Return the host that a choice's value stands for; raises Refused."""
    return chosen_hardware(hass, hosts, value, CONF_HOST, "unknown_host", "hosts")
