"""What a home and its rooms are set to, at any instant, and since when."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np

from simulator.netatmo.plan import (
    COMFORT,
    ECO,
    NIGHT,
    HomePlan,
    Mode,
    RoomPlan,
    WeekPlan,
)
from simulator.noise import Floats, Ints
from simulator.thermal.life import EPOCH_WEEKDAY, wall_minutes

MINUTE_MS = 60_000
MINUTES_PER_WEEK = 7 * 1440
FOREVER_S = 2_147_483_647
MAX_C = 30.0
ALWAYS_C = 99.0
NEVER_C = -99.0


@dataclass(frozen=True)
class HomeMode:
    """A mode of the home from an instant on; it voids what rooms had."""

    at_ms: int
    mode: Mode
    end_s: int | None = None

    def holds(self, at_ms: int) -> bool:
        """Tell whether the mode is in force at an instant after it began."""
        return self.end_s is None or at_ms < self.end_s * 1000


@dataclass(frozen=True)
class WeekChoice:
    """A schedule that is selected from an instant on."""

    at_ms: int
    week: int


@dataclass(frozen=True)
class RoomOrder:
    """A setpoint of one room from an instant on."""

    at_ms: int
    mode: Mode
    temperature: float = 0.0
    end_s: int | None = None

    def holds(self, at_ms: int) -> bool:
        """Tell whether the order is in force at an instant after it came."""
        if self.mode in {Mode.HOME, Mode.SCHEDULE}:
            return False
        return self.end_s is None or at_ms < self.end_s * 1000


@dataclass(frozen=True)
class Setpoint:
    """What a room is set to."""

    mode: Mode
    temperature: float
    start_s: int = 0
    end_s: int = 0


class HomeSettings:
    """The home's modes and schedules through time."""

    def __init__(self, plan: HomePlan) -> None:
        """Begin on the first heating schedule."""
        self.plan = plan
        self.zone = ZoneInfo(plan.timezone)
        self.modes: list[HomeMode] = []
        self.choices: list[WeekChoice] = []

    def mode(self, at_ms: int) -> HomeMode:
        """Return the mode in force at an instant."""
        newest = newest_before(self.modes, at_ms)
        if newest is None:
            return HomeMode(0, Mode.SCHEDULE)
        if newest.holds(at_ms):
            return newest
        return HomeMode((newest.end_s or 0) * 1000, Mode.SCHEDULE)

    def week(self, at_ms: int) -> WeekPlan:
        """Return the schedule that is selected at an instant."""
        newest = newest_before(self.choices, at_ms)
        return self.plan.weeks[0 if newest is None else newest.week]

    def events(self) -> Iterable[int]:
        """Yield the instants at which something of the home changes."""
        for mode in self.modes:
            yield mode.at_ms
            if mode.end_s is not None:
                yield mode.end_s * 1000
        for choice in self.choices:
            yield choice.at_ms


class RoomSettings:
    """The setpoint of a room through time."""

    def __init__(self, plan: RoomPlan, home: HomeSettings) -> None:
        """Begin without an order of its own."""
        self.plan = plan
        self.home = home
        self.orders: list[RoomOrder] = []

    def at(self, at_ms: int) -> Setpoint:
        """Return what is in force at an instant."""
        mode = self.home.mode(at_ms)
        order = newest_before(self.orders, at_ms)
        reset = newest_before(self.home.modes, at_ms)
        if reset is not None and order is not None and order.at_ms < reset.at_ms:
            order = None
        if order is not None and order.holds(at_ms):
            return Setpoint(
                order.mode,
                self._ordered(order, at_ms),
                order.at_ms // 1000,
                0 if order.end_s is None else order.end_s,
            )
        start_s = mode.at_ms // 1000
        end_s = 0 if mode.end_s is None else mode.end_s
        week = self.home.week(at_ms)
        match mode.mode:
            case Mode.AWAY:
                return Setpoint(mode.mode, week.away_c, start_s, end_s)
            case Mode.FROST:
                return Setpoint(mode.mode, week.frost_c, start_s, end_s)
        minutes = np.array([at_ms // MINUTE_MS], dtype=np.int64)
        scheduled = float(self._scheduled(week, minutes)[0])
        return Setpoint(Mode.SCHEDULE, scheduled, start_s)

    def targets(self, first: int, last: int) -> Floats:
        """Return what the room is driven to in the epoch minutes [first, last).

        A room that is off is driven to a temperature that it never has, one
        that is at its maximum likewise.
        """
        minutes = np.arange(first, last, dtype=np.int64)
        targets = np.empty(len(minutes))
        events = {-(-event // MINUTE_MS) for event in self._events()}
        edges = [first, *sorted(e for e in events if first < e < last), last]
        for begin, end in pairwise(edges):
            piece = slice(begin - first, end - first)
            setpoint = self.at(begin * MINUTE_MS)
            match setpoint.mode:
                case Mode.SCHEDULE:
                    week = self.home.week(begin * MINUTE_MS)
                    targets[piece] = self._scheduled(week, minutes[piece])
                case Mode.MAX:
                    targets[piece] = ALWAYS_C
                case Mode.OFF:
                    targets[piece] = NEVER_C
                case _:
                    targets[piece] = setpoint.temperature
        return targets

    def shown(self, targets: Floats) -> Floats:
        """Return targets as the vendor shows them."""
        frost = self.home.plan.weeks[0].frost_c
        shown = np.where(targets == ALWAYS_C, MAX_C, targets)
        return np.where(shown == NEVER_C, frost, shown)

    def _ordered(self, order: RoomOrder, at_ms: int) -> float:
        """Return the temperature of an order."""
        week = self.home.week(at_ms)
        match order.mode:
            case Mode.MAX:
                return MAX_C
            case Mode.OFF | Mode.FROST:
                return week.frost_c
            case Mode.AWAY:
                return week.away_c
        return order.temperature

    def _scheduled(self, week: WeekPlan, minutes: Ints) -> Floats:
        """Return the schedule's temperatures of epoch minutes."""
        wall = wall_minutes(self.home.zone, minutes)
        since_monday = (wall + EPOCH_WEEKDAY * 1440) % MINUTES_PER_WEEK
        offsets = np.array([offset for offset, _ in week.timetable])
        zones = np.array(
            [zone_temperature(self.plan, zone) for _, zone in week.timetable]
        )
        return np.asarray(zones[np.searchsorted(offsets, since_monday, "right") - 1])

    def _events(self) -> Iterable[int]:
        """Yield the instants at which the room's setpoint may change."""
        yield from self.home.events()
        for order in self.orders:
            yield order.at_ms
            if order.end_s is not None:
                yield order.end_s * 1000


def zone_temperature(plan: RoomPlan, zone: int) -> float:
    """Return a room's temperature in a zone of the schedule."""
    return {COMFORT: plan.comfort, NIGHT: plan.night, ECO: plan.eco}[zone]


def newest_before[T: (HomeMode, WeekChoice, RoomOrder)](
    events: list[T], at_ms: int
) -> T | None:
    """Return the last event that has happened by an instant."""
    count = bisect_right([event.at_ms for event in events], at_ms)
    return events[count - 1] if count else None
