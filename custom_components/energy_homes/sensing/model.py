"""What sensors of a host say. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final


class Quantity(StrEnum):
    """What a sensor measures."""

    POWER = "power"
    ENERGY = "energy"
    PULSES = "pulses"
    CURRENT = "current"
    VOLTAGE = "voltage"
    TEMPERATURE = "temperature"
    HUMIDITY = "humidity"
    PERCENTAGE = "percentage"
    NUMBER = "number"


UNITS: Final = {
    Quantity.POWER: "W",
    Quantity.ENERGY: "kWh",
    Quantity.PULSES: "",
    Quantity.CURRENT: "A",
    Quantity.VOLTAGE: "V",
    Quantity.TEMPERATURE: "°C",
    Quantity.HUMIDITY: "%",
    Quantity.PERCENTAGE: "%",
    Quantity.NUMBER: "",
}
"""The unit in which each quantity is reported; empty for what only counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorReading:
    """What a sensor said last: `value` in the unit of its quantity, None for no reading.

    `hardware_id` is the vendor's id, which tells sensors of one host apart that measure the
    same quantity; `name` is what people call it there, None where nobody did. It was heard
    `at` and is silent from `silent_at` on (both aware, UTC).
    """

    hardware_id: str
    quantity: Quantity
    value: float | None
    at: datetime
    silent_at: datetime
    name: str | None = None

    @property
    def unit(self) -> str:
        """Return the unit of the value."""
        return UNITS[self.quantity]

    def heard(self, now: datetime) -> bool:
        """Return whether the sensor was heard of late."""
        return now < self.silent_at
