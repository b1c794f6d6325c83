"""The channel that counts a meter's pulses: what the meter's dial shows, and setting it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelView:
    """What was counted on a channel.

    `reading` is what the meter shows and `subtotal` what was counted since that was reset,
    both in kWh; `last_pulse` is when the newest pulse was (UTC), None before the first.
    `set_to` differs where something was set in between, not only counted.
    """

    reading: float
    subtotal: float
    last_pulse: datetime | None
    set_to: tuple[int, float]

    @property
    def known_reading(self) -> float | None:
        """Return what the meter shows, None where nothing was counted or set of it yet."""
        return self.reading if self.last_pulse or self.reading else None


class MeterChannel(Protocol):
    """A channel whose account is loaded."""

    @property
    def view(self) -> ChannelView:
        """Return what was counted."""

    async def async_set_reading(self, reading: float) -> bool:
        """Let the meter show so many kWh; return whether that is kept.

        Raises ValueError for what no meter can show.
        """

    async def async_reset_subtotal(self) -> bool:
        """Let the subtotal begin at zero; return whether that is kept."""
