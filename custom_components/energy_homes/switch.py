"""The switch of a pulse board: whether it may say what its meters show."""

from typing import Any, override

from homeassistant.components.switch import SwitchEntity, SwitchEntityDescription
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .accounts.pulse_board_entry import PulseBoardConfigEntry
from .entity import BoardEntity

PARALLEL_UPDATES = 0

SET_METER = SwitchEntityDescription(
    key="set_meter",
    translation_key="set_meter",
    entity_category=EntityCategory.CONFIG,
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PulseBoardConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the switch of a board."""
    async_add_entities([SetMeter(entry, SET_METER)])


class SetMeter(BoardEntity, SwitchEntity):
    """Lets the board's own meter counts set its meters; off after each start."""

    @property
    @override
    def value(self) -> bool:
        """Return whether the board may set its meters."""
        return self.hub.set_meter

    @property
    @override
    def is_on(self) -> bool:
        """Return whether the board may set its meters."""
        return self.value

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Let the board set its meters."""
        self._set(True)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Let the board set nothing."""
        self._set(False)

    def _set(self, on: bool) -> None:
        """Let the board set its meters, or not."""
        self.hub.set_meter = on
        self.async_write_ha_state()
