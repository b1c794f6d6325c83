"""Actions of meters: what their dials show."""

from typing import Final

from homeassistant.core import ServiceCall, ServiceResponse
from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from ..homes.dial import find_dial_meter

ATTR_METER: Final = "meter"
ATTR_READING: Final = "reading"

SET_METER_READING_SCHEMA: Final = vol.Schema(
    {
        vol.Required(ATTR_METER): cv.string,
        vol.Required(ATTR_READING): vol.Coerce(float),
    }
)


async def async_set_meter_reading(call: ServiceCall) -> ServiceResponse:
    """Let a meter show what its dial shows; answer what is shown now."""
    meter = find_dial_meter(call.hass, call.data[ATTR_METER])
    await meter.async_set(call.data[ATTR_READING])
    return {"meter": meter.name, "reading": meter.channel.view.reading}
