"""Buttons of meters: to begin a subtotal anew."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import override

from homeassistant.components.button import ButtonEntity, ButtonEntityDescription
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .entity import DialEntity
from .homes.dial import DialMeter, dial_meters_of
from .homes.home import Home

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class DialButtonDescription(ButtonEntityDescription):
    """A button of a meter that has a dial."""

    press_fn: Callable[[DialMeter], Awaitable[None]]


BUTTONS: tuple[DialButtonDescription, ...] = (
    DialButtonDescription(
        key="reset_subtotal",
        translation_key="reset_subtotal",
        press_fn=lambda dial: dial.async_reset_subtotal(),
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: ConfigEntry[Home],
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the buttons of a home's meters that have a dial."""
    for meter in dial_meters_of(entry.runtime_data):
        async_add_entities(
            (DialButton(meter, description) for description in BUTTONS),
            config_subentry_id=meter.subentry_id,
        )


class DialButton(DialEntity, ButtonEntity):
    """A button of a meter that has a dial."""

    entity_description: DialButtonDescription

    @override
    async def async_press(self) -> None:
        """Do what the button is for; it is kept once this returns."""
        await self.entity_description.press_fn(self.dial)
