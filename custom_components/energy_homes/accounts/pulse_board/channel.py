"""The channel of a board that a meter reads: what it shows, and how to set that."""

from dataclasses import dataclass
from datetime import datetime

from homeassistant.core import callback

from ...const import SourceKind
from ...models import Revision
from ..registry import Accounts
from .hub import PulseBoardHub


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


@dataclass(frozen=True, slots=True)
class BoardChannel:
    """A channel of a board that is loaded."""

    hub: PulseBoardHub
    number: int

    @property
    def view(self) -> ChannelView:
        """Return what was counted."""
        channel = self.hub.channel(self.number)
        return ChannelView(
            reading=channel.reading,
            subtotal=channel.subtotal,
            last_pulse=channel.at,
            set_to=(channel.count - channel.pulses, channel.subtotal_from),
        )

    async def async_set_reading(self, reading: float) -> bool:
        """Let the meter show so many kWh; return whether that is kept.

        Raises ValueError for what no meter can show.
        """
        return await self.hub.async_set_reading(self.number, reading)

    async def async_reset_subtotal(self) -> bool:
        """Let the subtotal begin at zero; return whether that is kept."""
        return await self.hub.async_reset_subtotal(self.number)


@callback
def board_channel(accounts: Accounts, revision: Revision) -> BoardChannel | None:
    """Return the channel that a revision reads; None of other kinds, or not loaded."""
    if revision.kind is not SourceKind.PULSE_BOARD:
        return None
    hub = accounts.get(str(revision.account))
    if not isinstance(hub, PulseBoardHub):
        return None
    return BoardChannel(hub, int(str(revision.hardware_id)))
