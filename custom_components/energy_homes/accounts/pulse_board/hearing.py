"""What a board says, and what people set: changes of its channels, answered once they are kept."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
import logging
from typing import Final

from homeassistant.core import callback

from ...boards.message import (
    BUSY,
    OK,
    BoardMessage,
    BoardReply,
    Debug,
    MeterCount,
    PowerUp,
    Pulse,
    PushReadings,
    SelfTest,
    Stop,
)
from ...boards.overrun import BufferWatch
from ...metering.pulses import PulseChannel, PulseKind
from ..listeners import Listeners
from .book import ChannelBook, Channels, KeptPulse

_LOGGER = logging.getLogger(__name__)

SET_METER_OFF: Final = BoardReply(403, "WEBHOOK 403 Forbidden: set meter is off\n")
"""What the meter shows is not for the board to say now."""

_UNKNOWN_BEFORE: Final = frozenset({PulseKind.FIRST, PulseKind.RESTART})


class Hearing:
    """Answers a board's messages, and counts them by kind (`counts`).

    `set_meter` says whether the board may say what its meters show; `refusals` is how many
    requests nobody could use. `push_asked` are called when the board asks for its readings
    to be pushed on.
    """

    def __init__(
        self,
        book: ChannelBook,
        title: str,
        *,
        on_set: Callable[[int], None],
        on_change: Callable[[], None],
    ) -> None:
        """Begin to hear.

        `on_set` is called with the number of a channel that was set, once that is kept;
        `on_change` when `set_meter` was.
        """
        self.set_meter = False
        self.counts: Counter[str] = Counter()
        self.refusals = 0
        self.push_asked = Listeners()
        self._book = book
        self._title = title
        self._debug = False
        self._on_set = on_set
        self._on_change = on_change
        self._watches: dict[int, BufferWatch] = {}

    @callback
    def let_set_meter(self, on: bool) -> None:
        """Let what the board says its meters show set them, or not."""
        self.set_meter = on
        self._on_change()

    @callback
    def refused(self, problem: str) -> None:
        """Count a request that nobody can use."""
        self.counts[problem] += 1
        self.refusals += 1
        if self._debug:
            _LOGGER.debug("%s sent what cannot be used: %s", self._title, problem)

    async def async_answer(
        self, message: BoardMessage, arrival: datetime
    ) -> BoardReply:
        """Return the answer to what the board says; what counts is committed by then.

        `arrival` is when the request began to come, aware.
        """
        if self._debug:
            _LOGGER.debug("%s says %s", self._title, message)
        match message:
            case Pulse():
                kept = await self._async_count(message, arrival)
            case MeterCount(number, hundredths):
                if not self.set_meter:
                    self.refused("set_meter_off")
                    return SET_METER_OFF
                kept = await self._book.async_change(
                    self._edit(number, lambda c: c.with_metercount(hundredths))
                )
                if kept:
                    self._on_set(number)
            case PowerUp():
                kept = await self._book.async_change(_power_up)
            case PushReadings():
                self.push_asked.tell()
                kept = True
            case Debug(on):
                self._debug = on
                kept = True
            case SelfTest() | Stop():
                kept = True
        self.counts[type(message).__name__ if kept else "not_kept"] += 1
        return OK if kept else BUSY

    async def async_set_reading(self, number: int, reading: float) -> bool:
        """Let a channel's meter show so many kWh; return whether that is kept.

        Raises ValueError for what no meter can show.
        """
        self._book.fresh(number).with_reading(reading)
        return await self._async_command(number, lambda c: c.with_reading(reading))

    async def async_reset_subtotal(self, number: int) -> bool:
        """Let a channel's subtotal begin at zero; return whether that is kept."""
        return await self._async_command(number, PulseChannel.with_subtotal_reset)

    async def _async_count(self, pulse: Pulse, arrival: datetime) -> bool:
        """Count a pulse; return whether it is kept."""
        number, stamp = pulse.channel, pulse.stamp

        def take(channels: Channels) -> KeptPulse:
            """Count a pulse."""
            channel = channels.get(number) or self._book.fresh(number)
            result = channel.take(stamp, arrival)
            channels[number] = result.channel
            watch = self._watches.setdefault(number, BufferWatch())
            lost = watch.may_have_lost(channel, stamp, result, arrival)
            gap = lost or result.kind in _UNKNOWN_BEFORE
            return KeptPulse(number, result, gap)

        return await self._book.async_change(take)

    async def _async_command(
        self, number: int, change: Callable[[PulseChannel], PulseChannel]
    ) -> bool:
        """Change a channel, however long that takes; return whether that is kept."""
        kept = await self._book.async_change(self._edit(number, change), within_s=None)
        if kept:
            self._on_set(number)
        return kept

    def _edit(
        self, number: int, change: Callable[[PulseChannel], PulseChannel]
    ) -> Callable[[Channels], None]:
        """Return how one channel is changed among all."""

        def edit(channels: Channels) -> None:
            """Change the channel, a fresh one where it was never heard."""
            channel = channels.get(number) or self._book.fresh(number)
            channels[number] = change(channel)

        return edit


def _power_up(channels: Channels) -> None:
    """Let a board begin anew: its first pulses tell no power."""
    for number, channel in channels.items():
        channels[number] = channel.powered_up()
