"""How full a module's batteries are, by the vendor's thresholds. Pure."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class BatteryRange:
    """The vendor's thresholds of one kind of module, in mV.

    `full`, `high`, `medium` and `low` are the least that still has that name; what is
    below `low` is very low. The vendor's own percentage is linear from `empty` to `new`.
    """

    new: int
    full: int
    high: int
    medium: int
    low: int
    empty: int

    def percent(self, millivolts: float) -> int:
        """Return the charge in whole percent, 0 ... 100."""
        share = (millivolts - self.empty) / (self.new - self.empty)
        return round(100 * min(max(share, 0), 1))

    def middle(self, state: str) -> float | None:
        """Return the voltage in the middle of a named state, in mV; None if not known."""
        bounds = {
            "full": (self.new, self.full),
            "high": (self.full, self.high),
            "medium": (self.high, self.medium),
            "low": (self.medium, self.low),
            "very_low": (self.low, self.empty),
        }.get(state)
        return None if bounds is None else sum(bounds) / 2


_THERMOSTAT: Final = BatteryRange(4500, 4100, 3600, 3300, 3000, 3000)
_VALVE: Final = BatteryRange(3200, 2700, 2550, 2400, 2200, 2200)
_RANGES: Final = {"NATherm1": _THERMOSTAT, "OTM": _THERMOSTAT, "NRV": _VALVE}


def battery_percent(
    module_type: str, millivolts: int | None, state: str | None = None
) -> int | None:
    """Return a module's charge in whole percent, 0 ... 100.

    Where the vendor tells no voltage the middle of the state that it names counts. None for
    a module without batteries, and where nothing is reported.
    """
    if (known := _RANGES.get(module_type)) is None:
        return None
    if millivolts is not None:
        return known.percent(millivolts)
    middle = None if state is None else known.middle(state)
    return None if middle is None else known.percent(middle)
