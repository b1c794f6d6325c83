"""A pulse board: an account that calls us, whose channels are meters of any home."""

from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
import logging
from typing import Any, Final, Protocol

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.util import dt as dt_util

from ...boards.config import BoardConfig
from ...boards.message import BoardMessage, BoardReply
from ...boards.rate import TokenBucket
from ...boards.remote import RemoteReply, RemoteUpdate, update_reply
from ...boards.sensors import RemoteSensors
from ...boards.topics import BoardState, Reconnected
from ...const import EntryKind, SourceKind
from ...ledger import Ledger
from ...metering.pulse_decay import LEAST_POWER, PresentPower
from ...metering.pulses import PulseChannel
from ..hosts import HostInfo, HostUpdate
from ..registry import Accounts, AccountState, MeterInfo, MeterUpdate
from .book import ChannelBook, KeptPulse
from .hearing import Hearing
from .presence import Presence
from .reports import ChannelReports

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

HOUR: Final = timedelta(hours=1)
DAY_MINUTES: Final = 24 * 60


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
        self.sensors = RemoteSensors()
        self._hass = hass
        self._accounts = accounts
        self._boards = boards
        self._book = ChannelBook(hass, ledger, key, config, on_kept=self._kept)
        self._presence = Presence(
            hass, online_for=lambda: self.online_for, on_change=self._tell_online
        )
        self._reports = ChannelReports(
            hass,
            self._book,
            self._presence,
            publish=self._publish,
            on_change=self._tell_listeners,
        )
        self._hearing = Hearing(
            self._book, title, on_set=self._reports.tell_set, on_push=self._tell_push
        )
        self._bucket = TokenBucket(rate=REQUESTS_PER_SECOND, burst=REQUESTS_AT_ONCE)
        self._requests: deque[tuple[datetime, int]] = deque(maxlen=DAY_MINUTES)
        self._listeners: list[Callable[[], None]] = []
        self._push_listeners: list[Callable[[], None]] = []
        self._detach: list[CALLBACK_TYPE] = []

    async def async_start(self) -> None:
        """Go on from what was counted, then be found. Raises LedgerError."""
        await self._book.async_load()
        pulses = (channel.at for channel in self.channels.values())
        now = dt_util.utcnow()
        self._presence.begin(
            max((at for at in pulses if at is not None), default=None), now
        )
        self._reports.begin(now)
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
        self._reports.stop()
        self._presence.stop()

    @property
    def counts(self) -> Counter[str]:
        """Return how many messages came by kind, and how many were of no use."""
        return self._hearing.counts

    @property
    def refusals(self) -> int:
        """Return how many requests nobody could use."""
        return self._hearing.refusals

    @property
    def set_meter(self) -> bool:
        """Return whether the board may say what its meters show."""
        return self._hearing.set_meter

    @property
    def last_heard(self) -> datetime | None:
        """Return when the board was heard last, None where it never was."""
        return self._presence.last_heard

    @property
    def channels(self) -> Mapping[int, PulseChannel]:
        """Return all channels that are set up or were ever heard, as they are kept."""
        return self._book.channels

    def channel(self, number: int) -> PulseChannel:
        """Return a channel, also one that was never heard."""
        return self._reports.channel(number)

    @property
    def commits(self) -> int:
        """Return how many transactions were committed since the start."""
        return self._book.commits

    @property
    def online(self) -> bool:
        """Return whether the board was heard of late."""
        return self._presence.online

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
        return AccountState.CONNECTED if self._presence.online else AccountState.OUTAGE

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

    def present(self, number: int) -> PresentPower:
        """Return the power of a channel now; nobody knows it of a board that is away."""
        return self._reports.present(number)

    @callback
    def meter_update(self, hardware_id: str) -> MeterUpdate:
        """Return the present state of a channel."""
        if not hardware_id.isdecimal():
            return MeterUpdate(available=False)
        return self._reports.update(int(hardware_id))

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
        self._hearing.set_meter = on
        self._tell_listeners()

    @callback
    def refused(self, problem: str) -> None:
        """Count a request that nobody can use."""
        self._hearing.refused(problem)

    async def async_hear(self, message: BoardMessage, arrival: datetime) -> BoardReply:
        """Return the answer to what the board says; what counts is committed by then.

        `arrival` is when the request began to come, aware.
        """
        self._presence.heard(arrival)
        return await self._hearing.async_answer(message, arrival)

    async def async_set_reading(self, number: int, reading: float) -> bool:
        """Let a channel's meter show so many kWh; return whether that is kept.

        Raises ValueError for what no meter can show.
        """
        return await self._hearing.async_set_reading(number, reading)

    async def async_reset_subtotal(self, number: int) -> bool:
        """Let a channel's subtotal begin at zero; return whether that is kept."""
        return await self._hearing.async_reset_subtotal(number)

    @callback
    def _tell_push(self) -> None:
        """Tell who pushes readings on that the board asks for it."""
        for listener in tuple(self._push_listeners):
            listener()

    @callback
    def take_state(self, state: BoardState | Reconnected, arrival: datetime) -> None:
        """Note how the board says that it is, or what its broker says of it."""
        self.counts[state.value if isinstance(state, BoardState) else "reconnect"] += 1
        if state is BoardState.DISCONNECTED:
            self._presence.gone()
            return
        self._presence.heard(arrival)
        if state is BoardState.OVERRUN:
            self._reports.note_gap()
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
            self._reports.tell_pulse(pulse, now)
        for number in self.channels:
            self._reports.note_power(number, now)
        self._tell_listeners()

    @callback
    def _tell_online(self) -> None:
        """Tell everybody that the board has come or gone."""
        self._reports.tell_again(dt_util.utcnow())
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


def _listen(
    listeners: list[Callable[[], None]], listener: Callable[[], None]
) -> CALLBACK_TYPE:
    """Add a listener; return how to stop."""
    listeners.append(listener)

    def stop() -> None:
        """Stop listening."""
        listeners.remove(listener)

    return stop
