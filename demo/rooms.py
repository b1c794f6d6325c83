"""The heated rooms of the homes, as Home Assistant shows them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .api import Api
from .errors import DemoError
from .folder import DOMAIN
from .wait import until

ROOMS_SECONDS = 180


@dataclass(frozen=True, kw_only=True)
class RoomEntity:
    """A room and its thermostat's entity id."""

    label: str
    room: str
    climate: str


async def find_rooms(api: Api, homes: Mapping[str, str]) -> list[RoomEntity]:
    """Return the rooms of homes, given as entry ids by label, each home's in a steady order."""
    labels = {entry_id: label for label, entry_id in homes.items()}

    async def found() -> list[RoomEntity] | None:
        """Return the rooms once each home has some."""
        devices = {
            device["id"]: device["name_by_user"] or device["name"]
            for device in await api.command("config/device_registry/list")
        }
        rooms = []
        for entity in await api.command("config/entity_registry/list"):
            label = labels.get(entity["config_entry_id"])
            if (
                label is not None
                and entity["platform"] == DOMAIN
                and entity["entity_id"].startswith("climate.")
            ):
                name = devices[entity["device_id"]].removeprefix(f"{label} ")
                rooms.append(
                    RoomEntity(label=label, room=name, climate=entity["entity_id"])
                )
        return rooms if {room.label for room in rooms} == set(homes) else None

    rooms = await until(found, "the rooms of each home", seconds=ROOMS_SECONDS)
    order = list(homes)
    return sorted(rooms, key=lambda room: (order.index(room.label), room.climate))


async def climate_of(api: Api, room: RoomEntity) -> dict[str, Any] | None:
    """Return the attributes of a room's thermostat, or None where nothing is known now."""
    try:
        state = await api.get(f"states/{room.climate}")
    except DemoError:
        return None
    attributes: dict[str, Any] = state["attributes"]
    if attributes.get("current_temperature") is None:
        return None
    return {"state": state["state"], **attributes}
