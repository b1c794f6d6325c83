"""Sensors of homes, their meters, rooms and modules, and of accounts."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import (
    EntityCategory,
    UnitOfEnergy,
    UnitOfPower,
    UnitOfRatio,
    UnitOfTime,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .entities.account_sensors import account_sensors
from .entities.backfill_sensors import BACKFILL_SENSORS, BackfillSensor
from .entities.reported_sensors import add_reported_sensors
from .entities.room_sensors import (
    MODULE_SENSORS,
    ROOM_SENSORS,
    ModuleSensorDescription,
    RoomSensorDescription,
)
from .entity import HomeEntity, MeterEntity, ModuleEntity, RoomEntity
from .heating.model import RoomKind
from .history.backfill import DATA_BACKFILL
from .homes.home import Home
from .metering.model import MeterRole
from .meters.coordinator import HomeData, MeterData
from .rooms.coordinator import HeatingCoordinator

PARALLEL_UPDATES = 0

type Value = float | int | str | datetime | None


@dataclass(frozen=True, kw_only=True)
class HomeSensorDescription(SensorEntityDescription):
    """A sensor of a home; without a value it is unavailable where `needs_value`."""

    value_fn: Callable[[HomeData], Value]
    exists_fn: Callable[[Home], bool] = lambda _: True
    needs_value: bool = False


@dataclass(frozen=True, kw_only=True)
class MeterSensorDescription(SensorEntityDescription):
    """A sensor of a meter; without a value it is unavailable where `needs_value`."""

    value_fn: Callable[[MeterData], Value]
    needs_value: bool = False
    of_dial: bool = False
    """Only of meters that have a dial, which their home cannot show for them."""


HOME_SENSORS: tuple[HomeSensorDescription, ...] = (
    HomeSensorDescription(
        key="power",
        translation_key="power",
        device_class=SensorDeviceClass.POWER,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfPower.WATT,
        suggested_display_precision=0,
        value_fn=lambda data: data.power,
        needs_value=True,
    ),
    HomeSensorDescription(
        key="energy",
        translation_key="energy",
        device_class=SensorDeviceClass.ENERGY,
        state_class=SensorStateClass.TOTAL_INCREASING,
        native_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        suggested_display_precision=2,
        value_fn=lambda data: data.energy,
    ),
    HomeSensorDescription(
        key="generation_power",
        translation_key="generation_power",
        device_class=SensorDeviceClass.POWER,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfPower.WATT,
        suggested_display_precision=0,
        value_fn=lambda data: data.generation_power,
        exists_fn=lambda home: home.generates,
        needs_value=True,
    ),
    HomeSensorDescription(
        key="generation_energy",
        translation_key="generation_energy",
        device_class=SensorDeviceClass.ENERGY,
        state_class=SensorStateClass.TOTAL_INCREASING,
        native_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        suggested_display_precision=2,
        value_fn=lambda data: data.generation,
        exists_fn=lambda home: home.generates,
    ),
    HomeSensorDescription(
        key="energy_returned",
        translation_key="energy_returned",
        device_class=SensorDeviceClass.ENERGY,
        state_class=SensorStateClass.TOTAL_INCREASING,
        native_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        suggested_display_precision=2,
        value_fn=lambda data: data.returned,
        exists_fn=lambda home: home.returns,
    ),
    HomeSensorDescription(
        key="last_reading",
        translation_key="last_reading",
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=lambda data: data.last_reading,
    ),
    HomeSensorDescription(
        key="coverage",
        translation_key="coverage",
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfRatio.PERCENTAGE,
        suggested_display_precision=0,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda data: data.coverage,
    ),
    HomeSensorDescription(
        key="unknown_slots",
        translation_key="unknown_slots",
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda data: data.unknown_today,
    ),
    HomeSensorDescription(
        key="unknown_hours",
        translation_key="unknown_hours",
        device_class=SensorDeviceClass.DURATION,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfTime.HOURS,
        suggested_display_precision=1,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda data: data.unknown_hours,
    ),
)

METER_SENSORS: tuple[MeterSensorDescription, ...] = (
    MeterSensorDescription(
        key="power",
        translation_key="power",
        device_class=SensorDeviceClass.POWER,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfPower.WATT,
        suggested_display_precision=0,
        value_fn=lambda meter: meter.power,
        needs_value=True,
    ),
    MeterSensorDescription(
        key="energy",
        translation_key="energy",
        device_class=SensorDeviceClass.ENERGY,
        state_class=SensorStateClass.TOTAL_INCREASING,
        native_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        suggested_display_precision=2,
        value_fn=lambda meter: meter.energy,
    ),
    MeterSensorDescription(
        key="last_reading",
        translation_key="last_reading",
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=lambda meter: meter.last_reading,
    ),
    MeterSensorDescription(
        key="subtotal",
        translation_key="subtotal",
        device_class=SensorDeviceClass.ENERGY,
        state_class=SensorStateClass.TOTAL_INCREASING,
        native_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        suggested_display_precision=2,
        value_fn=lambda meter: (
            None if meter.channel is None else meter.channel.subtotal
        ),
        needs_value=True,
        of_dial=True,
    ),
    MeterSensorDescription(
        key="last_pulse",
        translation_key="last_pulse",
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda meter: (
            None if meter.channel is None else meter.channel.last_pulse
        ),
        of_dial=True,
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: ConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the sensors of a home with its meters and rooms, or of an account."""
    home = entry.runtime_data
    if not isinstance(home, Home):
        async_add_entities(account_sensors(entry))
        return
    _add_home(home, async_add_entities)
    jobs = hass.data[DATA_BACKFILL].jobs
    async_add_entities(BackfillSensor(home, jobs, one) for one in BACKFILL_SENSORS)
    for subentry_id, heating in home.heating.items():
        async_add_entities(_heating_sensors(heating), config_subentry_id=subentry_id)
    for subentry_id, sensors in home.sensors.items():
        add_reported_sensors(
            sensors, partial(async_add_entities, config_subentry_id=subentry_id)
        )


def _add_home(home: Home, async_add_entities: AddConfigEntryEntitiesCallback) -> None:
    """Add the sensors of a home and its meters."""
    async_add_entities(
        HomeSensor(home, description)
        for description in HOME_SENSORS
        if description.exists_fn(home)
    )
    for subentry_id, source in home.sources.items():
        async_add_entities(
            (
                MeterSensor(home, source, description)
                for description in METER_SENSORS
                if not description.of_dial or home.has_channel(source)
            ),
            config_subentry_id=subentry_id,
        )


def _heating_sensors(heating: HeatingCoordinator) -> Iterator[SensorEntity]:
    """Yield the sensors of a heated home's rooms and modules."""
    for driver in heating.drivers.values():
        valve = RoomKind.VALVE in driver.capabilities.devices
        for sensor in ROOM_SENSORS:
            if valve or not sensor.needs_valve:
                yield RoomSensor(driver, sensor)
    for module in heating.modules:
        for description in MODULE_SENSORS:
            if description.exists_fn(module):
                yield ModuleSensor(heating, module.module_id, description)


class HomeSensor(HomeEntity, SensorEntity):
    """A sensor of a home."""

    entity_description: HomeSensorDescription

    @property
    @override
    def native_value(self) -> Value:
        """Return what the home knows now."""
        return self.entity_description.value_fn(self.coordinator.data)

    @property
    @override
    def extra_state_attributes(self) -> dict[str, bool] | None:
        """Return whether a power that can be an estimate is one."""
        return _estimated(self.entity_description, self.coordinator.data.estimated)

    @property
    @override
    def available(self) -> bool:
        """Return whether there is something to show."""
        return not self.entity_description.needs_value or self.native_value is not None


class MeterSensor(MeterEntity, SensorEntity):
    """A sensor of a meter."""

    entity_description: MeterSensorDescription

    @property
    @override
    def entity_registry_enabled_default(self) -> bool:
        """Return False for a meter that the home's own sensors show already."""
        return self.entity_description.entity_registry_enabled_default and (
            self.entity_description.of_dial or self.meter.role is MeterRole.SUBMETER
        )

    @property
    @override
    def native_value(self) -> Value:
        """Return what the meter says now."""
        return self.entity_description.value_fn(self.meter)

    @property
    @override
    def extra_state_attributes(self) -> dict[str, bool] | None:
        """Return whether a power that can be an estimate is one."""
        return _estimated(self.entity_description, self.meter.estimated)

    @property
    @override
    def available(self) -> bool:
        """Return whether there is something to show."""
        return not self.entity_description.needs_value or self.native_value is not None


class RoomSensor(RoomEntity, SensorEntity):
    """A sensor of a room."""

    entity_description: RoomSensorDescription

    @property
    @override
    def native_value(self) -> Value:
        """Return what the vendor says of the room now."""
        return self.entity_description.value_fn(self.room)


class ModuleSensor(ModuleEntity, SensorEntity):
    """A sensor of a gateway, thermostat or valve."""

    entity_description: ModuleSensorDescription

    @property
    @override
    def native_value(self) -> Value:
        """Return what the vendor says of the module now."""
        return self.entity_description.value_fn(self.module)


def _estimated(
    description: SensorEntityDescription, estimated: bool | None
) -> dict[str, bool] | None:
    """Return the attribute of a power that says whether it is an estimate."""
    if description.key != "power" or estimated is None:
        return None
    return {"estimated": estimated}
