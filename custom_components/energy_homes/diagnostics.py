"""Diagnostics of homes and accounts, without what is private in them."""

from dataclasses import asdict
from typing import Any, Final

from homeassistant.components.diagnostics import async_redact_data
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.const import CONF_TOKEN, CONF_URL
from homeassistant.core import HomeAssistant

from .accounts.kinds import KINDS, kind_of
from .const import CONF_ACCOUNT, CONF_HARDWARE
from .heating.netatmo.active import ActiveRequest
from .heating.view import ModuleView, RoomView
from .history.backfill import DATA_BACKFILL
from .homes.home import Home
from .homes.sensors import SensorsCoordinator
from .ledger import LedgerError
from .ledger.opening import DATA_LEDGER
from .rooms.coordinator import HeatingCoordinator
from .sensing.view import SensorView

TO_REDACT: Final = frozenset({CONF_ACCOUNT, CONF_HARDWARE, CONF_TOKEN, CONF_URL}).union(
    *(kind.private for kind in KINDS.values())
)


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: ConfigEntry
) -> dict[str, Any]:
    """Return what helps to understand an entry's state."""
    if entry.state is not ConfigEntryState.LOADED:
        return {
            "entry": async_redact_data(dict(entry.data), TO_REDACT),
            "state": entry.state.value,
            "reason": entry.error_reason_translation_key,
        }
    runtime = entry.runtime_data
    if not isinstance(runtime, Home):
        return {
            "entry": async_redact_data(dict(entry.data), TO_REDACT),
            "account": kind_of(entry).diagnostics(hass, entry),
        }
    return {
        "entry": {"data": dict(entry.data), "title": entry.title},
        "meters": [_meter(runtime, subentry_id) for subentry_id in runtime.sources],
        "heating": [_heating(heating) for heating in runtime.heating.values()],
        "sensors": [_sensors(sensors) for sensors in runtime.sensors.values()],
        "home": {
            "power": runtime.data.power,
            "generation_power": runtime.data.generation_power,
            "energy": runtime.data.energy,
            "generation": runtime.data.generation,
            "returned": runtime.data.returned,
            "coverage": runtime.data.coverage,
            "unknown_today": runtime.data.unknown_today,
            "unknown_hours": runtime.data.unknown_hours,
        },
        "imports": _imports(hass, runtime),
        "ledger": await _async_ledger(hass),
    }


def _imports(hass: HomeAssistant, home: Home) -> dict[str, Any]:
    """Return how far a home's backfill is, without ids."""
    return {
        f"import {number}": {
            name: value
            for name, value in job.as_data().items()
            if name not in {"thing_id", "home_id"}
        }
        for number, job in enumerate(
            hass.data[DATA_BACKFILL].jobs.of_home(home.home_id), 1
        )
    }


async def _async_ledger(hass: HomeAssistant) -> dict[str, Any]:
    """Return the ledger's sizes, or why it cannot tell."""
    try:
        return {**await hass.data[DATA_LEDGER].async_stats()}
    except LedgerError as err:
        return {"error": str(err)}


def _meter(home: Home, subentry_id: str) -> dict[str, Any]:
    """Return a meter's revisions and how its readings come in."""
    source = home.sources[subentry_id]
    meter = home.coordinator.meters[source.source_id]
    return {
        "name": source.name,
        "role": source.role.value,
        "revisions": [
            async_redact_data(revision.as_data(), TO_REDACT)
            for revision in source.revisions
        ],
        "power": meter.present.power,
        "last_reading": meter.slotter.last_reading,
        "settled_until": meter.slotter.current.settled_until,
        "late_readings": meter.slotter.current.late,
        "refused_readings": meter.slotter.refused,
        "energy": home.data.meters[source.source_id].energy,
    }


def _heating(heating: HeatingCoordinator) -> dict[str, Any]:
    """Return a heating's revisions, what its rooms do, and what they hold."""
    data, source = heating.data, heating.source
    return {
        "revisions": [
            async_redact_data(revision.as_data(), TO_REDACT)
            for revision in source.revisions
        ],
        "available": data.available,
        "controllable": data.controllable,
        "updated": data.updated,
        "mode": data.mode,
        "mode_until": data.mode_until,
        "schedules": len(data.schedules),
        "boiler_on": data.boiler_on,
        "rooms": {
            f"room {number}": {
                **_fields(data.rooms[room.room_id], "room_id"),
                "call": room.call.value,
                "held": _active(heating.active[room.room_id]),
            }
            for number, room in enumerate(heating.rooms, 1)
        },
        "modules": {
            f"module {number}": {
                **_fields(data.modules[module.module_id], "module_id"),
                "kind": module.kind,
            }
            for number, module in enumerate(heating.modules, 1)
        },
        "gone": {
            "rooms": sum(room.gone for room in source.rooms),
            "modules": sum(module.gone for module in source.modules),
        },
    }


def _sensors(coordinator: SensorsCoordinator) -> dict[str, Any]:
    """Return a host's revisions and what is heard of its sensors, without their names."""
    source = coordinator.source
    return {
        "revisions": [
            async_redact_data(revision.as_data(), TO_REDACT)
            for revision in source.revisions
        ],
        "account_loaded": coordinator.update.available,
        "readings": len(coordinator.update.readings),
        "sensors": {
            f"sensor {number}": {
                "quantity": record.quantity.value,
                "unit": record.unit,
                **_fields(coordinator.data[record.sensor_id], "name"),
            }
            for number, record in enumerate(source.sensors, 1)
        },
    }


def _fields(view: RoomView | ModuleView | SensorView, *private: str) -> dict[str, Any]:
    """Return what is shown of a room, module or sensor, without some of it."""
    return {name: value for name, value in asdict(view).items() if name not in private}


def _active(active: ActiveRequest | None) -> dict[str, Any] | None:
    """Return a request that is active, without the vendor's id of its room."""
    if active is None:
        return None
    data = active.as_data()
    return {**data, "command": async_redact_data(data["command"], {"room"})}
