"""Types of the heating core: what a room and a home can be asked to do, within which bounds."""

from enum import StrEnum
from typing import Final

MIN_SETPOINT: Final = 7.0
MAX_SETPOINT: Final = 30.0
SETPOINT_STEP: Final = 0.5
"""What a room can be set to, in °C."""


class SetpointMode(StrEnum):
    """What a room can be asked to do."""

    MANUAL = "manual"
    MAX = "max"
    OFF = "off"
    SCHEDULE = "schedule"
    AWAY = "away"
    FROST_GUARD = "frost_guard"


class HomeMode(StrEnum):
    """What a whole home can be asked to do."""

    SCHEDULE = "schedule"
    AWAY = "away"
    FROST_GUARD = "frost_guard"


class RoomKind(StrEnum):
    """What heats a room: a room with a thermostat knows modes that valves do not."""

    THERMOSTAT = "thermostat"
    VALVE = "valve"
