"""The fields of the flows' forms."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final
from zoneinfo import available_timezones

from homeassistant.const import CONF_NAME, CONF_URL, UnitOfEnergy, UnitOfPower
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.selector import (
    DateSelector,
    EntitySelector,
    EntitySelectorConfig,
    EntityWithDeviceFilterSelectorConfig,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)
import voluptuous as vol

from ..accounts.registry import MeterInfo
from ..const import (
    CONF_ENTITY,
    CONF_ROLE,
    CONF_SERVER,
    CONF_SINCE,
    CONF_TIME_ZONE,
    EfergyServer,
)
from ..metering.model import MeterRole
from .inventory import Hardware, account_title, power_text
from .refused import NONE, Refused

CONF_HOME: Final = "home"
CONF_LABEL: Final = "label"
CONF_METER: Final = "meter"

METER_ENTITY: Final = "entity"
"""Choice of a meter: an entity of Home Assistant."""

METER_LATER: Final = "later"
"""Choice of a meter: none for now."""

type Fields = dict[vol.Marker, Any]

LABEL: Final = TextSelector()
ROLE: Final = SelectSelector(
    SelectSelectorConfig(
        options=[role.value for role in MeterRole], translation_key="role"
    )
)
TOKEN: Final = TextSelector(
    TextSelectorConfig(type=TextSelectorType.PASSWORD, autocomplete="off")
)
SERVER: Final = SelectSelector(
    SelectSelectorConfig(
        options=[server.value for server in EfergyServer],
        translation_key="server",
        mode=SelectSelectorMode.DROPDOWN,
    )
)
URL: Final = TextSelector(TextSelectorConfig(type=TextSelectorType.URL))
ENTITY: Final = EntitySelector(
    EntitySelectorConfig(
        filter=[
            EntityWithDeviceFilterSelectorConfig(device_class=["power", "energy"]),
            EntityWithDeviceFilterSelectorConfig(
                unit_of_measurement=[*UnitOfPower, *UnitOfEnergy]
            ),
        ]
    )
)

SERVER_FIELDS: Final[Fields] = {
    vol.Required(CONF_SERVER, default=EfergyServer.ENGAGE.value): SERVER,
    vol.Optional(CONF_URL): URL,
}
METER_FIELDS: Final[Fields] = {
    vol.Optional(CONF_NAME): TextSelector(),
    vol.Required(CONF_ROLE, default=MeterRole.GRID.value): ROLE,
}
ENTITY_FIELDS: Final[Fields] = {vol.Required(CONF_ENTITY): ENTITY}


@cache
def time_zones() -> frozenset[str]:
    """Return all time zones; the first time walks through the disk."""
    return frozenset(available_timezones())


async def async_home_fields(hass: HomeAssistant) -> Fields:
    """Return the fields of a home itself."""
    zones = await hass.async_add_executor_job(time_zones)
    return {
        vol.Required(CONF_LABEL): LABEL,
        vol.Required(CONF_TIME_ZONE, default=hass.config.time_zone): SelectSelector(
            SelectSelectorConfig(
                options=sorted(zones),
                custom_value=True,
                mode=SelectSelectorMode.DROPDOWN,
            )
        ),
    }


def home_choice(labels: Iterable[str]) -> SelectSelector:
    """Return a choice of homes that also takes a new label."""
    return SelectSelector(
        SelectSelectorConfig(
            options=list(dict.fromkeys(labels)),
            custom_value=True,
            mode=SelectSelectorMode.DROPDOWN,
        )
    )


@callback
def meter_choice(
    hass: HomeAssistant, meters: Mapping[Hardware, MeterInfo], *others: str
) -> SelectSelector:
    """Return a choice of account meters, after other options that are translated."""
    return SelectSelector(
        SelectSelectorConfig(
            options=[SelectOptionDict(value=other, label=other) for other in others]
            + [
                SelectOptionDict(
                    value=meter_value(hardware),
                    label=f"{meter.name} ({account_title(hass, hardware[0])}, "
                    f"{power_text(meter.power)})",
                )
                for hardware, meter in meters.items()
            ],
            translation_key="meter_choice",
        )
    )


def meter_value(hardware: Hardware) -> str:
    """Return the value that stands for an account's meter in a choice."""
    return "/".join(hardware)


@callback
def chosen_meter(
    hass: HomeAssistant, meters: Mapping[Hardware, MeterInfo], value: str
) -> tuple[Hardware, MeterInfo]:
    """Return the meter that a choice's value stands for.

    Raises Refused where it is no longer free, or no longer there.
    """
    for hardware, meter in meters.items():
        if meter_value(hardware) == value:
            return hardware, meter
    raise Refused(
        "unknown_meter",
        CONF_METER,
        meter=value,
        meters=", ".join(
            f"{meter.name} ({account_title(hass, hardware[0])})"
            for hardware, meter in meters.items()
        )
        or NONE,
    )


@callback
def replacement_fields(
    hass: HomeAssistant, meters: Mapping[Hardware, MeterInfo], today: str
) -> Fields:
    """Return the fields for other hardware, and the day from which it counts."""
    return {
        vol.Required(
            CONF_METER, default=vol.UNDEFINED if meters else METER_ENTITY
        ): meter_choice(hass, meters, METER_ENTITY),
        vol.Optional(CONF_ENTITY): ENTITY,
        vol.Required(CONF_SINCE, default=today): DateSelector(),
    }
