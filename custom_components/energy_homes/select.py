"""Selects of a heated home: its mode and its schedule."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import override

from homeassistant.components.select import SelectEntity, SelectEntityDescription
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Context, HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .entity import HeatingEntity
from .heating.home_mode import HomeModeRequest
from .heating.model import HomeMode
from .heating.view import HeatingData
from .homes.home import Home
from .rooms.coordinator import HeatingCoordinator

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class HeatingSelectDescription(SelectEntityDescription):
    """A select of a heated home."""

    options_fn: Callable[[HeatingData], Iterable[str]]
    value_fn: Callable[[HeatingData], str | None]
    select_fn: Callable[[HeatingCoordinator, str, Context | None], Awaitable[object]]


SELECTS: tuple[HeatingSelectDescription, ...] = (
    # A mode holds until further notice.
    HeatingSelectDescription(
        key="home_mode",
        translation_key="home_mode",
        options_fn=lambda _: HomeMode,
        value_fn=lambda data: data.mode,
        select_fn=lambda heating, option, context: heating.async_set_home_mode(
            HomeModeRequest(mode=HomeMode(option)), context
        ),
    ),
    HeatingSelectDescription(
        key="schedule",
        translation_key="schedule",
        options_fn=lambda data: data.schedules,
        value_fn=lambda data: data.schedule,
        select_fn=lambda heating, option, context: heating.async_select_schedule(
            option, context
        ),
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: ConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the selects of a home's heating."""
    home = entry.runtime_data
    if not isinstance(home, Home):
        return
    for subentry_id, heating in home.heating.items():
        async_add_entities(
            (
                HeatingSelect(heating, heating.source.source_id, description)
                for description in SELECTS
            ),
            config_subentry_id=subentry_id,
        )


class HeatingSelect(HeatingEntity, SelectEntity):
    """A select of a heated home."""

    entity_description: HeatingSelectDescription

    @property
    @override
    def available(self) -> bool:
        """Return whether a command may be tried."""
        return self.heating.controllable

    @property
    @override
    def options(self) -> list[str]:
        """Return what can be chosen."""
        return list(self.entity_description.options_fn(self.heating))

    @property
    @override
    def current_option(self) -> str | None:
        """Return what holds; None where the vendor does not say it now."""
        if not self.heating.available:
            return None
        return self.entity_description.value_fn(self.heating)

    @override
    async def async_select_option(self, option: str) -> None:
        """Ask for it on behalf of the caller."""
        await self.entity_description.select_fn(self.coordinator, option, self._context)
