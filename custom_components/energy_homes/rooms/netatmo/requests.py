"""What was asked of a home and its rooms, from being asked to being over, and across restarts."""

import asyncio
from collections.abc import Iterable

from homeassistant.core import HomeAssistant

from ...heating.netatmo.home_order import HomeOrders
from ...heating.netatmo.room import RoomState
from ...heating.records import RoomRecord
from ..store import HeatingStore, StoredRooms


class HomeRequests:
    """The requests of a home's rooms, by our own ids of the rooms, and those of the whole home."""

    def __init__(
        self, hass: HomeAssistant, source_id: str, rooms: Iterable[RoomRecord]
    ) -> None:
        """Begin with rooms of which nothing was asked."""
        self.rooms = {room.room_id: RoomState(room) for room in rooms}
        self.home = HomeOrders()
        self._store = HeatingStore(hass, source_id)
        self._saving = asyncio.Lock()
        self._saved: StoredRooms = {}

    @property
    def busy(self) -> bool:
        """Return whether something is under way to the vendor."""
        return self.home.under_way or any(room.busy for room in self.rooms.values())

    @property
    def unsaved(self) -> bool:
        """Return whether the next run needs something that is not on disk."""
        return self._storable() != self._saved

    async def async_restore(self) -> None:
        """Take up what was asked before a restart."""
        stored = await self._store.async_load()
        for room_id, state in self.rooms.items():
            state.restore(stored.get(room_id, ()))
        self._saved = stored

    async def async_save(self) -> None:
        """Save what the next run needs, before anything depends on it."""
        async with self._saving:
            rooms = self._storable()
            if rooms != self._saved:
                await self._store.async_save(rooms)
                self._saved = rooms

    async def async_remove(self) -> None:
        """Forget what is on disk."""
        await self._store.async_remove()

    def _storable(self) -> StoredRooms:
        """Return what the next run needs to know of the rooms."""
        return {
            room_id: stored
            for room_id, state in self.rooms.items()
            if (stored := state.stored())
        }
