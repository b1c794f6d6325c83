"""Fields that several actions have."""

from typing import Any, Final

from homeassistant.helpers import config_validation as cv
import voluptuous as vol

ATTR_DEVICE: Final = "device"
ATTR_END: Final = "end"
ATTR_FORMAT: Final = "format"
ATTR_HOME: Final = "home"
ATTR_HOMES: Final = "homes"
ATTR_ID: Final = "id"
ATTR_MINUTES: Final = "minutes"
ATTR_MODE: Final = "mode"
ATTR_MONTH: Final = "month"
ATTR_PERIOD: Final = "period"
ATTR_ROOM: Final = "room"
ATTR_SCHEDULE: Final = "schedule"
ATTR_START: Final = "start"
ATTR_TEMPERATURE: Final = "temperature"
ATTR_UNTIL: Final = "until"

JSON: Final = "json"
CSV: Final = "csv"
FORMATS: Final = (JSON, CSV)

HOME_FIELD: Final = {vol.Optional(ATTR_HOME): vol.All(cv.ensure_list, [cv.string])}


def number(value: Any) -> float:
    """Return a number of a field; what is out of its range is refused with the choices later."""
    if isinstance(value, bool):
        raise vol.Invalid("expected a number")
    number: float = vol.Coerce(float)(value)
    return number
