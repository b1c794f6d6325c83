"""What the sensors of heated rooms and their modules show."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import EntityCategory, UnitOfRatio, UnitOfTemperature

from ..heating.model import ModuleTraits
from ..heating.view import ModuleView, RoomView


@dataclass(frozen=True, kw_only=True)
class RoomSensorDescription(SensorEntityDescription):
    """A sensor of a room; some rooms have it only with a valve in them."""

    value_fn: Callable[[RoomView], float | datetime | None]
    needs_valve: bool = False


@dataclass(frozen=True, kw_only=True)
class ModuleSensorDescription(SensorEntityDescription):
    """A sensor of a module."""

    value_fn: Callable[[ModuleView], int | None]
    exists_fn: Callable[[ModuleTraits], bool]


ROOM_SENSORS: tuple[RoomSensorDescription, ...] = (
    RoomSensorDescription(
        key="temperature",
        device_class=SensorDeviceClass.TEMPERATURE,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfTemperature.CELSIUS,
        suggested_display_precision=1,
        value_fn=lambda room: room.temperature,
    ),
    RoomSensorDescription(
        key="heating_power_request",
        translation_key="heating_power_request",
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfRatio.PERCENTAGE,
        suggested_display_precision=0,
        value_fn=lambda room: room.heating_power_request,
        needs_valve=True,
    ),
    RoomSensorDescription(
        key="setpoint_end",
        translation_key="setpoint_end",
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=lambda room: room.until,
    ),
)

MODULE_SENSORS: tuple[ModuleSensorDescription, ...] = (
    ModuleSensorDescription(
        key="battery",
        device_class=SensorDeviceClass.BATTERY,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfRatio.PERCENTAGE,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda module: module.battery,
        exists_fn=lambda traits: traits.battery,
    ),
    ModuleSensorDescription(
        key="rf_strength",
        translation_key="rf_strength",
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=lambda module: module.rf_strength,
        exists_fn=lambda traits: not traits.wifi,
    ),
    ModuleSensorDescription(
        key="wifi_strength",
        translation_key="wifi_strength",
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=lambda module: module.wifi_strength,
        exists_fn=lambda traits: traits.wifi,
    ),
)
