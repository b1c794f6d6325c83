"""Switches of a pulse board: whether it may say what its meters show."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, override

from homeassistant.components.switch import SwitchEntity, SwitchEntityDescription
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .accounts.pulse_board import PulseBoardHub
from .accounts.pulse_board_entry import PulseBoardConfigEntry
from .entity import BoardEntity

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class BoardSwitchDescription(SwitchEntityDescription):
    """A switch of a board."""

    value_fn: Callable[[PulseBoardHub], bool]
    set_fn: Callable[[PulseBoardHub, bool], None]


SWITCHES: tuple[BoardSwitchDescription, ...] = (
    # Off after each start.
    BoardSwitchDescription(
        key="set_meter",
        translation_key="set_meter",
        entity_category=EntityCategory.CONFIG,
        value_fn=lambda hub: hub.set_meter,
        set_fn=lambda hub, on: hub.let_set_meter(on),
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PulseBoardConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the switches of a board."""
    async_add_entities(BoardSwitch(entry, description) for description in SWITCHES)


class BoardSwitch(BoardEntity, SwitchEntity):
    """A switch of a board."""

    entity_description: BoardSwitchDescription

    @property
    @override
    def value(self) -> bool:
        """Return whether the board may do it."""
        return self.entity_description.value_fn(self.hub)

    @property
    @override
    def is_on(self) -> bool:
        """Return whether the board may do it."""
        return self.value

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Let the board do it."""
        self.entity_description.set_fn(self.hub, True)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Let the board do it no more."""
        self.entity_description.set_fn(self.hub, False)
