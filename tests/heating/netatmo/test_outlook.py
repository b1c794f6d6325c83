"""What a home's rooms would do if nothing were asked of them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from custom_components.energy_homes.heating.model import HomeMode
from custom_components.energy_homes.heating.netatmo.home_order import (
    HomeOrder,
    HomeOrders,
)
from custom_components.energy_homes.heating.netatmo.outlook import HomeOutlook
from custom_components.energy_homes.heating.netatmo.schedule import Baseline

from .homes import COMFORT, NIGHT, ROOM, control, daily, schedule

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 18, 11, 0, tzinfo=UTC)
"""Noon on the wall: the program asks for 21 °C until 23:00."""

HOUR = timedelta(hours=1)
NIGHTFALL = datetime(2026, 11, 18, 22, 0, tzinfo=UTC)
WINTER = schedule(*daily((0, NIGHT), (360, COMFORT), (1380, NIGHT)))
MILD = schedule(*daily((0, NIGHT)), name="Mild")
AT_HOME = HomeOutlook(
    schedule=WINTER, mode=HomeMode.SCHEDULE, mode_end=None, time_zone=BERLIN
)
AWAY = replace(AT_HOME, mode=HomeMode.AWAY)


def baseline(outlook: HomeOutlook) -> Baseline:
    """Return what a room does from now on."""
    found = outlook.situation(ROOM, control("NRV"), NOW).baseline
    assert found is not None
    return found


def test_a_home_on_its_schedule() -> None:
    """The room does what the schedule asks, in the home's wall time."""
    assert AT_HOME.temperature(ROOM, NOW) == AT_HOME.scheduled(ROOM, NOW) == 21
    assert AT_HOME.temperature(ROOM, NIGHTFALL) == 17
    assert baseline(AT_HOME).first_below(21, NOW) == NIGHTFALL
    assert AT_HOME.mode_at(NOW) is HomeMode.SCHEDULE
    assert AT_HOME.end_at(NOW) is None


def test_a_home_that_is_away() -> None:
    """It holds the schedule's away temperature, and the schedule says what it would do."""
    room = AWAY.situation(ROOM, control("NRV"), NOW)

    assert AWAY.temperature(ROOM, NOW) == 12
    assert AWAY.scheduled(ROOM, NOW) == 21
    assert baseline(AWAY).first_below(12, NOW) is None
    assert baseline(AWAY).first_below(13, NOW) == NOW
    assert (room.away_temperature, room.frost_guard_temperature) == (12, 7)


@pytest.mark.parametrize(("reported", "expected"), [(9, 9), (None, 7), (0, 0)])
def test_a_home_with_frost_guard(reported: float | None, expected: float) -> None:
    """It holds the schedule's frost guard, or the vendor's own."""
    cold = replace(
        AT_HOME,
        mode=HomeMode.FROST_GUARD,
        schedule=replace(WINTER, frost_guard_temperature=reported),
    )

    assert cold.temperature(ROOM, NOW) == expected
    assert replace(cold, schedule=None).temperature(ROOM, NOW) == 7


def test_a_mode_that_ends() -> None:
    """From its end on the room follows the schedule again."""
    until = replace(AWAY, mode_end=NOW + 2 * HOUR)
    evening = replace(AWAY, mode_end=NIGHTFALL + HOUR)

    assert until.mode_at(NOW) is HomeMode.AWAY
    assert until.end_at(NOW) == NOW + 2 * HOUR
    assert until.mode_at(NOW + 2 * HOUR) is HomeMode.SCHEDULE
    assert until.end_at(NOW + 2 * HOUR) is None
    assert until.temperature(ROOM, NOW + 2 * HOUR) == 21
    assert baseline(until).temperature_at(NOW) == 12
    assert baseline(until).temperature_at(NOW + 2 * HOUR) == 21
    assert baseline(until).first_below(12, NOW) is None
    assert baseline(until).first_below(13, NOW) == NOW
    assert baseline(until).first_below(18, NOW + 3 * HOUR) == NIGHTFALL
    # Not above anything while the home is away, above the night after it.
    warm = replace(evening, schedule=replace(WINTER, away_temperature=19))
    assert baseline(warm).first_below(19, NOW) == NIGHTFALL + HOUR


def test_a_mode_that_ends_in_the_unknown() -> None:
    """What the room does afterwards counts as less."""
    blank = replace(WINTER, timetable=())
    until = replace(AWAY, schedule=blank, mode_end=NOW + HOUR)

    assert baseline(until).temperature_at(NOW + HOUR) is None
    assert baseline(until).first_below(12, NOW) == NOW + HOUR


@pytest.mark.parametrize(
    "outlook",
    [
        replace(AT_HOME, schedule=None),
        replace(AT_HOME, schedule=replace(WINTER, timetable=())),
        replace(AT_HOME, mode=None),
        replace(AWAY, schedule=None),
        replace(AWAY, schedule=replace(WINTER, away_temperature=None)),
    ],
)
def test_what_is_not_known(outlook: HomeOutlook) -> None:
    """A room without a program, or of a home whose mode is not reported, has no baseline."""
    assert outlook.situation(ROOM, control("NRV"), NOW).baseline is None
    assert outlook.temperature(ROOM, NOW) is None


def test_without_a_schedule_nothing_is_scheduled() -> None:
    """Nor are there temperatures of modes."""
    room = replace(AT_HOME, schedule=None).situation(ROOM, control("NRV"), NOW)

    assert replace(AT_HOME, schedule=None).scheduled(ROOM, NOW) is None
    assert (room.away_temperature, room.frost_guard_temperature) == (None, None)


# Orders


def test_an_order_shows_at_once_and_goes_back() -> None:
    """What was not accepted was never there."""
    orders = HomeOrders()
    order = HomeOrder(mode=HomeMode.AWAY, until=NOW + HOUR)
    orders.begin(order)

    assert orders.under_way
    assert orders.applied(AT_HOME) == replace(AWAY, mode_end=NOW + HOUR)
    orders.reported(AT_HOME, NOW + HOUR)
    assert orders.applied(AT_HOME).mode is HomeMode.AWAY

    orders.drop(order)
    assert not orders.under_way
    assert orders.applied(AT_HOME) == AT_HOME


def test_an_order_is_over_when_the_vendor_tells_it() -> None:
    """Then the vendor's word counts, whatever it says."""
    orders = HomeOrders()
    order = HomeOrder(mode=HomeMode.SCHEDULE, schedule=MILD)
    orders.begin(order)
    orders.accept(order, NOW)
    orders.drop(order)
    assert not orders.under_way
    assert orders.applied(AWAY) == replace(AT_HOME, schedule=MILD)

    soon = NOW + timedelta(seconds=10)
    orders.reported(replace(AT_HOME, schedule=MILD), NOW)
    assert orders.applied(AWAY).mode is HomeMode.SCHEDULE
    for old in (AWAY, AT_HOME, replace(AT_HOME, schedule=None)):
        orders.reported(old, soon)
        assert orders.applied(AWAY).schedule == MILD
    orders.reported(replace(AT_HOME, schedule=MILD), soon)
    assert orders.applied(AWAY) == AWAY


def test_an_order_for_a_mode_alone() -> None:
    """Told within the minute, it is over."""
    orders = HomeOrders()
    order = HomeOrder(mode=HomeMode.AWAY)
    orders.begin(order)
    orders.accept(order, NOW)
    orders.reported(AWAY, NOW + timedelta(seconds=10))

    assert orders.applied(AT_HOME) == AT_HOME


def test_an_order_without_a_mode() -> None:
    """Another schedule leaves the mode as it is, and is reported by itself."""
    orders = HomeOrders()
    order = HomeOrder(schedule=MILD)
    orders.begin(order)
    assert orders.applied(AWAY) == replace(AWAY, schedule=MILD)

    orders.accept(order, NOW)
    orders.reported(replace(AWAY, schedule=MILD), NOW + timedelta(seconds=10))
    assert orders.applied(AWAY) == AWAY


def test_an_order_is_given_up_after_a_minute() -> None:
    """The vendor had the time to tell it."""
    orders = HomeOrders()
    order = HomeOrder(mode=HomeMode.AWAY)
    orders.begin(order)
    orders.accept(order, NOW)

    orders.reported(AT_HOME, NOW + timedelta(seconds=59))
    assert orders.applied(AT_HOME) == AWAY
    orders.reported(AT_HOME, NOW + timedelta(seconds=60))
    assert orders.applied(AT_HOME) == AT_HOME


def test_the_later_of_two_orders_shows() -> None:
    """In the order in which they were given."""
    orders = HomeOrders()
    away, back = HomeOrder(mode=HomeMode.AWAY), HomeOrder(mode=HomeMode.SCHEDULE)
    orders.begin(away)
    orders.begin(back)

    assert orders.applied(AWAY).mode is HomeMode.SCHEDULE
    orders.drop(back)
    assert orders.applied(AT_HOME).mode is HomeMode.AWAY
    orders.clear()
    assert orders.applied(AT_HOME) == AT_HOME
