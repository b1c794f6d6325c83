"""The calls that change something."""

from math import isfinite
from typing import Any

from simulator.netatmo.call import Call
from simulator.netatmo.errors import Code, VendorError, forbidden, invalid, missing
from simulator.netatmo.home import Home
from simulator.netatmo.plan import Mode
from simulator.netatmo.room import Room
from simulator.netatmo.settings import HomeMode, RoomOrder, WeekChoice

LEAST_C = 7.0
MOST_C = 30.0
HOME_MODES = {Mode.SCHEDULE, Mode.AWAY, Mode.FROST}
ROOM_MODES = {Mode.MANUAL, Mode.MAX, Mode.HOME, Mode.OFF, Mode.FROST}
THERMOSTAT_MODES = {Mode.MAX, Mode.OFF}
TIMED_MODES = {Mode.MANUAL, Mode.MAX}


def setthermmode(call: Call) -> None:
    """Set the whole home; rooms lose what they were set to."""
    home = _heated(call)
    mode = _mode(call.text("mode"), HOME_MODES)
    end_s = None if mode is Mode.SCHEDULE else call.end_s()
    if schedule_id := call.arguments.get("schedule_id"):
        _choose(call, home, schedule_id)
    home.set_mode(HomeMode(call.now_ms, mode, end_s))


def switchhomeschedule(call: Call) -> None:
    """Select a schedule."""
    home = _heated(call)
    _choose(call, home, call.text("schedule_id"))


def setroomthermpoint(call: Call) -> None:
    """Set one room that has a thermostat or valves of the plain kind."""
    home = _heated(call)
    room = call.room(home)
    if home.by_state(room):
        raise forbidden("Couldn't apply setpoint")
    mode = _mode(call.text("mode"), ROOM_MODES)
    temperature = call.number("temp") if mode is Mode.MANUAL else None
    _order(call, home, room, mode, temperature, call.end_s())


def setstate(call: Call) -> None:
    """Set rooms of the modulating or wall-mounted kind."""
    wanted = call.body.get("home")
    if not isinstance(wanted, dict):
        raise missing("home")
    if not wanted.get("id"):
        raise missing("home_id")
    home = call.user.home(str(wanted["id"]))
    if home is None or home.id != wanted["id"]:
        raise invalid("Invalid home_id")
    _reach(call, home)
    rooms = wanted.get("rooms")
    if not isinstance(rooms, list) or not rooms:
        raise VendorError(Code.NOTHING_TO_MODIFY, "Nothing to modify")
    orders = [_state_order(call, home, fields) for fields in rooms]
    for room, mode, temperature, end_s in orders:
        _order(call, home, room, mode, temperature, end_s)


def _state_order(
    call: Call, home: Home, fields: Any
) -> tuple[Room, Mode, float | None, int | None]:
    """Return what one room of a state is set to."""
    if not isinstance(fields, dict):
        raise invalid("Invalid room_id")
    room = home.room(str(fields.get("id", "")))
    if room is None or room.id != fields["id"]:
        raise invalid("Invalid room_id")
    if not home.by_state(room):
        raise forbidden("Couldn't apply setpoint")
    if "therm_setpoint_mode" not in fields:
        raise missing("mode")
    mode = _mode(str(fields["therm_setpoint_mode"]), ROOM_MODES)
    temperature = fields.get("therm_setpoint_temperature")
    end_s = fields.get("therm_setpoint_end_time")
    if end_s is not None and int(end_s) * 1000 <= call.now_ms:
        raise invalid("Endtime in the past")
    _check(room, mode, temperature)
    return room, mode, temperature, None if end_s is None else int(end_s)


def _order(
    call: Call,
    home: Home,
    room: Room,
    mode: Mode,
    temperature: float | None,
    end_s: int | None,
) -> None:
    """Set a room; what has no end lasts as long as the home's default says."""
    _check(room, mode, temperature)
    if not any(module.reachable for module in home.modules_of(room)):
        raise VendorError(Code.UNREACHABLE, "Device is unreachable")
    if end_s is None and mode in TIMED_MODES:
        end_s = call.now_ms // 1000 + home.plan.default_minutes * 60
    home.order(room, RoomOrder(call.now_ms, mode, temperature or 0.0, end_s))


def _check(room: Room, mode: Mode, temperature: float | None) -> None:
    """Refuse what the room cannot be set to."""
    if mode in THERMOSTAT_MODES and not room.plan.thermostat:
        raise invalid(f"{mode} mode can only be applied on thermostat room")
    if mode is not Mode.MANUAL:
        return
    if temperature is None:
        raise missing("temp")
    if not isfinite(temperature) or not LEAST_C <= temperature <= MOST_C:
        raise invalid("Temperature out of range")


def _choose(call: Call, home: Home, schedule_id: str) -> None:
    """Select a heating schedule by its id."""
    if (week := home.week_of(schedule_id)) is None:
        raise invalid("Invalid schedule_id")
    if home.plan.weeks[week].type != "therm":
        raise invalid(f"schedule {schedule_id} is not therm schedule")
    home.choose_week(WeekChoice(call.now_ms, week))


def _heated(call: Call) -> Home:
    """Return the home that is asked for, where its gateway can be reached."""
    home = call.home()
    _reach(call, home)
    return home


def _reach(call: Call, home: Home) -> None:
    """Refuse what cannot be sent on."""
    if not home.rooms:
        raise VendorError(Code.DEVICE_NOT_FOUND, "Device not found", 404)
    if not home.online(call.now_ms):
        raise VendorError(Code.UNREACHABLE, "Device is unreachable")


def _mode(text: str, allowed: set[Mode]) -> Mode:
    """Return a mode by the vendor's name."""
    if text not in allowed:
        raise invalid("mode not authorized")
    return Mode(text)
