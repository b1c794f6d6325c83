"""How an account describes its entities: how the conversation with it goes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from homeassistant.components.binary_sensor import BinarySensorEntityDescription
from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.components.switch import SwitchEntityDescription
from homeassistant.const import EntityCategory

from .registry import AccountHub, AccountState, HeatingHub


@dataclass(frozen=True, kw_only=True)
class AccountSensorDescription[Hub](SensorEntityDescription):
    """A sensor of a kind of account."""

    value_fn: Callable[[Hub], datetime | float | int | str | None]
    polled: bool = False
    """Changes so often that it is only looked at from time to time."""


@dataclass(frozen=True, kw_only=True)
class AccountBinarySensorDescription[Hub](BinarySensorEntityDescription):
    """A binary sensor of a kind of account."""

    value_fn: Callable[[Hub], bool]


@dataclass(frozen=True, kw_only=True)
class AccountSwitchDescription[Hub](SwitchEntityDescription):
    """A switch of a kind of account."""

    value_fn: Callable[[Hub], bool]
    set_fn: Callable[[Hub, bool], None]


def sensors_of_clouds[Hub: AccountHub | HeatingHub](
    hub: type[Hub],
) -> tuple[AccountSensorDescription[Hub], ...]:
    """Return the sensors that every account at a cloud has."""
    return (
        AccountSensorDescription[Hub](
            key="cloud_state",
            translation_key="cloud_state",
            device_class=SensorDeviceClass.ENUM,
            entity_category=EntityCategory.DIAGNOSTIC,
            options=[state.value for state in AccountState],
            value_fn=lambda hub: hub.state.value,
        ),
        AccountSensorDescription[Hub](
            key="calls_last_hour",
            translation_key="calls_last_hour",
            state_class=SensorStateClass.MEASUREMENT,
            entity_category=EntityCategory.DIAGNOSTIC,
            entity_registry_enabled_default=False,
            value_fn=lambda hub: hub.calls_last_hour,
        ),
    )
