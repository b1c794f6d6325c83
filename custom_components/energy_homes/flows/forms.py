"""The fields of the flows' forms."""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, Final, Protocol
from zoneinfo import available_timezones

from homeassistant.const import CONF_NAME, UnitOfEnergy, UnitOfPower
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
from ..const import CONF_ENTITY, CONF_ROLE, CONF_SINCE, CONF_TIME_ZONE
from ..homes.inventory import NONE, Hardware, account_title, power_text
from ..metering.model import MeterRole
from .refused import Refused

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


class Named(Protocol):
    """Hardware of an account that people tell apart by its name."""

    @property
    def name(self) -> str:
        """Return what it is called."""


@callback
def hardware_choice[T: Named](
    hass: HomeAssistant,
    found: Mapping[Hardware, T],
    more: Callable[[T], str],
    *others: str,
) -> SelectSelector:
    """Return a choice of accounts' hardware with `more` that is known of it.

    Other options, which are translated, come first.
    """
    return SelectSelector(
        SelectSelectorConfig(
            options=[SelectOptionDict(value=other, label=other) for other in others]
            + [
                SelectOptionDict(
                    value=hardware_value(hardware),
                    label=f"{one.name} ({account_title(hass, hardware[0])}{more(one)})",
                )
                for hardware, one in found.items()
            ],
            translation_key="meter_choice",
        )
    )


def hardware_value(hardware: Hardware) -> str:
    """Return the value that stands for an account's hardware in a choice."""
    return "/".join(hardware)


@callback
def chosen_hardware[T: Named](
    hass: HomeAssistant,
    found: Mapping[Hardware, T],
    value: str,
    field: str,
    error: str,
    choices: str,
) -> tuple[Hardware, T]:
    """Return the hardware that the value of a form's field stands for.

    Raises Refused with `error` where it is no longer free, or not there; what there is
    is told as `choices`.
    """
    for hardware, one in found.items():
        if hardware_value(hardware) == value:
            return hardware, one
    names = [
        f"{one.name} ({account_title(hass, hardware[0])})"
        for hardware, one in found.items()
    ]
    placeholders = {field: value, choices: ", ".join(names) or NONE}
    raise Refused(error, field, **placeholders)


@callback
def meter_choice(
    hass: HomeAssistant, meters: Mapping[Hardware, MeterInfo], *others: str
) -> SelectSelector:
    """Return a choice of account meters, after other options that are translated."""
    return hardware_choice(
        hass, meters, lambda meter: f", {power_text(meter.power)}", *others
    )


@callback
def chosen_meter(
    hass: HomeAssistant, meters: Mapping[Hardware, MeterInfo], value: str
) -> tuple[Hardware, MeterInfo]:
    """Return the meter that a choice's value stands for; raises Refused."""
    return chosen_hardware(hass, meters, value, CONF_METER, "unknown_meter", "meters")


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
