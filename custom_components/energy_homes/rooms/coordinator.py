"""The heating of a home: what its Netatmo home does, and commands to it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
import logging
from typing import Final, override

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import CALLBACK_TYPE, Context, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.event import async_call_later, async_track_point_in_utc_time
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator
from homeassistant.util import dt as dt_util
from homeassistant.util.ulid import ulid_now

from ..accounts.registry import Accounts, AccountState, HeatingHub, HeatingUpdate
from ..clouds.errors import CloudError, CloudNonsenseError, CloudOutageError
from ..clouds.netatmo.errors import CloudRefusedError, Refusal
from ..clouds.netatmo.models import HomeStatus, HomeTopology
from ..const import DOMAIN
from ..heating.model import SetpointMode
from ..heating.netatmo.active import ActiveRequest
from ..heating.netatmo.home_mode import HomeModeRequest, find_schedule
from ..heating.netatmo.home_order import HomeOrder, HomeOrders
from ..heating.netatmo.matching import merged
from ..heating.netatmo.outlook import HomeOutlook
from ..heating.netatmo.plan import SetpointPlan, plan_setpoint
from ..heating.netatmo.records import ModuleRecord, RoomRecord
from ..heating.netatmo.room import RoomState
from ..heating.netatmo.schedule import Schedule
from ..heating.refused import HeatingRequestError
from ..heating.setpoint import SetpointRequest
from ..heating.view import ChangeKind, HeatingChange, HeatingData
from ..meters.coordinator import ENDING
from ..models import HeatingSource
from .devices import update_firmware
from .errors import account_missing, cloud_error, home_gone, request_error
from .store import HeatingStore, StoredRooms
from .view import module_view, reachable_modules, room_reachable, room_report, room_view

_LOGGER = logging.getLogger(__name__)

STALE_AFTER: Final = timedelta(minutes=30)
"""How long what the vendor said last is shown while it says nothing new."""

FOR_GOOD: Final = frozenset(
    {Refusal.NOT_FOUND, Refusal.INVALID, Refusal.FORBIDDEN, Refusal.SCOPE}
)
"""Refusals that the same command meets again."""

type ChangeListener = Callable[[HeatingChange, Context | None], None]

type _Send = Callable[[HeatingHub, str], Awaitable[bool]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Command:
    """A command to the account: what it is about, and what it is shown as meanwhile.

    `place` is what errors call it; `change` is what listeners hear once it is accepted.
    """

    place: str
    send: _Send
    change: HeatingChange
    context: Context | None
    rooms: tuple[tuple[RoomState, ActiveRequest], ...] = ()
    home: HomeOrder | None = None


class HeatingCoordinator(DataUpdateCoordinator[HeatingData]):
    """Follows one Netatmo home and drives its rooms. Push only.

    `data` is there from the start: rooms and modules as they are on record, nothing known.
    Commands show their result at once, go back where the cloud refuses, and raise
    ServiceValidationError for what cannot be asked and HomeAssistantError for what the cloud
    does not do, both translated; neither is a change.
    """

    config_entry: ConfigEntry

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        subentry_id: str,
        accounts: Accounts,
    ) -> None:
        """Prepare the heating of one home."""
        super().__init__(
            hass,
            _LOGGER,
            config_entry=entry,
            name=f"{DOMAIN} {entry.title} heating",
        )
        self.subentry_id = subentry_id
        self.source = HeatingSource.from_subentry(entry.subentries[subentry_id])
        self.time_zone: tzinfo = dt_util.get_default_time_zone()
        """The home's, for as long as the vendor tells no other."""
        self._accounts = accounts
        self._store = HeatingStore(hass, self.source.source_id)
        self._saving = asyncio.Lock()
        self._saved: StoredRooms = {}
        self._rooms = {room.room_id: RoomState(room) for room in self.rooms}
        self._locks = {room_id: asyncio.Lock() for room_id in self._rooms}
        self._home_orders = HomeOrders()
        self._zones: dict[str, tzinfo] = {}
        self._update = HeatingUpdate(state=None)
        self._topology: HomeTopology | None = None
        self._status: HomeStatus | None = None
        self._status_at: datetime | None = None
        self._stale = True
        self._stopped = True
        self._unsubscribe: list[CALLBACK_TYPE] = []
        self._stop_waiting: CALLBACK_TYPE | None = None
        self._next_end: datetime | None = None
        self._stop_watching: CALLBACK_TYPE | None = None
        self._renewals: dict[str, asyncio.Task[None]] = {}
        self._change_listeners: list[ChangeListener] = []
        self.data = self._shown()

    @property
    def rooms(self) -> tuple[RoomRecord, ...]:
        """Return the rooms that are not gone."""
        return tuple(room for room in self.source.rooms if not room.gone)

    @property
    def modules(self) -> tuple[ModuleRecord, ...]:
        """Return the modules that are not gone."""
        return tuple(module for module in self.source.modules if not module.gone)

    @property
    def schedules(self) -> tuple[Schedule, ...]:
        """Return the schedules that heat, as last reported; none while nothing is known."""
        if self._topology is None:
            return ()
        return tuple(s for s in self._topology.schedules if s.kind == "therm")

    @property
    def active(self) -> Mapping[str, ActiveRequest | None]:
        """Return what was asked of each room and still holds, by our own ids."""
        return {room_id: state.active for room_id, state in self._rooms.items()}

    def scheduled_temperature(self, room_id: str) -> float | None:
        """Return what a room's weekly schedule asks for now (°C); None where not known."""
        return self._outlook().scheduled(
            self._rooms[room_id].record.hardware_id, dt_util.utcnow()
        )

    def plan(self, room_id: str, request: SetpointRequest) -> SetpointPlan:
        """Return how a request would be carried out now; nothing is sent.

        Raises ServiceValidationError where it cannot be asked of this room.
        """
        now = dt_util.utcnow()
        record = self._rooms[room_id].record
        situation = self._outlook().situation(record.hardware_id, record.control, now)
        try:
            return plan_setpoint(request, situation, now)
        except HeatingRequestError as err:
            raise request_error(err) from err

    # Life

    async def async_start(self) -> None:
        """Take up what was asked before a restart, and listen to the account."""
        stored = await self._store.async_load()
        for room_id, state in self._rooms.items():
            state.restore(stored.get(room_id, ()))
        self._saved = stored
        if self.hass.state in ENDING:
            return
        # What was asked of a room that is gone must not come back with it.
        await self._async_save()
        self._stopped = False
        self.config_entry.async_on_unload(self.async_stop)
        self._listen()

    async def async_stop(self) -> None:
        """Listen no more. Stopping twice is no harm."""
        self._stopped = True
        self._listen_no_more()
        if self.subentry_id not in self.config_entry.subentries:
            await self._store.async_remove()

    @override
    async def _async_update_data(self) -> HeatingData:
        """Return the heating as it is known; asked for by `update_entity` only."""
        return self._shown()

    @callback
    def _listen(self, _now: datetime | None = None) -> None:
        """Listen to the account whose time it is, now and after the next change of it."""
        self._listen_no_more()
        now = dt_util.utcnow()
        if (change := self.source.next_change(now)) is not None:
            self._unsubscribe.append(
                async_track_point_in_utc_time(self.hass, self._next_revision, change)
            )
        account, home_id = self._address
        self._unsubscribe.append(
            self._accounts.subscribe_heating(account, home_id, self._from_account)
        )
        if self._stopped:
            # The account's first news may have had the home reloaded.
            self._listen_no_more()

    @callback
    def _next_revision(self, _now: datetime) -> None:
        """Change over to the Netatmo home whose time has come; nothing is known of it."""
        self._topology = self._status = self._status_at = None
        self._stale = True
        self._home_orders.clear()
        self._listen()

    @callback
    def _listen_no_more(self) -> None:
        """Stop listening, and waiting."""
        while self._unsubscribe:
            self._unsubscribe.pop()()
        if self._stop_waiting is not None:
            self._stop_waiting()
            self._stop_waiting = None
        self._watch_end(None)

    @property
    def _address(self) -> tuple[str, str]:
        """Return the account and the vendor's home of now."""
        revision = self.source.current(dt_util.utcnow())
        assert revision.account is not None
        assert revision.hardware_id is not None
        return revision.account, revision.hardware_id

    # What the account says

    @callback
    def _from_account(self, update: HeatingUpdate) -> None:
        """Take what the account says of the home."""
        self._update = update
        if update.topology is not None and update.topology is not self._topology:
            self._topology = update.topology
            self._learn_zone(update.topology)
            if update.topology_asked_at is not None:
                self._home_orders.reported(
                    self._reported_outlook(), update.topology_asked_at
                )
        if update.status is not None and update.status is not self._status:
            self._take_status(update.status, update)
        self._publish()
        if self._status is not None:
            update_firmware(self.hass, self.config_entry.entry_id, self.data.modules)
        self._follow_topology()

    def _take_status(self, status: HomeStatus, update: HeatingUpdate) -> None:
        """Judge what rooms hold by what the vendor says of them now."""
        now = dt_util.utcnow()
        asked_at = update.asked_at or now
        self._status = status
        self._status_at = update.status_at or asked_at
        self._wait_for_news()
        outlook = self._outlook()
        for state in self._rooms.values():
            record = state.record
            if (reported := status.rooms.get(record.hardware_id)) is None:
                continue
            plan = state.take(
                room_report(reported, asked_at, status.at),
                outlook.situation(record.hardware_id, record.control, now),
                now,
            )
            if plan is not None and not self._stopped:
                renewal = state.begin_renewal(plan)
                self._renewals[record.room_id] = (
                    self.config_entry.async_create_background_task(
                        self.hass,
                        self._async_renew(state, renewal),
                        f"{self.name} renewal",
                    )
                )
        if self._storable() != self._saved:
            self.config_entry.async_create_task(
                self.hass, self._async_save(), f"{self.name} save"
            )

    def _wait_for_news(self) -> None:
        """Notice when what the vendor said is not followed by anything."""
        if self._stop_waiting is not None:
            self._stop_waiting()
        assert self._status_at is not None
        age = max(dt_util.utcnow() - self._status_at, timedelta())
        self._stale = age >= STALE_AFTER
        self._stop_waiting = None
        if not self._stale:
            self._stop_waiting = async_call_later(
                self.hass, STALE_AFTER - age, self._no_news
            )

    @callback
    def _no_news(self, _now: datetime) -> None:
        """Show no longer what the vendor said long ago."""
        self._stop_waiting = None
        self._stale = True
        self._publish()

    @callback
    def _follow_topology(self) -> None:
        """Store the rooms and modules where the vendor has others; that reloads the home."""
        entry = self.config_entry
        subentry = entry.subentries.get(self.subentry_id)
        if (
            self._topology is None
            or subentry is None
            or self._stopped
            or entry.state is not ConfigEntryState.LOADED
            or self._home_orders.under_way
            or any(state.busy for state in self._rooms.values())
        ):
            return
        source = HeatingSource.from_subentry(subentry)
        rooms, modules = merged(source.rooms, source.modules, self._topology, ulid_now)
        if (rooms, modules) != (source.rooms, source.modules):
            self.hass.config_entries.async_update_subentry(
                entry,
                subentry,
                data=replace(source, rooms=rooms, modules=modules).as_data(),
            )

    # What is shown

    @callback
    def _publish(self) -> None:
        """Show the heating as it is now."""
        if (data := self._shown()) != self.data:
            self.async_set_updated_data(data)
        now = dt_util.utcnow()
        ends = (data.mode_until, *(room.until for room in data.rooms.values()))
        self._watch_end(
            min((e for e in ends if e is not None and e > now), default=None)
        )

    @callback
    def _watch_end(self, end: datetime | None) -> None:
        """Show what comes after the next end of something; None to watch for none."""
        if self._stopped:
            end = None
        if end == self._next_end:
            return
        if self._stop_watching is not None:
            self._stop_watching()
            self._stop_watching = None
        self._next_end = end
        if end is not None:
            self._stop_watching = async_track_point_in_utc_time(
                self.hass, self._ended, end
            )

    @callback
    def _ended(self, _now: datetime) -> None:
        """Show what comes after the end of something."""
        self._next_end = self._stop_watching = None
        self._publish()

    def _shown(self) -> HeatingData:
        """Return the heating as it is known now."""
        now = dt_util.utcnow()
        update, status = self._update, self._status
        outlook = self._outlook()
        reached = reachable_modules(self.modules, status)
        reported = {} if status is None else status.modules
        boilers = [m.boiler_on for m in reported.values() if m.boiler_on is not None]
        boiler_on = any(boilers) if boilers else None
        present = not update.gone and update.state not in {None, AccountState.AUTH}
        return HeatingData(
            available=present
            and update.state in {AccountState.CONNECTED, AccountState.QUOTA}
            and not self._stale,
            controllable=present and update.state is not AccountState.OUTAGE,
            rooms={
                room_id: room_view(
                    state,
                    None
                    if status is None
                    else status.rooms.get(state.record.hardware_id),
                    outlook,
                    now,
                    reachable=room_reachable(
                        state.record, status, self.modules, reached
                    ),
                    boiler_on=boiler_on,
                )
                for room_id, state in self._rooms.items()
            },
            modules={
                module.module_id: module_view(
                    module,
                    reported.get(module.hardware_id),
                    reachable=reached[module.module_id],
                )
                for module in self.modules
            },
            mode=outlook.mode_at(now),
            mode_until=outlook.end_at(now),
            schedule=None if outlook.schedule is None else outlook.schedule.name,
            schedules=tuple(schedule.name for schedule in self.schedules),
            boiler_on=boiler_on,
            updated=self._status_at,
        )

    def _outlook(self) -> HomeOutlook:
        """Return what the home does by itself, with what was asked of it."""
        return self._home_orders.applied(self._reported_outlook())

    def _reported_outlook(self) -> HomeOutlook:
        """Return what the home does by itself, as the vendor tells it."""
        topology = self._topology
        zone = None if topology is None else topology.time_zone
        return HomeOutlook(
            schedule=None if topology is None else topology.schedule,
            mode=None if topology is None else topology.mode,
            mode_end=None if topology is None else topology.mode_end,
            time_zone=self.time_zone
            if zone is None
            else self._zones.get(zone, self.time_zone),
        )

    def _learn_zone(self, topology: HomeTopology) -> None:
        """Look up the vendor's time zone of the home where it is not known yet."""
        name = topology.time_zone
        if name is None or name in self._zones:
            return
        if str(self.time_zone) == name:
            self._zones[name] = self.time_zone
            return
        self.config_entry.async_create_task(
            self.hass, self._async_learn_zone(name), f"{self.name} time zone"
        )

    async def _async_learn_zone(self, name: str) -> None:
        """Look up a time zone; the home's own stands in for one that does not exist."""
        self._zones[name] = await dt_util.async_get_time_zone(name) or self.time_zone
        self._publish()

    # Commands

    async def async_set_setpoint(
        self, room_id: str, request: SetpointRequest, context: Context | None = None
    ) -> SetpointPlan:
        """Ask something of one room (our own id); return how it is carried out."""
        plan = self.plan(room_id, request)
        state = self._rooms[room_id]
        await self._async_command(
            _Command(
                place=f"{state.record.name} ({self.config_entry.title})",
                send=lambda hub, home: hub.async_set_room(home, plan.command),
                change=HeatingChange(
                    at=dt_util.utcnow(),
                    kind=ChangeKind.SETPOINT,
                    room_id=room_id,
                    room=state.record.name,
                    mode=request.mode.value,
                    temperature=plan.temperature,
                    until=request.until,
                ),
                context=context,
                rooms=((state, state.begin(plan)),),
            )
        )
        return plan

    async def async_set_home_mode(
        self, request: HomeModeRequest, context: Context | None = None
    ) -> None:
        """Put the whole home into a mode, which ends what its rooms were set to."""
        schedule = next(
            (s for s in self.schedules if s.schedule_id == request.schedule_id), None
        )
        order = HomeOrder(mode=request.mode, until=request.until, schedule=schedule)
        self._home_orders.begin(order)
        await self._async_command(
            _Command(
                place=self.config_entry.title,
                send=lambda hub, home: hub.async_set_home_mode(home, request),
                change=HeatingChange(
                    at=dt_util.utcnow(),
                    kind=ChangeKind.HOME_MODE,
                    mode=request.mode.value,
                    until=request.until,
                    schedule=None if schedule is None else schedule.name,
                ),
                context=context,
                rooms=tuple(map(self._back_to_home, self._rooms.values())),
                home=order,
            )
        )

    async def async_select_schedule(
        self, schedule: str, context: Context | None = None
    ) -> None:
        """Select the schedule with a name or vendor's id."""
        try:
            chosen = find_schedule(schedule, self.schedules)
        except HeatingRequestError as err:
            raise request_error(err) from err
        following = [
            state
            for room_id, state in self._rooms.items()
            if self.data.rooms[room_id].mode is SetpointMode.SCHEDULE
        ]
        order = HomeOrder(schedule=chosen)
        self._home_orders.begin(order)
        await self._async_command(
            _Command(
                place=self.config_entry.title,
                send=lambda hub, home: hub.async_switch_schedule(
                    home, chosen.schedule_id
                ),
                change=HeatingChange(
                    at=dt_util.utcnow(), kind=ChangeKind.SCHEDULE, schedule=chosen.name
                ),
                context=context,
                rooms=tuple(map(self._back_to_home, following)),
                home=order,
            )
        )

    @callback
    def async_add_change_listener(self, listener: ChangeListener) -> Callable[[], None]:
        """Hear of every change that the cloud accepted; return how to stop."""
        self._change_listeners.append(listener)
        return lambda: self._change_listeners.remove(listener)

    def _back_to_home(self, state: RoomState) -> tuple[RoomState, ActiveRequest]:
        """Show a room as it is once it does what the home does."""
        record = state.record
        now = dt_util.utcnow()
        plan = plan_setpoint(
            SetpointRequest(mode=SetpointMode.SCHEDULE),
            self._outlook().situation(record.hardware_id, record.control, now),
            now,
        )
        return state, state.begin(plan)

    async def _async_command(self, command: _Command) -> None:
        """Show a command and carry it out, also where the one who asked waits no longer."""
        self._publish()
        task = self.config_entry.async_create_task(
            self.hass, self._async_carry_out(command), f"{self.name} command"
        )
        if (failure := await asyncio.shield(task)) is not None:
            raise failure

    async def _async_carry_out(self, command: _Command) -> HomeAssistantError | None:
        """Send a command; return what went wrong, with everything as it was before.

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
                await self._async_save()
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
                    self._home_orders.drop(command.home)
                self._publish()
            await self._async_save()
        if changed:
            await self._async_tell(command)
        self._follow_topology()
        return failure

    async def _async_send(self, command: _Command) -> bool:
        """Send a command and hold what it does; return whether it changed anything.

        Raises CloudError and HomeAssistantError.
        """
        account, home_id = self._address
        if (hub := self._accounts.heating_hubs.get(account)) is None:
            raise account_missing(command.place)
        if self._update.gone:
            raise home_gone(command.place)
        changed = await command.send(hub, home_id)
        now = dt_util.utcnow()
        home_mode = self._outlook().mode_at(now)
        for state, order in command.rooms:
            state.accept(order, now, home_mode)
        if command.home is not None:
            self._home_orders.accept(command.home, now)
        return changed

    async def _async_tell(self, command: _Command) -> None:
        """Tell listeners of a change, and who made it."""
        context = command.context
        user = None
        if context is not None and context.user_id is not None:
            user = await self.hass.auth.async_get_user(context.user_id)
        change = replace(
            command.change,
            at=dt_util.utcnow(),
            who=None if user is None else user.name,
        )
        for listener in tuple(self._change_listeners):
            listener(change, context)

    # What rooms hold

    async def _async_renew(self, state: RoomState, renewal: ActiveRequest) -> None:
        """Send again what a room holds. Where that fails a later status brings it back."""
        accepted_at: datetime | None = None
        unsure = False
        account, home_id = self._address
        hub = self._accounts.heating_hubs.get(account)
        try:
            async with self._locks[state.record.room_id]:
                await self._async_save()
                if hub is not None:
                    await hub.async_set_room(
                        home_id, renewal.plan.command, renewal=True
                    )
                    accepted_at = dt_util.utcnow()
        except CloudError as err:
            unsure = _unsure(err)
            room = f"{self.config_entry.title} {state.record.name}"
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
        await self._async_save()
        self._publish()
        self._follow_topology()

    @callback
    def _cancel_renewal(self, state: RoomState) -> None:
        """Let no command wait for a renewal of the room."""
        # Of a task that has not begun not even `finally` is run.
        if state.cancel_renewal():
            self._renewals.pop(state.record.room_id).cancel()

    def _storable(self) -> StoredRooms:
        """Return what the next run needs to know of the rooms."""
        return {
            room_id: stored
            for room_id, state in self._rooms.items()
            if (stored := state.stored())
        }

    async def _async_save(self) -> None:
        """Save what the next run needs, before anything depends on it."""
        async with self._saving:
            rooms = self._storable()
            if rooms != self._saved:
                await self._store.async_save(rooms)
                self._saved = rooms


def _unsure(err: CloudError) -> bool:
    """Return whether a command may have been carried out although it failed."""
    return isinstance(err, CloudOutageError | CloudNonsenseError)
