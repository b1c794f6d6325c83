"""Binary sensors of heated rooms and their modules, and of boards."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, override

from homeassistant.components.binary_sensor import (
    BinarySensorDeviceClass,
    BinarySensorEntity,
    BinarySensorEntityDescription,
)
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .accounts.entity_descriptions import AccountBinarySensorDescription
from .accounts.kinds import kind_of, tells_online
from .entities.reported_sensors import HostEntity
from .entity import BoardEntity, MeterEntity, ModuleEntity, RoomEntity
from .heating.model import ModuleTraits, RoomKind
from .heating.view import ModuleView, RoomView
from .homes.home import Home
from .rooms.coordinator import HeatingCoordinator

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class RoomBinarySensorDescription(BinarySensorEntityDescription):
    """A binary sensor of a room; some rooms have it only with a valve in them.

    `while_unreachable` says that it has something to show of a room that is not reached.
    """

    value_fn: Callable[[RoomView], bool | None]
    needs_valve: bool = False
    while_unreachable: bool = False


@dataclass(frozen=True, kw_only=True)
class ModuleBinarySensorDescription(BinarySensorEntityDescription):
    """A binary sensor of a module.

    `while_unreachable` says that it has something to show of a module that is not reached.
    """

    value_fn: Callable[[ModuleView], bool | None]
    exists_fn: Callable[[ModuleTraits], bool] = lambda _: True
    while_unreachable: bool = False


ROOM_BINARY_SENSORS: tuple[RoomBinarySensorDescription, ...] = (
    RoomBinarySensorDescription(
        key="open_window",
        translation_key="open_window",
        device_class=BinarySensorDeviceClass.WINDOW,
        value_fn=lambda room: room.open_window,
        needs_valve=True,
    ),
    RoomBinarySensorDescription(
        key="anticipating",
        translation_key="anticipating",
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=lambda room: room.anticipating,
        needs_valve=True,
    ),
    RoomBinarySensorDescription(
        key="reachable",
        device_class=BinarySensorDeviceClass.CONNECTIVITY,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=lambda room: room.reachable,
        while_unreachable=True,
    ),
)


@dataclass(frozen=True, kw_only=True)
class OnlineDescription(BinarySensorEntityDescription):
    """Whether the board behind a source of a home is connected."""


ONLINE = OnlineDescription(
    key="online",
    translation_key="online",
    device_class=BinarySensorDeviceClass.CONNECTIVITY,
    entity_category=EntityCategory.DIAGNOSTIC,
)

MODULE_BINARY_SENSORS: tuple[ModuleBinarySensorDescription, ...] = (
    ModuleBinarySensorDescription(
        key="boiler",
        translation_key="boiler",
        device_class=BinarySensorDeviceClass.RUNNING,
        value_fn=lambda module: module.boiler_on,
        exists_fn=lambda traits: traits.boiler,
    ),
    ModuleBinarySensorDescription(
        key="reachable",
        device_class=BinarySensorDeviceClass.CONNECTIVITY,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=lambda module: module.reachable,
        while_unreachable=True,
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: ConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the binary sensors of a home's boards, rooms and modules, or of a board."""
    home = entry.runtime_data
    if not isinstance(home, Home):
        async_add_entities(
            BoardBinarySensor(entry, description)
            for description in kind_of(entry).binary_sensors
        )
        return
    for subentry_id, source in home.sources.items():
        if tells_online(source):
            async_add_entities(
                [MeterOnline(home, source, ONLINE)], config_subentry_id=subentry_id
            )
    for subentry_id, sensors in home.sensors.items():
        if sensors.is_board:
            async_add_entities(
                [HostOnline(sensors, ONLINE)], config_subentry_id=subentry_id
            )
    for subentry_id, heating in home.heating.items():
        async_add_entities(
            _heating_binary_sensors(heating), config_subentry_id=subentry_id
        )


def _heating_binary_sensors(
    heating: HeatingCoordinator,
) -> Iterator[BinarySensorEntity]:
    """Yield the binary sensors of a heated home's rooms and modules."""
    for driver in heating.drivers.values():
        valve = RoomKind.VALVE in driver.capabilities.devices
        for sensor in ROOM_BINARY_SENSORS:
            if valve or not sensor.needs_valve:
                yield RoomBinarySensor(driver, sensor)
    for module in heating.modules:
        for description in MODULE_BINARY_SENSORS:
            if description.exists_fn(heating.traits(module)):
                yield ModuleBinarySensor(heating, module.module_id, description)


class MeterOnline(MeterEntity, BinarySensorEntity):
    """Whether the board of a meter is connected to its cloud."""

    @property
    @override
    def is_on(self) -> bool | None:
        """Return what the cloud says."""
        return self.meter.online


class HostOnline(HostEntity, BinarySensorEntity):
    """Whether the board behind sensors is connected to its cloud."""

    @property
    @override
    def is_on(self) -> bool | None:
        """Return what the cloud says."""
        return self.coordinator.update.online


class RoomBinarySensor(RoomEntity, BinarySensorEntity):
    """A binary sensor of a room."""

    entity_description: RoomBinarySensorDescription

    @property
    @override
    def available(self) -> bool:
        """Return whether there is something to show."""
        if self.entity_description.while_unreachable:
            return self.driver.available
        return super().available

    @property
    @override
    def is_on(self) -> bool | None:
        """Return what the vendor says of the room now."""
        return self.entity_description.value_fn(self.room)


class ModuleBinarySensor(ModuleEntity, BinarySensorEntity):
    """A binary sensor of a gateway, thermostat or valve."""

    entity_description: ModuleBinarySensorDescription

    @property
    @override
    def available(self) -> bool:
        """Return whether there is something to show."""
        if self.entity_description.while_unreachable:
            return self.heating.available
        return super().available

    @property
    @override
    def is_on(self) -> bool | None:
        """Return what the vendor says of the module now."""
        return self.entity_description.value_fn(self.module)


class BoardBinarySensor(BoardEntity, BinarySensorEntity):
    """A binary sensor of a board."""

    entity_description: AccountBinarySensorDescription[Any]

    @property
    @override
    def value(self) -> bool:
        """Return how the board is."""
        return self.entity_description.value_fn(self.hub)

    @property
    @override
    def is_on(self) -> bool:
        """Return how the board is."""
        return self.value
