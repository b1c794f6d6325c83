"""Diagnostics of homes and accounts, without what is private in them."""

from typing import Any, Final

from homeassistant.components.diagnostics import async_redact_data
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.const import CONF_TOKEN, CONF_URL
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from .accounts.efergy import EfergyHub
from .const import CONF_ACCOUNT, CONF_HARDWARE
from .home import Home
from .homes import DATA_HOMES
from .ledger import LedgerError

TO_REDACT: Final = {CONF_ACCOUNT, CONF_HARDWARE, CONF_TOKEN, CONF_URL}


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: ConfigEntry[Home | EfergyHub]
) -> dict[str, Any]:
    """Return what helps to understand an entry's state."""
    if entry.state is not ConfigEntryState.LOADED:
        return {
            "entry": async_redact_data(dict(entry.data), TO_REDACT),
            "state": entry.state.value,
            "reason": entry.error_reason_translation_key,
        }
    runtime = entry.runtime_data
    if isinstance(runtime, EfergyHub):
        return {
            "entry": async_redact_data(dict(entry.data), TO_REDACT),
            "account": _account(runtime),
        }
    return {
        "entry": {"data": dict(entry.data), "title": entry.title},
        "meters": [_meter(runtime, subentry_id) for subentry_id in runtime.sources],
        "home": {
            "power": runtime.data.power,
            "generation_power": runtime.data.generation_power,
            "energy": runtime.data.energy,
            "generation": runtime.data.generation,
            "returned": runtime.data.returned,
            "coverage": runtime.data.coverage,
            "unknown_today": runtime.data.unknown_today,
        },
        "ledger": await _async_ledger(hass),
    }


async def _async_ledger(hass: HomeAssistant) -> dict[str, Any]:
    """Return the ledger's sizes, or why it cannot tell."""
    try:
        return {**await hass.data[DATA_HOMES].ledger.async_stats()}
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
