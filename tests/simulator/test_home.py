"""Homes that behave like homes."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given, settings, strategies as st
import numpy as np
import pytest

from simulator import loads, solar
from simulator.home import SECONDS_PER_DAY, Household, Signal, kwh
from tests.simulator_client import to_ms

WINTER = datetime(2026, 1, 14, tzinfo=UTC)
SUMMER = datetime(2026, 7, 15, tzinfo=UTC)
DAY = timedelta(days=1)
LONDON = ZoneInfo("Europe/London")

instants = st.integers(to_ms(WINTER), to_ms(WINTER + 3 * DAY))


@pytest.fixture(scope="module")
def household() -> Household:
    """Return a home with panels."""
    return Household(7, solar_peak_w=3600)


def mean_w(signal: Signal, begin: datetime, hours: float) -> float:
    """Return the mean power from an instant on."""
    end = begin + timedelta(hours=hours)
    return kwh(signal.energy(to_ms(begin), to_ms(end))) * 1000 / hours


@settings(deadline=None)
@given(edges=st.lists(instants, min_size=3, max_size=3).map(sorted))
def test_energy_adds_up(household: Household, edges: list[int]) -> None:
    """Energy of two neighbouring windows is that of both together."""
    begin, middle, end = edges
    signal = household.grid
    parts = signal.energy(begin, middle) + signal.energy(middle, end)
    assert parts == signal.energy(begin, end)


@settings(deadline=None)
@given(edges=st.lists(instants, min_size=2, max_size=20, unique=True).map(sorted))
def test_energies_are_energy(household: Household, edges: list[int]) -> None:
    """The quick way for many windows says the same as one at a time."""
    seconds = np.array(edges, dtype=np.int64) // 1000
    windows = pairwise(seconds)
    assert household.grid.energies(seconds).tolist() == [
        household.grid.energy(int(begin) * 1000, int(end) * 1000)
        for begin, end in windows
    ]


def test_energy_is_power_over_time(household: Household) -> None:
    """Energy is the integral of what power says each second."""
    begin = to_ms(WINTER) + 9 * 3_600_000
    stamps = range(begin, begin + 600_000, 1000)
    watt_seconds = sum(household.grid.watts(stamp) for stamp in stamps)
    assert household.grid.energy(begin, begin + 600_000) == pytest.approx(
        watt_seconds * 1000
    )


def test_cache_is_no_part_of_the_truth() -> None:
    """A signal that forgets days says the same as one that keeps them."""
    short = Household(7).grid
    short._keep_days = 1
    long = Household(7).grid
    begin, end = to_ms(WINTER), to_ms(WINTER + 5 * DAY)
    assert short.energy(begin, end) == long.energy(begin, end)
    assert short.energy(begin, begin + 5000) == long.energy(begin, begin + 5000)
    assert len(short._days) == 1


@pytest.mark.parametrize("seed", range(1, 9))
def test_day_of_a_home(seed: int) -> None:
    """Evenings are busier than nights, and a day's use is that of a home."""
    grid = Household(seed).grid
    weeks = [WINTER + day * DAY for day in range(7)]
    night = sum(mean_w(grid, day + timedelta(hours=2), 3) for day in weeks)
    evening = sum(mean_w(grid, day + timedelta(hours=18), 3) for day in weeks)
    assert evening > 2 * night
    assert 3 < sum(mean_w(grid, day, 24) for day in weeks) / 7 * 24 / 1000 < 20


def test_clock_change_moves_the_evening() -> None:
    """People live by wall time: their events move with the clocks."""
    habits = loads.Habits.of(3)
    hours = {
        datetime.fromtimestamp(use.start_s, LONDON).hour
        for date in (WINTER, SUMMER)
        for use in loads.uses_of_day(habits, date.date(), LONDON)
    }
    assert min(hours) >= 6


def test_weekend_differs() -> None:
    """Nobody washes on a Wednesday, and on Saturdays people sleep longer."""
    habits = loads.Habits.of(3)
    wednesday = list(loads.uses_of_day(habits, WINTER.date(), LONDON))
    saturday = list(loads.uses_of_day(habits, (WINTER + 3 * DAY).date(), LONDON))
    first = [min(use.start_s for use in uses) for uses in (wednesday, saturday)]
    assert first[0] % SECONDS_PER_DAY + 1800 < first[1] % SECONDS_PER_DAY


def test_fridge() -> None:
    """A fridge idles, starts with a surge and cools."""
    seconds = np.arange(to_ms(WINTER) // 1000, to_ms(WINTER + DAY) // 1000)
    watts = loads.fridge(loads.Habits.of(1), seconds)
    levels, counts = np.unique(watts, return_counts=True)
    assert levels.tolist() == [20.0, 160.0, 840.0]
    assert counts[0] > counts[1] > counts[2]


def test_sun(household: Household) -> None:
    """Panels make nothing at night, much at noon, and more in summer."""
    sun = household.generation
    assert mean_w(sun, WINTER, 7) == 0
    assert mean_w(sun, WINTER + timedelta(hours=18), 6) == 0
    winter = sum(mean_w(sun, WINTER + day * DAY, 24) for day in range(7))
    summer = sum(mean_w(sun, SUMMER + day * DAY, 24) for day in range(7))
    assert 0 < winter * 3 < summer
    assert summer / 7 < 3600 / 2


@pytest.mark.parametrize(("date", "hours"), [(WINTER, 8.2), (SUMMER, 16.2)])
def test_day_length(date: datetime, hours: float) -> None:
    """The sun is up as long as it is over London."""
    seconds = np.arange(to_ms(date) // 1000, to_ms(date + DAY) // 1000)
    up = np.count_nonzero(solar.sun_height(seconds) > 0) / 3600
    assert up == pytest.approx(hours, abs=0.4)


def test_panels_lower_the_import(household: Household) -> None:
    """The grid meter sees what the panels do not cover, never less than zero."""
    bare = Household(7).grid
    noon = SUMMER + timedelta(hours=11)
    assert mean_w(household.grid, noon, 2) < mean_w(bare, noon, 2)
    assert mean_w(household.grid, SUMMER, 3) == mean_w(bare, SUMMER, 3)
    stamps = range(to_ms(noon), to_ms(noon) + 600_000, 1000)
    assert min(household.grid.watts(stamp) for stamp in stamps) >= 0
