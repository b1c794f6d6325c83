"""What a board's event or variable measures, and the number that it stands for. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import copysign, isfinite
from typing import Any, Final, Self

from ...metering.model import CounterReading, PowerReading, Reading
from ...sensing.model import Quantity

MAX_MEASURES: Final = 32
"""So much is measured by one board."""


METERED: Final = (Quantity.POWER, Quantity.ENERGY, Quantity.PULSES)
"""What a meter can say: the first of these that a board measures makes it one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """What one event, one variable, or both of the same thing tell.

    The number that is sent has `noise_floor` taken away, towards zero, in its own unit;
    then it is multiplied by `scale` and, for a power that is apparent power at an assumed
    voltage, by `power_factor` and by `voltage` over `assumed_voltage`; last `offset` is
    added. The result is in W, kWh, A, V, °C, % or whatever the number counts.
    `pulses_per_kwh` makes energy of counted pulses.
    """

    quantity: Quantity
    event: str | None = None
    variable: str | None = None
    name: str | None = None
    noise_floor: float = 0.0
    scale: float = 1.0
    offset: float = 0.0
    power_factor: float = 1.0
    assumed_voltage: float | None = None
    voltage: float | None = None
    pulses_per_kwh: float | None = None

    @property
    def key(self) -> str:
        """Return what tells the measure from the others of its board."""
        return self.event or self.variable or ""

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """Read a measure as it is stored."""
        return cls(**{**data, "quantity": Quantity(data["quantity"])})

    def as_data(self) -> dict[str, Any]:
        """Return the measure as it is stored: what differs from the usual."""
        usual = Measure(quantity=self.quantity)
        return {"quantity": self.quantity.value} | {
            name: value
            for name in self.__slots__
            if (value := getattr(self, name)) != getattr(usual, name)
        }

    def value(self, raw: float) -> float | None:
        """Return what a number stands for; None where that is beyond all numbers."""
        value = copysign(max(abs(raw) - self.noise_floor, 0.0), raw) * self.scale
        value *= self.power_factor
        if self.assumed_voltage and self.voltage:
            value *= self.voltage / self.assumed_voltage
        value += self.offset
        return value if isfinite(value) else None

    def reading(self, raw: float, at: datetime) -> Reading | None:
        """Return what a number says of a meter at an aware instant; None for nothing."""
        if (value := self.value(raw)) is None:
            return None
        match self.quantity:
            case Quantity.POWER:
                return PowerReading(at, value)
            case Quantity.ENERGY if value >= 0:
                return CounterReading(at, value)
            case Quantity.PULSES if value >= 0 and self.pulses_per_kwh:
                return CounterReading(at, value / self.pulses_per_kwh)
        return None


READY_MADE: Final = (
    Measure(event="power", quantity=Quantity.POWER),
    Measure(event="Apparent Power", quantity=Quantity.POWER),
    Measure(event="rms_current", quantity=Quantity.CURRENT),
    Measure(event="RMS Current", quantity=Quantity.CURRENT),
    Measure(event="rms_voltage", quantity=Quantity.VOLTAGE),
    Measure(event="RMS Voltage", quantity=Quantity.VOLTAGE),
    Measure(
        event="P2P_State_of_Charge",
        variable="SoC",
        quantity=Quantity.PERCENTAGE,
    ),
)
"""What boards of the p2penergy project send, its older names too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardConfig:
    """What somebody has said that a board measures."""

    board_id: str
    measures: tuple[Measure, ...] = ()

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """Read a board as it is stored."""
        return cls(
            board_id=data["board_id"],
            measures=tuple(map(Measure.from_data, data["measures"])),
        )

    def as_data(self) -> dict[str, Any]:
        """Return the board as it is stored."""
        return {
            "board_id": self.board_id,
            "measures": [measure.as_data() for measure in self.measures],
        }


def ready_made(events: Iterable[str]) -> tuple[Measure, ...]:
    """Return what a board measures that sends such events, as far as they are known."""
    heard = set(events)
    return tuple(measure for measure in READY_MADE if measure.event in heard)


def meter_measure(measures: Iterable[Measure]) -> Measure | None:
    """Return what makes a board a meter: the first that can, None where none can."""
    return next((m for m in measures if m.quantity in METERED), None)
