"""Heated homes in a whole Home Assistant, and what tests ask of their entities."""

from collections.abc import Iterable
from datetime import timedelta
import json
from typing import Any

from homeassistant.core import Context, HomeAssistant, State
from homeassistant.helpers import device_registry as dr, entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry

from tests.builders import (
    heating_source,
    heating_subentry,
    home_entry,
    netatmo_account_entry,
    netatmo_credential,
    set_up,
)
from tests.netatmo_control import NETATMO_USER, NetatmoControl
from tests.virtual import VirtualTime

COMMANDS = {"setroomthermpoint", "setstate", "setthermmode", "switchhomeschedule"}

FIRST_NEWS = timedelta(minutes=1)
"""The account's homes are asked for one after another when it starts."""

NOT_SHARED = {"temperature_unit"}
"""Attributes of climate entities that Home Assistant 2026.10 has not."""


async def heat(
    hass: HomeAssistant,
    netatmo: NetatmoControl,
    virtual: VirtualTime,
    *homes: str,
    user: str = NETATMO_USER,
) -> MockConfigEntry:
    """Set up a user's account and homes of the same names; return the account's entry."""
    await netatmo_credential(hass)
    account = netatmo_account_entry(netatmo, user)
    await set_up(
        hass,
        account,
        *(
            home_entry(home, heating_subentry(heating_source(netatmo, home)))
            for home in homes
        ),
    )
    await virtual.run(FIRST_NEWS)
    return account


def state(hass: HomeAssistant, entity_id: str) -> State:
    """Return an entity's state; fail with its name where there is none."""
    found = hass.states.get(entity_id)
    assert found is not None, entity_id
    return found


def shown(hass: HomeAssistant, entity_id: str, *attributes: str) -> tuple[Any, ...]:
    """Return an entity's state and some of its attributes."""
    found = state(hass, entity_id)
    return (found.state, *(found.attributes.get(name) for name in attributes))


def setpoints(
    netatmo: NetatmoControl, *homes: str
) -> dict[tuple[str, str], tuple[str, float, int]]:
    """Return what the cloud has each room of homes set to."""
    return {
        (home, room): netatmo.setpoint(home, room)
        for home in homes
        for room in netatmo.rooms(home)
    }


def commands(netatmo: NetatmoControl, user: str = NETATMO_USER) -> dict[str, int]:
    """Return how often a user's account changed something."""
    return {
        method: count
        for method, count in netatmo.calls(user).items()
        if method in COMMANDS
    }


async def call(
    hass: HomeAssistant,
    action: str,
    entity_id: str,
    *,
    context: Context | None = None,
    **data: Any,
) -> None:
    """Call an action on an entity, as `climate.set_temperature`."""
    domain, service = action.split(".")
    await hass.services.async_call(
        domain,
        service,
        {"entity_id": entity_id, **data},
        blocking=True,
        context=context,
    )


def described(
    hass: HomeAssistant, entries: Iterable[er.RegistryEntry]
) -> dict[str, dict[str, Any]]:
    """Return all that is worth a look of entities, the same on every version."""
    devices = dr.async_get(hass)
    found: dict[str, dict[str, Any]] = {}
    for entity in sorted(entries, key=lambda entity: entity.entity_id):
        now = hass.states.get(entity.entity_id)
        device = devices.async_get(entity.device_id or "")
        found[entity.entity_id] = {
            "capabilities": dict(entity.capabilities or {}),
            "category": entity.entity_category,
            "device": device.name if device else None,
            "device_class": entity.original_device_class,
            "enabled": entity.disabled_by is None,
            "name": entity.original_name,
            "options": {key: dict(value) for key, value in entity.options.items()},
            "state": now.state if now else None,
            "translation_key": entity.translation_key,
            "unique_id": entity.unique_id.replace(
                entity.config_entry_id or "", "<entry>"
            ),
            "unit": entity.unit_of_measurement,
        }
    # As JSON: what the two versions call the same text differs.
    plain: dict[str, dict[str, Any]] = json.loads(json.dumps(found))
    return plain
