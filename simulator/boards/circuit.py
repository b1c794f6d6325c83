"""The circuits of a home that a board's meters count."""

from datetime import UTC, datetime, timedelta

import numpy as np

from simulator import loads
from simulator.boards.plan import ChannelPlan, Load
from simulator.home import SECONDS_PER_DAY, ZONE, Household, Milliwatts, Signal

HEATER_W = 700.0


def signal_of(plan: ChannelPlan, household: Household, seed: int) -> Signal:
    """Return what the meter of a channel counts; the seed is that of the household."""
    if plan.load is Load.HOME:
        return household.grid
    if plan.load is Load.KITCHEN:
        return Signal(lambda day: _kitchen(seed, day))
    milliwatts = np.full(SECONDS_PER_DAY, round(plan.watts * 1000), dtype=np.int64)
    return Signal(lambda _day: milliwatts)


def _kitchen(seed: int, day: int) -> Milliwatts:
    """Return the fridge and whatever heats, of each second of a UTC day."""
    habits = loads.Habits.of(seed)
    first_s = day * SECONDS_PER_DAY
    watts = loads.fridge(
        habits, np.arange(first_s, first_s + SECONDS_PER_DAY, dtype=np.int64)
    )
    date = datetime.fromtimestamp(first_s, UTC).date()
    for shift in (-1, 0, 1):
        for use in loads.uses_of_day(habits, date + timedelta(days=shift), ZONE):
            if use.watts >= HEATER_W:
                begin = max(use.start_s - first_s, 0)
                end = max(use.start_s + use.seconds - first_s, 0)
                watts[begin:end] += use.watts
    return np.rint(watts * 1000).astype(np.int64)
