"""Commands to a heated home and its rooms: sent in order, shown at once, renewed in time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import datetime
import logging
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Context, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util import dt as dt_util

from ...accounts.netatmo.hub import NetatmoHub
from ...clouds.errors import CloudError, CloudNonsenseError, CloudOutageError
from ...clouds.netatmo.errors import CloudRefusedError, Refusal
from ...heating.home_mode import HomeModeRequest, find_schedule
from ...heating.model import SetpointMode
from ...heating.netatmo.active import ActiveRequest
from ...heating.netatmo.home_order import HomeOrder
from ...heating.netatmo.model import RoomControl
from ...heating.netatmo.outlook import HomeOutlook
from ...heating.netatmo.plan import SetpointPlan, plan_setpoint
from ...heating.netatmo.room import RoomState
from ...heating.refused import HeatingRequestError
from ...heating.setpoint import SetpointRequest
from ...heating.view import ChangeKind, HeatingChange
from ..driver import ChangeListener
from ..errors import account_missing, cloud_error, home_gone, request_error
from .reported import ReportedHome
from .requests import HomeRequests

_LOGGER = logging.getLogger(__name__)

FOR_GOOD: Final = frozenset(
    {Refusal.NOT_FOUND, Refusal.INVALID, Refusal.FORBIDDEN, Refusal.SCOPE}
)
"""Refusals that the same command meets again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Who is asked now: the account's hub, None where it is not there, and the vendor's home."""

    hub: NetatmoHub | None
    home_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Command:
    """A command to the account: what it is about, and what it is shown as meanwhile.

    `place` is what errors call it; `change` is what listeners hear once it is accepted.
    """

    place: str
    send: Callable[[NetatmoHub, str], Awaitable[bool]]
    change: HeatingChange
    context: Context | None
    rooms: tuple[tuple[RoomState, ActiveRequest], ...] = ()
    home: HomeOrder | None = None


class HomeCommands:
    """Carries out what is asked of one home and of its rooms.

    Commands show their result at once, go back where the cloud refuses, and raise
    ServiceValidationError for what cannot be asked and HomeAssistantError for what the cloud
    does not do, both translated; neither is a change. Each returns the change that listeners
    heard, None where the vendor says that it was so already.

    `show` shows what is known and asked, `settle` is called when nothing may be under way
    any more.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        name: str,
        *,
        requests: HomeRequests,
        reported: ReportedHome,
        address: Callable[[], Address],
        show: Callable[[], None],
        settle: Callable[[], None],
    ) -> None:
        """Begin with nothing under way."""
        self._hass = hass
        self._entry = entry
        self._name = name
        self._requests = requests
        self._reported = reported
        self._address = address
        self._show = show
        self._settle = settle
        self._locks = {room_id: asyncio.Lock() for room_id in requests.rooms}
        self._renewals: dict[str, asyncio.Task[None]] = {}
        self._listeners: list[ChangeListener] = []

    def outlook(self) -> HomeOutlook:
        """Return what the home does by itself, with what was asked of it."""
        return self._requests.home.applied(self._reported.outlook())

    def plan(self, state: RoomState, request: SetpointRequest) -> SetpointPlan:
        """Return how a request would be carried out now; nothing is sent.

        Raises ServiceValidationError where it cannot be asked of this room.
        """
        try:
            return self._plan(state, request)
        except HeatingRequestError as err:
            raise request_error(err) from err

    async def async_set_room(
        self, state: RoomState, plan: SetpointPlan, context: Context | None = None
    ) -> HeatingChange | None:
        """Carry out a request of one room as planned."""
        request = plan.request
        return await self._async_command(
            _Command(
                place=f"{state.record.name} ({self._entry.title})",
                send=lambda hub, home: hub.async_set_room(home, plan.command),
                change=HeatingChange(
                    at=dt_util.utcnow(),
                    kind=ChangeKind.SETPOINT,
                    room_id=state.record.room_id,
                    room=state.record.name,
                    mode=request.mode.value,
                    temperature=plan.temperature,
                    until=request.until,
                ),
                context=context,
                rooms=((state, state.begin(plan)),),
            )
        )

    async def async_set_home_mode(
        self, request: HomeModeRequest, context: Context | None = None
    ) -> HeatingChange | None:
        """Put the whole home into a mode, which ends what its rooms were set to."""
        schedule = next(
            (
                schedule
                for schedule in self._reported.schedules
                if schedule.schedule_id == request.schedule_id
            ),
            None,
        )
        order = HomeOrder(mode=request.mode, until=request.until, schedule=schedule)
        self._requests.home.begin(order)
        return await self._async_command(
            _Command(
                place=self._entry.title,
                send=lambda hub, home: hub.async_set_home_mode(home, request),
                change=HeatingChange(
                    at=dt_util.utcnow(),
                    kind=ChangeKind.HOME_MODE,
                    mode=request.mode.value,
                    until=request.until,
                    schedule=None if schedule is None else schedule.name,
                ),
                context=context,
                rooms=self._back_to_home(self._requests.rooms.values()),
                home=order,
            )
        )

    async def async_select_schedule(
        self,
        schedule: str,
        following: Iterable[str],
        context: Context | None = None,
    ) -> HeatingChange | None:
        """Select the schedule with a name or vendor's id; `following` are rooms on theirs."""
        try:
            chosen = find_schedule(schedule, self._reported.schedules)
        except HeatingRequestError as err:
            raise request_error(err) from err
        order = HomeOrder(schedule=chosen)
        self._requests.home.begin(order)
        return await self._async_command(
            _Command(
                place=self._entry.title,
                send=lambda hub, home: hub.async_switch_schedule(
                    home, chosen.schedule_id
                ),
                change=HeatingChange(
                    at=dt_util.utcnow(), kind=ChangeKind.SCHEDULE, schedule=chosen.name
                ),
                context=context,
                rooms=self._back_to_home(
                    self._requests.rooms[room_id] for room_id in following
                ),
                home=order,
            )
        )

    @callback
    def async_add_change_listener(self, listener: ChangeListener) -> Callable[[], None]:
        """Hear of every change that the cloud accepted; return how to stop."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _plan(self, state: RoomState, request: SetpointRequest) -> SetpointPlan:
        """Return how a request is carried out now. Raises HeatingRequestError."""
        record, now = state.record, dt_util.utcnow()
        situation = self.outlook().situation(
            record.hardware_id, RoomControl.of(record), now
        )
        return plan_setpoint(request, situation, now)

    def _back_to_home(
        self, states: Iterable[RoomState]
    ) -> tuple[tuple[RoomState, ActiveRequest], ...]:
        """Show rooms as they are once they do what the home does."""
        request = SetpointRequest(mode=SetpointMode.SCHEDULE)
        return tuple(
            (state, state.begin(self._plan(state, request))) for state in states
        )

    async def _async_command(self, command: _Command) -> HeatingChange | None:
        """Show a command and carry it out, also where the one who asked waits no longer."""
        self._show()
        task = self._entry.async_create_task(
            self._hass, self._async_carry_out(command), f"{self._name} command"
        )
        outcome = await asyncio.shield(task)
        if isinstance(outcome, HomeAssistantError):
            raise outcome
        return outcome

    async def _async_carry_out(
        self, command: _Command
    ) -> HeatingChange | HomeAssistantError | None:
        """Send a command; return the change, or what went wrong with all as it was before.

        Commands for one room go out in the order in which they were given.
        """
        failure: HomeAssistantError | None = None
        changed = False
        for state, _ in command.rooms:
            self._cancel_renewal(state)
        async with AsyncExitStack() as stack:
            for room_id in sorted(s.record.room_id for s, _ in command.rooms):
                await stack.enter_async_context(self._locks[room_id])
            try:
                await self._requests.async_save()
                changed = await self._async_send(command)
            except CloudError as err:
                failure = cloud_error(err, command.place)
                failure.__cause__ = err
                if _unsure(err):
                    for state, order in command.rooms:
                        state.doubt(order, dt_util.utcnow())
            except HomeAssistantError as err:
                failure = err
            finally:
                for state, order in command.rooms:
                    state.drop(order)
                if command.home is not None:
                    self._requests.home.drop(command.home)
                self._show()
            await self._requests.async_save()
        change = await self._async_announce(command) if changed else None
        self._settle()
        return failure or change

    async def _async_send(self, command: _Command) -> bool:
        """Send a command and note what it does; return whether it changed anything.

        Raises CloudError and HomeAssistantError.
        """
        address = self._address()
        if address.hub is None:
            raise account_missing(command.place)
        if self._reported.update.gone:
            raise home_gone(command.place)
        changed = await command.send(address.hub, address.home_id)
        now = dt_util.utcnow()
        home_mode = self.outlook().mode_at(now)
        for state, order in command.rooms:
            state.accept(order, now, home_mode)
        if command.home is not None:
            self._requests.home.accept(command.home, now)
        return changed

    async def _async_announce(self, command: _Command) -> HeatingChange:
        """Tell listeners of a change, and who made it."""
        context = command.context
        user = None
        if context is not None and context.user_id is not None:
            user = await self._hass.auth.async_get_user(context.user_id)
        change = replace(
            command.change,
            at=dt_util.utcnow(),
            who=None if user is None else user.name,
        )
        for listener in tuple(self._listeners):
            listener(change, context)
        return change

    @callback
    def renew(self, state: RoomState, plan: SetpointPlan) -> None:
        """Send again what a room is still asked to do, beside everything else."""
        renewal = state.begin_renewal(plan)
        self._renewals[state.record.room_id] = self._entry.async_create_background_task(
            self._hass, self._async_renew(state, renewal), f"{self._name} renewal"
        )

    async def _async_renew(self, state: RoomState, renewal: ActiveRequest) -> None:
        """Send a request again. Where that fails a later status brings it back."""
        accepted_at: datetime | None = None
        unsure = False
        address = self._address()
        try:
            async with self._locks[state.record.room_id]:
                await self._requests.async_save()
                if address.hub is not None:
                    await address.hub.async_set_room(
                        address.home_id, renewal.plan.command, renewal=True
                    )
                    accepted_at = dt_util.utcnow()
        except CloudError as err:
            unsure = _unsure(err)
            room = f"{self._entry.title} {state.record.name}"
            if isinstance(err, CloudRefusedError) and err.reason in FOR_GOOD:
                _LOGGER.warning("The setpoint of %s cannot be renewed: %s", room, err)
                state.give_up()
            else:
                _LOGGER.debug("The setpoint of %s is not renewed yet: %s", room, err)
        finally:
            state.end_renewal(
                renewal,
                accepted_at=accepted_at,
                failed_at=dt_util.utcnow(),
                unsure=unsure,
            )
        await self._requests.async_save()
        self._show()
        self._settle()

    @callback
    def _cancel_renewal(self, state: RoomState) -> None:
        """Let no command wait for a renewal of the room."""
        # Of a task that has not begun not even `finally` is run.
        if state.cancel_renewal():
            self._renewals.pop(state.record.room_id).cancel()


def _unsure(err: CloudError) -> bool:
    """Return whether a command may have been carried out although it failed."""
    return isinstance(err, CloudOutageError | CloudNonsenseError)
