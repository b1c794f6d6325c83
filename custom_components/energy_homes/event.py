"""Event entities: what was changed in a heated home, and by whom."""

from dataclasses import dataclass
from typing import override

from homeassistant.components.event import EventEntity, EventEntityDescription
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Context, HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .entity import HeatingEntity
from .heating.view import HeatingChange
from .homes.home import Home
from .rooms.events import EVENT_TYPES, async_fire_changes, change_data

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class ChangesDescription(EventEntityDescription):
    """An event entity of changes."""


CHANGES = ChangesDescription(
    key="changes", translation_key="changes", event_types=list(EVENT_TYPES.values())
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: ConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add what tells of changes in a home's heating."""
    home = entry.runtime_data
    if not isinstance(home, Home):
        return
    for subentry_id, heating in home.heating.items():
        entry.async_on_unload(async_fire_changes(hass, heating))
        async_add_entities(
            (HeatingChanges(heating, heating.source.source_id, CHANGES),),
            config_subentry_id=subentry_id,
        )


class HeatingChanges(HeatingEntity, EventEntity):
    """The newest change in a heated home that its vendor accepted."""

    entity_description: ChangesDescription

    @property
    @override
    def available(self) -> bool:
        """Return True: what has happened stays true while the cloud is away."""
        return True

    @override
    async def async_added_to_hass(self) -> None:
        """Hear of changes."""
        await super().async_added_to_hass()
        self.async_on_remove(self.coordinator.async_add_change_listener(self._changed))

    @callback
    @override
    def async_entity_id_changed(self, old_entity_id: str) -> None:
        """Go on listening: nothing here depends on the entity's id."""

    @callback
    def _changed(self, change: HeatingChange, context: Context | None) -> None:
        """Show a change."""
        if context is not None:
            self.async_set_context(context)
        self._trigger_event(EVENT_TYPES[change.kind], change_data(change))
        self.async_write_ha_state()
