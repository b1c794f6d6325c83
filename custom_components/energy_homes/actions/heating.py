"""Actions for heating: rooms and homes are set, and asked for their temperatures."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Final

from homeassistant.core import ServiceCall, ServiceResponse
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
import voluptuous as vol

from ..const import DOMAIN
from ..heating.model import HomeMode, SetpointMode
from ..heating.netatmo.home_mode import HomeModeRequest, home_mode_request
from ..heating.refused import HeatingRequestError, choices
from ..heating.setpoint import setpoint_request
from ..heating.view import RoomView
from ..homes.directory import DATA_HOMES
from ..homes.home import Home
from ..rooms.coordinator import HeatingCoordinator
from ..rooms.errors import request_error
from .fields import (
    ATTR_DEVICE,
    ATTR_END,
    ATTR_FORMAT,
    ATTR_HOME,
    ATTR_MINUTES,
    ATTR_MODE,
    ATTR_PERIOD,
    ATTR_ROOM,
    ATTR_SCHEDULE,
    ATTR_START,
    ATTR_TEMPERATURE,
    ATTR_UNTIL,
    HOME_FIELD,
    number,
)
from .rooms import (
    HomeRoom,
    checked_device,
    named,
    named_rooms,
    only_room,
    require_heating,
    rooms_of,
)
from .temperatures import HISTORY_FIELDS, async_past_temperatures

SET_SETPOINT_SCHEMA: Final = vol.Schema(
    {
        **HOME_FIELD,
        vol.Optional(ATTR_DEVICE): cv.string,
        vol.Optional(ATTR_ROOM): cv.string,
        vol.Optional(ATTR_MODE): cv.string,
        vol.Optional(ATTR_TEMPERATURE): number,
        vol.Optional(ATTR_MINUTES): number,
        vol.Optional(ATTR_UNTIL): cv.datetime,
    }
)
SET_HOME_MODE_SCHEMA: Final = vol.Schema(
    {
        **HOME_FIELD,
        vol.Required(ATTR_MODE): cv.string,
        vol.Optional(ATTR_UNTIL): cv.datetime,
        vol.Optional(ATTR_SCHEDULE): cv.string,
    }
)
GET_TEMPERATURE_SCHEMA: Final = vol.Schema(
    {
        **HOME_FIELD,
        vol.Optional(ATTR_DEVICE): cv.string,
        vol.Optional(ATTR_ROOM): cv.string,
        vol.Optional(ATTR_START): cv.datetime,
        vol.Optional(ATTR_END): cv.datetime,
        vol.Optional(ATTR_PERIOD): cv.string,
        vol.Optional(ATTR_FORMAT): cv.string,
    }
)

type _Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Order:
    """What is asked of a home, checked, and how to send it.

    `name` is what a failure calls it: the home, with its heating where it has several.
    """

    label: str
    name: str
    async_send: Callable[[], Awaitable[_Answer]]


async def async_set_setpoint(call: ServiceCall) -> ServiceResponse:
    """Set one room of each home; nothing is sent before all of it is checked."""
    homes = _heated_homes(call)
    device, room = checked_device(call.data.get(ATTR_DEVICE)), call.data.get(ATTR_ROOM)
    if (device is None) is (room is None):
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="room_needed" if room is None else "room_and_device",
            translation_placeholders={"rooms": rooms_of(homes)},
        )
    orders = [
        _setpoint_order(call, home, only_room(home, device, room)) for home in homes
    ]
    return await _async_send(call, orders)


def _setpoint_order(call: ServiceCall, home: Home, room: HomeRoom) -> _Order:
    """Return what is asked of a room. Raises ServiceValidationError."""
    now = dt_util.utcnow()
    try:
        request = setpoint_request(
            _setpoint_mode(call),
            now=now,
            temperature=call.data.get(ATTR_TEMPERATURE),
            minutes=call.data.get(ATTR_MINUTES),
            until=_end(call, home, now),
        )
    except HeatingRequestError as err:
        raise request_error(err) from err
    order = room.driver.order(request)

    async def async_send() -> _Answer:
        """Set the room."""
        change = await order.async_send(call.context)
        return {
            "room": room.name,
            "mode": request.mode.value,
            "temperature": order.temperature,
            "until": _iso(request.until),
            "emulated": order.emulated,
            "changed": change is not None,
        }

    return _Order(home.label, home.label, async_send)


def _setpoint_mode(call: ServiceCall) -> str:
    """Return the mode that is asked for; a temperature alone means manual."""
    if ATTR_MODE in call.data:
        mode: str = call.data[ATTR_MODE]
        return mode
    if ATTR_TEMPERATURE in call.data:
        return SetpointMode.MANUAL
    raise ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key="mode_needed",
        translation_placeholders={"choices": choices(SetpointMode)},
    )


async def async_set_home_mode(call: ServiceCall) -> ServiceResponse:
    """Put whole homes into a mode; nothing is sent before all of it is checked."""
    homes = _heated_homes(call)
    orders = [order for home in homes for order in _home_mode_orders(call, home)]
    return await _async_send(call, orders)


def _home_mode_orders(call: ServiceCall, home: Home) -> list[_Order]:
    """Return what is asked of a home's heatings. Raises ServiceValidationError.

    A schedule is asked of the heatings that have it.
    """
    name = call.data.get(ATTR_SCHEDULE)
    now = dt_util.utcnow()
    heatings = [heating for heating in home.heating.values() if heating.rooms]
    having = {
        heating: schedules
        for heating in heatings
        if (
            schedules := [
                s for s in heating.schedules if name in {s.name, s.schedule_id}
            ]
        )
    }
    every = [schedule for heating in heatings for schedule in heating.schedules]
    orders = []
    for heating in having or heatings:
        try:
            request = home_mode_request(
                call.data[ATTR_MODE],
                now=now,
                until=_end(call, home, now),
                schedule=name,
                schedules=having.get(heating, every),
            )
        except HeatingRequestError as err:
            raise request_error(err) from err
        orders.append(_home_mode_order(call, home, heating, request))
    return orders


def _home_mode_order(
    call: ServiceCall, home: Home, heating: HeatingCoordinator, request: HomeModeRequest
) -> _Order:
    """Return how one heating is put into a mode."""
    followed = next(
        (s.name for s in heating.schedules if s.schedule_id == request.schedule_id),
        None,
    )

    async def async_send() -> _Answer:
        """Put the heating into the mode."""
        change = await heating.async_set_home_mode(request, call.context)
        selected = followed or heating.data.schedule
        return {
            "mode": request.mode.value,
            "until": _iso(request.until),
            "schedule": selected if request.mode is HomeMode.SCHEDULE else None,
            "changed": change is not None,
        }

    several = len(home.heating) > 1
    name = f"{home.label}: {heating.source.name}" if several else home.label
    return _Order(home.label, name, async_send)


async def async_get_temperature(call: ServiceCall) -> ServiceResponse:
    """Answer homes' temperatures in °C: now, from memory, or in a span, from the ledger."""
    homes = _heated_homes(call)
    device, room = checked_device(call.data.get(ATTR_DEVICE)), call.data.get(ATTR_ROOM)
    asked = [(home, named_rooms(home, device, room)) for home in homes]
    if any(name in call.data for name in HISTORY_FIELDS):
        return await async_past_temperatures(call, asked)
    return {home.label: _temperatures(rooms) for home, rooms in asked}


def _temperatures(rooms: tuple[HomeRoom, ...]) -> _Answer:
    """Return what is known of rooms; `temperature` is the one asked for, where it is one."""
    answers = {room.name: _room(room) for room in rooms}
    return {
        "temperature": (
            next(iter(answers.values()))["temperature"] if len(answers) == 1 else None
        ),
        "rooms": answers,
    }


def _room(room: HomeRoom) -> _Answer:
    """Return a room as it is now; None is what nobody can say now."""
    driver = room.driver
    unknown = RoomView(room_id=driver.room_id, kind=driver.view.kind)
    view = driver.view if driver.available else unknown
    known = unknown if view.reachable is False else view
    return {
        "temperature": known.temperature,
        "setpoint": known.setpoint,
        "mode": None if known.mode is None else known.mode.value,
        "until": _iso(known.until),
        "heating_power_request": known.heating_power_request,
        "reachable": view.reachable,
        "updated": _iso(driver.updated),
    }


def _heated_homes(call: ServiceCall) -> tuple[Home, ...]:
    """Return the homes that are named, all of them with heating."""
    homes = call.hass.data[DATA_HOMES]
    selected = homes.select(call.data.get(ATTR_HOME))
    require_heating(selected, homes.all)
    return selected


async def _async_send(call: ServiceCall, orders: list[_Order]) -> ServiceResponse:
    """Send all orders; one that fails does not stop the others.

    Where one home is addressed its failure is raised as it is. Of several homes the response
    says which failed where one was asked for, else an error does.
    """
    results = await asyncio.gather(*map(_async_try, orders))
    answers: _Answer = {}
    done: list[str] = []
    failed: dict[str, HomeAssistantError] = {}
    for order, result in zip(orders, results, strict=True):
        if isinstance(result, HomeAssistantError):
            failed[order.name] = result
            answers[order.label] = {"changed": False, "error": str(result)}
        else:
            done.append(order.name)
            answers.setdefault(order.label, result)
    if not failed or (call.return_response and len(answers) > 1):
        return answers
    if len(orders) == 1:
        raise failed[orders[0].name]
    raise HomeAssistantError(
        translation_domain=DOMAIN,
        translation_key="some_homes_failed",
        translation_placeholders={
            "failed": "; ".join(f"{named([name])}: {e}" for name, e in failed.items()),
            "done": named(done) or "-",
        },
    )


async def _async_try(order: _Order) -> _Answer | HomeAssistantError:
    """Send an order; return its answer, or why it was not done."""
    try:
        return await order.async_send()
    except HomeAssistantError as err:
        return err


def _end(call: ServiceCall, home: Home, now: datetime) -> datetime | None:
    """Return the end that is asked for; without a zone it is the home's wall time."""
    until: datetime | None = call.data.get(ATTR_UNTIL)
    if until is None or until.utcoffset() is not None:
        return until
    return _next_instant(until, home.coordinator.time_zone, now)


def _next_instant(wall: datetime, zone: tzinfo, now: datetime) -> datetime:
    """Return when clocks of a zone show a time; of two such instants the one to come."""
    first = wall.replace(tzinfo=zone, fold=0)
    return first if first > now else wall.replace(tzinfo=zone, fold=1)


def _iso(instant: datetime | None) -> str | None:
    """Return an instant for an answer."""
    return None if instant is None else instant.isoformat()
