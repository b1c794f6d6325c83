"""Buttons of meters: to begin a subtotal anew."""

from typing import override

from homeassistant.components.button import ButtonEntity, ButtonEntityDescription
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .entity import DialEntity
from .home import Home
from .meter_reading import dial_meters_of

PARALLEL_UPDATES = 0

RESET_SUBTOTAL = ButtonEntityDescription(
    key="reset_subtotal", translation_key="reset_subtotal"
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: ConfigEntry[Home],
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the buttons of a home's meters that have a dial."""
    for meter in dial_meters_of(entry.runtime_data):
        async_add_entities(
            [ResetSubtotal(meter, RESET_SUBTOTAL)],
            config_subentry_id=meter.subentry_id,
        )


class ResetSubtotal(DialEntity, ButtonEntity):
    """Begins a meter's subtotal anew."""

    @override
    async def async_press(self) -> None:
        """Begin at zero; it is kept once this returns."""
        await self.dial.async_reset_subtotal()
