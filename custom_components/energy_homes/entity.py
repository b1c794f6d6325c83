"""Base entities: a home's, a meter's, a heating's with its rooms and modules, an account's."""

from typing import Any, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import callback
from homeassistant.helpers.device_registry import DeviceEntryType, DeviceInfo
from homeassistant.helpers.entity import Entity, EntityDescription
from homeassistant.helpers.update_coordinator import (
    BaseCoordinatorEntity,
    CoordinatorEntity,
    DataUpdateCoordinator,
)

from .accounts.kinds import kind_of
from .accounts.registry import AccountHub
from .const import DOMAIN
from .heating.view import HeatingData, ModuleView, RoomView
from .history.jobs import BackfillJobs
from .homes.dial import DialMeter
from .homes.home import Home
from .meters.coordinator import HomeCoordinator, MeterData
from .models import MeterSource
from .rooms.coordinator import HeatingCoordinator
from .rooms.driver import RoomDriver


class HomeEntity(CoordinatorEntity[HomeCoordinator]):
    """An entity of the home as a whole."""

    _attr_has_entity_name = True

    def __init__(self, home: Home, description: EntityDescription) -> None:
        """Belong to the home's device, which is registered already."""
        super().__init__(home.coordinator)
        self.entity_description = description
        self._attr_unique_id = f"{home.home_id}_{description.key}"
        self._attr_device_info = DeviceInfo(identifiers={(DOMAIN, home.home_id)})


class BackfillEntity(Entity):
    """An entity of a home's backfill; it is available whatever the home's meters say."""

    _attr_has_entity_name = True
    _attr_should_poll = False

    def __init__(
        self, home: Home, jobs: BackfillJobs, description: EntityDescription
    ) -> None:
        """Belong to the home's device, which is registered already."""
        self.entity_description = description
        self.home = home
        self.jobs = jobs
        self._attr_unique_id = f"{home.home_id}_{description.key}"
        self._attr_device_info = DeviceInfo(identifiers={(DOMAIN, home.home_id)})

    @override
    async def async_added_to_hass(self) -> None:
        """Follow the home's jobs."""
        self.async_on_remove(
            self.jobs.async_add_listener(self.home.home_id, self.async_write_ha_state)
        )


class MeterEntity(CoordinatorEntity[HomeCoordinator]):
    """An entity of one meter of a home."""

    _attr_has_entity_name = True

    def __init__(
        self, home: Home, source: MeterSource, description: EntityDescription
    ) -> None:
        """Belong to the meter's device, which is registered already."""
        super().__init__(home.coordinator)
        self.entity_description = description
        self._source_id = source.source_id
        self._attr_unique_id = f"{source.source_id}_{description.key}"
        self._attr_device_info = DeviceInfo(identifiers={(DOMAIN, source.source_id)})

    @property
    def meter(self) -> MeterData:
        """Return the meter as it is now."""
        return self.coordinator.data.meters[self._source_id]


class DialEntity(MeterEntity):
    """An entity of what the dial of a meter shows."""

    def __init__(self, dial: DialMeter, description: EntityDescription) -> None:
        """Belong to the meter's device."""
        super().__init__(dial.home, dial.source, description)
        self.dial = dial

    @property
    @override
    def available(self) -> bool:
        """Return whether the board is loaded; it need not be heard."""
        return self.meter.channel is not None


class HeatingEntity(CoordinatorEntity[HeatingCoordinator]):
    """An entity of a heated home, or of one of its modules."""

    _attr_has_entity_name = True

    def __init__(
        self,
        coordinator: HeatingCoordinator,
        owner_id: str,
        description: EntityDescription,
    ) -> None:
        """Belong to the device with an id of ours, which is registered already."""
        super().__init__(coordinator)
        self.entity_description = description
        self._attr_unique_id = f"{owner_id}_{description.key}"
        self._attr_device_info = DeviceInfo(identifiers={(DOMAIN, owner_id)})

    @property
    def heating(self) -> HeatingData:
        """Return the heated home as it is now."""
        return self.coordinator.data


class RoomEntity(BaseCoordinatorEntity[RoomDriver]):
    """An entity of one room, whatever drives it."""

    _attr_has_entity_name = True

    def __init__(self, driver: RoomDriver, description: EntityDescription) -> None:
        """Belong to the room's device, which is registered already."""
        super().__init__(driver)
        self.driver = driver
        self.entity_description = description
        self._attr_unique_id = f"{driver.room_id}_{description.key}"
        self._attr_device_info = DeviceInfo(identifiers={(DOMAIN, driver.room_id)})

    @property
    def room(self) -> RoomView:
        """Return the room as it is now."""
        return self.driver.view

    @property
    @override
    def available(self) -> bool:
        """Return whether it is known what the room does now."""
        return self.driver.available and self.room.reachable is not False

    @override
    async def async_update(self) -> None:
        """Show what is known: a room is never asked for by an entity."""


class ModuleEntity(HeatingEntity):
    """An entity of one gateway, thermostat or valve."""

    def __init__(
        self,
        coordinator: HeatingCoordinator,
        module_id: str,
        description: EntityDescription,
    ) -> None:
        """Belong to the module's device."""
        super().__init__(coordinator, module_id, description)
        self._module_id = module_id

    @property
    def module(self) -> ModuleView:
        """Return the module as it is now."""
        return self.heating.modules[self._module_id]

    @property
    @override
    def available(self) -> bool:
        """Return whether the vendor says what the module does now."""
        return self.heating.available and self.module.reachable is not False


class AccountEntity(CoordinatorEntity[DataUpdateCoordinator[Any]]):
    """An entity about an account's conversation with its cloud."""

    _attr_has_entity_name = True

    def __init__(self, entry: ConfigEntry, description: EntityDescription) -> None:
        """Belong to the own device of an account that is set up."""
        super().__init__(entry.runtime_data)
        self.entity_description = description
        self._attr_unique_id = f"{entry.entry_id}_{description.key}"
        self._attr_device_info = DeviceInfo(
            entry_type=DeviceEntryType.SERVICE,
            identifiers={(DOMAIN, entry.entry_id)},
            manufacturer=kind_of(entry).manufacturer,
            name=entry.title,
        )

    @property
    @override
    def available(self) -> bool:
        """Return True: what is told here is most wanted when the cloud is away."""
        return True


class BoardEntity(Entity):
    """An entity of a board itself; it is there whether or not the board is heard."""

    _attr_has_entity_name = True
    _attr_should_poll = False

    def __init__(self, entry: ConfigEntry, description: EntityDescription) -> None:
        """Belong to the own device of a board that is set up."""
        self.hub: AccountHub = entry.runtime_data
        self.entity_description = description
        self._attr_unique_id = f"{entry.entry_id}_{description.key}"
        self._attr_device_info = DeviceInfo(
            identifiers={(DOMAIN, entry.entry_id)},
            manufacturer=kind_of(entry).manufacturer,
            name=entry.title,
        )
        self._written: object = None

    @property
    def value(self) -> object:
        """Return what is shown now."""
        raise NotImplementedError

    @override
    async def async_added_to_hass(self) -> None:
        """Follow the board."""
        self._written = self.value
        self.async_on_remove(self.hub.async_add_listener(self._heard))

    @callback
    def _heard(self) -> None:
        """Show what has changed; most pulses change nothing of the board itself."""
        if not self.should_poll and (value := self.value) != self._written:
            self._written = value
            self.async_write_ha_state()
