"""Tells Home Assistant of every change in a heated home that its vendor accepted."""

from typing import Any, Final

from homeassistant.const import ATTR_DEVICE_ID, ATTR_ENTITY_ID, Platform
from homeassistant.core import CALLBACK_TYPE, Context, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er

from ..const import DOMAIN
from ..heating.view import ChangeKind, HeatingChange
from .coordinator import HeatingCoordinator

EVENT_HEATING_CHANGED: Final = f"{DOMAIN}_heating_changed"
"""On the event bus: whoever wants all changes of all homes listens to this."""

EVENT_TYPES: Final = {
    ChangeKind.SETPOINT: "setpoint_changed",
    ChangeKind.HOME_MODE: "home_mode_changed",
    ChangeKind.SCHEDULE: "schedule_changed",
}


def change_data(change: HeatingChange) -> dict[str, Any]:
    """Return a change as events carry it: times in ISO 8601 and UTC, °C."""
    return {
        "time": change.at.isoformat(),
        "room": change.room,
        "mode": change.mode,
        "temperature": change.temperature,
        "until": None if change.until is None else change.until.isoformat(),
        "schedule": change.schedule,
        "who": change.who,
    }


@callback
def async_fire_changes(
    hass: HomeAssistant, heating: HeatingCoordinator
) -> CALLBACK_TYPE:
    """Fire an event for each change, with the entity that shows it; return how to stop."""
    entities = er.async_get(hass)

    @callback
    def fire(change: HeatingChange, context: Context | None) -> None:
        """Fire the event of one change."""
        platform, unique_id = _shown_by(heating, change)
        entity_id = entities.async_get_entity_id(platform, DOMAIN, unique_id)
        entity = None if entity_id is None else entities.async_get(entity_id)
        hass.bus.async_fire(
            EVENT_HEATING_CHANGED,
            {
                "type": EVENT_TYPES[change.kind],
                ATTR_ENTITY_ID: entity_id,
                ATTR_DEVICE_ID: None if entity is None else entity.device_id,
                "home": heating.config_entry.title,
                "heating": heating.source.name,
                **change_data(change),
            },
            context=context,
        )

    return heating.async_add_change_listener(fire)


def _shown_by(heating: HeatingCoordinator, change: HeatingChange) -> tuple[str, str]:
    """Return platform and unique id of the entity that shows a change."""
    if change.kind is ChangeKind.SETPOINT:
        return Platform.CLIMATE, f"{change.room_id}_climate"
    key = "home_mode" if change.kind is ChangeKind.HOME_MODE else "schedule"
    return Platform.SELECT, f"{heating.source.source_id}_{key}"
