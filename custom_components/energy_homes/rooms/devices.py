"""The devices of a home's heating: the heating, its rooms, gateways, thermostats and valves."""

from collections.abc import Callable, Iterable, Mapping

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.util import dt as dt_util

from ..accounts.kinds import manufacturer_of
from ..const import DOMAIN
from ..heating.model import ModuleTraits
from ..heating.records import ModuleRecord
from ..heating.view import ModuleView
from ..models import HeatingSource


@callback
def register_devices(
    hass: HomeAssistant,
    entry_id: str,
    subentry_id: str,
    source: HeatingSource,
    traits: Callable[[ModuleRecord], ModuleTraits],
    *,
    label: str,
    home_device_id: str,
) -> None:
    """Register a heating before its rooms and modules, which point to it, and drop old ones."""
    registry = dr.async_get(hass)
    vendor = manufacturer_of(source.current(dt_util.utcnow()).kind)
    heating = registry.async_get_or_create(
        config_entry_id=entry_id,
        config_subentry_id=subentry_id,
        identifiers={(DOMAIN, source.source_id)},
        manufacturer=vendor,
        name=f"{label} {source.name}",
        via_device_id=home_device_id,
    )
    rooms = [room for room in source.rooms if not room.gone]
    for room in rooms:
        registry.async_get_or_create(
            config_entry_id=entry_id,
            config_subentry_id=subentry_id,
            identifiers={(DOMAIN, room.room_id)},
            manufacturer=vendor,
            name=f"{label} {room.name}",
            via_device_id=heating.id,
        )
    modules = [module for module in source.modules if not module.gone]
    gateways: dict[str, str] = {}
    for module in _gateways_first(modules):
        via = gateways.get(module.bridge_id or "", heating.id)
        device = registry.async_get_or_create(
            config_entry_id=entry_id,
            config_subentry_id=subentry_id,
            identifiers={(DOMAIN, module.module_id)},
            manufacturer=vendor,
            model=traits(module).model,
            model_id=module.kind,
            name=f"{label} {module.name}",
            via_device_id=via,
        )
        gateways[module.module_id] = device.id
    present = {source.source_id}
    present |= {room.room_id for room in rooms}
    present |= {module.module_id for module in modules}
    _remove_others(registry, entry_id, subentry_id, present)


def _gateways_first(modules: Iterable[ModuleRecord]) -> list[ModuleRecord]:
    """Return modules so that each comes after what it talks through."""
    return sorted(modules, key=lambda module: module.bridge_id is not None)


def _remove_others(
    registry: dr.DeviceRegistry, entry_id: str, subentry_id: str, present: set[str]
) -> None:
    """Remove a heating's devices that stand for nothing any more."""
    for device in dr.async_entries_for_config_entry(registry, entry_id):
        ids = {key for domain, key in device.identifiers if domain == DOMAIN}
        if device.config_subentry_id == subentry_id and not ids & present:
            registry.async_remove_device(device.id)


@callback
def update_firmware(
    hass: HomeAssistant, entry_id: str, modules: Mapping[str, ModuleView]
) -> None:
    """Note the firmware that modules say they have."""
    registry = dr.async_get(hass)
    for module in modules.values():
        if module.firmware is None:
            continue
        device = registry.async_get_device_by_identifier(
            (DOMAIN, module.module_id), entry_id
        )
        if device is not None and device.sw_version != module.firmware:
            registry.async_update_device(device.id, sw_version=module.firmware)
