"""What a home's status says that is news: what has moved, and what the topology does not fit. Pure."""

from datetime import datetime, timedelta
from typing import Final

from ...clouds.netatmo.models import HomeStatus, HomeTopology
from ...heating.model import HomeMode
from ...heating.netatmo.model import VendorMode
from ...heating.netatmo.schedule import RoomProgram, WeeklySchedule

_ABOUT_NOW: Final = (timedelta(minutes=-10), timedelta(), timedelta(minutes=10))
"""Rooms may begin what their schedule asks for a little earlier or later than we think."""

_SAME_TEMPERATURE: Final = 0.05
"""In °C."""

_AWAY_MODES: Final = frozenset({VendorMode.AWAY, VendorMode.FROST_GUARD})
_SCHEDULE_MODES: Final = frozenset({VendorMode.SCHEDULE, VendorMode.HOME})


def moved(before: HomeStatus | None, now: HomeStatus) -> bool:
    """Return whether setpoint, mode, boiler, power request or window have changed."""
    return before is None or _what_moves(before) != _what_moves(now)


def contradictions(
    topology: HomeTopology,
    status: HomeStatus,
    week: WeeklySchedule | None,
    now: datetime,
) -> frozenset[str]:
    """Return the rooms that do what they would not do if the topology were as it was told.

    A room away in a home on schedule is one, a room on schedule in a home that is away, and a
    room on schedule at a temperature that the schedule (`week`, None where it is not known)
    does not ask for about now, an aware instant: another schedule was selected elsewhere.
    """
    if topology.mode is None:
        return frozenset()
    unlikely = _AWAY_MODES if topology.mode is HomeMode.SCHEDULE else _SCHEDULE_MODES
    found = {room_id for room_id, room in status.rooms.items() if room.mode in unlikely}
    if week is not None:
        for room_id, room in status.rooms.items():
            if room.mode not in _SCHEDULE_MODES or room.setpoint is None:
                continue
            program = RoomProgram(week, room_id)
            asked = [program.temperature_at(now + slack) for slack in _ABOUT_NOW]
            if None not in asked and all(
                abs(room.setpoint - temperature) > _SAME_TEMPERATURE
                for temperature in asked
                if temperature is not None
            ):
                found.add(room_id)
    return frozenset(found)


def _what_moves(status: HomeStatus) -> tuple[object, ...]:
    """Return what shows that a home is in use."""
    return (
        {
            room_id: (
                room.setpoint,
                room.mode,
                room.setpoint_end,
                room.heating_power_request,
                room.open_window,
            )
            for room_id, room in status.rooms.items()
        },
        {module_id: module.boiler_on for module_id, module in status.modules.items()},
    )
