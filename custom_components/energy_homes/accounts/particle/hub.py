"""A Particle account: one stream of events for all of its boards, whichever homes use them."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
import logging
from typing import Final, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_TOKEN, CONF_URL
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util

from ...clouds.errors import CloudAuthError, CloudError
from ...clouds.particle.client import ParticleCall, ParticleClient
from ...clouds.particle.errors import CloudBoardError
from ...clouds.particle.models import EventBatch, ParticleEvent
from ...const import (
    CONF_PRODUCT,
    DOMAIN,
    SUBENTRY_PARTICLE_BOARD,
    EntryKind,
    SourceKind,
)
from ...metering.readings import MAX_AHEAD
from ..backoff import Backoff
from ..budget import DAY, HOUR, CallBudget, CallKind
from ..chance import async_chance
from ..conversation import Conversation
from ..hosts import HostInfo, HostUpdate
from ..keep_running import async_keep_running
from ..patience import Patience
from ..polled import PolledAccount
from ..registry import AccountHub, Accounts, MeterInfo, MeterUpdate
from .address import address_budget
from .board import Board, Heard, Taken
from .board_hosts import BoardHosts, board_of, host_of
from .known import KnownBoards
from .measures import BoardConfig
from .reports import BoardReports
from .server import particle_url
from .stream import EventStream

_LOGGER = logging.getLogger(__name__)

LIST_INTERVAL: Final = timedelta(minutes=10)
"""How often the account is asked which boards it has."""

LIST_SOON: Final = timedelta(seconds=30)
"""How long after news of a board the list is asked for, so that many cause one call."""

VARIABLE_INTERVAL: Final = timedelta(minutes=1)
"""How often a variable is asked for that no event tells of."""

FILL_SPACING: Final = timedelta(minutes=1)
"""A stream that breaks again and again has gaps filled no more often than this."""

ASKED_AT_ONCE: Final = 4
"""So many variables are asked for at the same time."""

TOLD_EVERY: Final = timedelta(minutes=1)
"""How often the account's own sensors follow what goes on all the time."""

SHOWN_EVERY: Final = timedelta(seconds=10)
"""Values that move little are shown this often."""

_COUNTED: Final = {
    ParticleCall.REQUEST: CallKind.LIVE,
    ParticleCall.STREAM: CallKind.HISTORY,
}
"""How the account's calls are told apart where nothing limits them: only for its sensors."""

_QUOTA_WAIT: Final = (timedelta(minutes=1), timedelta(minutes=30))
_LIST_WAIT: Final = (timedelta(seconds=30), LIST_INTERVAL)
_SAVE_DELAY_S: Final = 300
_STORE_VERSION: Final = 1

type ParticleConfigEntry = ConfigEntry[ParticleHub]


@dataclass(frozen=True, slots=True)
class Liveness:
    """When the stream last brought anything, and when an event (aware, UTC)."""

    last_heard: datetime | None = None
    last_event: datetime | None = None


class ParticleHub(PolledAccount[None]):
    """Listens to one account for everybody; asks only for what no event tells.

    It satisfies `AccountHub`, whose meters are boards by their ids, and `SensingHub`. Waits
    are measured on the loop's own clock, which nobody sets back.
    """

    config_entry: ParticleConfigEntry
    kind = EntryKind.PARTICLE
    source_kind = SourceKind.PARTICLE

    def __init__(
        self, hass: HomeAssistant, entry: ParticleConfigEntry, accounts: Accounts
    ) -> None:
        """Prepare the conversation; `async_start` begins it."""
        random = async_chance(hass)
        super().__init__(
            hass,
            _LOGGER,
            entry,
            Conversation(
                hass,
                entry,
                _LOGGER,
                Patience(random, outage=None, quota=_QUOTA_WAIT),
                on_change=self.tell_homes,
            ),
        )
        self.counts: Counter[str] = Counter()
        self.last_event: datetime | None = None
        self.shown = Liveness()
        self.client = ParticleClient(
            async_get_clientsession(hass),
            entry.data[CONF_TOKEN],
            particle_url(entry.data.get(CONF_URL)),
            product=entry.data.get(CONF_PRODUCT),
            on_call=self._count_call,
        )
        self._accounts = accounts
        self._budget = address_budget(hass)
        self._made = CallBudget({})
        self._stream = EventStream(
            self.client,
            self._budget,
            self.conversation,
            random,
            name=self.name,
            time_s=hass.loop.time,
            on_open=self._opened,
            on_batch=self._take,
            on_refused=self._unschedule_poll,
        )
        self._list_wait = Backoff(*_LIST_WAIT, random)
        self._list_at_s = 0.0
        self._variables_at_s = 0.0
        self._filled_at_s: float | None = None
        self._known = KnownBoards()
        self._hosts = BoardHosts()
        self._reports = BoardReports(
            accounts, self.key, self._hosts, meter_update=self.meter_update
        )
        self._store = _store(hass, entry)

    @property
    def calls_last_hour(self) -> int:
        """Return how many calls were made in the last hour, streams too."""
        return self._made.count(HOUR, dt_util.utcnow())

    @property
    def calls_last_day(self) -> int:
        """Return how many calls were made in the last day, streams too."""
        return self._made.count(DAY, dt_util.utcnow())

    @property
    def stream_opens_last_hour(self) -> int:
        """Return how many times the stream was opened in the last hour."""
        return self._made.count(HOUR, dt_util.utcnow(), _COUNTED[ParticleCall.STREAM])

    @property
    def streaming(self) -> bool:
        """Return whether a stream brings events now."""
        return self._stream.is_open

    @property
    def last_heard(self) -> datetime | None:
        """Return when the stream last brought anything."""
        return self._stream.last_heard

    @property
    def boards(self) -> Mapping[str, Board]:
        """Return the boards by their ids."""
        return self._known.boards

    @property
    def meters(self) -> Mapping[str, MeterInfo]:
        """Return the boards that are meters; those that never said so are ghosts."""
        return self._known.meters

    @property
    def missing(self) -> Mapping[str, datetime]:
        """Return the boards that were heard as meters and are not now, and since when."""
        return self._known.missing(dt_util.utcnow())

    @property
    def hosts(self) -> Mapping[str, HostInfo]:
        """Return the boards as hosts of what they measure; a meter is not offered as one."""
        return {
            host: HostInfo(
                hardware_id=host,
                name=board.name,
                readings=self._hosts.readings(board),
                offered=board.meter is None,
            )
            for board in self.boards.values()
            if board.values and (host := host_of(board.board_id))
        }

    @callback
    def host_update(self, host_id: str) -> HostUpdate:
        """Return what a board measured last."""
        board = self.boards.get(board_of(host_id))
        if board is None or not self.conversation.holds:
            return HostUpdate(available=False)
        return HostUpdate(
            available=True,
            readings=self._hosts.readings(board) if board.online is not False else (),
            online=board.online,
            last_event=board.last_event,
        )

    @callback
    def meter_update(self, hardware_id: str) -> MeterUpdate:
        """Return the present state of one board."""
        board = self.boards.get(hardware_id)
        if board is None or not self.conversation.holds:
            return MeterUpdate(available=False)
        return MeterUpdate(
            available=board.online is not False and board.reading is not None,
            reading=board.reading,
            online=board.online,
        )

    async def async_start(self) -> None:
        """Ask for the boards, then keep listening until the entry is unloaded.

        Raises ConfigEntryNotReady in an outage and ConfigEntryAuthFailed where the token is
        refused. A reached call limit is waited for.
        """
        self.async_configure()
        await self.async_config_entry_first_refresh()
        self._leave = [
            self._accounts.attach(self),
            self._accounts.hosts.attach(self),
            async_track_time_interval(
                self.hass,
                self._show,
                SHOWN_EVERY,
                name=f"{self.name} show",
                cancel_on_shutdown=True,
            ),
            async_track_time_interval(
                self.hass,
                self._tell_liveness,
                TOLD_EVERY,
                name=f"{self.name} liveness",
                cancel_on_shutdown=True,
            ),
        ]
        self.schedule_poll()
        async_keep_running(
            self.hass,
            self.config_entry,
            self._stream.async_listen,
            f"{self.name} events",
        )

    @override
    async def async_shutdown(self) -> None:
        """Listen no more, leave the registry and keep what the next run has to know."""
        attached = bool(self._leave)
        await super().async_shutdown()
        if attached:
            await self._store.async_save(self._known.as_data())

    @callback
    def async_adopt(self, boards: Iterable[Board]) -> None:
        """Go on with boards that somebody else has listened to."""
        self._known.adopt(boards)
        self.tell_homes()

    async def async_learn(self, board_id: str, span: timedelta) -> None:
        """Listen for a while, and ask a board which variables it has."""
        if (board := self.boards.get(board_id)) is None:
            return
        try:
            board.take_device(await self.client.device(board_id))
        except CloudError as err:
            _LOGGER.debug("Variables of %s are not told: %s", board.name, err)
        await asyncio.sleep(span.total_seconds())

    @callback
    def async_configure(self) -> None:
        """Take what the entry says that its boards measure."""
        self._known.configure(
            BoardConfig.from_data(subentry.data)
            for subentry in self.config_entry.get_subentries_of_type(
                SUBENTRY_PARTICLE_BOARD
            )
        )
        self._variables_at_s = 0.0
        if self._leave:
            self.schedule_poll()
        self.tell_homes()

    @override
    async def _async_setup(self) -> None:
        """Load what another run knew."""
        self._known.restore(await self._store.async_load() or {})

    @override
    async def _async_update_data(self) -> None:
        """Ask for what is due: the boards, and the variables that no event tells of.

        While the stream tells what the boards say, a list that does not come is no trouble
        of the account's.
        """
        now_s = self.hass.loop.time()
        if now_s >= self._list_at_s:
            await self._async_list()
        if now_s >= self._variables_at_s and self._leave:
            self._variables_at_s = self._time_s(VARIABLE_INTERVAL)
            await self._async_ask({b: b.polled for b in self.boards.values()})

    async def _async_list(self) -> None:
        """Ask for the boards of the account."""
        try:
            devices = await self.client.devices()
        except CloudError as err:
            refused = isinstance(err, CloudAuthError)
            if not refused:
                self._list_at_s = self._time_s(self._list_wait.next())
            if refused or not self._leave:
                self.conversation.failed(err)
            else:
                _LOGGER.debug("Boards of %s are not told: %s", self.name, err)
            return
        self._list_wait.reset()
        self._list_at_s = self._time_s(LIST_INTERVAL)
        self._known.take_list(devices)
        self.tell_homes()
        self._store.async_delay_save(self._known.as_data, _SAVE_DELAY_S)

    @override
    def _async_refresh_finished(self) -> None:
        """Arrange for the next time that something is due."""
        if self._leave:
            self.schedule_poll()

    @override
    def _next_wait(self) -> timedelta:
        """Return how long nothing is due."""
        due_s = self._list_at_s
        if any(board.polled for board in self.boards.values()):
            due_s = min(due_s, self._variables_at_s)
        return timedelta(seconds=max(due_s - self.hass.loop.time(), 0))

    @callback
    def _opened(self) -> None:
        """Ask for what was missed while no stream was open."""
        now_s = self.hass.loop.time()
        if (
            self._filled_at_s is not None
            and now_s - self._filled_at_s < FILL_SPACING.total_seconds()
        ):
            return
        if self._filled_at_s is not None:
            self._list_soon()
        self._filled_at_s = now_s
        self.config_entry.async_create_background_task(
            self.hass,
            self._async_ask({b: b.variables for b in self.boards.values()}),
            f"{self.name} gap",
        )

    @callback
    def _take(self, batch: EventBatch) -> None:
        """Take what a chunk of the stream brought."""
        self.counts["nonsense"] += batch.nonsense
        for event in batch.events:
            self._take_event(event)

    @callback
    def _take_event(self, event: ParticleEvent) -> None:
        """Take one event, if it is a board's."""
        if event.published_at > dt_util.utcnow() + MAX_AHEAD:
            self.counts["future"] += 1
            return
        known = event.board_id in self.boards
        if (board := self._known.get(event.board_id, event)) is None:
            self.counts["ignored"] += 1
            return
        if not known:
            self._list_soon()
        was_online = board.online
        was_meter = board.meter
        taken = board.take(event)
        self.counts[taken.heard.name.lower()] += 1
        if taken.heard is Heard.NEW:
            self.last_event = max(
                self.last_event or event.published_at, event.published_at
            )
        if taken.heard is Heard.STATUS:
            self._list_soon()
        self._tell(board, taken)
        if board.online is not was_online or board.meter is not was_meter:
            self._reports.tell_presence(board)
            self.async_update_listeners()

    async def _async_ask(self, wanted: Mapping[Board, Iterable[str]]) -> None:
        """Ask boards that are online for variables, a few at a time."""
        turns = asyncio.Semaphore(ASKED_AT_ONCE)

        async def ask(board: Board, name: str) -> None:
            """Ask for one."""
            async with turns:
                try:
                    value = await self.client.variable(board.board_id, name)
                except CloudBoardError as err:
                    self.counts[f"variable_{err.trouble}"] += 1
                except CloudError as err:
                    self.counts["variable_failed"] += 1
                    _LOGGER.debug("Variable %s of %s: %s", name, board.name, err)
                else:
                    self._tell(board, board.take_variable(value, dt_util.utcnow()))

        await asyncio.gather(
            *(
                ask(board, name)
                for board, names in wanted.items()
                if board.online is not False
                for name in sorted(names)
            )
        )

    @callback
    def _tell(self, board: Board, taken: Taken) -> None:
        """Tell homes what a board has just measured."""
        self.counts["nonsense"] += taken.nonsense
        self._reports.tell_taken(board, taken, dt_util.utcnow())

    @override
    @callback
    def tell_homes(self) -> None:
        """Tell everybody how the account and its boards are, once homes can be told."""
        if not self._leave:
            return
        for board in self.boards.values():
            self._reports.tell_presence(board)
        self.async_update_listeners()

    @callback
    def _tell_liveness(self, _now: datetime) -> None:
        """Let the account's own sensors follow."""
        self.shown = Liveness(self.last_heard, self.last_event)
        self.async_update_listeners()

    @callback
    def _show(self, _now: datetime) -> None:
        """Show what has moved little since it was shown."""
        self._reports.show(self.boards.values())

    @callback
    def _list_soon(self) -> None:
        """Ask for the boards before long."""
        self._list_at_s = min(self._list_at_s, self._time_s(LIST_SOON))
        if self._leave:
            self.schedule_poll()

    def _count_call(self, call: ParticleCall) -> None:
        """Count a call that is about to be made; raises CloudQuotaError at our limit."""
        now = dt_util.utcnow()
        self._budget.take(call, now)
        self._made.record(_COUNTED[call], now)


async def async_remove_particle_account(
    hass: HomeAssistant, entry: ParticleConfigEntry
) -> None:
    """Remove what was stored for an account, once its entry is removed."""
    await _store(hass, entry).async_remove()


@callback
def async_adopted(
    hub: AccountHub | None, boards: Iterable[Board]
) -> tuple[MeterInfo, ...]:
    """Hand what a flow has heard to its account; return the meters, none where it is not loaded."""
    if not isinstance(hub, ParticleHub):
        return ()
    hub.async_adopt(boards)
    return tuple(hub.meters.values())


def _store(hass: HomeAssistant, entry: ParticleConfigEntry) -> Store[dict[str, str]]:
    """Return an account's store: when each board was last heard as a meter."""
    return Store(hass, _STORE_VERSION, f"{DOMAIN}.account.{entry.entry_id}")
