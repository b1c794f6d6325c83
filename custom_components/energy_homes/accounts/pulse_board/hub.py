"""A pulse board: an account that calls us, whose channels are meters of any home."""

from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
import logging
from typing import Any, Final, Protocol

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_track_point_in_utc_time
from homeassistant.util import dt as dt_util

from ...boards.config import BoardConfig
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
from ...boards.rate import TokenBucket
from ...boards.remote import RemoteReply, RemoteUpdate, update_reply
from ...boards.sensors import RemoteSensors
from ...boards.topics import BoardState, Reconnected
from ...const import EntryKind, SourceKind
from ...ledger import Ledger
from ...metering.model import CounterReading
from ...metering.pulse_decay import LEAST_POWER, PresentPower, present_power
from ...metering.pulses import PulseChannel, PulseKind
from ...metering.readings import MAX_AHEAD
from ..hosts import HostInfo, HostUpdate
from ..registry import Accounts, AccountState, MeterInfo, MeterUpdate
from .book import ChannelBook, Channels, KeptPulse

_LOGGER = logging.getLogger(__name__)

ONLINE_FOR: Final = timedelta(minutes=30)
"""A board that was not heard for so long is taken to be away.

It calls only when a meter makes a pulse. The least power that counts as one, 25 W, makes a
pulse of a meter with 100 in a kWh every 24 minutes; slower meters are waited for longer.
"""

ONLINE_PERIODS: Final = 1.25
"""A pulse of the least power is waited for so many periods."""

REQUESTS_PER_SECOND: Final = 100.0
REQUESTS_AT_ONCE: Final = 400.0
"""A board of eight channels with five pulses a second each sends 40 in a second."""

SET_METER_OFF: Final = BoardReply(403, "WEBHOOK 403 Forbidden: set meter is off\n")
"""What the meter shows is not for the board to say now."""

HOUR: Final = timedelta(hours=1)
DAY_MINUTES: Final = 24 * 60

_UNKNOWN_BEFORE: Final = frozenset({PulseKind.FIRST, PulseKind.RESTART})


class BoardDirectory(Protocol):
    """Where requests find the board that they come from."""

    def attach(self, hub: PulseBoardHub) -> Callable[[], None]:
        """Let requests find a board; return how to end that."""


class PulseBoardHub:
    """Takes what one board says, answers once it is kept, and tells homes.

    It satisfies `AccountHub`: meters are channels, their hardware ids the channels' numbers.
    """

    kind = EntryKind.PULSE_BOARD

    def __init__(
        self,
        hass: HomeAssistant,
        *,
        key: str,
        title: str,
        config: BoardConfig,
        accounts: Accounts,
        boards: BoardDirectory,
        ledger: Ledger,
    ) -> None:
        """Prepare to be called; `async_start` begins it."""
        self.key = key
        self.title = title
        self.config = config
        self.set_meter = False
        self.debug = False
        self.sensors = RemoteSensors()
        self.last_heard: datetime | None = None
        self.counts: Counter[str] = Counter()
        self.refusals = 0
        self._hass = hass
        self._accounts = accounts
        self._boards = boards
        self._book = ChannelBook(hass, ledger, key, config, on_kept=self._kept)
        self._bucket = TokenBucket(rate=REQUESTS_PER_SECOND, burst=REQUESTS_AT_ONCE)
        self._requests: deque[tuple[datetime, int]] = deque(maxlen=DAY_MINUTES)
        self._listeners: list[Callable[[], None]] = []
        self._push_listeners: list[Callable[[], None]] = []
        self._told_at: dict[int, datetime] = {}
        self._gaps: set[int] = set()
        self._watches: dict[int, BufferWatch] = {}
        self._told_power: dict[int, PresentPower] = {}
        self._online = False
        self._detach: list[CALLBACK_TYPE] = []
        self._power_timers: dict[int, tuple[datetime, CALLBACK_TYPE]] = {}
        self._online_timer: CALLBACK_TYPE | None = None

    async def async_start(self) -> None:
        """Go on from what was counted, then be found. Raises LedgerError."""
        await self._book.async_load()
        pulses = (channel.at for channel in self.channels.values())
        self.last_heard = max((at for at in pulses if at is not None), default=None)
        now = dt_util.utcnow()
        self._online = self._is_online(now)
        for number, channel in self.channels.items():
            if channel.at is not None:
                self._told_at[number] = channel.at
            self._note_power(number, now)
        self._schedule_online(now)
        self._detach = [
            self._boards.attach(self),
            self._accounts.hosts.attach(self),
            self._accounts.attach(self),
        ]

    async def async_stop(self) -> None:
        """Take no more calls, keep what is being kept, and leave the registry."""
        while self._detach:
            self._detach.pop(0)()
        await self._book.async_stop()
        for _, cancel in self._power_timers.values():
            cancel()
        self._power_timers.clear()
        if self._online_timer is not None:
            self._online_timer()
            self._online_timer = None

    @property
    def channels(self) -> Mapping[int, PulseChannel]:
        """Return all channels that are set up or were ever heard, as they are kept."""
        return self._book.channels

    def channel(self, number: int) -> PulseChannel:
        """Return a channel, also one that was never heard."""
        return self.channels.get(number) or self._book.fresh(number)

    @property
    def commits(self) -> int:
        """Return how many transactions were committed since the start."""
        return self._book.commits

    @property
    def online(self) -> bool:
        """Return whether the board was heard of late."""
        return self._online

    @property
    def online_for(self) -> timedelta:
        """Return after how much silence the board is taken to be away."""
        rates = (channel.settings.pulses_per_kwh for channel in self.channels.values())
        hours = 1000 / LEAST_POWER / max(rates, default=1000.0)
        return max(ONLINE_FOR, ONLINE_PERIODS * hours * HOUR)

    @property
    def state(self) -> AccountState:
        """Return whether the board was ever heard, and is still."""
        if self.last_heard is None:
            return AccountState.STARTING
        return AccountState.CONNECTED if self._online else AccountState.OUTAGE

    @property
    def meters(self) -> Mapping[str, MeterInfo]:
        """Return the board's channels by number."""
        return {
            str(number): MeterInfo(
                hardware_id=str(number),
                name=self.config.channel(number).name,
                role=self.config.channel(number).role,
                power=self.present(number).power,
                last_seen=channel.at,
            )
            for number, channel in sorted(self.channels.items())
        }

    @property
    def missing(self) -> Mapping[str, datetime]:
        """Return nothing: a channel without pulses is a meter that stands still."""
        return {}

    @property
    def source_kind(self) -> SourceKind:
        """Return what revisions are called that read a sensor daemon's host."""
        return SourceKind.REMOTE

    @property
    def hosts(self) -> Mapping[str, HostInfo]:
        """Return the hosts of sensor daemons that reported to the board."""
        return {
            host_id: HostInfo(hardware_id=host_id, name=host_id, readings=readings)
            for host_id, readings in self.sensors.hosts.items()
        }

    @callback
    def host_update(self, host_id: str) -> HostUpdate:
        """Return what the sensors of a host said last."""
        return HostUpdate(available=True, readings=self.sensors.host(host_id))

    @property
    def calls_last_hour(self) -> int:
        """Return how many requests the board made in the last hour."""
        since = dt_util.utcnow() - HOUR
        return sum(count for at, count in self._requests if at > since)

    @property
    def calls_last_day(self) -> int:
        """Return how many requests the board made in the last day."""
        since = dt_util.utcnow() - 24 * HOUR
        return sum(count for at, count in self._requests if at > since)

    def _watch(self, number: int) -> BufferWatch:
        """Return who follows the buffer of a channel."""
        return self._watches.setdefault(number, BufferWatch())

    def present(self, number: int) -> PresentPower:
        """Return the power of a channel now; nobody knows it of a board that is away."""
        channel = self.channels.get(number)
        if channel is None or not self._online:
            return PresentPower(None)
        return present_power(channel, dt_util.utcnow())

    @callback
    def meter_update(self, hardware_id: str) -> MeterUpdate:
        """Return the present state of a channel."""
        if not hardware_id.isdecimal():
            return MeterUpdate(available=False)
        number = int(hardware_id)
        channel = self.channel(number)
        return MeterUpdate(
            available=self._online,
            # A channel that was never heard has counted nothing until now.
            reading=CounterReading(channel.at or dt_util.utcnow(), channel.energy),
            # So it is after the first pulse of a life of the board.
            gap=channel.period is None,
            present=self.present(number),
        )

    @callback
    def async_add_listener(
        self, update_callback: Callable[[], None], context: Any = None
    ) -> Callable[[], None]:
        """Call back after whatever the board changed; return how to stop."""
        return _listen(self._listeners, update_callback)

    @callback
    def async_add_push_listener(self, listener: Callable[[], None]) -> CALLBACK_TYPE:
        """Call back when the board asks for its readings to be pushed on."""
        return _listen(self._push_listeners, listener)

    @callback
    def admit(self) -> bool:
        """Count a request; return whether the board may make so many."""
        minute = dt_util.utcnow().replace(second=0, microsecond=0)
        count = 1
        if self._requests and self._requests[-1][0] == minute:
            count += self._requests.pop()[1]
        self._requests.append((minute, count))
        if self._bucket.take(self._hass.loop.time()):
            return True
        self.refused("too_many")
        return False

    @callback
    def let_set_meter(self, on: bool) -> None:
        """Let what the board says its meters show set them, or not."""
        self.set_meter = on
        self._tell_listeners()

    @callback
    def refused(self, problem: str) -> None:
        """Count a request that nobody can use."""
        self.counts[problem] += 1
        self.refusals += 1
        if self.debug:
            _LOGGER.debug("%s sent what cannot be used: %s", self.title, problem)

    async def async_hear(self, message: BoardMessage, arrival: datetime) -> BoardReply:
        """Return the answer to what the board says; what counts is committed by then.

        `arrival` is when the request began to come, aware.
        """
        self._heard(arrival)
        if self.debug:
            _LOGGER.debug("%s says %s", self.title, message)
        match message:
            case Pulse(number, stamp):

                def take(channels: Channels) -> KeptPulse:
                    """Count a pulse."""
                    channel = channels.get(number) or self._book.fresh(number)
                    result = channel.take(stamp, arrival)
                    channels[number] = result.channel
                    lost = self._watch(number).may_have_lost(
                        channel, stamp, result, arrival
                    )
                    gap = lost or result.kind in _UNKNOWN_BEFORE
                    return KeptPulse(number, result, gap)

                kept = await self._book.async_change(take)
            case MeterCount(number, hundredths):
                if not self.set_meter:
                    self.refused("set_meter_off")
                    return SET_METER_OFF

                def set_count(channels: Channels) -> None:
                    """Set what a meter shows."""
                    channel = channels.get(number) or self._book.fresh(number)
                    channels[number] = channel.with_metercount(hundredths)

                if kept := await self._book.async_change(set_count):
                    self._tell_set(number)
            case PowerUp():
                kept = await self._book.async_change(_power_up)
            case PushReadings():
                for listener in tuple(self._push_listeners):
                    listener()
                kept = True
            case Debug(on):
                self.debug = on
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

        def set_reading(channels: Channels) -> None:
            """Set what a meter shows."""
            channel = channels.get(number) or self._book.fresh(number)
            channels[number] = channel.with_reading(reading)

        return await self._async_commanded(number, set_reading)

    async def async_reset_subtotal(self, number: int) -> bool:
        """Let a channel's subtotal begin at zero; return whether that is kept."""

        def reset(channels: Channels) -> None:
            """Begin at zero."""
            channel = channels.get(number) or self._book.fresh(number)
            channels[number] = channel.with_subtotal_reset()

        return await self._async_commanded(number, reset)

    async def _async_commanded(
        self, number: int, change: Callable[[Channels], None]
    ) -> bool:
        """Change a channel, however long that takes; tell homes once it is kept."""
        if kept := await self._book.async_change(change, within_s=None):
            self._tell_set(number)
        return kept

    @callback
    def _tell_set(self, number: int) -> None:
        """Tell homes that a channel was set."""
        self._publish(number, replace(self._told_again(number), at_once=True))

    @callback
    def _told_again(self, number: int) -> MeterUpdate:
        """Return what is known of a channel, for homes that follow it already."""
        if not self._online:
            return MeterUpdate(available=False)
        if self.channel(number).at is None:
            # The pulse that may come in this very instant is news, not a repeat.
            return MeterUpdate(available=True, present=self.present(number))
        return self.meter_update(str(number))

    @callback
    def take_state(self, state: BoardState | Reconnected, arrival: datetime) -> None:
        """Note how the board says that it is, or what its broker says of it."""
        self.counts[state.value if isinstance(state, BoardState) else "reconnect"] += 1
        if state is BoardState.DISCONNECTED:
            self._gone()
            return
        self._heard(arrival)
        if state is BoardState.OVERRUN:
            # Nobody knows of which channel, so of each what comes next is after a gap.
            self._gaps.update(self.channels)
            _LOGGER.warning("%s says that pulses were lost in its buffer", self.title)

    @callback
    def take_report(self, update: RemoteUpdate, arrival: datetime) -> RemoteReply:
        """Return the answer to what a sensor daemon reports."""
        stored = self.sensors.take(update, arrival)
        self.counts["report"] += 1
        if stored:
            self._accounts.hosts.publish(self.key, update.host_id)
        self._tell_listeners()
        return update_reply(update, stored)

    @callback
    def _kept(self, pulses: Sequence[KeptPulse]) -> None:
        """Tell homes what was committed, each channel's in the order in which it was."""
        now = dt_util.utcnow()
        for pulse in pulses:
            self.counts[f"pulse_{pulse.result.kind}"] += 1
            self._tell_pulse(pulse, now)
        for number in self.channels:
            self._note_power(number, now)
        self._tell_listeners()

    @callback
    def _tell_pulse(self, pulse: KeptPulse, now: datetime) -> None:
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
    def _note_power(self, number: int, now: datetime) -> None:
        """Tell homes where a power has changed without a pulse, and look again in time."""
        present = self.present(number)
        told = self._told_power.get(number)
        if told is None or _shown(told) != _shown(present):
            self._told_power[number] = present
            self._publish(number, MeterUpdate(available=self._online, present=present))
        timer = self._power_timers.get(number)
        if timer is not None and (present.until is None or timer[0] > present.until):
            timer[1]()
            del self._power_timers[number]
            timer = None
        # One that is due before then looks again; moving it with each pulse costs more.
        if timer is None and present.until is not None:
            due = max(present.until, now)

            @callback
            def look(now: datetime) -> None:
                """Look at the power again."""
                self._power_timers.pop(number, None)
                self._note_power(number, now)
                self._tell_listeners()

            self._power_timers[number] = (
                due,
                async_track_point_in_utc_time(self._hass, look, due),
            )

    @callback
    def _heard(self, arrival: datetime) -> None:
        """Note that the board is there."""
        self.last_heard = arrival
        if not self._online:
            self._online = True
            self._tell_online()
        if self._online_timer is None:
            self._schedule_online(arrival)

    def _is_online(self, now: datetime) -> bool:
        """Return whether the board was heard of late."""
        return self.last_heard is not None and now - self.last_heard < self.online_for

    @callback
    def _schedule_online(self, now: datetime) -> None:
        """Look again when the board has been silent for too long, unless it is away."""
        if self.last_heard is None or not self._online:
            return
        self._online_timer = async_track_point_in_utc_time(
            self._hass, self._check_online, max(self.last_heard + self.online_for, now)
        )

    @callback
    def _gone(self) -> None:
        """Note at once that the board is away."""
        if self._online_timer is not None:
            self._online_timer()
            self._online_timer = None
        if self._online:
            self._online = False
            self._tell_online()

    @callback
    def _check_online(self, now: datetime) -> None:
        """Note that the board is away, or look again later."""
        self._online_timer = None
        if self._is_online(now):
            self._schedule_online(now)
            return
        self._online = False
        self._tell_online()

    @callback
    def _tell_online(self) -> None:
        """Tell everybody that the board has come or gone."""
        now = dt_util.utcnow()
        for number in self.channels:
            self._told_power[number] = self.present(number)
            self._publish(number, self._told_again(number))
            self._note_power(number, now)
        self._tell_listeners()

    @callback
    def _publish(self, number: int, update: MeterUpdate) -> None:
        """Hand an update to the homes of a channel."""
        try:
            self._accounts.publish(self.key, str(number), update)
        except Exception:
            # One home's trouble must not keep others from hearing of theirs.
            _LOGGER.exception("A home did not take what channel %s said", number)

    @callback
    def _tell_listeners(self) -> None:
        """Tell everybody who looks at the board."""
        for listener in tuple(self._listeners):
            listener()


def _power_up(channels: Channels) -> None:
    """Let a board begin anew: its first pulses tell no power."""
    for number, channel in channels.items():
        channels[number] = channel.powered_up()


def _shown(present: PresentPower) -> tuple[float | None, bool]:
    """Return what of a power people see."""
    return present.power, present.estimated


def _listen(
    listeners: list[Callable[[], None]], listener: Callable[[], None]
) -> CALLBACK_TYPE:
    """Add a listener; return how to stop."""
    listeners.append(listener)

    def stop() -> None:
        """Stop listening."""
        listeners.remove(listener)

    return stop
