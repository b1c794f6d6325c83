"""The heating of a home, whatever heats it: its rooms, its modules, and the home as a whole."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from datetime import tzinfo
import logging
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Context, HomeAssistant
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator

from ..const import DOMAIN
from ..heating.home_mode import HomeModeRequest, NamedSchedule
from ..heating.model import ModuleTraits
from ..heating.records import ModuleRecord, RoomRecord
from ..heating.view import HeatingChange, HeatingData
from ..models import HeatingSource
from .driver import ChangeListener, RoomDriver

_LOGGER = logging.getLogger(__name__)


class HeatingCoordinator(DataUpdateCoordinator[HeatingData], ABC):
    """Follows the vendor's home that heats a home of ours. Push only.

    `data` is there from the start: rooms and modules as they are on record, nothing known.
    Commands raise ServiceValidationError for what cannot be asked and HomeAssistantError for
    what is not done; neither is a change.
    """

    config_entry: ConfigEntry

    def __init__(
        self, hass: HomeAssistant, entry: ConfigEntry, subentry_id: str
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

    @property
    def rooms(self) -> tuple[RoomRecord, ...]:
        """Return the rooms that are not gone."""
        return tuple(room for room in self.source.rooms if not room.gone)

    @property
    def modules(self) -> tuple[ModuleRecord, ...]:
        """Return the modules that are not gone."""
        return tuple(module for module in self.source.modules if not module.gone)

    @property
    @abstractmethod
    def drivers(self) -> Mapping[str, RoomDriver]:
        """Return who drives each room, by our own ids."""

    @property
    @abstractmethod
    def schedules(self) -> tuple[NamedSchedule, ...]:
        """Return the schedules that heat, as last reported; none while nothing is known."""

    @abstractmethod
    def traits(self, module: ModuleRecord) -> ModuleTraits:
        """Return what a module on record is."""

    @abstractmethod
    def active_diagnostics(self, room_id: str) -> dict[str, Any] | None:
        """Return what was asked of a room and still holds, without the vendor's ids."""

    @abstractmethod
    async def async_start(self, time_zone: tzinfo) -> None:
        """Take up what was asked before a restart, and listen to the account.

        `time_zone` is the home's, for as long as its vendor reports no other.
        """

    @abstractmethod
    async def async_stop(self) -> None:
        """Listen no more. Stopping twice is no harm."""

    @abstractmethod
    async def async_set_home_mode(
        self, request: HomeModeRequest, context: Context | None = None
    ) -> HeatingChange | None:
        """Put the whole home into a mode, which ends what its rooms were set to.

        Returns the change, None where the home was so already.
        """

    @abstractmethod
    async def async_select_schedule(
        self, schedule: str, context: Context | None = None
    ) -> HeatingChange | None:
        """Select the schedule with a name or vendor's id; returns what a mode does."""

    @abstractmethod
    def async_add_change_listener(self, listener: ChangeListener) -> Callable[[], None]:
        """Hear of every change that the vendor accepted; return how to stop."""
