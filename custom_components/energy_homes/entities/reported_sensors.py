"""Sensors of hosts: they come as they are reported, and are called as there."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import EntityCategory
from homeassistant.core import callback
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity import EntityDescription
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from ..const import DOMAIN
from ..homes.sensors import SensorsCoordinator
from ..sensing.model import Quantity
from ..sensing.records import SensorRecord
from ..sensing.view import SensorView


@dataclass(frozen=True, kw_only=True)
class ReportedSensorDescription(SensorEntityDescription):
    """A sensor of a host, or of what the host reports."""


def _description(
    quantity: Quantity,
    digits: int | None,
    device_class: SensorDeviceClass | None = None,
) -> ReportedSensorDescription:
    """Describe the sensors of a quantity; without a device class they have a name of ours."""
    counted = quantity in (Quantity.ENERGY, Quantity.PULSES)
    return ReportedSensorDescription(
        key=quantity.value,
        translation_key=quantity.value if device_class is None else None,
        device_class=device_class,
        state_class=SensorStateClass.TOTAL_INCREASING
        if counted
        else SensorStateClass.MEASUREMENT,
        suggested_display_precision=digits,
    )


REPORTED_SENSORS: Final = {
    Quantity(one.key): one
    for one in (
        _description(Quantity.POWER, 1, SensorDeviceClass.POWER),
        _description(Quantity.ENERGY, 2, SensorDeviceClass.ENERGY),
        _description(Quantity.PULSES, 0),
        _description(Quantity.CURRENT, 2, SensorDeviceClass.CURRENT),
        _description(Quantity.VOLTAGE, 1, SensorDeviceClass.VOLTAGE),
        _description(Quantity.TEMPERATURE, 1, SensorDeviceClass.TEMPERATURE),
        _description(Quantity.HUMIDITY, 0, SensorDeviceClass.HUMIDITY),
        _description(Quantity.PERCENTAGE, 0),
        _description(Quantity.NUMBER, None),
    )
}
"""What is shown of each quantity."""


def add_reported_sensors(
    coordinator: SensorsCoordinator, add: Callable[[Iterable[SensorEntity]], None]
) -> None:
    """Add the sensors of a host that are on record, and those that come on record."""

    @callback
    def add_new(records: tuple[SensorRecord, ...]) -> None:
        """Add sensors."""
        add([ReportedSensor(coordinator, record) for record in records])

    coordinator.config_entry.async_on_unload(
        coordinator.async_add_record_listener(add_new)
    )
    if coordinator.is_board:
        add([LastEventSensor(coordinator, LAST_EVENT)])


LAST_EVENT: Final = ReportedSensorDescription(
    key="last_event",
    translation_key="last_event",
    device_class=SensorDeviceClass.TIMESTAMP,
    entity_category=EntityCategory.DIAGNOSTIC,
    entity_registry_enabled_default=False,
)


class HostEntity(CoordinatorEntity[SensorsCoordinator]):
    """An entity of a host itself, which is a board."""

    _attr_has_entity_name = True

    def __init__(
        self, coordinator: SensorsCoordinator, description: EntityDescription
    ) -> None:
        """Belong to the host's device, which is registered already."""
        super().__init__(coordinator)
        self.entity_description = description
        source_id = coordinator.source.source_id
        self._attr_unique_id = f"{source_id}_{description.key}"
        self._attr_device_info = DeviceInfo(identifiers={(DOMAIN, source_id)})

    @property
    @override
    def available(self) -> bool:
        """Return whether the account says anything of the host."""
        return self.coordinator.update.available


class LastEventSensor(HostEntity, SensorEntity):
    """When a board last said anything."""

    @property
    @override
    def native_value(self) -> datetime | None:
        """Return the stamp of the newest event."""
        return self.coordinator.update.last_event


class ReportedSensor(CoordinatorEntity[SensorsCoordinator], SensorEntity):
    """A sensor of a host."""

    _attr_has_entity_name = True

    def __init__(self, coordinator: SensorsCoordinator, record: SensorRecord) -> None:
        """Belong to the host's device, which is registered already."""
        super().__init__(coordinator)
        self.entity_description = REPORTED_SENSORS[record.quantity]
        self._sensor_id = record.sensor_id
        self._attr_unique_id = record.unique_id
        self._attr_name = record.name
        self._attr_native_unit_of_measurement = record.unit or None
        self._attr_device_info = DeviceInfo(
            identifiers={(DOMAIN, coordinator.source.source_id)}
        )

    @property
    def sensor(self) -> SensorView | None:
        """Return the sensor as it is now; None once it is forgotten."""
        return self.coordinator.data.get(self._sensor_id)

    @property
    @override
    def available(self) -> bool:
        """Return whether the sensor was heard of late."""
        return self.sensor is not None and self.sensor.available

    @property
    @override
    def native_value(self) -> float | None:
        """Return what the sensor measures; None while it has no reading."""
        return None if self.sensor is None else self.sensor.value

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        """Show what is new, under the name that the sensor has now."""
        if self.sensor is not None:
            self._attr_name = self.sensor.name
        super()._handle_coordinator_update()
