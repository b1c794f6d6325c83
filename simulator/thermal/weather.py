"""Weather by formula: outside temperature and sun, a pure function of time.

The formula was fitted to a winter of measurements; it needs no data file.
"""

from enum import StrEnum

import numpy as np

from simulator.noise import Floats, Ints, mix_seed, uniform

MINUTES_PER_DAY = 1440
DAYS_PER_YEAR = 365.2425
MEMORY_DAYS = 60
MEAN_C = 10.84
SEASON_C = 7.64
COLDEST_DAY = 16
SPREAD_C = 3.4
SPREAD_MEMORY = 0.7
CLEARNESS_MEMORY = 0.5
WARMEST_MINUTE = 14.5 * 60
SUN_TOP_MINUTE = 12.6 * 60
NOON_MINUTE = MINUTES_PER_DAY / 2


class Facade(StrEnum):
    """Where a room's windows look."""

    SOUTH = "south"
    EAST = "east"
    WEST = "west"
    NORTH = "north"


SUN_CLEAR_W = {
    Facade.SOUTH: 620.0,
    Facade.EAST: 250.0,
    Facade.WEST: 250.0,
    Facade.NORTH: 0.0,
}
SUN_ANYWAY_W = {
    Facade.SOUTH: 60.0,
    Facade.EAST: 45.0,
    Facade.WEST: 45.0,
    Facade.NORTH: 40.0,
}


class Weather:
    """The weather that belongs to a seed; minutes are epoch minutes, UTC."""

    def __init__(self, seed: int) -> None:
        """Take the seed."""
        self._spread_seed = mix_seed(seed, "temperature")
        self._clearness_seed = mix_seed(seed, "clearness")

    def outdoor(self, minutes: Ints) -> Floats:
        """Return the outside temperature in °C."""
        days = _days(minutes)
        noons = days * MINUTES_PER_DAY + NOON_MINUTE
        mean = np.interp(minutes, noons, self._daily_mean(days))
        swing = np.interp(minutes, noons, 0.8 + 3.2 * self._clearness(days))
        turn = 2 * np.pi * (minutes % MINUTES_PER_DAY - WARMEST_MINUTE)
        return np.asarray(mean + swing * np.cos(turn / MINUTES_PER_DAY))

    def sun(self, facade: Facade, minutes: Ints) -> Floats:
        """Return the sun on a façade in W/m²."""
        days = _days(minutes)
        clearness = self._clearness(days)[minutes // MINUTES_PER_DAY - days[0]]
        season = _year_angle(minutes // MINUTES_PER_DAY, -10)
        half_day = (6.1 - 1.9 * np.cos(season)) * 60
        away = (minutes % MINUTES_PER_DAY - SUN_TOP_MINUTE) / half_day
        shape = np.where(np.abs(away) < 1, np.cos(away * np.pi / 2), 0.0)
        return np.asarray(
            shape * (SUN_CLEAR_W[facade] * clearness + SUN_ANYWAY_W[facade])
        )

    def _daily_mean(self, days: Ints) -> Floats:
        """Return the mean outside temperature of days."""
        season = MEAN_C - SEASON_C * np.cos(_year_angle(days, COLDEST_DAY))
        return season + SPREAD_C * _wandering(self._spread_seed, days, SPREAD_MEMORY)

    def _clearness(self, days: Ints) -> Floats:
        """Return how clear the sky of days is, 0 ... 1."""
        wandering = _wandering(self._clearness_seed, days, CLEARNESS_MEMORY)
        return np.asarray(1 / (1 + np.exp(0.6 - 1.6 * wandering)))


def normal(seed: int, index: Ints) -> Floats:
    """Return a normally distributed number for each index."""
    radius = np.sqrt(-2 * np.log1p(-uniform(mix_seed(seed, "radius"), index)))
    turn = 2 * np.pi * uniform(mix_seed(seed, "angle"), index)
    return np.asarray(radius * np.cos(turn))


def _wandering(seed: int, days: Ints, memory: float) -> Floats:
    """Return an autoregressive series of variance 1, whatever day it begins with."""
    first = int(days[0]) - MEMORY_DAYS
    steps = normal(seed, np.arange(first, int(days[-1]) + 1, dtype=np.int64))
    weights = memory ** np.arange(MEMORY_DAYS + 1) * np.sqrt(1 - memory**2)
    return np.asarray(np.convolve(steps, weights, "valid"))


def _days(minutes: Ints) -> Ints:
    """Return the days of the minutes and one more on either side."""
    first = int(minutes[0]) // MINUTES_PER_DAY - 1
    last = int(minutes[-1]) // MINUTES_PER_DAY + 1
    return np.arange(first, last + 1, dtype=np.int64)


def _year_angle(days: Ints, zero_day: float) -> Floats:
    """Return how far the year has turned since its `zero_day`, in radians.

    Epoch day 0 is the first of January.
    """
    turned = (days + 1 - zero_day) % DAYS_PER_YEAR
    return np.asarray(2 * np.pi * turned / DAYS_PER_YEAR, dtype=np.float64)
