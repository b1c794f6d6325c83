"""What an installation consists of, as JSON: what its owner would miss if it was gone.

Nothing here asks the package: it looks at what Home Assistant has of it, and into the files.
"""

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
import sqlite3
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.const import ATTR_RESTORED, STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant, SupportsResponse
from homeassistant.helpers import (
    area_registry as ar,
    device_registry as dr,
    entity_registry as er,
    issue_registry as ir,
    service,
)
from homeassistant.helpers.translation import async_get_translations

from .running import DOMAIN, RECORDER_FILE

LEDGER_FILE: Final = "energy_homes.db"

type Json = dict[str, Any]


async def record_live(hass: HomeAssistant) -> Json:
    """Return what a running Home Assistant has of the integration."""
    return {
        "entries": entries(hass),
        "devices": devices(hass),
        "entities": entities(hass),
        "states": states(hass),
        "actions": await actions(hass),
        "issues": issues(hass),
    }


def record_files(folder: Path) -> Json:
    """Return what the files of a folder have; no Home Assistant may have them open."""
    return {
        "stores": stores(folder),
        "ledger": ledger(folder / LEDGER_FILE),
        "statistics": statistics(folder / RECORDER_FILE),
    }


def entries(hass: HomeAssistant) -> Json:
    """Return the entries with all that is stored of them, by their ids."""
    return {
        entry.entry_id: {
            "title": entry.title,
            "unique_id": entry.unique_id,
            "version": [entry.version, entry.minor_version],
            "state": entry.state.value,
            "data": _without_secrets(entry),
            "options": dict(entry.options),
            "subentries": {
                subentry.subentry_id: _subentry(subentry)
                for subentry in entry.subentries.values()
            },
        }
        for entry in hass.config_entries.async_entries(DOMAIN)
    }


def _without_secrets(entry: ConfigEntry) -> Json:
    """Return an entry's data; a token that is renewed every few hours is only named."""
    return {
        key: sorted(value) if key == "token" and isinstance(value, Mapping) else value
        for key, value in entry.data.items()
    }


def _subentry(subentry: ConfigSubentry) -> Json:
    """Return a part of an entry."""
    return {
        "type": subentry.subentry_type,
        "title": subentry.title,
        "unique_id": subentry.unique_id,
        "data": dict(subentry.data),
    }


def devices(hass: HomeAssistant) -> Json:
    """Return the devices by their ids."""
    registry = dr.async_get(hass)
    return {
        device.id: {
            "identifiers": sorted(map(list, device.identifiers)),
            "name": device.name,
            "name_by_user": device.name_by_user,
            "manufacturer": device.manufacturer,
            "model": device.model,
            "area": device.area_id,
            "via": device.via_device_id,
            "entry": device.config_entry_id,
            "subentry": device.config_subentry_id,
        }
        for entry in hass.config_entries.async_entries(DOMAIN)
        for device in dr.async_entries_for_config_entry(registry, entry.entry_id)
    }


def entities(hass: HomeAssistant) -> Json:
    """Return the entities on record by their entity ids."""
    registry = dr.async_get(hass)
    return {
        entity.entity_id: {
            "platform": entity.domain,
            "unique_id": entity.unique_id,
            "entry": entity.config_entry_id,
            "subentry": entity.config_subentry_id,
            "device": _identifiers(registry, entity.device_id),
            "name": entity.name,
            "original_name": entity.original_name,
            "translation_key": entity.translation_key,
            "area": entity.area_id,
            "disabled_by": entity.disabled_by,
            "hidden_by": entity.hidden_by,
            "category": entity.entity_category,
            "device_class": entity.original_device_class,
            "unit": entity.unit_of_measurement,
            "capabilities": _plain(entity.capabilities),
            "features": entity.supported_features,
        }
        for entity in _ours(hass)
    }


def _identifiers(
    registry: dr.DeviceRegistry, device_id: str | None
) -> list[list[str]] | None:
    """Return the identifiers of an entity's device."""
    device = registry.async_get(device_id) if device_id else None
    return None if device is None else sorted(map(list, device.identifiers))


def states(hass: HomeAssistant) -> Json:
    """Return the states of all enabled entities; None is one that has none."""
    found: Json = {}
    for entity in _ours(hass):
        if entity.disabled_by is not None:
            continue
        state = hass.states.get(entity.entity_id)
        found[entity.entity_id] = state and {
            "state": state.state,
            "available": state.state != STATE_UNAVAILABLE,
            "restored": bool(state.attributes.get(ATTR_RESTORED)),
            "name": state.name,
            "unit": state.attributes.get("unit_of_measurement"),
            "state_class": _plain(state.attributes.get("state_class")),
            "attributes": sorted(state.attributes),
        }
    return found


def _ours(hass: HomeAssistant) -> list[er.RegistryEntry]:
    """Return the entities of the integration, in the order of their ids."""
    registry = er.async_get(hass)
    ours = (e for e in registry.entities.values() if e.platform == DOMAIN)
    return sorted(ours, key=lambda entity: entity.entity_id)


async def actions(hass: HomeAssistant) -> Json:
    """Return the actions: fields as forms show them, what must be given, and texts."""
    described = (await service.async_get_all_descriptions(hass))[DOMAIN]
    texts = await async_get_translations(hass, "en", "services", {DOMAIN})
    return {
        name: {
            "fields": _plain(described[name]["fields"]),
            "responds": _responds(action.supports_response),
            "texts": sorted(
                key
                for key in texts
                if key.startswith(f"component.{DOMAIN}.services.{name}.")
            ),
        }
        for name, action in hass.services.async_services()[DOMAIN].items()
    }


def _responds(response: SupportsResponse) -> str:
    """Return whether an action answers."""
    return response.value


def issues(hass: HomeAssistant) -> list[str]:
    """Return the repairs that are shown."""
    return sorted(
        issue.issue_id
        for issue in ir.async_get(hass).issues.values()
        if issue.domain == DOMAIN and issue.active
    )


def areas(hass: HomeAssistant) -> Json:
    """Return the names of areas by their ids."""
    return {area.id: area.name for area in ar.async_get(hass).async_list_areas()}


def _plain(value: Any) -> Any:
    """Return a value as JSON has it."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, (set, frozenset)):
        return sorted(map(_plain, value))
    if isinstance(value, str):
        return str(value)
    return value


def stores(folder: Path) -> list[str]:
    """Return the names of the integration's stores."""
    return sorted(path.name for path in (folder / ".storage").glob(f"{DOMAIN}.*"))


def ledger(path: Path) -> Json:
    """Return what the ledger has of each meter and room, energies in micro-Wh.

    Of each meter by provenance (0 is unknown): slots, energy and returned energy.
    """
    with closing(_opened(path)) as connection:
        meters: Json = {}
        for source_id, home, provenance, *sums in connection.execute(
            """
            SELECT source_id, home_id, provenance, COUNT(*), TOTAL(energy),
                TOTAL(returned), MIN(start)
            FROM source JOIN slot ON source = number
            GROUP BY source_id, provenance ORDER BY source_id, provenance
            """
        ):
            meter = meters.setdefault(source_id, {"home": home, "slots": {}})
            meter["slots"][str(provenance)] = sums
        rooms = {
            room: list(counts)
            for room, *counts in connection.execute(
                """
                SELECT room_id, COUNT(*), MIN(start) FROM room
                JOIN room_slot ON room = number GROUP BY room_id ORDER BY room_id
                """
            )
        }
        return {
            "homes": {
                home: {"label": label, "removed": removed is not None}
                for home, label, removed in connection.execute(
                    "SELECT home_id, label, removed_us FROM home ORDER BY home_id"
                )
            },
            "meters": meters,
            "rooms": rooms,
            "channels": [
                list(channel)
                for channel in connection.execute(
                    "SELECT board, channel FROM board_channel ORDER BY board, channel"
                )
            ],
        }


def statistics(path: Path) -> Json:
    """Return the long-term statistics of entities of ours by their ids."""
    with closing(_opened(path)) as connection:
        found: Json = {}
        columns = _columns(connection)
        for metadata_id, statistic_id, *metadata in connection.execute(
            f"SELECT id, statistic_id, {', '.join(columns)} FROM statistics_meta"  # noqa: S608
            " ORDER BY statistic_id"
        ):
            found[statistic_id] = {
                "metadata": dict(zip(columns, metadata, strict=True)),
                "hours": [
                    list(row)
                    for row in connection.execute(
                        """
                        SELECT start_ts, mean, min, max, state, sum FROM statistics
                        WHERE metadata_id = ? ORDER BY start_ts
                        """,
                        (metadata_id,),
                    )
                ],
            }
        return found


def _columns(connection: sqlite3.Connection) -> list[str]:
    """Return which metadata the recorder keeps, whatever its version."""
    kept = {row[1] for row in connection.execute("PRAGMA table_info(statistics_meta)")}
    wanted = ("source", "unit_of_measurement", "has_sum", "mean_type", "name")
    return [column for column in wanted if column in kept]


def _opened(path: Path) -> sqlite3.Connection:
    """Return a connection that changes nothing."""
    return sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
