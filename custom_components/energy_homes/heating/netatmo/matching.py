"""Which of a home's rooms and modules are the ones that the vendor names now. Pure.

A place keeps its own id while its hardware changes: rooms are known by the vendor's id, else by
their name, modules by the vendor's id, else by where they are.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from ..records import ModuleRecord, RoomRecord
from .model import GATEWAY_TYPES, RoomControl


class VendorRoom(Protocol):
    """A room as the vendor lists it."""

    @property
    def room_id(self) -> str:
        """Return the vendor's id."""

    @property
    def name(self) -> str:
        """Return the name, empty where there is none."""


class VendorModule(Protocol):
    """A module as the vendor lists it."""

    @property
    def module_id(self) -> str:
        """Return the vendor's id."""

    @property
    def kind(self) -> str:
        """Return the vendor's type."""

    @property
    def name(self) -> str:
        """Return the name, empty where there is none."""

    @property
    def bridge(self) -> str | None:
        """Return the vendor's id of the gateway that it talks through."""

    @property
    def heats(self) -> bool:
        """Return whether it is part of the heating."""


class VendorHome(Protocol):
    """A home as the vendor lists it."""

    @property
    def rooms(self) -> Sequence[VendorRoom]:
        """Return all rooms."""

    @property
    def modules(self) -> Sequence[VendorModule]:
        """Return all modules."""

    @property
    def heated_rooms(self) -> Sequence[VendorRoom]:
        """Return the rooms that can be heated."""

    def control(self, room_id: str) -> RoomControl | None:
        """Return how a room is driven; None where nothing in it heats."""

    def modules_in(self, room_id: str) -> Sequence[VendorModule]:
        """Return the modules of a room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomMatch:
    """How the rooms of one vendor's home are found in another.

    `matched` is the vendor's new id by our own; `records` are rooms without a counterpart,
    `rooms` the vendor's rooms that are none's.
    """

    matched: Mapping[str, str]
    records: tuple[RoomRecord, ...]
    rooms: tuple[VendorRoom, ...]


def merged(
    rooms: Sequence[RoomRecord],
    modules: Sequence[ModuleRecord],
    home: VendorHome,
    new_id: Callable[[], str],
) -> tuple[tuple[RoomRecord, ...], tuple[ModuleRecord, ...]]:
    """Return the records after the vendor has reported a home's rooms and modules.

    Rooms are matched by the vendor's id, then by a name that is unique; modules by the vendor's
    id, then as the only one of their type that was exchanged in a room (a gateway: in the home).
    What is not there is marked as gone, what comes back is revived, what is new gets `new_id()`.
    A home without heating modules, or without any room, where there were some is not believed:
    the records stay as they are. Merging the same home again changes nothing.
    """
    if _cannot_be(rooms, modules, home):
        return tuple(rooms), tuple(modules)
    new_rooms = _merged_rooms(rooms, home, new_id)
    return new_rooms, _merged_modules(modules, new_rooms, home, new_id)


def match_rooms(records: Iterable[RoomRecord], home: VendorHome) -> RoomMatch:
    """Return which rooms of another home are the rooms that are not gone."""
    present = [record for record in records if not record.gone]
    pairs = _room_pairs(present, home)
    taken = {room.room_id for room in pairs.values()}
    return RoomMatch(
        matched={room_id: room.room_id for room_id, room in pairs.items()},
        records=tuple(record for record in present if record.room_id not in pairs),
        rooms=tuple(room for room in home.heated_rooms if room.room_id not in taken),
    )


def moved(
    records: Iterable[RoomRecord], chosen: Mapping[str, str | None]
) -> tuple[RoomRecord, ...]:
    """Return rooms with other vendor's ids, by our own ids; None for a room that goes."""
    return tuple(
        record
        if record.room_id not in chosen
        else replace(record, gone=True)
        if (hardware_id := chosen[record.room_id]) is None
        else replace(record, hardware_id=hardware_id, gone=False)
        for record in records
    )


def planned(
    records: Iterable[RoomRecord], chosen: Mapping[str, str | None]
) -> tuple[RoomRecord, ...]:
    """Return rooms that will have other vendor's ids once another home is reported."""
    return tuple(
        replace(record, planned=(*record.planned, hardware_id))
        if (hardware_id := chosen.get(record.room_id)) is not None
        else record
        for record in records
    )


def _cannot_be(
    rooms: Iterable[RoomRecord], modules: Iterable[ModuleRecord], home: VendorHome
) -> bool:
    """Return whether a home is reported so empty that it is rather a half answer."""
    if any(not module.gone for module in modules) and not any(
        module.heats for module in home.modules
    ):
        return True
    return any(not room.gone for room in rooms) and not home.rooms


def _merged_rooms(
    records: Sequence[RoomRecord], home: VendorHome, new_id: Callable[[], str]
) -> tuple[RoomRecord, ...]:
    """Return the rooms as the vendor tells them, in the order of the records."""
    pairs = _room_pairs(records, home)
    found: list[RoomRecord] = []
    for record in records:
        if (room := pairs.get(record.room_id)) is None:
            found.append(replace(record, gone=True))
            continue
        control = home.control(room.room_id)
        assert control is not None
        found.append(
            replace(
                record,
                hardware_id=room.room_id,
                name=room.name or record.name,
                kind=control.kind,
                call=control.call.value,
                planned=tuple(p for p in record.planned if p != room.room_id),
                gone=False,
            )
        )
    known = {record.hardware_id for record in found if not record.gone}
    for room in _by_id(home.heated_rooms).values():
        if room.room_id in known:
            continue
        control = home.control(room.room_id)
        assert control is not None
        found.append(
            RoomRecord(
                room_id=new_id(),
                hardware_id=room.room_id,
                name=room.name or room.room_id,
                kind=control.kind,
                call=control.call.value,
            )
        )
    return tuple(found)


def _room_pairs(
    records: Iterable[RoomRecord], home: VendorHome
) -> dict[str, VendorRoom]:
    """Return the vendor's rooms by our own ids of the rooms that they are.

    Rooms that are there are looked for before rooms that are gone.
    """
    left = _by_id(home.heated_rooms)
    waiting = sorted(records, key=lambda record: record.gone)
    pairs: dict[str, VendorRoom] = {}

    def pair(record: RoomRecord, hardware_id: str) -> None:
        """Note that a room is the vendor's with an id."""
        pairs[record.room_id] = left.pop(hardware_id)
        waiting.remove(record)

    for record in tuple(waiting):
        if record.hardware_id in left:
            pair(record, record.hardware_id)
    for record in tuple(waiting):
        if (known := next((p for p in record.planned if p in left), None)) is not None:
            pair(record, known)
    for gone in (False, True):
        for record, room in _only_pairs(
            (record for record in waiting if record.gone is gone),
            left.values(),
            lambda record: _plain(record.name),
            lambda room: _plain(room.name),
        ):
            pair(record, room.room_id)
    return pairs


def _merged_modules(
    records: Sequence[ModuleRecord],
    rooms: Iterable[RoomRecord],
    home: VendorHome,
    new_id: Callable[[], str],
) -> tuple[ModuleRecord, ...]:
    """Return the modules as the vendor tells them, in the order of the records."""
    modules = {module.module_id: module for module in home.modules if module.heats}
    room_of = {
        module.module_id: room.room_id
        for room in rooms
        if not room.gone
        for module in home.modules_in(room.hardware_id)
    }
    pairs = _module_pairs(records, modules, room_of)
    ids = {module.module_id: our_id for our_id, module in pairs.items()}
    for module_id in modules:
        if module_id not in ids:
            ids[module_id] = new_id()

    def reported(our_id: str, module: VendorModule, name: str) -> ModuleRecord:
        """Return the record of a module that is there."""
        return ModuleRecord(
            module_id=our_id,
            hardware_id=module.module_id,
            kind=module.kind,
            name=module.name or name,
            room_id=room_of.get(module.module_id),
            bridge_id=None if module.bridge is None else ids.get(module.bridge),
        )

    found = [
        reported(record.module_id, module, record.name)
        if (module := pairs.get(record.module_id)) is not None
        else replace(record, gone=True)
        for record in records
    ]
    found += [
        reported(ids[module_id], module, module.kind)
        for module_id, module in modules.items()
        if ids[module_id] not in pairs
    ]
    return tuple(found)


def _module_pairs(
    records: Iterable[ModuleRecord],
    modules: Mapping[str, VendorModule],
    room_of: Mapping[str, str],
) -> dict[str, VendorModule]:
    """Return the vendor's modules by our own ids of the places that they are in.

    What is there is looked for before what is gone.
    """
    left = dict(modules)
    waiting = sorted(records, key=lambda record: record.gone)
    pairs: dict[str, VendorModule] = {}

    def pair(record: ModuleRecord, hardware_id: str) -> None:
        """Note that the vendor's module with an id is in a place."""
        pairs[record.module_id] = left.pop(hardware_id)
        waiting.remove(record)

    for record in tuple(waiting):
        if record.hardware_id in left:
            pair(record, record.hardware_id)
    for gone in (False, True):
        for record, module in _only_pairs(
            (record for record in waiting if record.gone is gone),
            left.values(),
            lambda record: _place(record.kind, record.room_id),
            lambda module: _place(module.kind, room_of.get(module.module_id)),
        ):
            pair(record, module.module_id)
    return pairs


def _only_pairs[Old, New](
    old: Iterable[Old],
    new: Iterable[New],
    old_key: Callable[[Old], str | None],
    new_key: Callable[[New], str | None],
) -> list[tuple[Old, New]]:
    """Return those that have a key which nothing else on their side has."""
    olds, news = _only(old, old_key), _only(new, new_key)
    return [(olds[key], news[key]) for key in olds if key in news]


def _only[Item](
    items: Iterable[Item], key: Callable[[Item], str | None]
) -> dict[str, Item]:
    """Return the items by a key that they do not share with another."""
    groups: dict[str, list[Item]] = {}
    for item in items:
        if (name := key(item)) is not None:
            groups.setdefault(name, []).append(item)
    return {name: group[0] for name, group in groups.items() if len(group) == 1}


def _by_id(rooms: Iterable[VendorRoom]) -> dict[str, VendorRoom]:
    """Return the vendor's rooms by their ids, each once."""
    return {room.room_id: room for room in rooms}


def _plain(name: str) -> str | None:
    """Return what makes two names the same; None where there is none."""
    return name.strip().casefold() or None


def _place(kind: str, room_id: str | None) -> str | None:
    """Return where a module is; None for one that is nowhere in particular."""
    if kind in GATEWAY_TYPES:
        return kind
    return None if room_id is None else f"{kind} in {room_id}"
