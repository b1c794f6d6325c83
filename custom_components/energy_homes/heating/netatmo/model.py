"""Netatmo's types: its modes, its kinds of modules, and how a room is driven. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, Self

from ..model import MAX_SETPOINT, MIN_SETPOINT, RoomKind, SetpointMode
from ..records import RoomRecord

FOREVER: Final = datetime(2038, 1, 19, 3, 14, 7, tzinfo=UTC)
"""The vendor's end time that means "until further notice" (2147483647 s)."""

VALVE_TYPES: Final = frozenset({"NRV"})
RELAY_THERMOSTAT_TYPES: Final = frozenset({"NATherm1"})
STATE_THERMOSTAT_TYPES: Final = frozenset({"OTM", "BNS"})
THERMOSTAT_TYPES: Final = RELAY_THERMOSTAT_TYPES | STATE_THERMOSTAT_TYPES
GATEWAY_TYPES: Final = frozenset({"NAPlug", "OTH"})
HEATING_TYPES: Final = VALVE_TYPES | THERMOSTAT_TYPES | GATEWAY_TYPES


class VendorMode(StrEnum):
    """What the vendor says that a room does (therm_setpoint_mode)."""

    SCHEDULE = "schedule"
    HOME = "home"
    MANUAL = "manual"
    MAX = "max"
    AWAY = "away"
    FROST_GUARD = "hg"
    OFF = "off"


class RoomCall(StrEnum):
    """The vendor's command that a room listens to."""

    SETROOMTHERMPOINT = "setroomthermpoint"
    SETSTATE = "setstate"


@dataclass(frozen=True, slots=True)
class RoomControl:
    """How a room is driven."""

    kind: RoomKind
    call: RoomCall

    @classmethod
    def of(cls, record: RoomRecord) -> Self:
        """Return how a room on record is driven."""
        return cls(record.kind, RoomCall(record.call))


def room_control(
    room_types: Iterable[str], home_types: Iterable[str]
) -> RoomControl | None:
    """Return how a room is driven, from the module types in it and in its home.

    None for a room without a thermostat or a valve.
    """
    room = frozenset(room_types)
    if room & RELAY_THERMOSTAT_TYPES:
        return RoomControl(RoomKind.THERMOSTAT, RoomCall.SETROOMTHERMPOINT)
    if room & STATE_THERMOSTAT_TYPES:
        return RoomControl(RoomKind.THERMOSTAT, RoomCall.SETSTATE)
    if not room & VALVE_TYPES:
        return None
    if STATE_THERMOSTAT_TYPES.isdisjoint(home_types):
        return RoomControl(RoomKind.VALVE, RoomCall.SETROOMTHERMPOINT)
    return RoomControl(RoomKind.VALVE, RoomCall.SETSTATE)


def devices(room_types: Iterable[str]) -> frozenset[RoomKind]:
    """Return the kinds of devices that heat a room, from the module types in it."""
    room = frozenset(room_types)
    return frozenset(kind for kind, types in _DEVICES.items() if room & types)


def mode_shown(
    vendor_mode: VendorMode, temperature: float | None, kind: RoomKind
) -> SetpointMode:
    """Return what a room does in our words, from what the vendor says of it.

    `temperature` is the setpoint in °C. A valve's 7 and 30 °C by hand are its off and max.
    """
    if vendor_mode is VendorMode.MANUAL:
        if kind is RoomKind.VALVE and temperature is not None:
            if temperature <= MIN_SETPOINT:
                return SetpointMode.OFF
            if temperature >= MAX_SETPOINT:
                return SetpointMode.MAX
        return SetpointMode.MANUAL
    return _SHOWN[vendor_mode]


_SHOWN: Final = {
    VendorMode.SCHEDULE: SetpointMode.SCHEDULE,
    VendorMode.HOME: SetpointMode.SCHEDULE,
    VendorMode.MAX: SetpointMode.MAX,
    VendorMode.AWAY: SetpointMode.AWAY,
    VendorMode.FROST_GUARD: SetpointMode.FROST_GUARD,
    VendorMode.OFF: SetpointMode.OFF,
}

_DEVICES: Final = {
    RoomKind.THERMOSTAT: THERMOSTAT_TYPES,
    RoomKind.VALVE: VALVE_TYPES,
}
