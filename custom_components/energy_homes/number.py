"""Numbers of meters: what the dial shows, to be set to what it does show."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
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

from .accounts.channel import ChannelView
from .entity import DialEntity
from .homes.dial import DialMeter, dial_meters_of
from .homes.home import Home
from .metering.pulses import MAX_METERCOUNT

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class DialNumberDescription(NumberEntityDescription):
    """A number of a meter that has a dial."""

    value_fn: Callable[[ChannelView], float]
    set_fn: Callable[[DialMeter, float], Awaitable[None]]


NUMBERS: tuple[DialNumberDescription, ...] = (
    DialNumberDescription(
        key="meter_reading",
        translation_key="meter_reading",
        device_class=NumberDeviceClass.ENERGY,
        native_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        native_min_value=0,
        native_max_value=MAX_METERCOUNT,
        native_step=0.01,
        mode=NumberMode.BOX,
        value_fn=lambda channel: channel.reading,
        set_fn=lambda dial, value: dial.async_set(value),
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: ConfigEntry[Home],
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the numbers of a home's meters that have a dial."""
    for meter in dial_meters_of(entry.runtime_data):
        async_add_entities(
            (DialNumber(meter, description) for description in NUMBERS),
            config_subentry_id=meter.subentry_id,
        )


class DialNumber(DialEntity, NumberEntity):
    """A number of a meter that has a dial."""

    entity_description: DialNumberDescription

    @property
    @override
    def native_value(self) -> float | None:
        """Return what the meter shows now."""
        channel = self.meter.channel
        return None if channel is None else self.entity_description.value_fn(channel)

    @override
    async def async_set_native_value(self, value: float) -> None:
        """Let the meter show something else; it is kept once this returns."""
        await self.entity_description.set_fn(self.dial, value)
