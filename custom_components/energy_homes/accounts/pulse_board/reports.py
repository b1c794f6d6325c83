"""What homes are told of a board's channels: each pulse once, in order, and the power in between."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
import logging

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_track_point_in_utc_time
from homeassistant.util import dt as dt_util

from ...metering.model import CounterReading
from ...metering.pulse_decay import PresentPower, present_power
from ...metering.readings import MAX_AHEAD
from ..isolation import isolated
from ..registry import Accounts, MeterUpdate
from .book import ChannelBook, KeptPulse
from .presence import Presence

_LOGGER = logging.getLogger(__name__)


class ChannelReports:
    """Publishes what a board's channels have counted, and what power they have.

    A power is told again when it has changed without a pulse, which a timer looks after.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        accounts: Accounts,
        key: str,
        book: ChannelBook,
        presence: Presence,
        *,
        on_change: Callable[[], None],
    ) -> None:
        """Prepare to report for the board of a key.

        `on_change` is called after a timer has looked at a power.
        """
        self._hass = hass
        self._accounts = accounts
        self._key = key
        self._book = book
        self._presence = presence
        self._on_change = on_change
        self._told_at: dict[int, datetime] = {}
        self._told_power: dict[int, PresentPower] = {}
        self._gaps: set[int] = set()
        self._timers: dict[int, tuple[datetime, CALLBACK_TYPE]] = {}

    @callback
    def begin(self, now: datetime) -> None:
        """Go on from what an earlier run counted."""
        for number, channel in self._book.channels.items():
            if channel.at is not None:
                self._told_at[number] = channel.at
            self.note_power(number, now)

    @callback
    def stop(self) -> None:
        """Look at no power any more."""
        for _, cancel in self._timers.values():
            cancel()
        self._timers.clear()

    def present(self, number: int) -> PresentPower:
        """Return the power of a channel now; nobody knows it of a board that is away."""
        channel = self._book.channels.get(number)
        if channel is None or not self._presence.online:
            return PresentPower(None)
        return present_power(channel, dt_util.utcnow())

    @callback
    def update(self, number: int) -> MeterUpdate:
        """Return the present state of a channel."""
        channel = self._book.channel(number)
        return MeterUpdate(
            available=self._presence.online,
            # A channel that was never heard has counted nothing until now.
            reading=CounterReading(channel.at or dt_util.utcnow(), channel.energy),
            # So it is after the first pulse of a life of the board.
            gap=channel.period is None,
            present=self.present(number),
        )

    @callback
    def note_gap(self) -> None:
        """Note that pulses were lost, of whichever channel: of each the next is after a gap."""
        self._gaps.update(self._book.channels)

    @callback
    def tell_set(self, number: int) -> None:
        """Tell homes that a channel was set."""
        self._publish(number, replace(self._again(number), at_once=True))

    @callback
    def tell_again(self, now: datetime) -> None:
        """Tell homes how all channels are, now that the board has come or gone."""
        for number in self._book.channels:
            self._told_power[number] = self.present(number)
            self._publish(number, self._again(number))
            self.note_power(number, now)

    @callback
    def tell_pulse(self, pulse: KeptPulse, now: datetime) -> None:
        """Tell homes what a channel has counted, never an instant before the last one.

        The origin of the board's clock may turn out to be earlier than was thought; the
        energy of a pulse that falls behind for that comes with a later one.
        """
        reading = pulse.result.reading
        if reading is None:
            return
        gap = pulse.gap or pulse.number in self._gaps
        told_at = self._told_at.get(pulse.number)
        if told_at is not None and reading.at <= told_at <= now + MAX_AHEAD:
            if gap:
                self._gaps.add(pulse.number)
            return
        self._gaps.discard(pulse.number)
        self._told_at[pulse.number] = reading.at
        present = self._told_power[pulse.number] = self.present(pulse.number)
        self._publish(
            pulse.number,
            MeterUpdate(
                available=True,
                reading=reading,
                gap=gap,
                present=present,
                at_once=pulse.result.jump,
            ),
        )

    @callback
    def note_power(self, number: int, now: datetime) -> None:
        """Tell homes where a power has changed without a pulse, and look again in time."""
        present = self.present(number)
        told = self._told_power.get(number)
        if told is None or _shown(told) != _shown(present):
            self._told_power[number] = present
            self._publish(
                number, MeterUpdate(available=self._presence.online, present=present)
            )
        timer = self._timers.get(number)
        if timer is not None and (present.until is None or timer[0] > present.until):
            timer[1]()
            del self._timers[number]
            timer = None
        # One that is due before then looks again; moving it with each pulse costs more.
        if timer is None and present.until is not None:
            due = max(present.until, now)

            @callback
            def look(now: datetime) -> None:
                """Look at the power again."""
                self._timers.pop(number, None)
                self.note_power(number, now)
                self._on_change()

            self._timers[number] = (
                due,
                async_track_point_in_utc_time(self._hass, look, due),
            )

    @callback
    def _again(self, number: int) -> MeterUpdate:
        """Return what is known of a channel, for homes that follow it already."""
        if not self._presence.online:
            return MeterUpdate(available=False)
        if self._book.channel(number).at is None:
            # The pulse that may come in this very instant is news, not a repeat.
            return MeterUpdate(available=True, present=self.present(number))
        return self.update(number)

    @callback
    def _publish(self, number: int, update: MeterUpdate) -> None:
        """Hand an update to the homes of a channel."""
        with isolated(_LOGGER, "A home did not take what channel %s said", number):
            self._accounts.publish(self._key, str(number), update)


def _shown(present: PresentPower) -> tuple[float | None, bool]:
    """Return what of a power people see."""
    return present.power, present.estimated
