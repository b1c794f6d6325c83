"""When a value has moved far enough to be shown at once. Pure."""

from typing import Final

POWER_DEADBAND: Final = 20.0
"""A power that moves by less, in W, can wait."""

POWER_SHARE: Final = 0.1
"""A power that moves by less than this part of itself can wait."""


def moved(
    shown: float | None, value: float | None, least: float, share: float = 0.0
) -> bool:
    """Return whether a value is further from the shown one than both limits allow.

    `share` is a part of the shown value. A value that comes or goes has moved.
    """
    if shown is None or value is None:
        return shown is not value
    return abs(value - shown) > max(least, share * abs(shown))


def power_moved(shown: float | None, power: float | None) -> bool:
    """Return whether a power in W has moved too far to wait."""
    return moved(shown, power, POWER_DEADBAND, POWER_SHARE)
