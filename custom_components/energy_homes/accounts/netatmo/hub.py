"""A Netatmo account: one conversation with the cloud for all of its homes."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
import logging
from typing import Any, Protocol, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.util import dt as dt_util

from ...clouds.netatmo.client import HISTORY_METHODS, NetatmoClient, TokenProvider
from ...clouds.netatmo.models import HomeTopology
from ...const import EntryKind
from ...heating.home_mode import HomeModeRequest
from ...heating.netatmo.plan import RoomCommand
from ..chance import async_chance
from ..conversation import Conversation
from ..polled import PolledAccount
from ..registry import Accounts
from ..store import AccountStore
from .applications import app_budget
from .budget import UserBudget
from .commands import Commands
from .heard import HeardHomes, NetatmoUpdate
from .patience import NetatmoPatience
from .plan import PollPlan
from .polls import Polls
from .reports import HomeReports
from .server import netatmo_url
from .stored import homes_as_data, homes_from_data

_LOGGER = logging.getLogger(__name__)

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
        self.patience = NetatmoPatience(random)
        super().__init__(
            hass,
            _LOGGER,
            entry,
            Conversation(hass, entry, _LOGGER, self.patience, auth_key="netatmo_auth"),
        )
        self.plan = PollPlan(random)
        self.budget: UserBudget
        self.polls: Polls
        self.commands: Commands
        self._client = NetatmoClient(
            async_get_clientsession(hass), tokens, netatmo_url(), on_call=self._count
        )
        self._accounts = accounts
        self._app = app_budget(hass, tokens.client_id)
        self._store = AccountStore(hass, entry, self._stored)
        self._heard = HeardHomes()
        self._reports = HomeReports(
            accounts, self.key, self.name, self._heard, self.plan, self.conversation
        )

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
        return self.budget.used(dt_util.utcnow())

    @callback
    def heating_update(self, home_id: str) -> NetatmoUpdate:
        """Return the present state of one home."""
        return self._reports.update(home_id)

    async def async_start(self) -> None:
        """Ask for the homes, then keep polling until the entry is unloaded.

        Raises ConfigEntryNotReady in an outage and ConfigEntryAuthFailed where the
        credentials are refused. A reached call limit is waited for, with what another run
        knew.
        """
        await self.async_config_entry_first_refresh()
        unwatch = self._accounts.watch_followed(self.key, self._follow)
        self._leave = [self._accounts.attach_heating(self), unwatch]
        self._reports.begin()
        self._follow()

    @override
    async def async_shutdown(self) -> None:
        """Stop polling, leave the registry and keep what the next run has to know."""
        await super().async_shutdown()
        self._app.leave(self.key)
        await self._store.async_flush()

    async def async_set_room(
        self, home_id: str, command: RoomCommand, *, renewal: bool = False
    ) -> bool:
        """Drive one room; return False where it was so already. Raises CloudError."""
        return await self.commands.async_set_room(home_id, command, renewal=renewal)

    async def async_set_home_mode(self, home_id: str, request: HomeModeRequest) -> bool:
        """Put a home into a mode; False where it was so already. Raises CloudError."""
        return await self.commands.async_set_home_mode(home_id, request)

    async def async_switch_schedule(self, home_id: str, schedule_id: str) -> bool:
        """Select a home's schedule; False where it was already. Raises CloudError."""
        return await self.commands.async_switch_schedule(home_id, schedule_id)

    @override
    async def _async_setup(self) -> None:
        """Load what another run knew."""
        stored = await self._store.async_load() or {}
        self._heard.restore(homes_from_data(stored.get("homes", ())))
        self.budget = self._app.user(self.key, stored.get("budget"))
        asking = asyncio.Lock()
        self.polls = Polls(
            self.hass,
            self._client,
            self.budget,
            name=self.name,
            conversation=self.conversation,
            patience=self.patience,
            plan=self.plan,
            heard=self._heard,
            reports=self._reports,
            asking=asking,
            on_topology=self._topology_came,
        )
        self.commands = Commands(
            self._client,
            self.budget,
            self,
            conversation=self.conversation,
            patience=self.patience,
            plan=self.plan,
            asking=asking,
            time_s=self.hass.loop.time,
        )

    @override
    async def _async_update_data(self) -> NetatmoAccountData:
        """Make the call that is due, if any."""
        await self.polls.async_poll()
        return NetatmoAccountData(homes=self.homes)

    @callback
    def _count(self, method: str) -> None:
        """Count a request that is about to be sent."""
        self.budget.record(dt_util.utcnow(), history=method in HISTORY_METHODS)
        self._store.save()

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
        self.plan.follow(followed, self.hass.loop.time())

    @callback
    def _topology_came(self) -> None:
        """Tell every home, and poll those that the account has."""
        self._reports.note(self._accounts.followed(self.key))
        self._choose_followed()
        self._store.save()

    @override
    @callback
    def tell_homes(self) -> None:
        """Tell homes what is new, all of them where the account's state is."""
        if self._leave:
            self._reports.tell()

    @override
    def _next_wait(self) -> timedelta:
        """Return how long to wait for the next poll."""
        return self.polls.wait()

    @callback
    def _stored(self) -> dict[str, Any]:
        """Return what the next run has to know."""
        return {
            "budget": self.budget.as_data(dt_util.utcnow()),
            "homes": homes_as_data(self.homes.values()),
        }
