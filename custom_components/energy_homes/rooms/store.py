"""What was asked of a heating's rooms, kept for the next run."""

from collections.abc import Mapping
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store

from ..const import CONF_SOURCE_ID, DOMAIN, SUBENTRY_HEATING

STORE_VERSION: Final = 1

type StoredRooms = dict[str, list[dict[str, Any]]]


class HeatingStore:
    """The requests that rooms hold, by our own ids of the rooms.

    What was saved is on disk when saving returns, so that a kill loses nothing.
    """

    def __init__(self, hass: HomeAssistant, source_id: str) -> None:
        """Use the file of one heating."""
        self._store: Store[dict[str, StoredRooms]] = Store(
            hass,
            STORE_VERSION,
            f"{DOMAIN}.heating.{source_id}",
            private=True,
            atomic_writes=True,
        )

    async def async_load(self) -> StoredRooms:
        """Return what an earlier run has saved; nothing where that cannot be read."""
        data = await self._store.async_load()
        rooms = data.get("rooms") if isinstance(data, dict) else None
        if not isinstance(rooms, dict):
            return {}
        return {
            room_id: [active for active in stored if isinstance(active, dict)]
            for room_id, stored in rooms.items()
            if isinstance(stored, list)
        }

    async def async_save(self, rooms: Mapping[str, list[dict[str, Any]]]) -> None:
        """Save what the next run needs."""
        await self._store.async_save({"rooms": dict(rooms)})

    async def async_remove(self) -> None:
        """Forget everything."""
        await self._store.async_remove()


async def async_forget_heating(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Forget what was asked of the rooms of a home that is removed."""
    for subentry in entry.get_subentries_of_type(SUBENTRY_HEATING):
        await HeatingStore(hass, subentry.data[CONF_SOURCE_ID]).async_remove()
