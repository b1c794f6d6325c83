"""Homes of a Netatmo account across a restart."""

from datetime import UTC, datetime, timedelta
import json
from typing import Any

import pytest

from custom_components.energy_homes.accounts.netatmo.stored import (
    homes_as_data,
    homes_from_data,
)
from custom_components.energy_homes.clouds.netatmo.models import (
    HomeTopology,
    ModuleTopology,
    RoomTopology,
)
from custom_components.energy_homes.heating.model import HomeMode
from custom_components.energy_homes.heating.netatmo.schedule import (
    Schedule,
    ScheduleZone,
    TimetableEntry,
    ZoneSetpoint,
)

FULL = HomeTopology(
    home_id="h1",
    name="Elm Street",
    time_zone="Europe/London",
    mode=HomeMode.AWAY,
    mode_end=datetime(2026, 11, 20, 8, tzinfo=UTC),
    default_duration=timedelta(minutes=180),
    cooling=False,
    rooms=(RoomTopology(room_id="r1", name="Hall", kind="lobby", module_ids=("m1",)),),
    modules=(
        ModuleTopology(module_id="g1", kind="NAPlug", name="Relay"),
        ModuleTopology(
            module_id="m1",
            kind="NATherm1",
            name="Thermostat",
            room_id="r1",
            bridge="g1",
            set_up=datetime(2022, 3, 14, tzinfo=UTC),
        ),
    ),
    schedules=(
        Schedule(
            schedule_id="s1",
            name="Winter",
            kind="therm",
            selected=True,
            away_temperature=12.0,
            frost_guard_temperature=None,
            timetable=(
                TimetableEntry(timedelta(0), 1),
                TimetableEntry(timedelta(1), 0),
            ),
            zones=(
                ScheduleZone(
                    zone_id=0,
                    name="Comfort",
                    kind=0,
                    setpoints=(ZoneSetpoint("r1", 0.0),),
                ),
            ),
        ),
    ),
)
BARE = HomeTopology(
    home_id="h2",
    name="",
    time_zone=None,
    mode=None,
    mode_end=None,
    default_duration=None,
    cooling=True,
)


def test_round_trip() -> None:
    """What was stored as JSON comes back as it was, nothing and zero included."""
    data = json.loads(json.dumps(homes_as_data((FULL, BARE))))
    assert homes_from_data(data) == (FULL, BARE)


@pytest.mark.parametrize(
    "data",
    [
        [{}],
        [{"home_id": "h1"}],
        ["h1"],
        [None],
        [{**homes_as_data((FULL,))[0], "mode": "no such mode"}],
        [{**homes_as_data((FULL,))[0], "mode_end": "tomorrow"}],
        [{**homes_as_data((FULL,))[0], "rooms": 1}],
    ],
)
def test_another_shape(data: list[Any]) -> None:
    """What an other version stored is nothing that is known."""
    assert homes_from_data(data) == ()
