"""The rooms that an action names: by name, or by what heats them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from homeassistant.exceptions import ServiceValidationError

from ..const import DOMAIN
from ..heating.model import RoomKind
from ..homes.directory import normalized_label
from ..homes.home import Home
from ..rooms.driver import RoomDriver

DEVICES: Final = tuple(kind.value for kind in RoomKind)
"""What may be named as a device."""


@dataclass(frozen=True, slots=True)
class HomeRoom:
    """A room of a home, under the name that tells it from the home's other rooms."""

    name: str
    driver: RoomDriver


def heated_rooms(home: Home) -> tuple[HomeRoom, ...]:
    """Return a home's rooms; where two have one name it is "heating: room", else numbered."""
    drivers = [
        driver
        for heating in home.heating.values()
        for driver in heating.drivers.values()
    ]
    same = Counter(normalized_label(driver.name) for driver in drivers)
    named_so_far: Counter[str] = Counter()
    found: list[HomeRoom] = []
    for driver in drivers:
        name = driver.name
        if same[normalized_label(name)] > 1:
            name = f"{driver.heating}: {name}"
            named_so_far[normalized_label(name)] += 1
            if (number := named_so_far[normalized_label(name)]) > 1:
                name = f"{name} {number}"
        found.append(HomeRoom(name, driver))
    return tuple(found)


def checked_device(device: str | None) -> str | None:
    """Return a kind of device. Raises ServiceValidationError naming the choices."""
    if device is None or device in DEVICES:
        return device
    raise ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key="unknown_device",
        translation_placeholders={"device": device, "devices": ", ".join(DEVICES)},
    )


def require_heating(homes: Iterable[Home], all_homes: Iterable[Home]) -> None:
    """Refuse homes without a room that is heated."""
    without = [home.label for home in homes if not heated_rooms(home)]
    if without:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="no_heating",
            translation_placeholders={
                "home": named(without),
                "homes": ", ".join(
                    home.label for home in all_homes if heated_rooms(home)
                )
                or "-",
            },
        )


def named_rooms(
    home: Home, device: str | None = None, room: str | None = None
) -> tuple[HomeRoom, ...]:
    """Return the rooms with a name, and with a kind of device in them; at least one.

    Raises ServiceValidationError naming the rooms that there are.
    """
    found = heated_rooms(home)
    if room is not None:
        wanted = normalized_label(room)
        found = tuple(one for one in found if normalized_label(one.name) == wanted)
        if not found:
            raise _unknown("unknown_room", home, room=room)
    if device is not None:
        found = tuple(one for one in found if device in devices_in(one))
        if not found:
            raise _unknown("no_such_device", home, device=device)
    return found


def only_room(home: Home, device: str | None, room: str | None) -> HomeRoom:
    """Return the one room that is named. Raises ServiceValidationError where it is not one."""
    found = named_rooms(home, device, room)
    if len(found) > 1:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="several_rooms",
            translation_placeholders={
                "home": home.label,
                "wanted": room or device or "",
                "rooms": ", ".join(one.name for one in found),
            },
        )
    return found[0]


def devices_in(room: HomeRoom) -> tuple[str, ...]:
    """Return the kinds of devices in a room."""
    kinds = room.driver.capabilities.devices
    return tuple(kind.value for kind in RoomKind if kind in kinds)


def rooms_of(homes: Iterable[Home]) -> str:
    """Return the rooms of homes for a message."""
    return "; ".join(
        f"{named([home.label])}: {', '.join(map(_described, heated_rooms(home))) or '-'}"
        for home in homes
    )


def named(labels: Iterable[str]) -> str:
    """Return labels for a message."""
    return ", ".join(f"“{label}”" for label in labels)


def _described(room: HomeRoom) -> str:
    """Return a room with what heats it."""
    return f"{room.name} ({', '.join(devices_in(room)) or '-'})"


def _unknown(key: str, home: Home, **wanted: str) -> ServiceValidationError:
    """Return the error for what a home does not have."""
    return ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key=key,
        translation_placeholders={
            "home": home.label,
            "rooms": ", ".join(map(_described, heated_rooms(home))),
            **wanted,
        },
    )
