"""`homestatus`: how a home fares right now."""

from simulator.netatmo.call import Call, Json
from simulator.netatmo.home import Home
from simulator.netatmo.room import Room

MODULE_UNREACHABLE = 6


def homestatus(call: Call) -> Json:
    """Return rooms and modules, or what is wrong with the gateway."""
    home = call.home()
    gateway = home.gateway
    if gateway is not None and not home.online(call.now_ms):
        return {
            "errors": [{"code": MODULE_UNREACHABLE, "id": gateway.id}],
            "home": {"id": home.id},
        }
    fields: Json = {"id": home.id}
    if home.rooms:
        fields["rooms"] = [_room(call, home, room) for room in home.rooms]
    if home.modules:
        boiler = home.boiler(call.now_ms)
        fields["modules"] = [
            module.status(
                call.now_ms,
                boiler=boiler,
                anticipating=_anticipates(home, module.room_id),
            )
            for module in home.modules
        ]
    return {"home": fields}


def _room(call: Call, home: Home, room: Room) -> Json:
    """Return one room; of one that is not reached nothing is known.

    A changed setpoint shows some seconds after it was accepted.
    """
    modules = home.modules_of(room)
    if not room.reachable or not any(module.reachable for module in modules):
        return {"id": room.id, "reachable": False}
    setpoint = room.settings.at(call.now_ms - call.state.setpoint_delay_ms)
    fields: Json = {
        "id": room.id,
        "reachable": True,
        "therm_measured_temperature": _short(room.measured(call.now_ms)),
        "therm_setpoint_temperature": _short(setpoint.temperature),
        "therm_setpoint_mode": setpoint.mode,
        "therm_setpoint_start_time": setpoint.start_s,
        "therm_setpoint_end_time": setpoint.end_s,
    }
    if room.plan.valve:
        fields |= {
            "heating_power_request": round(room.heat(call.now_ms) * 100),
            "anticipating": room.anticipating,
            "open_window": room.window_is_open(call.now_ms),
        }
    return fields


def _anticipates(home: Home, room_id: str | None) -> bool:
    """Tell whether a module's room heats ahead of its schedule."""
    return any(room.anticipating for room in home.rooms if room.id == room_id)


def _short(value: float) -> float | int:
    """Return a number as the vendor writes it: whole ones without a point."""
    return int(value) if value == int(value) else value
