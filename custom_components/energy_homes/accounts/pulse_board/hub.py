"""A pulse board: an account that calls us, whose channels are meters of any home."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
import logging
from typing import Any, Protocol

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.util import dt as dt_util

from ...boards.config import BoardConfig
from ...boards.message import BoardMessage, BoardReply
from ...boards.topics import BoardState, Reconnected
from ...const import EntryKind
from ...ledger import Ledger
from ..listeners import Listeners
from ..registry import Accounts, AccountState, MeterInfo, MeterUpdate
from .book import ChannelBook, KeptPulse
from .hearing import Hearing
from .presence import Presence
from .reports import ChannelReports
from .requests import DAY, HOUR, Requests
from .sensing import DaemonSensing

_LOGGER = logging.getLogger(__name__)


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
        self._accounts = accounts
        self._boards = boards
        self._listeners = Listeners()
        self.book = ChannelBook(hass, ledger, key, config, on_kept=self._kept)
        self.presence = Presence(hass, self.book, on_change=self._tell_online)
        self.reports = ChannelReports(
            hass,
            accounts,
            key,
            self.book,
            self.presence,
            on_change=self._listeners.tell,
        )
        self.hearing = Hearing(
            self.book,
            title,
            on_set=self.reports.tell_set,
            on_change=self._listeners.tell,
        )
        self.requests = Requests(hass, on_refused=self.hearing.refused)
        self.sensing = DaemonSensing(
            key,
            accounts.hosts,
            self.hearing.counts,
            on_report=self._listeners.tell,
        )
        self._detach: list[CALLBACK_TYPE] = []

    async def async_start(self) -> None:
        """Go on from what was counted, then be found. Raises LedgerError."""
        await self.book.async_load()
        pulses = (channel.at for channel in self.book.channels.values())
        now = dt_util.utcnow()
        self.presence.begin(
            max((at for at in pulses if at is not None), default=None), now
        )
        self.reports.begin(now)
        self._detach = [
            self._boards.attach(self),
            self._accounts.hosts.attach(self.sensing),
            self._accounts.attach(self),
        ]

    async def async_stop(self) -> None:
        """Take no more calls, keep what is being kept, and leave the registry."""
        while self._detach:
            self._detach.pop(0)()
        await self.book.async_stop()
        self.reports.stop()
        self.presence.stop()

    @property
    def state(self) -> AccountState:
        """Return whether the board was ever heard, and is still."""
        if self.presence.last_heard is None:
            return AccountState.STARTING
        return AccountState.CONNECTED if self.presence.online else AccountState.OUTAGE

    @property
    def meters(self) -> Mapping[str, MeterInfo]:
        """Return the board's channels by number."""
        return {
            str(number): MeterInfo(
                hardware_id=str(number),
                name=self.config.channel(number).name,
                role=self.config.channel(number).role,
                power=self.reports.present(number).power,
                last_seen=channel.at,
            )
            for number, channel in sorted(self.book.channels.items())
        }

    @property
    def missing(self) -> Mapping[str, datetime]:
        """Return nothing: a channel without pulses is a meter that stands still."""
        return {}

    @property
    def calls_last_hour(self) -> int:
        """Return how many requests the board made in the last hour."""
        return self.requests.count(HOUR)

    @property
    def calls_last_day(self) -> int:
        """Return how many requests the board made in the last day."""
        return self.requests.count(DAY)

    @callback
    def meter_update(self, hardware_id: str) -> MeterUpdate:
        """Return the present state of a channel."""
        if not hardware_id.isdecimal():
            return MeterUpdate(available=False)
        return self.reports.update(int(hardware_id))

    @callback
    def async_add_listener(
        self, update_callback: Callable[[], None], context: Any = None
    ) -> Callable[[], None]:
        """Call back after whatever the board changed; return how to stop."""
        return self._listeners.add(update_callback)

    async def async_hear(self, message: BoardMessage, arrival: datetime) -> BoardReply:
        """Return the answer to what the board says; what counts is committed by then.

        `arrival` is when the request began to come, aware.
        """
        self.presence.heard(arrival)
        return await self.hearing.async_answer(message, arrival)

    @callback
    def take_state(self, state: BoardState | Reconnected, arrival: datetime) -> None:
        """Note how the board says that it is, or what its broker says of it."""
        said = state.value if isinstance(state, BoardState) else "reconnect"
        self.hearing.counts[said] += 1
        if state is BoardState.DISCONNECTED:
            self.presence.gone()
            return
        self.presence.heard(arrival)
        if state is BoardState.OVERRUN:
            self.reports.note_gap()
            _LOGGER.warning("%s says that pulses were lost in its buffer", self.title)

    @callback
    def _kept(self, pulses: Sequence[KeptPulse]) -> None:
        """Tell homes what was committed, each channel's in the order in which it was."""
        now = dt_util.utcnow()
        for pulse in pulses:
            self.hearing.counts[f"pulse_{pulse.result.kind}"] += 1
            self.reports.tell_pulse(pulse, now)
        for number in self.book.channels:
            self.reports.note_power(number, now)
        self._listeners.tell()

    @callback
    def _tell_online(self) -> None:
        """Tell everybody that the board has come or gone."""
        self.reports.tell_again(dt_util.utcnow())
        self._listeners.tell()
