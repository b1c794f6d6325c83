"""Sensors of homes, their meters and accounts."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import EntityCategory, UnitOfEnergy, UnitOfPower, UnitOfRatio
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .accounts.efergy import EfergyHub
from .accounts.registry import AccountState
from .coordinator import HomeData, MeterData
from .entity import AccountEntity, HomeEntity, MeterEntity
from .home import Home
from .metering.model import MeterRole

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


@dataclass(frozen=True, kw_only=True)
class AccountSensorDescription(SensorEntityDescription):
    """A sensor of an account."""

    value_fn: Callable[[EfergyHub], Value]


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
)

ACCOUNT_SENSORS: tuple[AccountSensorDescription, ...] = (
    AccountSensorDescription(
        key="cloud_state",
        translation_key="cloud_state",
        device_class=SensorDeviceClass.ENUM,
        entity_category=EntityCategory.DIAGNOSTIC,
        options=[state.value for state in AccountState],
        value_fn=lambda hub: hub.state.value,
    ),
    AccountSensorDescription(
        key="calls_last_hour",
        translation_key="calls_last_hour",
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=lambda hub: hub.calls_last_hour,
    ),
    AccountSensorDescription(
        key="calls_last_day",
        translation_key="calls_last_day",
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=lambda hub: hub.calls_last_day,
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: ConfigEntry[Home | EfergyHub],
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the sensors of a home and its meters, or of an account."""
    runtime = entry.runtime_data
    if isinstance(runtime, EfergyHub):
        async_add_entities(
            AccountSensor(runtime, description) for description in ACCOUNT_SENSORS
        )
        return
    async_add_entities(
        HomeSensor(runtime, description)
        for description in HOME_SENSORS
        if description.exists_fn(runtime)
    )
    for subentry_id, source in runtime.sources.items():
        async_add_entities(
            (
                MeterSensor(runtime, source, description)
                for description in METER_SENSORS
            ),
            config_subentry_id=subentry_id,
        )


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
        return (
            self.entity_description.entity_registry_enabled_default
            and self.meter.role is MeterRole.SUBMETER
        )

    @property
    @override
    def native_value(self) -> Value:
        """Return what the meter says now."""
        return self.entity_description.value_fn(self.meter)

    @property
    @override
    def available(self) -> bool:
        """Return whether there is something to show."""
        return not self.entity_description.needs_value or self.native_value is not None


class AccountSensor(AccountEntity, SensorEntity):
    """A sensor of an account."""

    entity_description: AccountSensorDescription

    @property
    @override
    def native_value(self) -> Value:
        """Return how the conversation with the cloud goes."""
        return self.entity_description.value_fn(self.coordinator)
