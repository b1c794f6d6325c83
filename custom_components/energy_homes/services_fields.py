"""Fields that several actions have."""

from typing import Any, Final

from homeassistant.helpers import config_validation as cv
import voluptuous as vol

ATTR_DEVICE: Final = "device"
ATTR_HOME: Final = "home"
ATTR_MINUTES: Final = "minutes"
ATTR_MODE: Final = "mode"
ATTR_ROOM: Final = "room"
ATTR_SCHEDULE: Final = "schedule"
ATTR_TEMPERATURE: Final = "temperature"
ATTR_UNTIL: Final = "until"

HOME_FIELD: Final = {vol.Optional(ATTR_HOME): vol.All(cv.ensure_list, [cv.string])}


def number(value: Any) -> float:
    """Return a number of a field; what is out of its range is refused with the choices later."""
    if isinstance(value, bool):
        raise vol.Invalid("expected a number")
    number: float = vol.Coerce(float)(value)
    return number
