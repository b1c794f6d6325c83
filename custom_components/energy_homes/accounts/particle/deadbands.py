"""By how much each quantity may move before it is shown at once. Pure."""

from typing import Final

from ...metering.deadband import POWER_DEADBAND, POWER_SHARE, moved
from ...sensing.model import Quantity

_DEADBANDS: Final = {
    Quantity.POWER: (POWER_DEADBAND, POWER_SHARE),
    Quantity.ENERGY: (0.1, 0.0),
    Quantity.PULSES: (100.0, 0.0),
    Quantity.CURRENT: (0.2, POWER_SHARE),
    Quantity.VOLTAGE: (5.0, 0.0),
    Quantity.TEMPERATURE: (0.5, 0.0),
    Quantity.HUMIDITY: (3.0, 0.0),
    Quantity.PERCENTAGE: (3.0, 0.0),
    Quantity.NUMBER: (0.0, POWER_SHARE),
}
"""In the quantity's unit, and as a part of what is shown; the larger counts."""


def quantity_moved(
    quantity: Quantity, shown: float | None, value: float | None
) -> bool:
    """Return whether a value has moved too far to wait."""
    return moved(shown, value, *_DEADBANDS[quantity])
