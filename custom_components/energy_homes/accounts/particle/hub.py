"""A Particle account: one stream of events for all of its boards, whichever homes use them."""

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
from homeassistant.util import dt as dt_util

from ...clouds.errors import CloudAuthError, CloudError
from ...clouds.particle.client import ParticleClient
from ...const import CONF_PRODUCT, SUBENTRY_PARTICLE_BOARD, EntryKind
from ..chance import async_chance
from ..conversation import Conversation
from ..keep_running import async_keep_running
from ..patience import Patience
from ..polled import PolledAccount
from ..registry import AccountHub, Accounts, MeterInfo, MeterUpdate
from ..store import AccountStore
from .address import address_budget
from .board import Board
from .board_hosts import BoardHosts
from .board_list import BoardList
from .calls import ParticleCalls
from .hearing import Hearing
from .known import KnownBoards
from .measures import BoardConfig
from .reports import BoardReports
from .sensing import ParticleSensing
from .server import particle_url
from .stream import EventStream
from .variables import Variables

_LOGGER = logging.getLogger(__name__)

FILL_SPACING: Final = timedelta(minutes=1)
"""A stream that breaks again and again has gaps filled no more often than this."""

TOLD_EVERY: Final = timedelta(minutes=1)
"""How often the account's own sensors follow what goes on all the time."""

SHOWN_EVERY: Final = timedelta(seconds=10)
"""Values that move little are shown this often."""

_QUOTA_WAIT: Final = (timedelta(minutes=1), timedelta(minutes=30))

type ParticleConfigEntry = ConfigEntry[ParticleHub]


@dataclass(frozen=True, slots=True)
class Liveness:
    """When the stream last brought anything, and when an event (aware, UTC)."""

    last_heard: datetime | None = None
    last_event: datetime | None = None


class ParticleHub(PolledAccount[None]):
    """Listens to one account for everybody; asks only for what no event tells.

    It satisfies `AccountHub`: meters are boards, their hardware ids the boards' ids. Waits
    are measured on the loop's own clock, which nobody sets back.
    """

    config_entry: ParticleConfigEntry
    kind = EntryKind.PARTICLE

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
        address = address_budget(hass)
        self.calls = ParticleCalls(address)
        client = ParticleClient(
            async_get_clientsession(hass),
            entry.data[CONF_TOKEN],
            particle_url(entry.data.get(CONF_URL)),
            product=entry.data.get(CONF_PRODUCT),
            on_call=self.calls.take,
        )
        self.known = KnownBoards()
        board_hosts = BoardHosts()
        self.sensing = ParticleSensing(
            self.key, self.known, board_hosts, self.conversation
        )
        self._reports = BoardReports(
            accounts, self.key, self.known, board_hosts, self.conversation
        )
        self.hearing = Hearing(
            self.known,
            self._reports,
            on_news=self._list_soon,
            on_presence=self.async_update_listeners,
        )
        self.stream = EventStream(
            client,
            address,
            self.conversation,
            random,
            name=self.name,
            time_s=hass.loop.time,
            on_open=self._opened,
            on_batch=self.hearing.take,
            on_refused=self._unschedule_poll,
        )
        self.variables = Variables(
            hass,
            client,
            self.known.boards,
            self.hearing.counts,
            on_value=self.hearing.take_variable,
        )
        self.shown = Liveness()
        self._accounts = accounts
        self._list = BoardList(hass, client, random)
        self._filled_at_s: float | None = None
        self._store = AccountStore(hass, entry, self.known.as_data)

    @property
    def calls_last_hour(self) -> int:
        """Return how many calls were made in the last hour, streams too."""
        return self.calls.last_hour

    @property
    def calls_last_day(self) -> int:
        """Return how many calls were made in the last day, streams too."""
        return self.calls.last_day

    @property
    def meters(self) -> Mapping[str, MeterInfo]:
        """Return the boards that are meters; those that never said so are ghosts."""
        return self.known.meters

    @property
    def missing(self) -> Mapping[str, datetime]:
        """Return the boards that were heard as meters and are not now, and since when."""
        return self.known.missing(dt_util.utcnow())

    @callback
    def meter_update(self, hardware_id: str) -> MeterUpdate:
        """Return the present state of one board."""
        return self._reports.update(hardware_id)

    async def async_start(self) -> None:
        """Ask for the boards, then keep listening until the entry is unloaded.

        Raises ConfigEntryNotReady in an outage and ConfigEntryAuthFailed where the token is
        refused. A reached call limit is waited for.
        """
        self.async_configure()
        await self.async_config_entry_first_refresh()
        self._leave = [
            self._accounts.attach(self),
            self._accounts.hosts.attach(self.sensing),
            async_track_time_interval(
                self.hass,
                self._reports.show,
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
            self.stream.async_listen,
            f"{self.name} events",
        )

    @override
    async def async_shutdown(self) -> None:
        """Listen no more, leave the registry and keep what the next run has to know."""
        attached = bool(self._leave)
        await super().async_shutdown()
        if attached:
            await self._store.async_save()

    @callback
    def async_adopt(self, boards: Iterable[Board]) -> None:
        """Go on with boards that somebody else has listened to."""
        self.known.adopt(boards)
        self.tell_homes()

    @callback
    def async_configure(self) -> None:
        """Take what the entry says that its boards measure."""
        self.known.configure(
            BoardConfig.from_data(subentry.data)
            for subentry in self.config_entry.get_subentries_of_type(
                SUBENTRY_PARTICLE_BOARD
            )
        )
        self.variables.ask_now()
        if self._leave:
            self.schedule_poll()
        self.tell_homes()

    @override
    async def _async_setup(self) -> None:
        """Load what another run knew."""
        self.known.restore(await self._store.async_load() or {})

    @override
    async def _async_update_data(self) -> None:
        """Ask for what is due: the boards, and the variables that no event tells of.

        While the stream tells what the boards say, a list that does not come is no trouble
        of the account's.
        """
        now_s = self.hass.loop.time()
        if now_s >= self._list.due_s:
            await self._async_list()
        if self._leave:
            await self.variables.async_ask_due(now_s)

    async def _async_list(self) -> None:
        """Ask for the boards of the account."""
        try:
            devices = await self._list.async_ask()
        except CloudError as err:
            if isinstance(err, CloudAuthError) or not self._leave:
                self.conversation.failed(err)
            else:
                _LOGGER.debug("Boards of %s are not told: %s", self.name, err)
            return
        self.known.take_list(devices)
        self.tell_homes()
        self._store.save()

    @override
    def _async_refresh_finished(self) -> None:
        """Arrange for the next time that something is due."""
        if self._leave:
            self.schedule_poll()

    @override
    def _next_wait(self) -> timedelta:
        """Return how long nothing is due."""
        due_s = self._list.due_s
        if (variables_due_s := self.variables.due_s) is not None:
            due_s = min(due_s, variables_due_s)
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
            self.variables.async_ask_all(),
            f"{self.name} gap",
        )

    @override
    @callback
    def tell_homes(self) -> None:
        """Tell everybody how the account and its boards are, once homes can be told."""
        if not self._leave:
            return
        self._reports.tell_all()
        self.async_update_listeners()

    @callback
    def _tell_liveness(self, _now: datetime) -> None:
        """Let the account's own sensors follow."""
        self.shown = Liveness(self.stream.last_heard, self.hearing.last_event)
        self.async_update_listeners()

    @callback
    def _list_soon(self) -> None:
        """Ask for the boards before long."""
        self._list.soon()
        if self._leave:
            self.schedule_poll()


@callback
def async_adopted(
    hub: AccountHub | None, boards: Iterable[Board]
) -> tuple[MeterInfo, ...]:
    """Hand what a flow has heard to its account; return the meters, none where it is not loaded."""
    if not isinstance(hub, ParticleHub):
        return ()
    hub.async_adopt(boards)
    return tuple(hub.meters.values())
