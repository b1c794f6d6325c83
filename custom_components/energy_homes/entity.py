"""Base entities: a home's, a meter's, a heating's with its rooms and modules, an account's."""

from typing import override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import callback
from homeassistant.helpers.device_registry import DeviceEntryType, DeviceInfo
from homeassistant.helpers.entity import Entity, EntityDescription
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .accounts.efergy.hub import EfergyHub
from .accounts.netatmo.hub import NetatmoHub
from .accounts.particle.hub import ParticleHub
from .accounts.pulse_board.hub import PulseBoardHub
from .const import CONF_KIND, DOMAIN, MANUFACTURER, EntryKind
from .heating.netatmo.model import VALVE_TYPES
from .heating.netatmo.records import RoomRecord
from .heating.view import HeatingData, ModuleView, RoomView
from .history.backfill import Backfill
from .homes.dial import DialMeter
from .homes.home import Home
from .meters.coordinator import HomeCoordinator, MeterData
from .models import MeterSource
from .rooms.coordinator import HeatingCoordinator

_VENDORS = {
    EntryKind.EFERGY: "Efergy",
    EntryKind.NETATMO: "Netatmo",
    EntryKind.PARTICLE: "Particle",
}


class HomeEntity(CoordinatorEntity[HomeCoordinator]):
    """An entity of the home as a whole."""

    _attr_has_entity_name = True

    def __init__(self, home: Home, description: EntityDescription) -> None:
        """Belong to the home's device, which is registered already."""
        super().__init__(home.coordinator)
        self.entity_description = description
        self._attr_unique_id = f"{home.home_id}_{description.key}"
        self._attr_device_info = DeviceInfo(identifiers={(DOMAIN, home.home_id)})


class PastEntity(Entity):
    """An entity of the import of a home's past; it is there whatever the home's meters say."""

    _attr_has_entity_name = True
    _attr_should_poll = False

    def __init__(
        self, home: Home, backfill: Backfill, description: EntityDescription
    ) -> None:
        """Belong to the home's device, which is registered already."""
        self.entity_description = description
        self.home = home
        self.backfill = backfill
        self._attr_unique_id = f"{home.home_id}_{description.key}"
        self._attr_device_info = DeviceInfo(identifiers={(DOMAIN, home.home_id)})

    @override
    async def async_added_to_hass(self) -> None:
        """Follow the import."""
        self.async_on_remove(
            self.backfill.async_add_listener(
                self.home.home_id, self.async_write_ha_state
            )
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
    """An entity of a heated home, or of one of its rooms or modules."""

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


class RoomEntity(HeatingEntity):
    """An entity of one room."""

    def __init__(
        self,
        coordinator: HeatingCoordinator,
        room_id: str,
        description: EntityDescription,
    ) -> None:
        """Belong to the room's device."""
        super().__init__(coordinator, room_id, description)
        self._room_id = room_id

    @property
    def room(self) -> RoomView:
        """Return the room as it is now."""
        return self.heating.rooms[self._room_id]

    @property
    @override
    def available(self) -> bool:
        """Return whether the vendor says what the room does now."""
        return self.heating.available and self.room.reachable is not False


def has_valve(heating: HeatingCoordinator, room: RoomRecord) -> bool:
    """Return whether a room has a valve: only then the vendor tells certain things."""
    return any(
        module.room_id == room.room_id and module.kind in VALVE_TYPES
        for module in heating.modules
    )


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


class AccountEntity[Hub: EfergyHub | NetatmoHub | ParticleHub](CoordinatorEntity[Hub]):
    """An entity about an account's conversation with its cloud."""

    _attr_has_entity_name = True

    def __init__(self, hub: Hub, description: EntityDescription) -> None:
        """Belong to the account's own device."""
        super().__init__(hub)
        self.entity_description = description
        entry = hub.config_entry
        self._attr_unique_id = f"{entry.entry_id}_{description.key}"
        self._attr_device_info = DeviceInfo(
            entry_type=DeviceEntryType.SERVICE,
            identifiers={(DOMAIN, entry.entry_id)},
            manufacturer=_VENDORS[EntryKind(entry.data[CONF_KIND])],
            name=entry.title,
        )

    @property
    @override
    def available(self) -> bool:
        """Return True: what is told here is most wanted when the cloud is away."""
        return True


class BoardEntity(Entity):
    """An entity of a pulse board itself; it is there whether or not the board is heard."""

    _attr_has_entity_name = True
    _attr_should_poll = False

    def __init__(self, entry: ConfigEntry, description: EntityDescription) -> None:
        """Belong to the own device of a board that is set up."""
        self.hub: PulseBoardHub = entry.runtime_data
        self.entity_description = description
        self._attr_unique_id = f"{entry.entry_id}_{description.key}"
        self._attr_device_info = DeviceInfo(
            identifiers={(DOMAIN, entry.entry_id)},
            manufacturer=MANUFACTURER,
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
