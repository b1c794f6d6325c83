"""The circuits of a home that boards measure."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import override

import numpy as np

from simulator import loads
from simulator.boards.plan import ChannelPlan, Load
from simulator.home import SECONDS_PER_DAY, ZONE, Household, Milliwatts, Signal
from simulator.noise import Ints

HEATER_W = 700.0

type Picks = Callable[[loads.Use], bool]


class Steady(Signal):
    """A load that draws the same power all the time."""

    def __init__(self, watts: float) -> None:
        """Take the power."""
        self._milliwatts = round(watts * 1000)
        super().__init__(
            lambda _day: np.full(SECONDS_PER_DAY, self._milliwatts, dtype=np.int64)
        )

    @override
    def watts(self, now_ms: int) -> float:
        """Return the power at an instant."""
        return self._milliwatts / 1000

    @override
    def energy(self, from_ms: int, to_ms: int) -> int:
        """Return milliwatt-seconds used in [from_ms, to_ms)."""
        if to_ms <= from_ms:
            return 0
        before, after = (self._milliwatts * ms // 1000 for ms in (from_ms, to_ms))
        return after - before

    @override
    def energies(self, edges_s: Ints) -> Ints:
        """Return milliwatt-seconds between neighbouring whole seconds."""
        return np.diff(edges_s) * self._milliwatts


def signal_of(plan: ChannelPlan, household: Household, seed: int) -> Signal:
    """Return what the meter of a channel counts; the seed is that of the household."""
    return circuit_of(plan.load, plan.watts, household, seed)


def circuit_of(
    load: Load | None, watts: float, household: Household, seed: int
) -> Signal:
    """Return a load of a household, or one that draws `watts` all the time."""
    match load:
        case Load.HOME:
            return household.grid
        case Load.KITCHEN:
            return Signal(lambda day: _with_fridge(seed, day, _heats))
        case Load.FRIDGE_AND_MICROWAVE:
            return Signal(lambda day: _with_fridge(seed, day, _is_microwave))
        case None:
            return Steady(watts)


def _heats(use: loads.Use) -> bool:
    """Tell whether something heats."""
    return use.watts >= HEATER_W


def _is_microwave(use: loads.Use) -> bool:
    """Tell whether something is the microwave."""
    return use.microwave


def _with_fridge(seed: int, day: int, picks: Picks) -> Milliwatts:
    """Return the fridge and what else is picked, of each second of a UTC day."""
    habits = loads.Habits.of(seed)
    first_s = day * SECONDS_PER_DAY
    watts = loads.fridge(
        habits, np.arange(first_s, first_s + SECONDS_PER_DAY, dtype=np.int64)
    )
    date = datetime.fromtimestamp(first_s, UTC).date()
    for shift in (-1, 0, 1):
        for use in loads.uses_of_day(habits, date + timedelta(days=shift), ZONE):
            if picks(use):
                begin = max(use.start_s - first_s, 0)
                end = max(use.start_s + use.seconds - first_s, 0)
                watts[begin:end] += use.watts
    return np.rint(watts * 1000).astype(np.int64)
