"""Rooms and modules on record."""

from dataclasses import replace

import pytest

from custom_components.energy_homes.heating.model import RoomKind
from custom_components.energy_homes.heating.netatmo.model import RoomCall, RoomControl
from custom_components.energy_homes.heating.records import ModuleRecord, RoomRecord

ROOM = RoomRecord(
    room_id="ours",
    hardware_id="628179036",
    name="Kitchen",
    kind=RoomKind.VALVE,
    call=RoomCall.SETROOMTHERMPOINT,
)
MODULE = ModuleRecord(
    module_id="ours", hardware_id="09:00:00:00:00:01", kind="NRV", name="Valve"
)


@pytest.mark.parametrize(
    "room", [ROOM, replace(ROOM, gone=True), replace(ROOM, planned=("1", "2"))]
)
def test_a_room_is_read_as_it_was_stored(room: RoomRecord) -> None:
    """Nothing is lost, and how it is driven is known."""
    assert RoomRecord.from_data(room.as_data()) == room
    control = RoomControl.of(room)
    assert (control.kind, control.call) == (room.kind, room.call)


@pytest.mark.parametrize(
    "module",
    [
        MODULE,
        replace(MODULE, gone=True),
        replace(MODULE, room_id="room", bridge_id="relay"),
    ],
)
def test_a_module_is_read_as_it_was_stored(module: ModuleRecord) -> None:
    """Nothing is lost."""
    assert ModuleRecord.from_data(module.as_data()) == module
