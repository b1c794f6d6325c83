"""The life of a room, minute by minute, computed as far as it is asked for."""

from array import array
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from simulator.noise import Floats, Ints
from simulator.thermal.law import Law
from simulator.thermal.model import MOST_STEPS, STATES, RoomModel

CHUNK = 10 * 1440
AHEAD = 360
DECISION_MINUTES = 5

type Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Span:
    """What acts on a room in each of some minutes."""

    target_c: Floats
    outdoor_c: Floats
    air_w: Floats
    wall_w: Floats
    window: Bools


class Inputs(Protocol):
    """Whatever knows what acts on a room."""

    def span(self, first: int, last: int) -> Span:
        """Return what acts in the epoch minutes [first, last)."""


class Trace:
    """The states at the start of each minute, and the heat wanted in it.

    The controller decides every five minutes, and at once when the target
    changes or a window moves; when it is asked for makes no difference. Some
    hours are computed ahead: whoever changes the inputs has to `forget` them.
    """

    def __init__(
        self, model: RoomModel, law: Law, origin: int, state: tuple[float, ...]
    ) -> None:
        """Begin at an epoch minute with a state."""
        self.model = model
        self.origin = origin
        self._law = law
        self._air = array("d", state[0:1])
        self._wall = array("d", state[1:2])
        self._power = array("d", state[2:3])
        self._felt = array("d", state[3:4])
        self._heat = array("d")
        self._target = array("d")
        self._window = array("b")

    @property
    def end(self) -> int:
        """Return the epoch minute whose start is the newest state."""
        return self.origin + len(self._heat)

    def copy(self) -> Trace:
        """Return a life that was the same until now."""
        copy = Trace(self.model, self._law, self.origin, (0.0,) * STATES)
        copy._air, copy._wall = self._air[:], self._wall[:]
        copy._power, copy._felt = self._power[:], self._felt[:]
        copy._heat, copy._target = self._heat[:], self._target[:]
        copy._window = self._window[:]
        return copy

    def forget(self, minute: int) -> None:
        """Forget what follows the start of an epoch minute."""
        steps = max(minute - self.origin, 0)
        for states in (self._air, self._wall, self._power, self._felt):
            del states[steps + 1 :]
        for orders in (self._heat, self._target, self._window):
            del orders[steps:]

    def extend(self, inputs: Inputs, minute: int) -> None:
        """Compute the states up to the start of an epoch minute, and some more."""
        if self.end >= minute:
            return
        minute = -(-minute // AHEAD) * AHEAD
        while self.end < minute:
            first = self.end
            last = min(minute, first + CHUNK)
            self._run(inputs.span(max(first - 1, self.origin), last), first, last)

    def at(self, minute: int) -> tuple[float, float, float, float]:
        """Return air, wall, emitter W and felt at the start of an epoch minute."""
        index = min(max(minute - self.origin, 0), len(self._air) - 1)
        return (
            self._air[index],
            self._wall[index],
            self._power[index],
            self._felt[index],
        )

    def heat_at(self, minute: int) -> float:
        """Return the heat wanted (0 ... 1) in the newest minute before another."""
        index = min(minute - self.origin, len(self._heat)) - 1
        return self._heat[index] if index >= 0 else 0.0

    def window_at(self, minute: int) -> bool:
        """Tell whether a window was open in the newest minute before another."""
        index = min(minute - self.origin, len(self._window)) - 1
        return index >= 0 and bool(self._window[index])

    def air(self, first: int, last: int) -> Floats:
        """Return the air temperature at the start of minutes."""
        return self._slice(self._air, first, last)

    def felt(self, minutes: Ints) -> Floats:
        """Return what the sensor feels at the start of each of some minutes."""
        index = np.clip(minutes - self.origin, 0, len(self._felt) - 1)
        first = int(index[0])
        return np.array(self._felt[first : int(index[-1]) + 1])[index - first]

    def heat(self, first: int, last: int) -> Floats:
        """Return the heat wanted in minutes."""
        return self._slice(self._heat, first, last)

    def target(self, first: int, last: int) -> Floats:
        """Return the target of minutes."""
        return self._slice(self._target, first, last)

    def _slice(self, values: array[float], first: int, last: int) -> Floats:
        """Return a part of a series as an array of its own."""
        begin = max(first - self.origin, 0)
        return np.array(values[begin : max(last - self.origin, begin)])

    def _run(self, span: Span, first: int, last: int) -> None:
        """Compute the minutes [first, last); the span may begin one earlier."""
        known = len(span.target_c) - (last - first)
        ticks = _ticks(span, known, first)
        matrix, inputs = self.model.step
        pushes = _forces(span)[known:] @ inputs[:, 1:].T
        states, heat, blown_w = self._decide(span, known, ticks, pushes)
        pushes += np.outer(np.repeat(heat, ticks.lengths), inputs[:, 0])
        pushes += np.outer(np.repeat(blown_w, ticks.lengths), inputs[:, 2])
        every = np.empty((last - first + 1, STATES))
        every[np.append(ticks.starts, last - first)] = states
        for passed in range(MOST_STEPS - 1):
            inner = ticks.starts[ticks.lengths > passed + 1] + passed
            every[inner + 1] = every[inner] @ matrix.T + pushes[inner]
        for series, values in zip(
            (self._air, self._wall, self._power, self._felt), every[1:].T, strict=True
        ):
            series.frombytes(values.tobytes())
        self._heat.frombytes(np.repeat(heat, ticks.lengths).tobytes())
        self._target.frombytes(span.target_c[known:].tobytes())
        self._window.frombytes(span.window[known:].astype(np.int8).tobytes())

    def _decide(
        self, span: Span, known: int, ticks: _Ticks, pushes: Floats
    ) -> tuple[Floats, Floats, Floats]:
        """Return the states around the ticks, and heat and draught in each."""
        pushed = ticks.gather(self.model.step[0], pushes).tolist()
        begins = ticks.starts + known
        targets = span.target_c[begins].tolist()
        windows = span.window[begins].tolist()
        outdoors = span.outdoor_c[begins].tolist()
        air, wall, power, felt = self.at(self.end)
        wanted = self._heat[-1] if self._heat else 0.0
        steps = [_numbers(*step) for step in self.model.steps]
        draught = self.model.step[1][:, 2].tolist()
        states = [(air, wall, power, felt)]
        heat: list[float] = []
        blown: list[float] = []
        for length, decides, target, window, outdoor, push in zip(
            ticks.lengths.tolist(),
            ticks.decides.tolist(),
            targets,
            windows,
            outdoors,
            pushed,
            strict=True,
        ):
            if decides:
                wanted = self._law(target, felt, wanted, window)
            (
                (a_air, a_wall, a_power, a_heat),
                (w_air, w_wall, w_power, w_heat),
                (p_power, p_heat),
                (f_air, f_wall, f_power, f_felt, f_heat),
            ) = steps[length]
            blown_w = 0.0
            air_push, wall_push, _, felt_push = push
            if window:
                blown_w = self.model.window_w_per_k * (outdoor - air)
                air_push += draught[0] * blown_w
                wall_push += draught[1] * blown_w
                felt_push += draught[3] * blown_w
            air, wall, power, felt = (
                a_air * air
                + a_wall * wall
                + a_power * power
                + a_heat * wanted
                + air_push,
                w_air * air
                + w_wall * wall
                + w_power * power
                + w_heat * wanted
                + wall_push,
                p_power * power + p_heat * wanted,
                f_air * air
                + f_wall * wall
                + f_power * power
                + f_felt * felt
                + f_heat * wanted
                + felt_push,
            )
            states.append((air, wall, power, felt))
            heat.append(wanted)
            blown.append(blown_w)
        return np.array(states), np.array(heat), np.array(blown)


@dataclass(frozen=True)
class _Ticks:
    """The stretches of minutes in which heat and draught stay as they are."""

    starts: Ints
    lengths: Ints
    decides: Bools

    def gather(self, matrix: Floats, pushes: Floats) -> Floats:
        """Return what the pushes of each tick's minutes come to at its end."""
        total = np.zeros((len(self.starts), STATES))
        for passed in range(MOST_STEPS):
            alive = self.lengths > passed
            minutes = self.starts[alive] + passed
            total[alive] = total[alive] @ matrix.T + pushes[minutes]
        return total


def _ticks(span: Span, known: int, first: int) -> _Ticks:
    """Return the ticks of a span, whose first `known` minutes are over.

    Where a span begins is nobody's decision, except at the very beginning.
    """
    minutes = np.arange(first, first + len(span.target_c) - known, dtype=np.int64)
    decides = minutes % DECISION_MINUTES == 0
    changed = np.diff(span.target_c) != 0
    moved = np.diff(span.window)
    decides[1 - known :] |= changed | moved
    if not known:
        decides[0] = True
    breaks = decides | span.window[known:]
    breaks[1:] |= moved[known:]
    breaks[0] = True
    starts = np.flatnonzero(breaks)
    lengths = np.diff(np.append(starts, len(minutes)))
    return _Ticks(starts, lengths, decides[starts])


def _forces(span: Span) -> Floats:
    """Return outside temperature and heat besides the emitter's, minute by minute."""
    return np.column_stack((span.outdoor_c, span.air_w, span.wall_w))


def _numbers(matrix: Floats, heat: Floats) -> tuple[tuple[float, ...], ...]:
    """Return the figures of a step that are not zero, as plain numbers."""
    rows = [
        [*row, more] for row, more in zip(matrix.tolist(), heat.tolist(), strict=True)
    ]
    air, wall, power, felt = rows
    return (
        (air[0], air[1], air[2], air[4]),
        (wall[0], wall[1], wall[2], wall[4]),
        (power[2], power[4]),
        tuple(felt),
    )
