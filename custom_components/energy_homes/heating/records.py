"""The rooms and modules that a home has, with ids of their own. Pure.

A room keeps its id, and so its entities and statistics, when the vendor gives it another:
after a swap of the gateway rooms are matched by name. What the vendor has no longer stays on
record as gone, so that it comes back under its old id.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from .model import RoomKind


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomRecord:
    """A room that is heated; `hardware_id` is the vendor's id of it.

    `call` is the vendor's name of the command that the room listens to. `planned` holds the ids that it will have after replacements that are still to begin.
    """

    room_id: str
    hardware_id: str
    name: str
    kind: RoomKind
    call: str
    planned: tuple[str, ...] = ()
    gone: bool = False

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """Read a room as it is stored."""
        return cls(
            room_id=data["id"],
            hardware_id=data["hardware"],
            name=data["name"],
            kind=RoomKind(data["kind"]),
            call=data["call"],
            planned=tuple(data.get("planned", ())),
            gone=data.get("gone", False),
        )

    def as_data(self) -> dict[str, Any]:
        """Return the room as it is stored."""
        return {
            "id": self.room_id,
            "hardware": self.hardware_id,
            "name": self.name,
            "kind": self.kind.value,
            "call": self.call,
            **({"planned": list(self.planned)} if self.planned else {}),
            **({"gone": True} if self.gone else {}),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleRecord:
    """A gateway, thermostat or valve.

    `hardware_id` is the vendor's id, `kind` the vendor's type; `room_id` is our own id of its
    room, `bridge_id` our own id of the gateway that it talks through, None where there is none.
    """

    module_id: str
    hardware_id: str
    kind: str
    name: str
    room_id: str | None = None
    bridge_id: str | None = None
    gone: bool = False

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """Read a module as it is stored."""
        return cls(
            module_id=data["id"],
            hardware_id=data["hardware"],
            kind=data["kind"],
            name=data["name"],
            room_id=data.get("room"),
            bridge_id=data.get("bridge"),
            gone=data.get("gone", False),
        )

    def as_data(self) -> dict[str, Any]:
        """Return the module as it is stored."""
        return {
            "id": self.module_id,
            "hardware": self.hardware_id,
            "kind": self.kind,
            "name": self.name,
            **({} if self.room_id is None else {"room": self.room_id}),
            **({} if self.bridge_id is None else {"bridge": self.bridge_id}),
            **({"gone": True} if self.gone else {}),
        }
