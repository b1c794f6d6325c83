"""What a heating's rooms were like, from its statuses into the ledger."""

import asyncio
from collections.abc import Iterable
import logging

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback

from ..ledger import Ledger, LedgerError
from ..metering.temperature import RoomReading, RoomSlot, RoomSlotter
from .coordinator import HeatingCoordinator

_LOGGER = logging.getLogger(__name__)


class RoomLog:
    """Keeps the temperatures of a heating's rooms, slot by slot.

    What the ledger cannot take now is kept and tried again with the next status.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        heating: HeatingCoordinator,
        ledger: Ledger,
        home_id: str,
    ) -> None:
        """Stand for the rooms that the heating has now."""
        self._hass = hass
        self._heating = heating
        self._ledger = ledger
        self._home_id = home_id
        self._slotters: dict[str, RoomSlotter] = {}
        self._unsaved: dict[str, list[RoomSlot]] = {}
        self._saving = asyncio.Lock()
        self._failed = False
        self._unsubscribe: CALLBACK_TYPE | None = None

    async def async_start(self) -> None:
        """Go on where the ledger says that the rooms were. Raises LedgerError."""
        for room in self._heating.rooms:
            await self._ledger.async_add_room(room.room_id, self._home_id)
            stored = await self._ledger.async_load_room(room.room_id)
            self._slotters[room.room_id] = RoomSlotter(
                stored.readings, stored.settled_until
            )
            self._unsaved[room.room_id] = []
        self._unsubscribe = self._heating.async_add_listener(self._on_update)

    async def async_stop(self) -> None:
        """Listen no more, and store what was heard. Stopping twice is no harm."""
        if self._unsubscribe is None:
            return
        self._unsubscribe()
        self._unsubscribe = None
        await self._async_save(self._slotters)

    @callback
    def _on_update(self) -> None:
        """Take what a new status says of the rooms; a known one changes nothing."""
        data = self._heating.data
        if data.updated is None:
            return
        ended: list[str] = []
        for room_id, slotter in self._slotters.items():
            view = data.rooms[room_id]
            slotter.hear(
                RoomReading(
                    data.updated, None if view.reachable is False else view.temperature
                )
            )
            if slots := slotter.settle():
                self._unsaved[room_id] += slots
                ended.append(room_id)
        if ended:
            self._heating.config_entry.async_create_task(
                self._hass, self._async_save(ended), f"{self._heating.name} rooms"
            )

    async def _async_save(self, room_ids: Iterable[str]) -> None:
        """Commit the slots of rooms, and the readings that the next ones need."""
        async with self._saving:
            try:
                for room_id in room_ids:
                    slots = tuple(self._unsaved[room_id])
                    readings = self._slotters[room_id].readings
                    await self._ledger.async_settle_room(room_id, slots, readings)
                    del self._unsaved[room_id][: len(slots)]
            except LedgerError as err:
                if not self._failed:
                    _LOGGER.error(
                        "Temperatures of %s cannot be stored, trying again: %s",
                        self._heating.name,
                        err,
                    )
                self._failed = True
                return
            if self._failed:
                _LOGGER.info("Temperatures of %s are stored again", self._heating.name)
            self._failed = False
