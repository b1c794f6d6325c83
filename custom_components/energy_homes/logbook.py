"""Tells the logbook in words what was changed in a heated home."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from homeassistant.components.logbook import (
    LOGBOOK_ENTRY_ENTITY_ID,
    LOGBOOK_ENTRY_MESSAGE,
    LOGBOOK_ENTRY_NAME,
)
from homeassistant.const import ATTR_ENTITY_ID, UnitOfTemperature
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers.translation import async_get_cached_translations
from homeassistant.util import dt as dt_util
from homeassistant.util.unit_conversion import TemperatureConverter

from .const import DOMAIN
from .rooms.events import EVENT_HEATING_CHANGED


@callback
def async_describe_events(
    hass: HomeAssistant,
    async_describe_event: Callable[
        [str, str, Callable[[Event], dict[str, str | None]]], None
    ],
) -> None:
    """Say how our events read."""

    @callback
    def describe(event: Event) -> dict[str, str | None]:
        """Return the entry of one change."""
        data = event.data
        return {
            LOGBOOK_ENTRY_NAME: f"{data['home']} {data['room'] or data['heating']}",
            LOGBOOK_ENTRY_MESSAGE: _message(hass, data),
            LOGBOOK_ENTRY_ENTITY_ID: data[ATTR_ENTITY_ID],
        }

    async_describe_event(DOMAIN, EVENT_HEATING_CHANGED, describe)


def _message(hass: HomeAssistant, data: Mapping[str, Any]) -> str:
    """Return what was changed, until when and by whom, in Home Assistant's language."""
    texts = async_get_cached_translations(hass, hass.config.language, "common", DOMAIN)

    def text(key: str, **values: str) -> str:
        """Return a translated text."""
        return texts[f"component.{DOMAIN}.common.{key}"].format(**values)

    if data["schedule"] is not None:
        message = text("logbook_select_schedule", schedule=data["schedule"])
    elif data["mode"] == "manual":
        message = text(
            "logbook_manual", temperature=_temperature(hass, data["temperature"])
        )
    else:
        message = text(f"logbook_{data['mode']}")
    if data["until"] is not None:
        end = _end(data["until"], data["time"])
        message = text("logbook_until", change=message, until=end)
    if data["who"] is not None:
        message = text("logbook_by", change=message, who=data["who"])
    return message


def _temperature(hass: HomeAssistant, celsius: float) -> str:
    """Return a temperature in the unit that people chose."""
    unit = hass.config.units.temperature_unit
    value = TemperatureConverter.convert(celsius, UnitOfTemperature.CELSIUS, unit)
    return f"{round(value, 1):g} {unit}"


def _end(until: str, changed: str) -> str:
    """Return when a change ends in local time, with its date where that is another day."""
    end, begin = (
        dt_util.as_local(datetime.fromisoformat(time)) for time in (until, changed)
    )
    shape = "%H:%M" if end.date() == begin.date() else "%Y-%m-%d %H:%M"
    return end.strftime(shape)
