"""What is asked of Netatmo beside the polls: commands at once, history where there is room."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final, Protocol

from homeassistant.core import callback
from homeassistant.util import dt as dt_util

from ...clouds.errors import (
    CloudAuthError,
    CloudBusyError,
    CloudOutageError,
    CloudQuotaError,
)
from ...clouds.netatmo.client import NetatmoClient
from ...clouds.netatmo.errors import CloudRefusedError, Refusal
from ...heating.home_mode import HomeModeRequest
from ...heating.netatmo.plan import RoomCommand
from ..conversation import Conversation
from ..registry import AccountState
from .budget import CallPriority, UserBudget
from .patience import NetatmoPatience
from .plan import PollPlan

OWN_LIMIT: Final = "our own limit of calls is reached"

SHORT_WAIT: Final = timedelta(seconds=30)
"""A wait for a call limit that is so short is waited for and not shown."""

type Order = Callable[[NetatmoClient], Awaitable[bool]]
"""Sends a command; returns False where what it asks for was so already."""


class Poller(Protocol):
    """Who polls the account beside its commands."""

    def tell_homes(self) -> None:
        """Tell homes what is new."""

    def schedule_poll(self) -> None:
        """Arrange anew for the next poll."""

    def async_update_listeners(self) -> None:
        """Let the account's own entities follow."""


class Commands:
    """Sends an account's commands, and has the poll plan read back what came of them.

    Commands raise CloudError by kind. They go out also while polls wait for the call limit;
    where even their own reserve is spent that is a CloudQuotaError, without a call.
    """

    def __init__(
        self,
        client: NetatmoClient,
        budget: UserBudget,
        poller: Poller,
        *,
        conversation: Conversation,
        patience: NetatmoPatience,
        plan: PollPlan,
        asking: asyncio.Lock,
        time_s: Callable[[], float],
    ) -> None:
        """Prepare; `asking` is held while a poll is made, `time_s` is the loop's clock."""
        self._client = client
        self._budget = budget
        self._poller = poller
        self._conversation = conversation
        self._patience = patience
        self._plan = plan
        self._asking = asking
        self._time_s = time_s

    async def async_set_room(
        self, home_id: str, command: RoomCommand, *, renewal: bool = False
    ) -> bool:
        """Drive one room; return False where it was so already. Raises CloudError.

        The home is polled faster for some minutes, beginning with a read-back. A `renewal`
        leaves the last of the call limit to people's own commands, and is read back once.
        """
        if renewal:
            return await self._renew(home_id, command)
        return await self._command(
            home_id, lambda client: client.set_room(home_id, command)
        )

    async def async_set_home_mode(self, home_id: str, request: HomeModeRequest) -> bool:
        """Put a home into a mode; False where it was so already. Raises CloudError."""
        return await self._command(
            home_id,
            lambda client: client.set_home_mode(
                home_id,
                request.mode,
                until=request.until,
                schedule_id=request.schedule_id,
            ),
            topology=True,
        )

    async def async_switch_schedule(self, home_id: str, schedule_id: str) -> bool:
        """Select a home's schedule; False where it was already. Raises CloudError."""
        return await self._command(
            home_id,
            lambda client: client.switch_schedule(home_id, schedule_id),
            topology=True,
        )

    async def async_history[T](self, ask: Callable[[NetatmoClient], Awaitable[T]]) -> T:
        """Make one call for history, which gives way to polls and commands.

        Some seconds until there is room for it are waited for. Raises without a call
        CloudAuthError where the credentials are refused, CloudQuotaError where there is no
        room for long and CloudOutageError while the cloud is away, else what the client
        raises.
        """
        while True:
            async with self._asking:
                wait = self._budget.wait(CallPriority.HISTORY, dt_util.utcnow())
                if not timedelta() < wait <= SHORT_WAIT:
                    return await self._ask_history(ask)
            await asyncio.sleep(wait.total_seconds())

    async def _ask_history[T](self, ask: Callable[[NetatmoClient], Awaitable[T]]) -> T:
        """Make one call for history now."""
        self._require(CallPriority.HISTORY)
        if self._conversation.state is AccountState.QUOTA:
            raise CloudQuotaError("the account waits for its call limit")
        if self._conversation.state is not AccountState.CONNECTED:
            raise CloudOutageError("the account's cloud is away")
        try:
            return await ask(self._client)
        except CloudQuotaError as err:
            self._conversation.wait_for_quota(err)
            self._poller.tell_homes()
            self._poller.async_update_listeners()
            raise

    async def _renew(self, home_id: str, command: RoomCommand) -> bool:
        """Send a room again what it holds; who asked decides when to try again."""
        self._require(CallPriority.READ_BACK)
        try:
            changed = await self._client.set_room(home_id, command)
        except CloudQuotaError as err:
            if self._conversation.state is not AccountState.QUOTA:
                self._conversation.wait_for_quota(err)
                self._poller.tell_homes()
            raise
        else:
            self._plan.renewed(home_id, self._time_s())
            return changed
        finally:
            self._go_on()

    async def _command(
        self, home_id: str, order: Order, *, topology: bool = False
    ) -> bool:
        """Send a command at once, whatever polls wait for. Raises CloudError."""
        self._require(CallPriority.COMMAND)
        look = True
        try:
            changed = await self._order(order)
        except CloudQuotaError as err:
            look = False
            if self._conversation.state is not AccountState.QUOTA:
                self._conversation.wait_for_quota(err)
            raise
        except CloudRefusedError as err:
            look = False
            if err.reason is Refusal.NOT_FOUND:
                self._plan.topology.doubted(self._time_s())
            raise
        else:
            # Who takes commands takes a read-back.
            self._patience.command_taken()
            return changed
        finally:
            # Also after an outage or a cancellation: nobody knows what came of it.
            now_s = self._time_s()
            if look:
                self._plan.commanded(home_id, now_s)
            if look and topology:
                self._plan.topology.commanded(now_s)
            self._poller.tell_homes()
            self._go_on()

    async def _order(self, order: Order) -> bool:
        """Send a command, a second time where the vendor was busy with another call of ours."""
        try:
            return await order(self._client)
        except CloudBusyError:
            # That other call is over when the lock is ours.
            async with self._asking:
                self._require(CallPriority.COMMAND)
                return await order(self._client)

    def _require(self, priority: CallPriority) -> None:
        """Raise CloudError where a call of a priority cannot be made now."""
        if self._conversation.state is AccountState.AUTH:
            raise CloudAuthError("the account's credentials are refused")
        wait = self._budget.wait(priority, dt_util.utcnow())
        if wait > timedelta():
            raise CloudQuotaError(OWN_LIMIT, wait)

    @callback
    def _go_on(self) -> None:
        """Arrange for the next poll, which may be another one now."""
        self._poller.schedule_poll()
        self._poller.async_update_listeners()
