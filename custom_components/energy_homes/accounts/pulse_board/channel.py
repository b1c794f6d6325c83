"""The channel of a board that a meter reads: what it shows, and how to set that."""

from dataclasses import dataclass

from homeassistant.core import callback

from ...models import Revision
from ..channel import ChannelView
from ..registry import Accounts
from .hub import PulseBoardHub


@dataclass(frozen=True, slots=True)
class BoardChannel:
    """A channel of a board that is loaded."""

    hub: PulseBoardHub
    number: int

    @property
    def view(self) -> ChannelView:
        """Return what was counted."""
        channel = self.hub.book.channel(self.number)
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
        return await self.hub.hearing.async_set_reading(self.number, reading)

    async def async_reset_subtotal(self) -> bool:
        """Let the subtotal begin at zero; return whether that is kept."""
        return await self.hub.hearing.async_reset_subtotal(self.number)


@callback
def board_channel(accounts: Accounts, revision: Revision) -> BoardChannel | None:
    """Return the channel that a revision of a board reads; None where that is not loaded."""
    hub = accounts.get(str(revision.account))
    if not isinstance(hub, PulseBoardHub):
        return None
    return BoardChannel(hub, int(str(revision.hardware_id)))
