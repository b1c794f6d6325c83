"""Rooms obey physics: balance, steady states, warm-up times, and no surprises."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import given, settings, strategies as st
import numpy as np
import numpy.typing as npt
import pytest

from simulator.noise import Floats, Ints
from simulator.thermal import law
from simulator.thermal.law import Law
from simulator.thermal.model import RoomModel, RoomShape
from simulator.thermal.trace import Span, Trace
from simulator.thermal.weather import MINUTES_PER_DAY, Facade, Weather

DAY = MINUTES_PER_DAY
LIGHT = RoomModel(RoomShape())
HEAVY = RoomModel(RoomShape(heavy=True))
COLD_C = 3.0

type Course = Callable[[Ints], npt.NDArray[Any]]


def always(value: float) -> Course:
    """Return a course that never changes."""
    return lambda minutes: np.full(len(minutes), value)


COLD = always(COLD_C)
NOTHING = always(0.0)


@dataclass
class Day:
    """What acts on a room, given as courses of epoch minutes."""

    target: Course
    outdoor: Course
    gains: Course
    window: Course

    def span(self, first: int, last: int) -> Span:
        """Return what acts in [first, last)."""
        minutes = np.arange(first, last, dtype=np.int64)
        return Span(
            target_c=np.asarray(self.target(minutes), dtype=np.float64),
            outdoor_c=np.asarray(self.outdoor(minutes), dtype=np.float64),
            air_w=np.asarray(self.gains(minutes), dtype=np.float64),
            wall_w=np.zeros(len(minutes)),
            window=np.asarray(self.window(minutes)) > 0,
        )


def day(
    target: Course,
    outdoor: Course = COLD,
    gains: Course = NOTHING,
    window: Course = NOTHING,
) -> Day:
    """Return inputs: cold outside and nothing else, where nothing is said."""
    return Day(target, outdoor, gains, window)


def life(
    model: RoomModel, inputs: Day, minutes: int, behaviour: Law = law.valve
) -> Trace:
    """Return the life of a room that has been at 21 °C for ever."""
    trace = Trace(model, behaviour, 0, model.steady(21, COLD_C))
    trace.extend(inputs, minutes)
    return trace


def setback(minutes: Ints) -> Floats:
    """Return 21 °C with 15 °C in nine hours of a night."""
    night = (minutes >= 600) & (minutes < 600 + 540)
    return np.where(night, 15.0, 21.0)


@pytest.mark.parametrize("model", [LIGHT, HEAVY])
def test_steady_heat_is_what_is_lost(model: RoomModel) -> None:
    """In the end a constant heat holds the temperature that loses as much."""
    heat = 0.4
    trace = Trace(model, lambda *_: heat, 0, model.steady(15, COLD_C))
    trace.extend(day(always(0)), 60 * DAY)
    air, wall, emitter_w, felt = trace.at(60 * DAY)
    assert emitter_w == pytest.approx(heat * model.power_w)
    assert model.loss_w(air, COLD_C) == pytest.approx(emitter_w, rel=1e-6)
    assert felt == pytest.approx(air)
    assert model.coupling_w_per_k * (air - wall) == pytest.approx(
        model.opaque_w_per_k * (wall - COLD_C), rel=1e-6
    )


def test_energy_balance() -> None:
    """What was heated, gained and lost is what the masses have more."""
    outdoor = Weather(3).outdoor
    inputs = day(setback, outdoor=outdoor, gains=lambda m: 200.0 * (m % 240 < 90))
    trace = life(LIGHT, inputs, 2 * DAY)
    first, last = 0, 2 * DAY
    minutes = np.arange(first, last, dtype=np.int64)
    states = np.array([trace.at(minute) for minute in range(first, last + 1)])
    middle = (states[1:] + states[:-1]) / 2
    out = inputs.span(first, last)
    lost_w = LIGHT.airy_w_per_k * (middle[:, 0] - out.outdoor_c)
    lost_w += LIGHT.opaque_w_per_k * (middle[:, 1] - out.outdoor_c)
    heat_j = trace.heat(first, last).sum() * LIGHT.power_w * 60
    gains_j = out.air_w.sum() * 60
    stored_j = (
        LIGHT.air_j_per_k * (states[-1, 0] - states[0, 0])
        + LIGHT.wall_j_per_k * (states[-1, 1] - states[0, 1])
        + LIGHT.emitter_lag_s * (states[-1, 2] - states[0, 2])
    )
    assert len(minutes) == len(lost_w)
    assert heat_j > 1e6
    assert stored_j == pytest.approx(
        heat_j + gains_j - lost_w.sum() * 60, abs=heat_j * 1e-4
    )


def test_steps_are_exact() -> None:
    """The steps agree with a fine integration of the equations."""
    trace = life(LIGHT, day(setback), 700)
    air, wall, power, felt = trace.at(600)
    step_s = 0.5
    for second in range(int(100 * 60 / step_s)):
        heat = trace.heat(600, 700)[int(second * step_s // 60)]
        through = LIGHT.coupling_w_per_k * (wall - air)
        air_w = through + LIGHT.airy_w_per_k * (COLD_C - air) + power
        wall_w = -through + LIGHT.opaque_w_per_k * (COLD_C - wall)
        felt += step_s * (air - felt) / 300
        air += step_s * air_w / LIGHT.air_j_per_k
        wall += step_s * wall_w / LIGHT.wall_j_per_k
        power += step_s * (heat * LIGHT.power_w - power) / LIGHT.emitter_lag_s
    assert (air, wall, felt) == pytest.approx(
        [trace.at(700)[place] for place in (0, 1, 3)], abs=2e-3
    )


@pytest.mark.parametrize(("model", "slowest"), [(LIGHT, 40), (HEAVY, 40)])
def test_warm_up_takes_half_an_hour_per_degree(
    model: RoomModel, slowest: float
) -> None:
    """After nine hours of setback at 3 °C outside: about 30 min/K."""
    trace = life(model, day(setback), 2 * DAY)
    felt = trace.felt(np.arange(2 * DAY, dtype=np.int64))
    begin = 600 + 540
    warm = int(np.flatnonzero(felt[begin:] >= 20.7)[0])
    rate = warm / (20.7 - felt[begin])
    assert 20 <= rate <= slowest
    assert 15 <= felt[begin] < 18


def test_heavy_rooms_cool_slower() -> None:
    """Mass holds warmth through the night."""
    light, heavy = (life(m, day(setback), DAY).at(1140)[0] for m in (LIGHT, HEAVY))
    assert heavy - light > 0.5


def test_a_valve_holds_its_target() -> None:
    """A proportional valve ends inside its band."""
    trace = life(LIGHT, day(always(20)), 3 * DAY)
    assert trace.at(3 * DAY)[3] == pytest.approx(20, abs=0.35)
    assert 0 < trace.heat_at(3 * DAY) < 1


def test_a_thermostat_switches_with_hysteresis() -> None:
    """On or off, never for less than five minutes, and around the target."""
    trace = life(LIGHT, day(always(20)), 3 * DAY, law.thermostat)
    heat = trace.heat(DAY, 3 * DAY)
    assert set(heat) == {0.0, 1.0}
    switches = np.flatnonzero(np.diff(heat))
    assert len(switches) > 10
    assert np.diff(switches).min() >= 5
    felt = trace.felt(np.arange(DAY, 3 * DAY, dtype=np.int64))
    assert 19 < felt.min() < felt.max() < 21


@pytest.mark.parametrize("behaviour", [law.valve, law.thermostat])
def test_maximum_and_off(behaviour: Law) -> None:
    """The targets nobody reaches drive the heat fully, or not at all."""
    hot = life(LIGHT, day(always(99)), DAY, behaviour)
    cold = life(LIGHT, day(always(-99)), DAY, behaviour)
    assert set(hot.heat(0, DAY)) == {1.0}
    assert set(cold.heat(0, DAY)) == {0.0}
    assert hot.at(DAY)[0] - cold.at(DAY)[0] > 10


def test_an_open_window() -> None:
    """Cold comes in, the valve shuts, and both end with it."""

    def window(minutes: Ints) -> npt.NDArray[Any]:
        """Open for a quarter of an hour."""
        return (minutes >= 302) & (minutes < 317)

    trace = life(LIGHT, day(always(20), window=window), DAY)
    air = trace.air(0, DAY)
    assert air[302] - air[317] > 1
    assert set(trace.heat(302, 317)) == {0.0}
    assert trace.heat(318, 400).max() > 0.5
    assert trace.window_at(303)
    assert not trace.window_at(302)
    assert not trace.window_at(318)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(0, 3000), max_size=20), st.booleans())
def test_asking_makes_no_difference(asked: list[int], relay: bool) -> None:
    """However often and when a life is looked at, it is the same."""
    behaviour = law.thermostat if relay else law.valve
    inputs = day(setback, window=lambda m: (m % 977) < 13)
    once = life(LIGHT, inputs, 3000, behaviour)
    often = Trace(LIGHT, behaviour, 0, LIGHT.steady(21, COLD_C))
    for minute in asked:
        often.extend(inputs, minute)
        often.forget(minute)
    often.extend(inputs, 3000)
    assert often.air(0, 3000) == pytest.approx(once.air(0, 3000), abs=1e-9)
    assert list(often.heat(0, 3000)) == pytest.approx(list(once.heat(0, 3000)))


def test_weather_of_twenty_winters() -> None:
    """The formula gives winters as they were measured."""
    weather = Weather(7)
    temperatures, sun = [], []
    for year in range(20):
        november = int((year * 365.2425 + 304) * DAY)
        minutes = np.arange(november, november + 151 * DAY, 15, dtype=np.int64)
        temperatures.append(weather.outdoor(minutes).reshape(151, 96))
        sun.append(weather.sun(Facade.SOUTH, minutes).mean())
    days = np.array(temperatures)
    assert days.mean() == pytest.approx(5.2, abs=0.8)
    assert -13 < days.min() < -4
    assert 14 < days.max() < 24
    assert np.ptp(days, axis=2).mean() == pytest.approx(5.2, abs=1.2)
    assert 60 <= np.mean(sun) <= 90


def test_cold_spells() -> None:
    """A day is like the day before, as much as was measured."""
    days = np.arange(0, 100 * 365, dtype=np.int64)
    spread = Weather(5)._daily_mean(days)
    year = np.round((days % 365.2425) / 365.2425 * 365) // 5
    for part in np.unique(year):
        spread[year == part] -= spread[year == part].mean()
    assert spread.std() == pytest.approx(3.4, abs=0.15)
    for lag, measured in ((1, 0.70), (2, 0.49), (3, 0.34)):
        correlation = np.corrcoef(spread[lag:], spread[:-lag])[0, 1]
        assert correlation == pytest.approx(measured, abs=0.03)


@given(st.integers(20_000 * DAY, 21_000 * DAY), st.integers(1, 3000))
def test_weather_is_a_function_of_time(first: int, length: int) -> None:
    """Whatever is asked for together, an instant has one weather."""
    weather = Weather(1)
    minutes = np.arange(first, first + length, dtype=np.int64)
    last = minutes[-1:]
    assert weather.outdoor(minutes)[-1] == pytest.approx(weather.outdoor(last)[0])
    for facade in Facade:
        assert weather.sun(facade, minutes)[-1] == pytest.approx(
            weather.sun(facade, last)[0]
        )


def test_summer_is_warm_and_nights_are_dark() -> None:
    """Seasons and days are where they belong."""
    weather = Weather(1)
    year = np.arange(20_454 * DAY, 20_819 * DAY, dtype=np.int64)  # 2026
    outdoor = weather.outdoor(year).reshape(365, DAY)
    assert outdoor[182:212].mean() > outdoor[0:30].mean() + 8
    sun = weather.sun(Facade.SOUTH, year).reshape(365, DAY)
    assert (sun[:, :180] == 0).all()
    assert (sun[:, 720] > 0).all()
    assert (sun[180] > 0).sum() > 1.7 * (sun[354] > 0).sum()
