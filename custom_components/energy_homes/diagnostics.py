"""Diagnostics of homes and accounts, without what is private in them."""

from collections import Counter
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from homeassistant.components.diagnostics import async_redact_data
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.const import CONF_TOKEN, CONF_URL
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from .accounts.efergy.hub import EfergyHub
from .accounts.netatmo.hub import NetatmoHub
from .accounts.netatmo.tokens import CONF_AUTH_IMPLEMENTATION
from .accounts.particle.hub import ParticleHub
from .accounts.pulse_board.hub import PulseBoardHub
from .accounts.pulse_board.known import boards_of
from .boards.config import CONF_SECRET
from .boards.options import BoardOptions
from .const import CONF_ACCOUNT, CONF_HARDWARE, CONF_PRODUCT
from .heating.netatmo.active import ActiveRequest
from .heating.view import ModuleView, RoomView
from .history.backfill import DATA_BACKFILL
from .homes.home import Home
from .homes.sensors import SensorsCoordinator
from .ledger import LedgerError
from .ledger.opening import DATA_LEDGER
from .rooms.coordinator import HeatingCoordinator
from .sensing.view import SensorView

TO_REDACT: Final = {
    CONF_ACCOUNT,
    CONF_AUTH_IMPLEMENTATION,
    CONF_HARDWARE,
    CONF_PRODUCT,
    CONF_SECRET,
    CONF_TOKEN,
    CONF_URL,
}


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant,
    entry: ConfigEntry[Home | EfergyHub | NetatmoHub | ParticleHub | PulseBoardHub],
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
        match runtime:
            case EfergyHub():
                account = _account(runtime)
            case PulseBoardHub():
                account = {
                    **_board(hass, runtime),
                    "options": _options(BoardOptions.from_data(entry.options)),
                }
            case ParticleHub():
                account = _particle_account(runtime)
            case _:
                account = _netatmo_account(runtime)
        return {
            "entry": async_redact_data(dict(entry.data), TO_REDACT),
            "account": account,
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
    """Return how far the imports of a home's past are, without ids."""
    return {
        f"import {number}": {
            name: value
            for name, value in job.as_data().items()
            if name not in {"thing_id", "home_id"}
        }
        for number, job in enumerate(hass.data[DATA_BACKFILL].jobs(home.home_id), 1)
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
        "power": meter.power,
        "last_reading": meter.last_reading,
        "settled_until": meter.settled_until,
        "late_readings": meter.late,
        "refused_readings": meter.refused,
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


def _account(hub: EfergyHub) -> dict[str, Any]:
    """Return how an account's conversation with its cloud goes."""
    return {
        "state": hub.state.value,
        "last_success": hub.last_success,
        "calls_last_hour": hub.calls_last_hour,
        "calls_last_day": hub.calls_last_day,
        "nonsense_count": hub.nonsense_count,
        "meters": {
            f"meter {number}": {
                "role": meter.role.value,
                "power": meter.power,
                "last_seen": meter.last_seen,
                "ghost": meter.ghost,
                "missing_since": hub.missing.get(hardware_id),
            }
            for number, (hardware_id, meter) in enumerate(hub.meters.items(), 1)
        },
        "now": dt_util.utcnow(),
    }


def _particle_account(hub: ParticleHub) -> dict[str, Any]:
    """Return how a Particle account's stream goes, and what its boards say."""
    return {
        "state": hub.state.value,
        "streaming": hub.streaming,
        "last_heard": hub.last_heard,
        "last_event": hub.last_event,
        "calls_last_hour": hub.calls_last_hour,
        "stream_opens_last_hour": hub.stream_opens_last_hour,
        "counts": dict(hub.counts),
        "boards": {
            f"board {number}": {
                "online": board.online,
                "listed": board.device is not None,
                "platform": board.device and board.device.platform,
                "firmware": board.device and board.device.firmware,
                "last_event": board.last_event,
                "events": {name: said.at for name, said in board.said.items()},
                "measures": [measure.as_data() for measure in board.measures],
                "values": {key: one.value for key, one in board.values.items()},
                "missing_since": hub.missing.get(board_id),
            }
            for number, (board_id, board) in enumerate(hub.boards.items(), 1)
        },
        "now": dt_util.utcnow(),
    }


def _board(hass: HomeAssistant, hub: PulseBoardHub) -> dict[str, Any]:
    """Return what a board said, and what was counted on its channels."""
    return {
        "state": hub.state.value,
        "last_heard": hub.last_heard,
        "online_for_s": hub.online_for.total_seconds(),
        "set_meter": hub.set_meter,
        "calls_last_hour": hub.calls_last_hour,
        "calls_last_day": hub.calls_last_day,
        "counts": dict(hub.counts),
        "refused": hub.refusals,
        "commits": hub.commits,
        "strangers": boards_of(hass).strangers,
        "sensors_by_host": sorted(len(host.readings) for host in hub.hosts.values()),
        "channels": {
            f"channel {number}": {
                "pulses": channel.pulses,
                "energy": channel.energy,
                "reading": channel.reading,
                "subtotal": channel.subtotal,
                "last_pulse": channel.at,
                "period_ms": channel.period,
                "power": hub.present(number).power,
                "estimated": hub.present(number).estimated,
            }
            for number, channel in hub.channels.items()
        },
        "now": dt_util.utcnow(),
    }


def _options(options: BoardOptions) -> dict[str, Any]:
    """Return which options a board has, not where they lead to."""
    return {
        "push": options.push_url is not None,
        "push_nightly": options.push_nightly,
        "webhook": options.webhook_address is not None,
        "mqtt": options.mqtt,
        "mqtt_prefix": bool(options.mqtt_prefix),
    }


def _netatmo_account(hub: NetatmoHub) -> dict[str, Any]:
    """Return how a Netatmo account's conversation with its cloud goes."""
    now = dt_util.utcnow()
    return {
        "state": hub.state.value,
        "last_success": hub.last_success,
        "calls_last_hour": hub.calls_last_hour,
        "calls_left": hub.calls_left,
        "app_calls_last_hour": hub.app_calls_last_hour,
        "hourly_polls": hub.hourly_polls,
        "troubles": dict(hub.troubles),
        "homes": {
            f"home {number}": _netatmo_home(hub, home_id, now)
            for number, home_id in enumerate(hub.homes, 1)
        },
        "now": now,
    }


def _netatmo_home(hub: NetatmoHub, home_id: str, now: datetime) -> dict[str, Any]:
    """Return how a home of a Netatmo account is asked, and what is known of it."""
    update = hub.heating_update(home_id)
    topology, status = hub.homes[home_id], update.status
    followed = home_id in hub.followed
    return {
        "state": None if update.state is None else update.state.value,
        "status_age_s": (
            None
            if update.status_at is None
            else round((now - update.status_at).total_seconds())
        ),
        "interval_s": hub.interval(home_id).total_seconds() if followed else None,
        "rooms": len(topology.rooms),
        "heated_rooms": len(topology.heated_rooms),
        "modules": dict(Counter(module.kind for module in topology.modules)),
        "schedules": len(topology.schedules),
        "rooms_told": None if status is None else len(status.rooms),
        "modules_told": None if status is None else len(status.modules),
        "problems": (
            None if status is None else [problem.code for problem in status.problems]
        ),
    }
