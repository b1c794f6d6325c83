"""A Netatmo account: one conversation with the cloud for all of its homes."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
import logging
from typing import Any, Final, Protocol, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util

from ...clouds.errors import (
    CloudAuthError,
    CloudError,
    CloudNonsenseError,
    CloudQuotaError,
)
from ...clouds.netatmo.client import HISTORY_METHODS, NetatmoClient, TokenProvider
from ...clouds.netatmo.errors import CloudRefusedError, CloudTokenExpiredError, Refusal
from ...clouds.netatmo.models import HomeTopology
from ...const import DOMAIN, EntryKind
from ...heating.home_mode import HomeModeRequest
from ...heating.netatmo.plan import RoomCommand
from ..chance import async_chance
from ..conversation import Conversation
from ..polled import PolledAccount
from ..registry import Accounts, AccountState
from .applications import app_budget
from .budget import CallPriority, UserBudget
from .commands import OWN_LIMIT, SHORT_WAIT, Commands
from .heard import HeardHomes, NetatmoUpdate
from .patience import NetatmoPatience
from .plan import Poll, PollPlan
from .server import netatmo_url
from .stored import homes_as_data, homes_from_data

_LOGGER = logging.getLogger(__name__)

HOME_IS_AWAY: Final = 4
"""A home that cannot be asked so often in a row is away, though the account is not."""

_EARLY_S: Final = 0.5
_SAVE_DELAY_S: Final = 300
_STORE_VERSION: Final = 1

type NetatmoConfigEntry = ConfigEntry[NetatmoHub]


class AppTokens(TokenProvider, Protocol):
    """An account's tokens, and the application that they were given to."""

    @property
    def client_id(self) -> str:
        """Return the application's id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetatmoAccountData:
    """The account's homes by the vendor's id, as last told."""

    homes: Mapping[str, HomeTopology]


class NetatmoHub(PolledAccount[NetatmoAccountData]):
    """Polls one account's homes and carries their commands.

    One poll is made at a time; commands are sent beside it. Waits are measured on the loop's
    own clock, which nobody sets back.
    """

    config_entry: NetatmoConfigEntry
    kind = EntryKind.NETATMO

    def __init__(
        self,
        hass: HomeAssistant,
        entry: NetatmoConfigEntry,
        accounts: Accounts,
        tokens: AppTokens,
    ) -> None:
        """Prepare the conversation; `async_start` begins it."""
        random = async_chance(hass)
        self._patience = NetatmoPatience(random)
        super().__init__(
            hass,
            _LOGGER,
            entry,
            Conversation(hass, entry, _LOGGER, self._patience, auth_key="netatmo_auth"),
        )
        self.last_success: datetime | None = None
        self.client = NetatmoClient(
            async_get_clientsession(hass), tokens, netatmo_url(), on_call=self._count
        )
        self._accounts = accounts
        self._app = app_budget(hass, tokens.client_id)
        self._budget: UserBudget
        self._commands: Commands
        self._store = _store(hass, entry)
        self._save_pending = False
        self._plan = PollPlan(random)
        self._asking = asyncio.Lock()
        self._heard = HeardHomes()
        self._news: set[str] = set()
        self._told_state: AccountState | None = None

    @property
    def troubles(self) -> Mapping[str, int]:
        """Return how many calls failed, by what was wrong with them."""
        return self._patience.troubles

    @property
    def title(self) -> str:
        """Return what people call the account."""
        return self.config_entry.title

    @property
    def homes(self) -> Mapping[str, HomeTopology]:
        """Return the account's homes by the vendor's id, as last told."""
        return self._heard.homes

    @property
    def calls_last_hour(self) -> int:
        """Return how many calls the account made in the last hour."""
        return self._budget.used(dt_util.utcnow())

    @property
    def calls_left(self) -> int:
        """Return how many calls the account's hour still has."""
        return self._budget.left(dt_util.utcnow())

    @property
    def app_calls_last_hour(self) -> int:
        """Return how many calls all accounts of the application made in the last hour."""
        return self._budget.app_used(dt_util.utcnow())

    @property
    def hourly_polls(self) -> int:
        """Return how many polls an hour are this account's share."""
        return self._budget.hourly_polls

    @property
    def followed(self) -> tuple[str, ...]:
        """Return the homes that are polled."""
        return self._plan.followed

    def interval(self, home_id: str) -> timedelta:
        """Return how often a home that is polled is asked now."""
        now_s = self.hass.loop.time()
        return timedelta(
            seconds=self._plan.interval_s(home_id, self.hourly_polls, now_s)
        )

    @callback
    def heating_update(self, home_id: str) -> NetatmoUpdate:
        """Return the present state of one home."""
        state = self.state
        if self.conversation.holds and self._plan.failures(home_id) >= HOME_IS_AWAY:
            state = AccountState.OUTAGE
        return self._heard.update(home_id, state)

    async def async_start(self) -> None:
        """Ask for the homes, then keep polling until the entry is unloaded.

        Raises ConfigEntryNotReady in an outage and ConfigEntryAuthFailed where the
        credentials are refused. A reached call limit is waited for, with what another run
        knew.
        """
        await self.async_config_entry_first_refresh()
        unwatch = self._accounts.watch_followed(self.key, self._follow)
        self._leave = [self._accounts.attach_heating(self), unwatch]
        self._told_state = self.state
        self._follow()

    @override
    async def async_shutdown(self) -> None:
        """Stop polling, leave the registry and keep what the next run has to know."""
        await super().async_shutdown()
        self._app.leave(self.key)
        if self._save_pending:
            await self._store.async_save(self._stored())

    async def async_set_room(
        self, home_id: str, command: RoomCommand, *, renewal: bool = False
    ) -> bool:
        """Drive one room; return False where it was so already. Raises CloudError."""
        return await self._commands.async_set_room(home_id, command, renewal=renewal)

    async def async_set_home_mode(self, home_id: str, request: HomeModeRequest) -> bool:
        """Put a home into a mode; False where it was so already. Raises CloudError."""
        return await self._commands.async_set_home_mode(home_id, request)

    async def async_switch_schedule(self, home_id: str, schedule_id: str) -> bool:
        """Select a home's schedule; False where it was already. Raises CloudError."""
        return await self._commands.async_switch_schedule(home_id, schedule_id)

    async def async_history[T](self, ask: Callable[[NetatmoClient], Awaitable[T]]) -> T:
        """Make one call for history; raises what `Commands.async_history` does."""
        return await self._commands.async_history(ask)

    @override
    async def _async_setup(self) -> None:
        """Load what another run knew."""
        stored = await self._store.async_load() or {}
        self._budget = self._app.user(self.key, stored.get("budget"))
        self._commands = Commands(
            self.client,
            self._budget,
            self,
            conversation=self.conversation,
            patience=self._patience,
            plan=self._plan,
            asking=self._asking,
            time_s=self.hass.loop.time,
        )
        self._heard.restore(homes_from_data(stored.get("homes", ())))

    @override
    async def _async_update_data(self) -> NetatmoAccountData:
        """Make the call that is due, if any; tell the kinds of failure apart."""
        if self.state is AccountState.AUTH:
            self.conversation.refused()
        now_s = self.hass.loop.time()
        poll = self._next_poll()
        if poll.at_s > now_s + _EARLY_S:
            if self.state is AccountState.OUTAGE:
                self.conversation.still_away("not asked again yet")
            if self.state is AccountState.STARTING or self._own_wait() > SHORT_WAIT:
                self.conversation.limited(OWN_LIMIT)
            return self._snapshot()
        try:
            async with self._asking:
                await self._make(poll)
        except CloudQuotaError as err:
            self.conversation.wait_for_quota(err)
        except CloudRefusedError as err:
            self._refused(err, poll)
        except CloudError as err:
            self._in_trouble(err, poll)
        else:
            self._answered(poll)
        return self._snapshot()

    async def _make(self, poll: Poll) -> None:
        """Make a call and take in its answer. Raises CloudError."""
        asked_s, asked_at = self.hass.loop.time(), dt_util.utcnow()
        if (home_id := poll.home_id) is None:
            found = await self.client.homes()
            self.last_success = dt_util.utcnow()
            if not found.complete:
                self._plan.topology_failed(asked_s)
                return
            self._plan.topology_came(asked_s)
            await self._heard.async_take_topology(found.homes, asked_at)
            self._news.update(self._accounts.followed(self.key))
            self._choose_followed()
            self._save()
            return
        status = await self.client.status(home_id)
        if self._heard.says_nothing(home_id, status):
            raise CloudNonsenseError("homestatus: nothing about a home that is heated")
        self.last_success = dt_util.utcnow()
        has_moved = self._heard.take_status(
            home_id, status, asked_at=asked_at, at=self.last_success
        )
        self._plan.status_came(
            home_id, asked_s, hourly=self.hourly_polls, moved=has_moved
        )
        self._news.add(home_id)
        if self._heard.doubts(home_id, status, dt_util.utcnow()):
            self._plan.want_topology(self.hass.loop.time())

    @callback
    def _count(self, method: str) -> None:
        """Count a request that is about to be sent."""
        self._budget.record(dt_util.utcnow(), history=method in HISTORY_METHODS)
        self._save()

    @callback
    def _follow(self) -> None:
        """Poll the homes that are followed now, and no other."""
        self._choose_followed()
        self.schedule_poll()

    @callback
    def _choose_followed(self) -> None:
        """Leave out homes that the account does not have."""
        followed = self._accounts.followed(self.key)
        if self._heard.complete:
            followed &= self.homes.keys()
        self._plan.follow(followed, self.hass.loop.time())

    @callback
    def _answered(self, poll: Poll) -> None:
        """Note that the cloud answers a call."""
        self._patience.answered(self.hass.loop.time())
        if self.state is AccountState.OUTAGE:
            self._plan.wake(poll.home_id)
        # One call that has become free ends no wait: the next poll would begin another.
        if self._own_wait(room=self.state is AccountState.QUOTA) > SHORT_WAIT:
            self.conversation.limited(OWN_LIMIT)
        else:
            self.conversation.resume()

    @callback
    def _refused(self, err: CloudRefusedError, poll: Poll) -> None:
        """Note that the cloud understood a question and does not answer it.

        That is one home's trouble; the others go on. Where the topology is refused while
        the account starts, nothing can.
        """
        if err.reason is Refusal.SCOPE:
            self.conversation.refused(err)
        if self.state is AccountState.STARTING:
            self.conversation.away(err)
        self._patience.refused()
        self._fail(poll)
        if poll.home_id is not None and self._plan.failures(poll.home_id) == 1:
            self._plan.want_topology(self.hass.loop.time())
        _LOGGER.debug("%s refuses a question: %s", self.name, err)
        self._answered(poll)

    @callback
    def _in_trouble(self, err: CloudError, poll: Poll) -> None:
        """Note a call that failed.

        Raises ConfigEntryAuthFailed where a person has to sign in, and UpdateFailed where
        the account's cloud is away by now.
        """
        if isinstance(err, CloudTokenExpiredError):
            if self._patience.token_refused() or self.state is AccountState.STARTING:
                self.conversation.refused(err)
        elif isinstance(err, CloudAuthError):
            self.conversation.refused(err)
        self._fail(poll)
        away = self._patience.failed(
            poll.home_id,
            nonsense=isinstance(err, CloudNonsenseError),
            homes=len(self._plan.followed),
        )
        if away or self.state in {AccountState.STARTING, AccountState.OUTAGE}:
            self.conversation.away(err)
        _LOGGER.debug("A call of %s failed: %s", self.name, err)
        self._patience.wait_after_failure(self.hass.loop.time())
        self._plan.hasten(self._patience.failed_homes)

    @callback
    def _fail(self, poll: Poll) -> None:
        """Have a call that failed made again after a while; note a home that is away."""
        now_s = self.hass.loop.time()
        if (home_id := poll.home_id) is None:
            self._plan.topology_failed(now_s)
        elif self._plan.status_failed(home_id, now_s) == HOME_IS_AWAY:
            self._news.add(home_id)

    def _own_wait(self, *, room: bool = False) -> timedelta:
        """Return how long our own limit keeps polls waiting, or leaves little room."""
        return self._budget.wait(CallPriority.POLL, dt_util.utcnow(), room=room)

    def _next_poll(self) -> Poll:
        """Return the call that is next."""
        now, now_s = dt_util.utcnow(), self.hass.loop.time()
        free_s = {
            priority: max(
                self._patience.not_before_s(priority, now_s),
                now_s + self._budget.wait(priority, now).total_seconds(),
            )
            for priority in (CallPriority.POLL, CallPriority.READ_BACK)
        }
        return self._plan.next(now_s, hourly=self.hourly_polls, free_s=free_s)

    def _snapshot(self) -> NetatmoAccountData:
        """Return the account's homes as they are known now."""
        return NetatmoAccountData(homes=self.homes)

    @override
    @callback
    def tell_homes(self) -> None:
        """Tell homes what is new, all of them where the account's state is."""
        if not self._leave:
            return
        news, self._news = self._news, set()
        if self.state is not self._told_state:
            self._told_state = self.state
            news |= self._accounts.followed(self.key)
        for home_id in news:
            try:
                self._accounts.publish_heating(
                    self.key, home_id, self.heating_update(home_id)
                )
            except Exception:
                # One home's trouble must not end the polling for all of them.
                _LOGGER.exception("A home did not take what %s said of it", self.name)

    @override
    def _next_wait(self) -> timedelta:
        """Return how long to wait for the next poll."""
        left_s = self._next_poll().at_s - self.hass.loop.time()
        return timedelta(seconds=max(left_s, 0))

    @callback
    def _save(self) -> None:
        """Write what the next run has to know, in a while."""
        # A store puts a pending write off by every further request for one.
        if not self._save_pending:
            self._save_pending = True
            self._store.async_delay_save(self._stored, _SAVE_DELAY_S)

    @callback
    def _stored(self) -> dict[str, Any]:
        """Return what the next run has to know."""
        self._save_pending = False
        return {
            "budget": self._budget.as_data(dt_util.utcnow()),
            "homes": homes_as_data(self.homes.values()),
        }


async def async_remove_netatmo_account(
    hass: HomeAssistant, entry: NetatmoConfigEntry
) -> None:
    """Remove what was stored for an account, once its entry is removed."""
    await _store(hass, entry).async_remove()


def _store(hass: HomeAssistant, entry: NetatmoConfigEntry) -> Store[dict[str, Any]]:
    """Return an account's store; it holds no credential."""
    return Store(hass, _STORE_VERSION, f"{DOMAIN}.account.{entry.entry_id}")
