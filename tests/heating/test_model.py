"""How rooms are driven, and what the vendor's modes mean."""

import pytest

from custom_components.energy_homes.heating.model import RoomKind, SetpointMode
from custom_components.energy_homes.heating.netatmo.model import (
    RoomCall,
    RoomControl,
    VendorMode,
    devices,
    mode_shown,
    room_control,
)

BY_POINT = RoomCall.SETROOMTHERMPOINT
BY_STATE = RoomCall.SETSTATE


@pytest.mark.parametrize(
    ("room", "home", "control"),
    [
        ({"NATherm1"}, {"NRV"}, RoomControl(RoomKind.THERMOSTAT, BY_POINT)),
        ({"NATherm1", "NRV"}, {"OTM"}, RoomControl(RoomKind.THERMOSTAT, BY_POINT)),
        ({"NRV"}, {"NAPlug"}, RoomControl(RoomKind.VALVE, BY_POINT)),
        ({"NRV"}, {"OTH", "OTM"}, RoomControl(RoomKind.VALVE, BY_STATE)),
        ({"NRV"}, {"BNS"}, RoomControl(RoomKind.VALVE, BY_STATE)),
        ({"OTM", "OTH"}, set(), RoomControl(RoomKind.THERMOSTAT, BY_STATE)),
        ({"BNS"}, set(), RoomControl(RoomKind.THERMOSTAT, BY_STATE)),
        ({"OTM", "NRV"}, set(), RoomControl(RoomKind.THERMOSTAT, BY_STATE)),
        ({"NAPlug", "NACamera"}, {"NATherm1"}, None),
        (set(), {"NATherm1"}, None),
    ],
)
def test_which_command_drives_a_room(
    room: set[str], home: set[str], control: RoomControl | None
) -> None:
    """Thermostats, and valves in homes without others, go through setroomthermpoint."""
    assert room_control(room, room | home) == control


@pytest.mark.parametrize(
    ("room", "kinds"),
    [
        ({"NATherm1", "NRV"}, {RoomKind.THERMOSTAT, RoomKind.VALVE}),
        ({"OTM"}, {RoomKind.THERMOSTAT}),
        ({"NRV", "NAPlug"}, {RoomKind.VALVE}),
        ({"NACamera"}, set()),
    ],
)
def test_devices_in_a_room(room: set[str], kinds: set[RoomKind]) -> None:
    """A room may have both; gateways heat nothing."""
    assert devices(room) == kinds


@pytest.mark.parametrize(
    ("mode", "temperature", "kind", "shown"),
    [
        (VendorMode.HOME, 19, RoomKind.VALVE, SetpointMode.SCHEDULE),
        (VendorMode.SCHEDULE, 19, RoomKind.VALVE, SetpointMode.SCHEDULE),
        (VendorMode.AWAY, 12, RoomKind.VALVE, SetpointMode.AWAY),
        (VendorMode.FROST_GUARD, 7, RoomKind.VALVE, SetpointMode.FROST_GUARD),
        (VendorMode.MAX, None, RoomKind.THERMOSTAT, SetpointMode.MAX),
        (VendorMode.OFF, None, RoomKind.THERMOSTAT, SetpointMode.OFF),
        (VendorMode.MANUAL, 7, RoomKind.VALVE, SetpointMode.OFF),
        (VendorMode.MANUAL, 7.5, RoomKind.VALVE, SetpointMode.MANUAL),
        (VendorMode.MANUAL, 30, RoomKind.VALVE, SetpointMode.MAX),
        (VendorMode.MANUAL, None, RoomKind.VALVE, SetpointMode.MANUAL),
        (VendorMode.MANUAL, 7, RoomKind.THERMOSTAT, SetpointMode.MANUAL),
        (VendorMode.MANUAL, 30, RoomKind.THERMOSTAT, SetpointMode.MANUAL),
    ],
)
def test_what_a_room_shows(
    mode: VendorMode, temperature: float | None, kind: RoomKind, shown: SetpointMode
) -> None:
    """What a valve emulates is shown as what was asked of it."""
    assert mode_shown(mode, temperature, kind) is shown
