"""Schedules and rooms that the tests of heating share."""

from collections.abc import Iterable
from datetime import timedelta

from custom_components.energy_homes.heating.netatmo.model import (
    RoomControl,
    room_control,
)
from custom_components.energy_homes.heating.netatmo.schedule import (
    Schedule,
    ScheduleZone,
    TimetableEntry,
    ZoneSetpoint,
)

ROOM = "628179036"
COMFORT, NIGHT, ECO = 0, 1, 4


def control(*room_types: str, home: Iterable[str] = ("NAPlug",)) -> RoomControl:
    """Return how a room with these modules is driven."""
    found = room_control(room_types, {*room_types, *home})
    assert found is not None
    return found


def schedule(
    *changes: tuple[int, int],
    temperatures: dict[int, float] | None = None,
    kind: str = "therm",
    selected: bool = True,
    name: str = "Winter",
) -> Schedule:
    """Return a schedule from pairs of minutes after Monday's midnight and zone."""
    asked = (
        {COMFORT: 21.0, NIGHT: 17.0, ECO: 18.5}
        if temperatures is None
        else temperatures
    )
    return Schedule(
        schedule_id=f"id of {name}",
        name=name,
        kind=kind,
        selected=selected,
        away_temperature=12,
        frost_guard_temperature=7,
        timetable=tuple(
            TimetableEntry(timedelta(minutes=minutes), zone)
            for minutes, zone in changes
        ),
        zones=tuple(
            ScheduleZone(
                zone_id=zone,
                name=f"zone {zone}",
                kind=zone,
                setpoints=(ZoneSetpoint(ROOM, temperature),),
            )
            for zone, temperature in asked.items()
        ),
    )


def daily(*changes: tuple[int, int]) -> list[tuple[int, int]]:
    """Return changes of a day (minutes after midnight and zone) for every day."""
    return [
        (day * 1440 + minutes, zone) for day in range(7) for minutes, zone in changes
    ]
