"""A home: its true power, exactly integrable at any instant."""

from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from simulator import loads, solar
from simulator.noise import Floats, Ints, mix_seed

SECONDS_PER_DAY = 86_400
MILLIWATT_SECONDS_PER_KWH = 3_600_000_000
ZONE = ZoneInfo("Europe/London")

type Milliwatts = npt.NDArray[np.int64]
type Render = Callable[[int], Milliwatts]


class Signal:
    """True power, constant within each second, with its running integral.

    Days are rendered when they are asked for and kept in a bounded cache;
    their totals are kept for good, so that long windows stay cheap.
    """

    def __init__(self, render: Render, keep_days: int = 24) -> None:
        """Take what renders the milliwatts of each second of a UTC day."""
        self._render = render
        self._keep_days = keep_days
        self._days: OrderedDict[int, Ints] = OrderedDict()
        self._totals: dict[int, int] = {}

    def watts(self, now_ms: int) -> float:
        """Return the power at an instant."""
        second = now_ms // 1000
        day, into = divmod(second, SECONDS_PER_DAY)
        running = self._running(day)
        return int(running[into + 1] - running[into]) / 1000

    def energy(self, from_ms: int, to_ms: int) -> int:
        """Return milliwatt-seconds used in [from_ms, to_ms)."""
        if to_ms <= from_ms:
            return 0
        return self._up_to(to_ms, from_ms // 1000 // SECONDS_PER_DAY) - self._up_to(
            from_ms, from_ms // 1000 // SECONDS_PER_DAY
        )

    def energies(self, edges_s: Ints) -> Ints:
        """Return milliwatt-seconds between neighbouring whole seconds."""
        days = edges_s // SECONDS_PER_DAY
        running = np.empty(len(edges_s), dtype=np.int64)
        before = 0
        previous: int | None = None
        for day in sorted({int(day) for day in days}):
            if previous is not None:
                before += sum(self._total(d) for d in range(previous, day))
            chosen = days == day
            into = edges_s[chosen] - day * SECONDS_PER_DAY
            running[chosen] = before + self._running(day)[into]
            previous = day
        return np.diff(running)

    def _up_to(self, at_ms: int, since_day: int) -> int:
        """Return milliwatt-seconds from the start of a day to an instant."""
        second, part_ms = divmod(at_ms, 1000)
        day, into = divmod(second, SECONDS_PER_DAY)
        running = self._running(day)
        whole = int(running[into])
        part = int(running[into + 1] - running[into]) * part_ms // 1000
        return sum(self._total(d) for d in range(since_day, day)) + whole + part

    def _total(self, day: int) -> int:
        """Return milliwatt-seconds of a whole UTC day."""
        if (total := self._totals.get(day)) is None:
            total = self._totals[day] = int(self._running(day)[-1])
        return total

    def _running(self, day: int) -> Ints:
        """Return the running integral of a UTC day, one more than its seconds."""
        if (running := self._days.get(day)) is not None:
            self._days.move_to_end(day)
            return running
        running = np.zeros(SECONDS_PER_DAY + 1, dtype=np.int64)
        np.cumsum(self._render(day), out=running[1:])
        self._days[day] = running
        if len(self._days) > self._keep_days:
            self._days.popitem(last=False)
        return running


class Household:
    """What people, appliances and panels of one home do to its meters."""

    def __init__(self, seed: int, solar_peak_w: float = 0.0) -> None:
        """Make the home that belongs to a seed."""
        self._habits = loads.Habits.of(seed)
        self._solar_seed = mix_seed(seed, "solar")
        self._solar_peak_w = solar_peak_w
        self.grid = Signal(self._render_grid)
        self.generation = Signal(self._render_generation)

    def _render_grid(self, day: int) -> Milliwatts:
        """Return what comes from the grid: the load that panels do not cover."""
        watts = self._load(day)
        if self._solar_peak_w > 0:
            watts = np.clip(watts - self._produced(day), 0, None)
        return _milliwatts(watts)

    def _render_generation(self, day: int) -> Milliwatts:
        """Return what the panels make."""
        return _milliwatts(self._produced(day))

    def _produced(self, day: int) -> Floats:
        """Return the panels' watts of each second of a UTC day."""
        return solar.production(self._solar_seed, self._solar_peak_w, _seconds(day))

    def _load(self, day: int) -> Floats:
        """Return the appliances' watts of each second of a UTC day."""
        seconds = _seconds(day)
        watts = loads.base_load(self._habits, seconds)
        watts += loads.fridge(self._habits, seconds)
        first_s = day * SECONDS_PER_DAY
        date = datetime.fromtimestamp(first_s, UTC).date()
        for shift in (-1, 0, 1):
            for use in loads.uses_of_day(
                self._habits, date + timedelta(days=shift), ZONE
            ):
                begin = max(use.start_s - first_s, 0)
                end = max(use.start_s + use.seconds - first_s, 0)
                watts[begin:end] += use.watts
        return watts


def _seconds(day: int) -> Ints:
    """Return the epoch seconds of a UTC day."""
    first = day * SECONDS_PER_DAY
    return np.arange(first, first + SECONDS_PER_DAY, dtype=np.int64)


def _milliwatts(watts: Floats) -> Milliwatts:
    """Return whole milliwatts, so that integrals are exact."""
    return np.rint(watts * 1000).astype(np.int64)


def kwh(milliwatt_seconds: int) -> float:
    """Return kWh of an exact energy."""
    return milliwatt_seconds / MILLIWATT_SECONDS_PER_KWH
