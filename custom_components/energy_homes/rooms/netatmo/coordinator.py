"""The heating of a home by Netatmo: what its Netatmo home does, and commands to it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, tzinfo
from typing import Any, override

from homeassistant.components.diagnostics import async_redact_data
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import CALLBACK_TYPE, Context, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.util import dt as dt_util
from homeassistant.util.ulid import ulid_now

from ...accounts.netatmo.heard import NetatmoUpdate
from ...accounts.registry import Accounts
from ...clouds.netatmo.models import HomeStatus
from ...heating.home_mode import HomeModeRequest
from ...heating.model import ModuleTraits, SetpointMode
from ...heating.netatmo.active import ActiveRequest
from ...heating.netatmo.matching import merged
from ...heating.netatmo.model import RoomControl, devices
from ...heating.netatmo.modules import module_traits
from ...heating.netatmo.schedule import Schedule
from ...heating.records import ModuleRecord
from ...heating.view import HeatingChange, HeatingData
from ...meters.coordinator import ENDING
from ...models import HeatingSource
from ..alarm import Alarm
from ..coordinator import HeatingCoordinator
from ..devices import update_firmware
from ..driver import ChangeListener, RoomDriver
from .commands import HomeCommands
from .reported import STALE_AFTER, ReportedHome
from .requests import HomeRequests
from .room import NetatmoRoom
from .subscription import HomeSubscription
from .view import heating_data, room_report


class NetatmoHeating(HeatingCoordinator):
    """Follows one Netatmo home. What commands raise and return is `HomeCommands`'."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        subentry_id: str,
        accounts: Accounts,
    ) -> None:
        """Prepare the heating of one home."""
        super().__init__(hass, entry, subentry_id)
        self.reported = ReportedHome(dt_util.get_default_time_zone())
        self.requests = HomeRequests(hass, self.source.source_id, self.rooms)
        self._subscription = HomeSubscription(
            hass,
            accounts,
            self.source,
            on_update=self._from_account,
            on_change=self._forget,
        )
        self.commands = HomeCommands(
            hass,
            entry,
            self.name,
            requests=self.requests,
            reported=self.reported,
            address=lambda: self._subscription.address,
            show=self._publish,
            settle=self._follow_topology,
        )
        self._drivers: Mapping[str, RoomDriver] = {
            room_id: NetatmoRoom(
                self,
                self.commands,
                state,
                heating=self.source.name,
                home=entry.title,
                devices=devices(m.kind for m in self.modules if m.room_id == room_id),
            )
            for room_id, state in self.requests.rooms.items()
        }
        self._stop_waiting: CALLBACK_TYPE | None = None
        self._next_end = Alarm(hass, self._publish)
        self.data = self._shown()

    @property
    @override
    def drivers(self) -> Mapping[str, RoomDriver]:
        """Return who drives each room, by our own ids."""
        return self._drivers

    @override
    def traits(self, module: ModuleRecord) -> ModuleTraits:
        """Return what a module on record is."""
        return module_traits(module.kind)

    @property
    @override
    def schedules(self) -> tuple[Schedule, ...]:
        """Return the schedules that heat, as last reported; none while nothing is known."""
        return self.reported.schedules

    @property
    def active(self) -> Mapping[str, ActiveRequest | None]:
        """Return what was asked of each room and still holds, by our own ids."""
        return {room_id: state.active for room_id, state in self.requests.rooms.items()}

    @override
    def active_diagnostics(self, room_id: str) -> dict[str, Any] | None:
        """Return what is active in a room, without the vendor's id of it."""
        if (active := self.active[room_id]) is None:
            return None
        data = active.as_data()
        return {**data, "command": async_redact_data(data["command"], {"room"})}

    @override
    async def async_set_home_mode(
        self, request: HomeModeRequest, context: Context | None = None
    ) -> HeatingChange | None:
        """Put the whole home into a mode, which ends what its rooms were set to."""
        return await self.commands.async_set_home_mode(request, context)

    @override
    async def async_select_schedule(
        self, schedule: str, context: Context | None = None
    ) -> HeatingChange | None:
        """Select the schedule with a name or vendor's id."""
        following = [
            room_id
            for room_id, room in self.data.rooms.items()
            if room.mode is SetpointMode.SCHEDULE
        ]
        return await self.commands.async_select_schedule(schedule, following, context)

    @override
    @callback
    def async_add_change_listener(self, listener: ChangeListener) -> Callable[[], None]:
        """Hear of every change that the cloud accepted; return how to stop."""
        return self.commands.async_add_change_listener(listener)

    # Life

    @override
    async def async_start(self, time_zone: tzinfo) -> None:
        """Take up what was asked before a restart, and listen to the account."""
        self.reported.time_zone = time_zone
        await self.requests.async_restore()
        if self.hass.state in ENDING:
            return
        # What was asked of a room that is gone must not come back with it.
        await self.requests.async_save()
        self.config_entry.async_on_unload(self.async_stop)
        self._subscription.start()

    @override
    async def async_stop(self) -> None:
        """Listen no more. Stopping twice is no harm."""
        self._subscription.stop()
        self._wait_no_more()
        if self.subentry_id not in self.config_entry.subentries:
            await self.requests.async_remove()

    @override
    async def _async_update_data(self) -> HeatingData:
        """Return the heating as it is known; asked for by `update_entity` only."""
        return self._shown()

    @callback
    def _wait_no_more(self) -> None:
        """Wait neither for news nor for the end of something."""
        if self._stop_waiting is not None:
            self._stop_waiting()
            self._stop_waiting = None
        self._next_end.set(None)

    # What the account says

    @callback
    def _forget(self) -> None:
        """Know nothing: another Netatmo home's time has come."""
        self.reported.forget()
        self.requests.home.clear()
        self._wait_no_more()

    @callback
    def _from_account(self, update: NetatmoUpdate) -> None:
        """Take what the account says of the home."""
        reported = self.reported
        reported.update = update
        if update.topology is not None and update.topology is not reported.topology:
            reported.topology = update.topology
            if (zone := reported.unknown_zone()) is not None:
                self.config_entry.async_create_task(
                    self.hass, self._async_learn_zone(zone), f"{self.name} time zone"
                )
            if update.topology_asked_at is not None:
                self.requests.home.reported(
                    reported.outlook(), update.topology_asked_at
                )
        if update.status is not None and update.status is not reported.status:
            self._take_status(update.status, update)
        self._publish()
        if reported.status is not None:
            update_firmware(self.hass, self.config_entry.entry_id, self.data.modules)
        self._follow_topology()

    def _take_status(self, status: HomeStatus, update: NetatmoUpdate) -> None:
        """Judge what is active in rooms by what the vendor says of them now."""
        now = dt_util.utcnow()
        asked_at = update.asked_at or now
        age = self.reported.take_status(status, update.status_at or asked_at, now)
        if self._stop_waiting is not None:
            self._stop_waiting()
            self._stop_waiting = None
        if not self.reported.stale:
            self._stop_waiting = async_call_later(
                self.hass, STALE_AFTER - age, self._no_news
            )
        outlook = self.commands.outlook()
        for state in self.requests.rooms.values():
            record = state.record
            if (room := status.rooms.get(record.hardware_id)) is None:
                continue
            plan = state.take(
                room_report(room, asked_at, status.at),
                outlook.situation(record.hardware_id, RoomControl.of(record), now),
                now,
            )
            if plan is not None and self._subscription.running:
                self.commands.renew(state, plan)
        if self.requests.unsaved:
            self.config_entry.async_create_task(
                self.hass, self.requests.async_save(), f"{self.name} save"
            )

    @callback
    def _no_news(self, _now: datetime) -> None:
        """Show no longer what the vendor said long ago."""
        self._stop_waiting = None
        self.reported.stale = True
        self._publish()

    async def _async_learn_zone(self, name: str) -> None:
        """Look up the vendor's time zone of the home."""
        self.reported.learn_zone(name, await dt_util.async_get_time_zone(name))
        self._publish()

    @callback
    def _follow_topology(self) -> None:
        """Store the rooms and modules where the vendor has others; that reloads the home."""
        entry = self.config_entry
        subentry = entry.subentries.get(self.subentry_id)
        topology = self.reported.topology
        if (
            topology is None
            or subentry is None
            or not self._subscription.running
            or entry.state is not ConfigEntryState.LOADED
            or self.requests.busy
        ):
            return
        source = HeatingSource.from_subentry(subentry)
        rooms, modules = merged(source.rooms, source.modules, topology, ulid_now)
        if (rooms, modules) != (source.rooms, source.modules):
            self.hass.config_entries.async_update_subentry(
                entry,
                subentry,
                data=replace(source, rooms=rooms, modules=modules).as_data(),
            )

    # What is shown

    @callback
    def _publish(self) -> None:
        """Show the heating as it is now, and again after the next end of something."""
        if (data := self._shown()) != self.data:
            self.async_set_updated_data(data)
        now = dt_util.utcnow()
        ends = (data.mode_until, *(room.until for room in data.rooms.values()))
        coming = (end for end in ends if end is not None and end > now)
        running = self._subscription.running
        self._next_end.set(min(coming, default=None) if running else None)

    def _shown(self) -> HeatingData:
        """Return the heating as it is known now."""
        return heating_data(
            self.reported,
            self.commands.outlook(),
            self.requests.rooms,
            self.modules,
            dt_util.utcnow(),
        )
