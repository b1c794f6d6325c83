"""Reading the Netatmo cloud's replies, in every shape that was seen. Pure.

A field that makes no sense is one that is not reported; a reply that makes none is an error.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from math import isfinite
from typing import Any, Final

from ...heating.model import HomeMode
from ...heating.netatmo.model import FOREVER, VendorMode
from ...heating.netatmo.schedule import (
    Schedule,
    ScheduleZone,
    TimetableEntry,
    ZoneSetpoint,
)
from ..errors import CloudNonsenseError
from .errors import module_refusal
from .models import (
    HomesData,
    HomeStatus,
    HomeTopology,
    MeasurePoint,
    ModuleProblem,
    ModuleStatus,
    ModuleTopology,
    RoomStatus,
    RoomTopology,
)

COLDEST: Final = -60.0
HOTTEST: Final = 100.0
"""No room and no garden has less or more, in °C."""

_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_HIGHEST_MV: Final = 100_000
_HOME_MODES: Final = {
    "schedule": HomeMode.SCHEDULE,
    "away": HomeMode.AWAY,
    "hg": HomeMode.FROST_GUARD,
}


def homes_data(reply: Mapping[str, Any]) -> HomesData:
    """Read homesdata. Raises CloudNonsenseError where no home that is listed makes sense."""
    body = _object(reply.get("body"))
    listed = body.get("homes")
    homes = tuple(_home(home) for home in _objects(listed) if _text(home.get("id")))
    if isinstance(listed, list) and listed and not homes:
        raise CloudNonsenseError("no home has an id")
    return HomesData(
        user_id=_text(_object(body.get("user")).get("id")),
        homes=homes,
        complete=isinstance(listed, list),
    )


def home_status(reply: Mapping[str, Any], home_id: str) -> HomeStatus:
    """Read homestatus of a home. Raises CloudNonsenseError where it is another home's."""
    body = _object(reply.get("body"))
    home = _object(body.get("home"))
    if (reported := _text(home.get("id"))) not in {None, home_id}:
        raise CloudNonsenseError("status of another home")
    rooms = [_room_status(r) for r in _objects(home.get("rooms")) if _text(r.get("id"))]
    modules = [
        _module_status(m) for m in _objects(home.get("modules")) if _text(m.get("id"))
    ]
    return HomeStatus(
        home_id=reported or home_id,
        at=_instant(reply.get("time_server")),
        rooms={room.room_id: room for room in rooms},
        modules={module.module_id: module for module in modules},
        problems=_problems(body),
    )


def check_accepted(method: str, reply: Mapping[str, Any]) -> None:
    """Refuse a reply to a command that does not say that the command was accepted.

    Raises CloudRefusedError where a module has a problem, CloudNonsenseError else.
    """
    problems = _problems(_object(reply.get("body")))
    if problems:
        raise module_refusal(method, problems[0].code)
    if reply.get("status") != "ok":
        raise CloudNonsenseError(f"{method}: not confirmed")


def measure(reply: Mapping[str, Any]) -> tuple[MeasurePoint, ...]:
    """Read getmeasure and getroommeasure, optimised or not, in time order.

    Raises CloudNonsenseError.
    """
    body = reply.get("body")
    if body is None or not isinstance(body, list | dict):
        raise CloudNonsenseError("a series without values")
    pairs = _segments(body) if isinstance(body, list) else _stamped(body)
    return tuple(MeasurePoint(at, values) for at, values in sorted(dict(pairs).items()))


def _home(home: Mapping[str, Any]) -> HomeTopology:
    """Read one home of homesdata."""
    minutes = _number(home.get("therm_setpoint_default_duration"))
    return HomeTopology(
        home_id=_name(home, "id"),
        name=_name(home, "name"),
        time_zone=_text(home.get("timezone")),
        mode=_HOME_MODES.get(_name(home, "therm_mode")),
        mode_end=_end(home.get("therm_mode_endtime")),
        default_duration=None if minutes is None else _span(minutes),
        cooling=home.get("temperature_control_mode") == "cooling",
        rooms=tuple(
            RoomTopology(
                room_id=_name(room, "id"),
                name=_name(room, "name"),
                kind=_name(room, "type"),
                module_ids=_texts(room.get("module_ids")),
            )
            for room in _objects(home.get("rooms"))
            if _text(room.get("id"))
        ),
        modules=tuple(
            ModuleTopology(
                module_id=_name(module, "id"),
                kind=_name(module, "type"),
                name=_name(module, "name"),
                room_id=_text(module.get("room_id")),
                bridge=_text(module.get("bridge")),
                set_up=_instant(module.get("setup_date")),
            )
            for module in _objects(home.get("modules"))
            if _text(module.get("id"))
        ),
        schedules=tuple(
            _schedule(schedule)
            for schedule in _objects(home.get("schedules"))
            if _text(schedule.get("id"))
        ),
    )


def _schedule(schedule: Mapping[str, Any]) -> Schedule:
    """Read one schedule of a home."""
    entries = (
        (_whole(entry.get("m_offset")), _whole(entry.get("zone_id")))
        for entry in _objects(schedule.get("timetable"))
    )
    zones = ((_whole(zone.get("id")), zone) for zone in _objects(schedule.get("zones")))
    return Schedule(
        schedule_id=_name(schedule, "id"),
        name=_name(schedule, "name"),
        kind=_name(schedule, "type"),
        selected=schedule.get("selected") is True,
        away_temperature=_temperature(schedule.get("away_temp")),
        frost_guard_temperature=_temperature(schedule.get("hg_temp")),
        timetable=tuple(
            TimetableEntry(offset, zone_id)
            for minutes, zone_id in entries
            if minutes is not None and zone_id is not None
            if (offset := _span(minutes)) is not None
        ),
        zones=tuple(
            ScheduleZone(
                zone_id=zone_id,
                name=_name(zone, "name"),
                kind=_whole(zone.get("type")),
                setpoints=tuple(_zone_setpoints(zone)),
            )
            for zone_id, zone in zones
            if zone_id is not None
        ),
    )


def _zone_setpoints(zone: Mapping[str, Any]) -> Iterator[ZoneSetpoint]:
    """Yield what a zone asks of rooms, in the newer or else the older form."""
    found = {
        room_id: temperature
        for rooms, id_key, temperature_key in (
            ("rooms_temp", "room_id", "temp"),
            ("rooms", "id", "therm_setpoint_temperature"),
        )
        for room in _objects(zone.get(rooms))
        if (room_id := _text(room.get(id_key)))
        and (temperature := _temperature(room.get(temperature_key))) is not None
    }
    for room_id, temperature in found.items():
        yield ZoneSetpoint(room_id, temperature)


def _room_status(room: Mapping[str, Any]) -> RoomStatus:
    """Read one room of homestatus."""
    return RoomStatus(
        room_id=_name(room, "id"),
        reachable=_flag(room.get("reachable")),
        temperature=_temperature(room.get("therm_measured_temperature")),
        setpoint=_temperature(room.get("therm_setpoint_temperature")),
        mode=_member(VendorMode, room.get("therm_setpoint_mode")),
        setpoint_start=_instant(room.get("therm_setpoint_start_time")),
        setpoint_end=_end(room.get("therm_setpoint_end_time")),
        heating_power_request=_percent(room.get("heating_power_request")),
        open_window=_flag(room.get("open_window")),
        anticipating=_flag(room.get("anticipating")),
        humidity=_percent(room.get("humidity")),
    )


def _module_status(module: Mapping[str, Any]) -> ModuleStatus:
    """Read one module of homestatus."""
    millivolts = _whole(module.get("battery_level"))
    if millivolts is not None and not 0 <= millivolts <= _HIGHEST_MV:
        millivolts = None
    return ModuleStatus(
        module_id=_name(module, "id"),
        kind=_text(module.get("type")),
        reachable=_flag(module.get("reachable")),
        firmware=_whole(module.get("firmware_revision")),
        battery_mv=millivolts,
        battery_state=_text(module.get("battery_state")),
        rf_strength=_whole(module.get("rf_strength")),
        wifi_strength=_whole(module.get("wifi_strength")),
        boiler_on=_flag(module.get("boiler_status")),
        boiler_valve_comfort_boost=_flag(module.get("boiler_valve_comfort_boost")),
        anticipating=_flag(module.get("anticipating")),
        bridge=_text(module.get("bridge")),
        last_seen=_instant(module.get("last_seen")),
        outdoor_temperature=_temperature(module.get("outdoor_temperature")),
    )


def _problems(body: Mapping[str, Any]) -> tuple[ModuleProblem, ...]:
    """Read the problems of modules beside or inside a home."""
    listed = (body.get("errors"), _object(body.get("home")).get("errors"))
    return tuple(
        ModuleProblem(_text(error.get("id")) or "", code)
        for errors in listed
        for error in _objects(errors)
        if (code := _whole(error.get("code"))) is not None
    )


def _segments(body: list[Any]) -> Iterator[tuple[datetime, tuple[float | None, ...]]]:
    """Yield stamped values of an optimised series; a segment begins after each gap."""
    for segment in body:
        if not isinstance(segment, dict):
            raise CloudNonsenseError("a segment is not an object")
        begin = _instant(segment.get("beg_time"))
        values = segment.get("value")
        if begin is None or not isinstance(values, list):
            raise CloudNonsenseError("a segment without a beginning or values")
        step = _number(segment.get("step_time"))
        if step is None and len(values) > 1:
            raise CloudNonsenseError("a segment without a step")
        for index, value in enumerate(values):
            try:
                at = begin + timedelta(seconds=(step or 0) * index)
            except OverflowError:
                at = None
            if at is None:
                raise CloudNonsenseError("a segment without an end")
            yield at, _values(value)


def _stamped(
    body: Mapping[str, Any],
) -> Iterator[tuple[datetime, tuple[float | None, ...]]]:
    """Yield the values of a series that has a stamp for each of them."""
    for stamp, value in body.items():
        if (at := _instant(stamp)) is None:
            raise CloudNonsenseError("a stamp is not in seconds of these decades")
        yield at, _values(value)


def _values(value: Any) -> tuple[float | None, ...]:
    """Return the values of one stamp."""
    return tuple(map(_number, value if isinstance(value, list) else [value]))


def _object(value: Any) -> Mapping[str, Any]:
    """Return an object; the vendor writes an empty one as a list."""
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the objects of a list."""
    if isinstance(value, list):
        yield from (element for element in value if isinstance(element, dict))


def _text(value: Any) -> str | None:
    """Return a text that says something, from a text or a number."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value).strip() or None


def _name(fields: Mapping[str, Any], key: str) -> str:
    """Return a text, empty where there is none."""
    return _text(fields.get(key)) or ""


def _texts(value: Any) -> tuple[str, ...]:
    """Return the texts of a list."""
    found = map(_text, value) if isinstance(value, list) else ()
    return tuple(text for text in found if text is not None)


def _flag(value: Any) -> bool | None:
    """Return a truth value, also from 0 and 1."""
    return bool(value) if value in (0, 1) and isinstance(value, int) else None


def _number(value: Any) -> float | None:
    """Return a finite number from a number or a text."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except ValueError, OverflowError:
        return None
    return number if isfinite(number) else None


def _whole(value: Any) -> int | None:
    """Return a whole number."""
    number = _number(value)
    return None if number is None else round(number)


def _temperature(value: Any) -> float | None:
    """Return a temperature in °C that a room or a garden can have."""
    number = _number(value)
    return None if number is None or not COLDEST <= number <= HOTTEST else number


def _percent(value: Any) -> float | None:
    """Return a percentage."""
    number = _number(value)
    return None if number is None or not 0 <= number <= 100 else number


def _span(minutes: float) -> timedelta | None:
    """Return a length of time from minutes."""
    try:
        return timedelta(minutes=minutes)
    except OverflowError:
        return None


def _instant(value: Any) -> datetime | None:
    """Return the instant of epoch seconds; None for 0 and for what is none of these decades."""
    seconds = _number(value)
    try:
        at = None if seconds is None else _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return None
    # Milliseconds read as seconds end up far beyond the vendor's "until further notice".
    return at if at is not None and _EARLIEST <= at <= FOREVER else None


def _end(value: Any) -> datetime | None:
    """Return when something ends; None for what holds until further notice."""
    end = _instant(value)
    return None if end is None or end >= FOREVER else end


def _member[Kind: StrEnum](kind: type[Kind], value: Any) -> Kind | None:
    """Return a member by its value; None for one that is not known."""
    known = {member.value for member in kind}
    return kind(value) if isinstance(value, str) and value in known else None
