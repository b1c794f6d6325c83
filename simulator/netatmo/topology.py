"""`homesdata`: what there is in the homes of an account."""

from simulator.netatmo.call import Call, Json
from simulator.netatmo.errors import invalid
from simulator.netatmo.home import Home
from simulator.netatmo.plan import COMFORT, ECO, NIGHT, WeekPlan
from simulator.netatmo.room import Room
from simulator.netatmo.settings import zone_temperature

ZONES = ((COMFORT, "Comfort", 0), (NIGHT, "Night", 1), (ECO, "Eco", 5))


def homesdata(call: Call) -> Json:
    """Return the account's homes, or one of them."""
    homes = call.user.homes
    if wanted := call.arguments.get("home_id"):
        homes = [home for home in homes if home.id == wanted]
        if not homes:
            raise invalid("Invalid home_id")
    return {
        "homes": [_home(home, call.now_ms) for home in homes],
        "user": {
            "email": call.user.email,
            "language": "en-GB",
            "locale": "en-GB",
            "feel_like_algorithm": 0,
            "unit_pressure": 0,
            "unit_system": 0,
            "unit_wind": 0,
            "all_linked": False,
            "type": "netatmo",
            "id": call.user.id,
        },
    }


def no_stations(call: Call) -> Json:
    """Return that there is no weather station, which other programs ask for."""
    return {"devices": [], "user": {"mail": call.user.email}}


def _home(home: Home, now_ms: int) -> Json:
    """Return one home."""
    fields: Json = {
        "id": home.id,
        "name": home.name,
        "altitude": 24,
        "coordinates": [51.5074, -0.1278],
        "country": "GB",
        "timezone": home.plan.timezone,
    }
    if home.rooms:
        fields["rooms"] = [_room(home, room) for room in home.rooms]
    if home.modules:
        fields["modules"] = [_module(home, module.id) for module in home.modules]
    if home.gateway is None and not home.rooms:
        return fields
    mode = home.settings.mode(now_ms)
    fields |= {
        "temperature_control_mode": "heating",
        "therm_mode": mode.mode,
        "therm_setpoint_default_duration": home.plan.default_minutes,
        "schedules": [
            _week(home, place, week, now_ms)
            for place, week in enumerate(home.plan.weeks)
        ],
    }
    if mode.end_s is not None:
        fields["therm_mode_endtime"] = mode.end_s
    return fields


def _room(home: Home, room: Room) -> Json:
    """Return one room; some homes do not say which modules are in it."""
    fields: Json = {"id": room.id, "name": room.plan.name, "type": room.plan.type}
    if home.plan.listed_modules:
        fields["module_ids"] = [module.id for module in home.modules_of(room)]
    return fields


def _module(home: Home, module_id: str) -> Json:
    """Return one module; a gateway says what it bridges."""
    module = next(m for m in home.modules if m.id == module_id)
    fields = module.topology()
    if module.gateway:
        fields["modules_bridged"] = [
            other.id for other in home.modules if other.bridge == module.id
        ]
    return fields


def _week(home: Home, place: int, week: WeekPlan, now_ms: int) -> Json:
    """Return one schedule."""
    fields: Json = {
        "id": home.week_id(place),
        "name": week.name,
        "type": week.type,
        "away_temp": week.away_c,
        "hg_temp": week.frost_c,
        "default": place == 0,
        "timetable": [
            {"zone_id": zone, "m_offset": offset} for offset, zone in week.timetable
        ],
        "zones": [
            {
                "id": zone,
                "name": name,
                "type": kind,
                "rooms": [
                    {
                        "id": room.id,
                        "therm_setpoint_temperature": zone_temperature(room.plan, zone),
                    }
                    for room in home.rooms
                ],
            }
            for zone, name, kind in ZONES
        ],
    }
    # The vendor selects one schedule of each type.
    if week is home.settings.week(now_ms) or week.type == "cooling":
        fields["selected"] = True
    return fields
