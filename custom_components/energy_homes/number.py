"""Numbers of meters: what the dial shows, to be set to what it does show."""

from typing import override

from homeassistant.components.number import (
    NumberDeviceClass,
    NumberEntity,
    NumberEntityDescription,
    NumberMode,
)
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import UnitOfEnergy
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .entity import DialEntity
from .home import Home
from .meter_reading import dial_meters_of
from .metering.pulses import MAX_METERCOUNT

PARALLEL_UPDATES = 0

METER_READING = NumberEntityDescription(
    key="meter_reading",
    translation_key="meter_reading",
    device_class=NumberDeviceClass.ENERGY,
    native_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
    native_min_value=0,
    native_max_value=MAX_METERCOUNT,
    native_step=0.01,
    mode=NumberMode.BOX,
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: ConfigEntry[Home],
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the readings of a home's meters that have a dial."""
    for meter in dial_meters_of(entry.runtime_data):
        async_add_entities(
            [MeterReading(meter, METER_READING)], config_subentry_id=meter.subentry_id
        )


class MeterReading(DialEntity, NumberEntity):
    """What the dial of a meter shows."""

    @property
    @override
    def native_value(self) -> float | None:
        """Return what the meter shows now."""
        channel = self.meter.channel
        return None if channel is None else channel.reading

    @override
    async def async_set_native_value(self, value: float) -> None:
        """Let the meter show something else; it is kept once this returns."""
        await self.dial.async_set(value)
