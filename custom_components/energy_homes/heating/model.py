"""Types of the heating core: what rooms and homes can be asked to do, and what modules are."""

from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleTraits:
    """What a type of gateway, thermostat or valve is, and what it says of itself.

    `model` is what its vendor calls it, None where that is not known. `wifi` says that it is on
    the Wi-Fi itself; all others talk to their gateway by radio. `boiler` says that it tells
    whether the boiler is on, `battery` that it has batteries.
    """

    model: str | None = None
    battery: bool = False
    wifi: bool = False
    boiler: bool = False
