"""Appliances: what a household switches on, and when."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

import numpy as np

from simulator.noise import Floats, Ints, mix_seed, smooth, uniform

NOISE_FLOOR_W = 5.5
FRIDGE_IDLE_W = 20.0
FRIDGE_COOLING_W = 160.0
FRIDGE_SURGE_W = 840.0
FRIDGE_SURGE_S = 20
KETTLE_W = 2800.0
MICROWAVE_W = (700.0, 1200.0, 2000.0)
SATURDAY = 5

type At = Callable[[float], int]


@dataclass(frozen=True)
class Habits:
    """How big a household is and how it lives."""

    seed: int
    size: float
    standby_w: float
    fridge_cycle_s: int
    kettles: int
    lights_w: float
    tv_w: float

    @classmethod
    def of(cls, seed: int) -> Habits:
        """Return the habits that belong to a seed."""
        dice = Random(mix_seed(seed, "habits"))
        size = dice.uniform(0.7, 1.5)
        return cls(
            seed=seed,
            size=size,
            standby_w=dice.uniform(45, 90) * size,
            fridge_cycle_s=dice.randrange(2400, 3600),
            kettles=dice.randrange(3, 7),
            lights_w=dice.uniform(80, 180) * size,
            tv_w=dice.uniform(70, 160),
        )


@dataclass(frozen=True)
class Use:
    """One appliance drawing constant power for a while."""

    start_s: int
    seconds: int
    watts: float
    microwave: bool = False


def base_load(habits: Habits, seconds: Ints) -> Floats:
    """Return what is always on: noise floor, standby and its slow wandering."""
    wander = smooth(mix_seed(habits.seed, "wander"), seconds, 900)
    flicker = uniform(mix_seed(habits.seed, "flicker"), seconds // 7)
    return NOISE_FLOOR_W + habits.standby_w * (0.85 + 0.3 * wander) + 4.0 * flicker


def fridge(habits: Habits, seconds: Ints) -> Floats:
    """Return the fridge: idle, and once per cycle cooling after a surge."""
    cycle = seconds // habits.fridge_cycle_s
    into = seconds - cycle * habits.fridge_cycle_s
    begin = uniform(mix_seed(habits.seed, "fridge"), cycle) * 600
    cooling_s = 700 + uniform(mix_seed(habits.seed, "cooling"), cycle) * 500
    since = into - begin
    cooling = (since >= 0) & (since < cooling_s)
    surge = cooling & (since < FRIDGE_SURGE_S)
    return np.where(
        surge, FRIDGE_SURGE_W, np.where(cooling, FRIDGE_COOLING_W, FRIDGE_IDLE_W)
    )


def uses_of_day(habits: Habits, day: date, zone: ZoneInfo) -> Iterator[Use]:
    """Yield what is used on a day of the home's local calendar."""
    dice = Random(mix_seed(habits.seed, "day", day.isoformat()))
    weekend = day.weekday() >= SATURDAY
    midnight = datetime.combine(day, time(), zone)

    def at(hour: float) -> int:
        """Return the epoch second of a local hour of the day."""
        return int((midnight + timedelta(hours=hour)).timestamp())

    wake = dice.uniform(8.0, 9.3) if weekend else dice.uniform(6.3, 7.3)
    home = 12.0 if weekend else dice.uniform(16.5, 18.0)
    bed = dice.uniform(22.3, 23.8)

    yield from _kettle(habits, dice, at, wake, home, bed)
    yield from _hob(dice, at(wake + 0.2), minutes=dice.randrange(6, 14))
    yield from _hob(
        dice,
        at(dice.uniform(17.6, 19.4)),
        minutes=int(dice.randrange(25, 55) * habits.size),
    )
    for _ in range(dice.randrange(1, 4)):
        hour = dice.choice((wake + 0.4, 12.6, 18.2, 20.5)) + dice.uniform(0, 0.5)
        yield Use(at(hour), dice.randrange(60, 420), dice.choice(MICROWAVE_W), True)
    yield Use(at(wake - 0.1), int(dice.uniform(0.8, 1.6) * 3600), habits.lights_w * 0.5)
    dusk = max(home, 16.2)
    yield Use(at(dusk), int((bed - dusk) * 3600), habits.lights_w)
    evening = dice.uniform(18.8, 20.0)
    yield Use(at(evening), int((bed - evening) * 3600), habits.tv_w)
    if weekend:
        yield Use(at(dice.uniform(10, 12)), dice.randrange(3600, 9000), habits.tv_w)
        yield from _washing(dice, at(dice.uniform(10, 14)))


def _kettle(
    habits: Habits, dice: Random, at: At, wake: float, home: float, bed: float
) -> Iterator[Use]:
    """Yield the day's kettles, most of them after waking and coming home."""
    hours = [wake + 0.1, home + 0.2]
    hours += [dice.uniform(home, bed) for _ in range(habits.kettles - 2)]
    for hour in hours:
        yield Use(at(hour), dice.randrange(90, 240), KETTLE_W)


def _hob(dice: Random, start_s: int, minutes: int) -> Iterator[Use]:
    """Yield a hob whose thermostat switches it on and off."""
    begin = start_s
    while begin < start_s + minutes * 60:
        on_s = dice.randrange(20, 70)
        yield Use(begin, on_s, 1800.0)
        begin += on_s + dice.randrange(15, 60)


def _washing(dice: Random, start_s: int) -> Iterator[Use]:
    """Yield a wash: heating first, then the drum."""
    heating_s = dice.randrange(600, 1200)
    yield Use(start_s, heating_s, 2000.0)
    yield Use(start_s + heating_s, dice.randrange(1800, 3600), 220.0)
