"""What a valve and a thermostat do about a temperature."""

from collections.abc import Callable

FULL_ABOVE_C = 90.0
OFF_BELOW_C = 0.0
BAND_C = 0.75
OPEN_AT_TARGET = 0.4
LEAST_OPEN = 0.1
ON_BELOW_C = 0.2
OFF_ABOVE_C = 0.1

type Law = Callable[[float, float, float, bool], float]
"""Return the heat wanted (0 ... 1).

Given are target and felt °C, the last heat, and whether a window is open.
"""


def valve(target_c: float, felt_c: float, _heat: float, window: bool) -> float:
    """Open in proportion to what is missing; shut where it is not worth it.

    A valve feels the draught of an open window and shuts.
    """
    if window:
        return 0.0
    wanted = OPEN_AT_TARGET + (target_c - felt_c) / BAND_C
    if wanted < LEAST_OPEN:
        return 0.0
    return min(wanted, 1.0)


def thermostat(target_c: float, felt_c: float, heat: float, _window: bool) -> float:
    """Switch on when it is too cold, off when it is warm, else leave it."""
    if felt_c <= target_c - ON_BELOW_C:
        return 1.0
    if felt_c >= target_c + OFF_ABOVE_C:
        return 0.0
    return heat
