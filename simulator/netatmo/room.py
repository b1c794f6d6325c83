"""A room of a home: its settings, its physics and what its sensor says."""

from bisect import bisect_right
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from simulator.netatmo.plan import HomePlan, RoomPlan, made_number
from simulator.netatmo.settings import MINUTE_MS, HomeSettings, RoomSettings
from simulator.noise import Floats, Ints, mix_seed
from simulator.thermal import law, life
from simulator.thermal.model import RoomModel
from simulator.thermal.trace import Span, Trace
from simulator.thermal.weather import Weather, normal

SAMPLE_MINUTES = 5
NOISE_C = 0.04
FIRST_C = 19.0
AIR_SHARE_OF_SUN = 0.3
KEEP_TRACES = 24
MOST_SHARED_DAYS = 30
MINUTES_PER_DAY = 1440

_pasts: OrderedDict[tuple[int, HomePlan, RoomPlan, int], Trace] = OrderedDict()


@dataclass(frozen=True)
class Touch:
    """Something that somebody does to a room by hand; None lets it go again."""

    at_ms: int
    value: float | None


class Touches:
    """What is done by hand through time."""

    def __init__(self) -> None:
        """Begin with nothing done."""
        self._touches: list[Touch] = []

    def __bool__(self) -> bool:
        """Tell whether anything was done."""
        return bool(self._touches)

    def add(self, at_ms: int, value: float | None) -> None:
        """Do something from an instant on; what was to follow it is forgotten."""
        self._touches = [touch for touch in self._touches if touch.at_ms < at_ms]
        self._touches.append(Touch(at_ms, value))

    def at(self, at_ms: int) -> float | None:
        """Return what holds at an instant."""
        count = bisect_right([touch.at_ms for touch in self._touches], at_ms)
        return self._touches[count - 1].value if count else None

    def cover(self, values: Floats, first: int) -> Floats:
        """Return values of minutes from `first` on, with what was done to them."""
        covered = values.copy()
        for place, touch in enumerate(self._touches):
            begin = max(-(-touch.at_ms // MINUTE_MS) - first, 0)
            end = len(values)
            if place + 1 < len(self._touches):
                following = -(-self._touches[place + 1].at_ms // MINUTE_MS) - first
                end = min(max(following, 0), end)
            if touch.value is not None and begin < end:
                covered[begin:end] = touch.value
        return covered


class Room:
    """A room that lives since long ago, and is computed when it is asked for."""

    def __init__(
        self,
        plan: RoomPlan,
        home: HomeSettings,
        weather: Weather,
        seed: int,
        since_minute: int,
    ) -> None:
        """Make the room that belongs to a seed; its past is shared."""
        self.plan = plan
        self.id = made_number("room", home.plan.name, plan.name)
        self.settings = RoomSettings(plan, home)
        self.window = Touches()
        self.people = Touches()
        self.extra_w = Touches()
        self.reachable = True
        self.anticipating = False
        self._weather = weather
        self._model = RoomModel(plan.shape)
        self._seed = mix_seed(seed, home.plan.name, plan.name)
        self._origin = _origin(since_minute, home.plan.history_days)
        self._key = (seed, home.plan, plan, self._origin)
        self._shared: Trace | None = None
        self._own: Trace | None = None

    def disturb(self, at_ms: int) -> None:
        """Part from the undisturbed past: something is new from an instant on."""
        if self._own is None:
            self._own = self._trace.copy()
        self._own.forget(-(-at_ms // MINUTE_MS))

    def trace(self, minute: int) -> Trace:
        """Return the room's life, computed up to an epoch minute."""
        trace = self._trace
        trace.extend(self, minute)
        return trace

    def span(self, first: int, last: int) -> Span:
        """Return what acts on the room in the epoch minutes [first, last)."""
        minutes = np.arange(first, last, dtype=np.int64)
        wall = life.wall_minutes(self.settings.home.zone, minutes)
        gains_w = life.appliances_w(self._seed, self.plan.shape.floor_m2, minutes)
        people = self.people.cover(life.people(wall), first)
        inside_w = gains_w + people * life.PERSON_W
        inside_w = inside_w + self.extra_w.cover(np.zeros(len(minutes)), first)
        sun_w = self._weather.sun(self._model.facade, minutes) * self._model.sunny_m2
        aired = life.window_open(self._seed, wall).astype(np.float64)
        return Span(
            target_c=self.settings.targets(first, last),
            outdoor_c=self._weather.outdoor(minutes),
            air_w=inside_w + sun_w * AIR_SHARE_OF_SUN,
            wall_w=sun_w * (1 - AIR_SHARE_OF_SUN),
            window=self.window.cover(aired, first) > 0,
        )

    def measured(self, now_ms: int) -> float:
        """Return the newest sample of the sensor."""
        minute = np.array([now_ms // MINUTE_MS], dtype=np.int64)
        return float(self.measurements(minute)[0])

    def measurements(self, minutes: Ints) -> Floats:
        """Return the newest sample of the sensor at each of some epoch minutes."""
        phase = self._seed % SAMPLE_MINUTES
        samples = (minutes - phase) // SAMPLE_MINUTES * SAMPLE_MINUTES + phase
        felt = self.trace(int(minutes[-1])).felt(samples)
        noise = NOISE_C * normal(mix_seed(self._seed, "sensor"), samples)
        return np.round(felt + noise, 1)

    def heat(self, now_ms: int) -> float:
        """Return the heat wanted (0 ... 1) in the newest whole minute."""
        minute = now_ms // MINUTE_MS
        return self.trace(minute).heat_at(minute)

    def window_is_open(self, now_ms: int) -> bool:
        """Tell whether a window is open in the newest whole minute."""
        minute = now_ms // MINUTE_MS
        return self.trace(minute).window_at(minute)

    def truth(self, now_ms: int) -> dict[str, object]:
        """Return what is true of the room at an instant."""
        minute = now_ms // MINUTE_MS
        air, wall, power_w, felt = self.trace(minute).at(minute)
        setpoint = self.settings.at(now_ms)
        return {
            "room_id": self.id,
            "air": round(air, 4),
            "wall": round(wall, 4),
            "felt": round(felt, 4),
            "measured": self.measured(now_ms),
            "setpoint": setpoint.temperature,
            "mode": setpoint.mode,
            "power_request": round(self.heat(now_ms) * 100),
            "emitter_w": round(power_w, 2),
            "window": self.window_is_open(now_ms),
        }

    @property
    def _trace(self) -> Trace:
        """Return the room's own life, or the shared one of an untouched room."""
        if self._own is not None:
            return self._own
        if self._shared is None:
            self._shared = _pasts.pop(self._key, None) or self._begin()
            _pasts[self._key] = self._shared
            if len(_pasts) > KEEP_TRACES:
                _pasts.popitem(last=False)
        return self._shared

    def _begin(self) -> Trace:
        """Return a life that has only begun."""
        first = self.span(self._origin, self._origin + 1)
        state = self._model.steady(FIRST_C, float(first.outdoor_c[0]))
        behaviour = law.valve if self.plan.valve else law.thermostat
        return Trace(self._model, behaviour, self._origin, state)


def _origin(since_minute: int, history_days: int) -> int:
    """Return when a life begins: on a coarse grid, so that pasts can be shared."""
    grid = min(max(history_days, 1), MOST_SHARED_DAYS) * MINUTES_PER_DAY
    return since_minute // grid * grid
