"""A heated home in Home Assistant, and the same home behind the simulated cloud."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import Context, HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.energy_homes.heating.records import RoomRecord
from custom_components.energy_homes.heating.setpoint import setpoint_request
from custom_components.energy_homes.heating.view import (
    HeatingChange,
    HeatingData,
    ModuleView,
    RoomView,
)
from custom_components.energy_homes.rooms.driver import RoomDriver
from custom_components.energy_homes.rooms.netatmo.coordinator import NetatmoHeating
from tests.builders import set_up
from tests.netatmo_control import NetatmoControl
from tests.virtual import VirtualTime

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)

COMMANDS = ("setroomthermpoint", "setstate", "setthermmode", "switchhomeschedule")

STORE = "energy_homes.heating.heating-elm-street"
"""What the requests of Elm Street's rooms are stored as."""


class HeatedWorld:
    """One home with its account, and what was heard of its changes."""

    def __init__(
        self,
        hass: HomeAssistant,
        virtual: VirtualTime,
        netatmo: NetatmoControl,
        account: MockConfigEntry,
        home: MockConfigEntry,
        storage: dict[str, Any],
    ) -> None:
        """Take entries that are not set up yet."""
        self.hass = hass
        self.storage = storage
        self.virtual = virtual
        self.netatmo = netatmo
        self.account = account
        self.home = home
        self.changes: list[HeatingChange] = []

    async def start(self) -> None:
        """Set up the account and the home, and let the first status come."""
        await set_up(self.hass, self.account, self.home)
        await self.virtual.run(MINUTE)
        self.listen()
        assert self.data.available

    def listen(self) -> None:
        """Hear of the changes of the home as it is loaded now."""
        self.heating.async_add_change_listener(
            lambda change, _context: self.changes.append(change)
        )

    async def unload_home(self) -> None:
        """Unload the home, as a stop of Home Assistant does."""
        assert await self.hass.config_entries.async_unload(self.home.entry_id)
        await self.virtual.settle()

    async def load_home(self) -> None:
        """Set the home up again."""
        assert await self.hass.config_entries.async_setup(self.home.entry_id)
        await self.virtual.settle()
        assert self.home.state is ConfigEntryState.LOADED
        self.listen()

    @property
    def heating(self) -> NetatmoHeating:
        """Return the heating of the home."""
        (heating,) = self.home.runtime_data.heating.values()
        assert isinstance(heating, NetatmoHeating)
        return heating

    @property
    def data(self) -> HeatingData:
        """Return the heating as it is shown."""
        return self.heating.data

    @property
    def stored(self) -> dict[str, Any]:
        """Return what is on disk of each room's requests."""
        rooms: dict[str, Any] = self.storage[STORE]["data"]["rooms"]
        return rooms

    def record(self, name: str) -> RoomRecord:
        """Return a room on record."""
        return next(room for room in self.heating.rooms if room.name == name)

    def driver(self, name: str) -> RoomDriver:
        """Return who drives a room."""
        return self.heating.drivers[self.record(name).room_id]

    def room(self, name: str) -> RoomView:
        """Return a room as it is shown."""
        return self.data.rooms[self.record(name).room_id]

    def module(self, name: str) -> ModuleView:
        """Return a module as it is shown."""
        module = next(m for m in self.heating.modules if m.name == name)
        return self.data.modules[module.module_id]

    async def ask(
        self, room: str, mode: str, *, context: Context | None = None, **asked: Any
    ) -> HeatingChange | None:
        """Ask something of a room."""
        request = setpoint_request(mode, now=self.virtual.now, **asked)
        return await self.driver(room).async_set(request, context)

    def reported(self, room: str) -> tuple[str, float, datetime | None]:
        """Return what the vendor has a room set to: mode, °C, end."""
        mode, setpoint, end_s = self.netatmo.setpoint(self.home.title, room)
        return mode, setpoint, datetime.fromtimestamp(end_s, UTC) if end_s else None

    def all_reported(self) -> Mapping[str, tuple[str, float, datetime | None]]:
        """Return what the vendor has every room set to."""
        rooms = self.netatmo.rooms(self.home.title)
        return {room: self.reported(room) for room in rooms}

    def commands(self) -> list[tuple[datetime, str]]:
        """Return the commands that the cloud has got so far, and when."""
        return [
            (datetime.fromtimestamp(stamp / 1000, UTC), method)
            for stamp, _user, _app, method, _status in self.netatmo.log()
            if method in COMMANDS
        ]
