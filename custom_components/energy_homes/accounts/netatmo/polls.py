"""The polls of a Netatmo account: which is next, making it, and what follows from its answer."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
import logging
from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.util import dt as dt_util

from ...clouds.errors import (
    CloudAuthError,
    CloudError,
    CloudNonsenseError,
    CloudQuotaError,
)
from ...clouds.netatmo.client import NetatmoClient
from ...clouds.netatmo.errors import CloudRefusedError, CloudTokenExpiredError, Refusal
from ..conversation import Conversation
from ..registry import AccountState
from .budget import CallPriority, UserBudget
from .commands import OWN_LIMIT, SHORT_WAIT
from .heard import HeardHomes
from .patience import NetatmoPatience
from .plan import PollPlan
from .repeated import Poll
from .reports import HOME_IS_AWAY, HomeReports

_LOGGER = logging.getLogger(__name__)

_EARLY_S: Final = 0.5


class Polls:
    """Makes one poll at a time, when the plan, the budget and the patience have room for it.

    `last_success` is when an answer that made sense came last, aware and UTC.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        client: NetatmoClient,
        budget: UserBudget,
        *,
        name: str,
        conversation: Conversation,
        patience: NetatmoPatience,
        plan: PollPlan,
        heard: HeardHomes,
        reports: HomeReports,
        asking: asyncio.Lock,
        on_topology: Callable[[], None],
    ) -> None:
        """Prepare to poll the account of a name.

        `asking` is held while a poll is made; `on_topology` is called when the topology has
        come.
        """
        self.last_success: datetime | None = None
        self._hass = hass
        self._client = client
        self._budget = budget
        self._name = name
        self._conversation = conversation
        self._patience = patience
        self._plan = plan
        self._heard = heard
        self._reports = reports
        self._asking = asking
        self._on_topology = on_topology

    def interval(self, home_id: str) -> timedelta:
        """Return how often a home that is polled is asked now."""
        hourly, now_s = self._budget.hourly_polls, self._hass.loop.time()
        return timedelta(seconds=self._plan.interval_s(home_id, hourly, now_s))

    def wait(self) -> timedelta:
        """Return how long to wait until the next poll is due."""
        left_s = self._next().at_s - self._hass.loop.time()
        return timedelta(seconds=max(left_s, 0))

    async def async_poll(self) -> None:
        """Make the call that is due, if any; tell the kinds of failure apart.

        Raises ConfigEntryAuthFailed where a person has to sign in, and UpdateFailed where
        the account's cloud is away.
        """
        state = self._conversation.state
        if state is AccountState.AUTH:
            self._conversation.refused()
        now_s = self._hass.loop.time()
        poll = self._next()
        if poll.at_s > now_s + _EARLY_S:
            if state is AccountState.OUTAGE:
                self._conversation.still_away("not asked again yet")
            if state is AccountState.STARTING or self._own_wait() > SHORT_WAIT:
                self._conversation.limited(OWN_LIMIT)
            return
        try:
            async with self._asking:
                await self._async_make(poll)
        except CloudQuotaError as err:
            self._conversation.wait_for_quota(err)
        except CloudRefusedError as err:
            self._refused(err, poll)
        except CloudError as err:
            self._in_trouble(err, poll)
        else:
            self._answered(poll)

    async def _async_make(self, poll: Poll) -> None:
        """Make a call and take in its answer. Raises CloudError."""
        if poll.home_id is None:
            await self._async_ask_topology()
        else:
            await self._async_ask_status(poll.home_id)

    async def _async_ask_topology(self) -> None:
        """Ask what the account's homes are made of."""
        asked_s, asked_at = self._hass.loop.time(), dt_util.utcnow()
        found = await self._client.homes()
        self.last_success = dt_util.utcnow()
        if not found.complete:
            self._plan.topology.failed(asked_s)
            return
        self._plan.topology.came(asked_s)
        await self._heard.async_take_topology(found.homes, asked_at)
        self._on_topology()

    async def _async_ask_status(self, home_id: str) -> None:
        """Ask how a home is."""
        asked_s, asked_at = self._hass.loop.time(), dt_util.utcnow()
        status = await self._client.status(home_id)
        if self._heard.says_nothing(home_id, status):
            raise CloudNonsenseError("homestatus: nothing about a home that is heated")
        self.last_success = dt_util.utcnow()
        has_moved = self._heard.take_status(
            home_id, status, asked_at=asked_at, at=self.last_success
        )
        self._plan.status_came(
            home_id, asked_s, hourly=self._budget.hourly_polls, moved=has_moved
        )
        self._reports.note([home_id])
        if self._heard.doubts(home_id, status, dt_util.utcnow()):
            self._plan.topology.doubted(self._hass.loop.time())

    @callback
    def _answered(self, poll: Poll) -> None:
        """Note that the cloud answers a call."""
        state = self._conversation.state
        self._patience.answered(self._hass.loop.time())
        if state is AccountState.OUTAGE:
            self._plan.wake(poll.home_id)
        # One call that has become free ends no wait: the next poll would begin another.
        if self._own_wait(room=state is AccountState.QUOTA) > SHORT_WAIT:
            self._conversation.limited(OWN_LIMIT)
        else:
            self._conversation.resume()

    @callback
    def _refused(self, err: CloudRefusedError, poll: Poll) -> None:
        """Note that the cloud understood a question and does not answer it.

        That is one home's trouble; the others go on. Where the topology is refused while
        the account starts, nothing can.
        """
        if err.reason is Refusal.SCOPE:
            self._conversation.refused(err)
        if self._conversation.state is AccountState.STARTING:
            self._conversation.away(err)
        self._patience.refused()
        self._fail(poll)
        if poll.home_id is not None and self._plan.failures(poll.home_id) == 1:
            self._plan.topology.doubted(self._hass.loop.time())
        _LOGGER.debug("%s refuses a question: %s", self._name, err)
        self._answered(poll)

    @callback
    def _in_trouble(self, err: CloudError, poll: Poll) -> None:
        """Note a call that failed, as `async_poll` says."""
        state = self._conversation.state
        if isinstance(err, CloudTokenExpiredError):
            if self._patience.token_refused() or state is AccountState.STARTING:
                self._conversation.refused(err)
        elif isinstance(err, CloudAuthError):
            self._conversation.refused(err)
        self._fail(poll)
        away = self._patience.failed(
            poll.home_id,
            nonsense=isinstance(err, CloudNonsenseError),
            homes=len(self._plan.followed),
        )
        if away or state in {AccountState.STARTING, AccountState.OUTAGE}:
            self._conversation.away(err)
        _LOGGER.debug("A call of %s failed: %s", self._name, err)
        self._patience.wait_after_failure(self._hass.loop.time())
        self._plan.hasten(self._patience.failed_homes)

    @callback
    def _fail(self, poll: Poll) -> None:
        """Have a call that failed made again after a while; note a home that is away."""
        now_s = self._hass.loop.time()
        if (home_id := poll.home_id) is None:
            self._plan.topology.failed(now_s)
        elif self._plan.status_failed(home_id, now_s) == HOME_IS_AWAY:
            self._reports.note([home_id])

    def _own_wait(self, *, room: bool = False) -> timedelta:
        """Return how long our own limit keeps polls waiting, or leaves little room."""
        return self._budget.wait(CallPriority.POLL, dt_util.utcnow(), room=room)

    def _next(self) -> Poll:
        """Return the call that is next."""
        now, now_s = dt_util.utcnow(), self._hass.loop.time()
        free_s = {
            priority: max(
                self._patience.not_before_s(priority, now_s),
                now_s + self._budget.wait(priority, now).total_seconds(),
            )
            for priority in (CallPriority.POLL, CallPriority.READ_BACK)
        }
        return self._plan.next(now_s, hourly=self._budget.hourly_polls, free_s=free_s)
