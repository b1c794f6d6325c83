"""A room as two masses, with an emitter that lags and a sensor that lags.

The state is air °C, wall °C, what the emitter gives in W, and what the sensor
feels in °C. The inputs are valve or relay (0 ... 1), outside °C, and what heats
air and wall besides, in W. Steps are exact for inputs that hold for a minute.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from simulator.noise import Floats
from simulator.thermal.weather import Facade

STEP_S = 60.0
MOST_STEPS = 5
REFERENCE_M2 = 20.0
AIR_J_PER_K_M2 = 25_000.0
LIGHT_J_PER_K_M2 = 110_000.0
HEAVY_J_PER_K_M2 = 260_000.0
OPAQUE_W_PER_K = 8.0
AIRY_W_PER_K = 13.0
COUPLING_W_PER_K = 137.5
OPEN_WINDOW_W_PER_K = 40.0
SUNNY_SHARE = 0.06
DESIGN_OUTSIDE_C = -8.0
DESIGN_INSIDE_C = 21.0
SENSOR_LAG_S = 300.0
STATES = 4


@dataclass(frozen=True)
class RoomShape:
    """What a room is made of."""

    floor_m2: float = REFERENCE_M2
    heavy: bool = False
    facade: Facade = Facade.SOUTH
    emitter_lag_s: float = 900.0
    oversize: float = 1.5


class RoomModel:
    """The equations of a room, ready to be stepped."""

    def __init__(self, shape: RoomShape) -> None:
        """Derive the figures from the shape."""
        scale = shape.floor_m2 / REFERENCE_M2
        mass = HEAVY_J_PER_K_M2 if shape.heavy else LIGHT_J_PER_K_M2
        self.facade = shape.facade
        self.air_j_per_k = AIR_J_PER_K_M2 * shape.floor_m2
        self.wall_j_per_k = mass * shape.floor_m2
        self.coupling_w_per_k = COUPLING_W_PER_K * scale
        self.airy_w_per_k = AIRY_W_PER_K * scale
        self.opaque_w_per_k = OPAQUE_W_PER_K * scale
        self.window_w_per_k = OPEN_WINDOW_W_PER_K * scale
        self.sunny_m2 = SUNNY_SHARE * shape.floor_m2
        self.emitter_lag_s = shape.emitter_lag_s
        self.power_w = shape.oversize * self.loss_w(DESIGN_INSIDE_C, DESIGN_OUTSIDE_C)

    @property
    def loss_w_per_k(self) -> float:
        """Return what a steady room loses per degree to the outside."""
        through_wall = 1 / (1 / self.coupling_w_per_k + 1 / self.opaque_w_per_k)
        return self.airy_w_per_k + through_wall

    def loss_w(self, inside_c: float, outside_c: float) -> float:
        """Return the power that holds a steady room at a temperature."""
        return self.loss_w_per_k * (inside_c - outside_c)

    def steady(self, inside_c: float, outside_c: float) -> tuple[float, ...]:
        """Return the state of a room that has been at a temperature for ever."""
        coupling = self.coupling_w_per_k
        wall_c = (coupling * inside_c + self.opaque_w_per_k * outside_c) / (
            coupling + self.opaque_w_per_k
        )
        power_w = min(max(self.loss_w(inside_c, outside_c), 0.0), self.power_w)
        return inside_c, wall_c, power_w, inside_c

    @cached_property
    def step(self) -> tuple[Floats, Floats]:
        """Return the matrices of state and inputs of one step."""
        motion = np.zeros((2 * STATES, 2 * STATES))
        motion[:STATES] = np.hstack(self._rates())
        whole = _exponential(motion * STEP_S)
        return whole[:STATES, :STATES], whole[:STATES, STATES:]

    @cached_property
    def steps(self) -> list[tuple[Floats, Floats]]:
        """Return the matrix of n steps, and what full heat adds in them, by n."""
        state, inputs = self.step
        matrices = [(np.eye(STATES), np.zeros(STATES))]
        for _ in range(MOST_STEPS):
            power, heat = matrices[-1]
            matrices.append((state @ power, state @ heat + inputs[:, 0]))
        return matrices

    def _rates(self) -> tuple[Floats, Floats]:
        """Return how fast the state changes with itself and with the inputs."""
        air, wall, coupling = self.air_j_per_k, self.wall_j_per_k, self.coupling_w_per_k
        airy, opaque = self.airy_w_per_k, self.opaque_w_per_k
        state = np.array(
            [
                [-(coupling + airy) / air, coupling / air, 1 / air, 0],
                [coupling / wall, -(coupling + opaque) / wall, 0, 0],
                [0, 0, -1 / self.emitter_lag_s, 0],
                [1 / SENSOR_LAG_S, 0, 0, -1 / SENSOR_LAG_S],
            ]
        )
        inputs = np.array(
            [
                [0, airy / air, 1 / air, 0],
                [0, opaque / wall, 0, 1 / wall],
                [self.power_w / self.emitter_lag_s, 0, 0, 0],
                [0, 0, 0, 0],
            ]
        )
        return state, inputs


def _exponential(matrix: Floats) -> Floats:
    """Return e to a matrix, by a short series of a small part of it."""
    halvings = 10
    small = matrix / 2**halvings
    term = np.eye(len(matrix))
    total = term.copy()
    for order in range(1, 12):
        term = term @ small / order
        total += term
    for _ in range(halvings):
        total = total @ total
    return total
