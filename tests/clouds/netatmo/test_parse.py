"""Every shape of the Netatmo cloud's replies that was seen, and some that were not."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.energy_homes.clouds.errors import CloudError, CloudNonsenseError
from custom_components.energy_homes.clouds.netatmo import parse
from custom_components.energy_homes.clouds.netatmo.errors import (
    CloudRefusedError,
    Refusal,
)
from custom_components.energy_homes.clouds.netatmo.models import (
    HomeTopology,
    MeasurePoint,
    ModuleProblem,
    ModuleStatus,
    ModuleTopology,
    RoomStatus,
)
from custom_components.energy_homes.heating.model import HomeMode, RoomKind
from custom_components.energy_homes.heating.netatmo.model import (
    RoomCall,
    RoomControl,
    VendorMode,
)
from custom_components.energy_homes.heating.netatmo.schedule import (
    TimetableEntry,
    ZoneSetpoint,
)

LIVING, OFFICE, HALL = "628179036", "1940086014", "3688132631"
RELAY, THERMOSTAT, VALVE = "70:ee:50:75:d2:a4", "04:00:00:75:d1:56", "09:00:00:15:7a:c2"
STAMP_S = 1653827076
STAMP = datetime(2022, 5, 29, 12, 24, 36, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def home(**changes: Any) -> dict[str, Any]:
    """Return a home of homesdata: a relay, a thermostat, a valve and a camera."""
    return {
        "id": "H1",
        "name": "My Home",
        "timezone": "Europe/London",
        "rooms": [
            {
                "id": LIVING,
                "name": "Living room",
                "type": "livingroom",
                "module_ids": [THERMOSTAT],
            },
            {
                "id": OFFICE,
                "name": "Office Room",
                "type": "custom",
                "module_ids": [VALVE],
            },
            {"id": HALL, "name": "Hall", "type": "custom"},
        ],
        "modules": [
            {
                "id": RELAY,
                "type": "NAPlug",
                "name": "Relay",
                "setup_date": STAMP_S,
                "modules_bridged": [THERMOSTAT, VALVE],
            },
            {
                "id": THERMOSTAT,
                "type": "NATherm1",
                "name": "Thermostat",
                "room_id": LIVING,
                "bridge": RELAY,
            },
            {"id": VALVE, "type": "NRV", "name": "Valve 1", "bridge": RELAY},
            {"id": "cam", "type": "NACamera", "name": "Camera", "room_id": HALL},
        ],
        "temperature_control_mode": "heating",
        "therm_mode": "schedule",
        "therm_setpoint_default_duration": 180,
        "schedules": [
            {
                "id": "S1",
                "name": "Winter",
                "type": "therm",
                "selected": True,
                "away_temp": 12,
                "hg_temp": 7,
                "timetable": [
                    {"zone_id": 1, "m_offset": 0},
                    {"zone_id": 0, "m_offset": 360},
                ],
                "zones": [
                    {
                        "name": "Comfort",
                        "id": 0,
                        "type": 0,
                        "rooms": [{"id": LIVING, "therm_setpoint_temperature": 19}],
                    },
                    {
                        "name": "Night",
                        "id": 1,
                        "type": 1,
                        "rooms_temp": [{"room_id": LIVING, "temp": 16.5}],
                    },
                ],
            }
        ],
        **changes,
    }


def read(*homes: dict[str, Any]) -> tuple[HomeTopology, ...]:
    """Return homes as they are read."""
    return parse.homes_data({"status": "ok", "body": {"homes": list(homes)}}).homes


def room(**fields: Any) -> RoomStatus:
    """Return a room's state as it is read."""
    body = {"home": {"id": "H1", "rooms": [{"id": LIVING, **fields}]}}
    return parse.home_status({"body": body}, "H1").rooms[LIVING]


def module(**fields: Any) -> ModuleStatus:
    """Return a module's state as it is read."""
    body = {"home": {"id": "H1", "modules": [{"id": VALVE, **fields}]}}
    return parse.home_status({"body": body}, "H1").modules[VALVE]


def test_a_home_as_recorded() -> None:
    """Rooms, modules and schedules, and how each room is driven."""
    (found,) = read(home())
    assert (found.home_id, found.name, found.time_zone) == (
        "H1",
        "My Home",
        "Europe/London",
    )
    assert (found.mode, found.mode_end) == (HomeMode.SCHEDULE, None)
    assert found.default_duration == timedelta(hours=3)
    assert not found.cooling
    assert found.modules[0] == ModuleTopology(
        module_id=RELAY, kind="NAPlug", name="Relay", set_up=STAMP
    )
    assert found.modules[1].bridge == RELAY
    assert [m.heats for m in found.modules] == [True, True, True, False]
    assert [m.gateway for m in found.modules] == [True, False, False, False]
    assert found.control(LIVING) == RoomControl(
        RoomKind.THERMOSTAT, RoomCall.SETROOMTHERMPOINT
    )
    assert found.control(OFFICE) == RoomControl(
        RoomKind.VALVE, RoomCall.SETROOMTHERMPOINT
    )
    assert found.control(HALL) is None
    assert found.control("no room") is None
    assert [r.name for r in found.heated_rooms] == ["Living room", "Office Room"]
    assert [r.room_id for r in found.rooms_of_kind(RoomKind.VALVE)] == [OFFICE]
    assert [m.name for m in found.modules_in(OFFICE)] == ["Valve 1"]
    assert found.module(VALVE) == found.modules[2]
    assert found.module("none") is None


@pytest.mark.parametrize(
    ("vendors", "mode"),
    [
        ("schedule", HomeMode.SCHEDULE),
        ("away", HomeMode.AWAY),
        ("hg", HomeMode.FROST_GUARD),
        (7, None),
    ],
)
def test_modes_of_a_home(vendors: object, mode: HomeMode | None) -> None:
    """A mode may have an end."""
    (found,) = read(home(therm_mode=vendors, therm_mode_endtime=STAMP_S))
    assert (found.mode, found.mode_end) == (mode, STAMP)


def test_a_schedule_as_recorded() -> None:
    """Offsets are minutes of wall time; a zone names rooms in one form or the other."""
    (found,) = read(home())
    plan = found.schedule
    assert plan is not None
    assert (plan.schedule_id, plan.name, plan.selected) == ("S1", "Winter", True)
    assert (plan.away_temperature, plan.frost_guard_temperature) == (12, 7)
    assert plan.timetable == (
        TimetableEntry(timedelta(), 1),
        TimetableEntry(360 * MINUTE, 0),
    )
    comfort, night = plan.zones
    assert (comfort.name, comfort.kind) == ("Comfort", 0)
    assert comfort.setpoints == (ZoneSetpoint(LIVING, 19),)
    assert night.setpoints == (ZoneSetpoint(LIVING, 16.5),)


def test_a_selected_schedule_for_cooling() -> None:
    """It is not the one that heats."""
    winter = home()["schedules"][0]
    cooling = {**winter, "id": "S2", "type": "cooling"}
    (found,) = read(
        home(schedules=[cooling, winter], temperature_control_mode="cooling")
    )
    assert found.cooling
    assert found.schedule is not None
    assert found.schedule.schedule_id == "S1"
    (found,) = read(home(schedules=[cooling]))
    assert found.schedule is None


def test_several_homes_and_homes_without_anything() -> None:
    """Every home is read, also one without modules, rooms, schedules and a name."""
    one, other = read(home(), {"id": "H2", "therm_mode": "schedule"})
    assert one.home_id == "H1"
    assert (other.home_id, other.name, other.time_zone) == ("H2", "", None)
    assert (other.rooms, other.modules, other.schedules) == ((), (), ())
    assert other.heated_rooms == ()
    assert other.schedule is None
    assert other.default_duration is None
    assert [h.home_id for h in read(home(), {"name": "without id"})] == ["H1"]
    with pytest.raises(CloudNonsenseError):
        read({"name": "without id"})


def test_parts_of_a_home_that_make_no_sense() -> None:
    """They are left out, and the rest is read."""
    broken = home(
        therm_mode="new mode",
        therm_setpoint_default_duration=1e300,
        rooms=[None, {"name": "without id"}, {"id": 5, "module_ids": [1, None, "a"]}],
        modules=["x", {"type": "NRV"}, {"id": "a", "type": "NRV", "setup_date": -1}],
        schedules=[
            None,
            {"name": "without id"},
            {
                "id": "S1",
                "type": "therm",
                "away_temp": "cold",
                "hg_temp": 700,
                "timetable": [
                    {"zone_id": 1},
                    {"m_offset": 1},
                    {"zone_id": 1, "m_offset": 1e300},
                    7,
                ],
                "zones": [
                    {"id": None},
                    {
                        "id": "1",
                        "rooms": [
                            {"id": "5"},
                            {},
                            {"id": "5", "therm_setpoint_temperature": "x"},
                        ],
                    },
                ],
            },
        ],
    )
    (found,) = read(broken)
    assert found.mode is None
    assert found.default_duration is None
    (only,) = found.rooms
    assert (only.room_id, only.module_ids) == ("5", ("1", "a"))
    assert found.modules[0].set_up is None
    assert found.control("5") == RoomControl(RoomKind.VALVE, RoomCall.SETROOMTHERMPOINT)
    (plan,) = found.schedules
    assert (plan.away_temperature, plan.frost_guard_temperature) == (None, None)
    assert plan.timetable == ()
    assert [(z.zone_id, z.setpoints) for z in plan.zones] == [(1, ())]


@pytest.mark.parametrize(
    ("reply", "complete"),
    [
        ({"body": {"homes": []}}, True),
        ({"body": {"homes": {}}}, False),
        ({"body": {}}, False),
        ({"body": []}, False),
        ({}, False),
    ],
)
def test_no_homes(reply: dict[str, Any], complete: bool) -> None:
    """An empty list says that all are gone, no list says nothing."""
    found = parse.homes_data(reply)
    assert found.homes == ()
    assert found.complete is complete
    assert found.user_id is None


def test_the_user() -> None:
    """The vendor's own id of the user comes along, and no address."""
    user = {"id": "91763b24c43d3e344f424e8b", "email": "john@doe.com"}
    found = parse.homes_data({"body": {"homes": [home()], "user": user}})
    assert found.user_id == "91763b24c43d3e344f424e8b"
    assert "john" not in repr(found)


def test_a_room_as_recorded() -> None:
    """Zeros are values, and an end of 0 is none."""
    assert room(
        reachable=True,
        therm_measured_temperature=27,
        heating_power_request=0,
        therm_setpoint_temperature=7,
        therm_setpoint_mode="hg",
        therm_setpoint_start_time=0,
        therm_setpoint_end_time=0,
        anticipating=False,
        open_window=False,
        humidity=67,
    ) == RoomStatus(
        room_id=LIVING,
        reachable=True,
        temperature=27,
        setpoint=7,
        mode=VendorMode.FROST_GUARD,
        heating_power_request=0,
        open_window=False,
        anticipating=False,
        humidity=67,
    )


def test_a_room_that_tells_only_that_it_is_unreachable() -> None:
    """Everything else is not told."""
    assert room(reachable=False) == RoomStatus(room_id=LIVING, reachable=False)
    assert room() == RoomStatus(room_id=LIVING)


@pytest.mark.parametrize(
    ("end", "instant"),
    [
        (STAMP_S, STAMP),
        (str(STAMP_S), STAMP),
        (0, None),
        (None, None),
        (2147483647, None),
        (STAMP_S * 1000, None),
        (-5, None),
        (True, None),
        ("soon", None),
        (1e400, None),
    ],
)
def test_ends_of_setpoints(end: object, instant: datetime | None) -> None:
    """Seconds are an instant; 0, null, the vendor's forever and nonsense are none."""
    assert room(therm_setpoint_end_time=end).setpoint_end == instant


@pytest.mark.parametrize(
    ("name", "value", "field"),
    [
        ("therm_measured_temperature", "warm", "temperature"),
        ("therm_measured_temperature", 1000, "temperature"),
        ("therm_measured_temperature", True, "temperature"),
        ("therm_setpoint_temperature", [7], "setpoint"),
        ("therm_setpoint_mode", "new mode", "mode"),
        ("therm_setpoint_mode", ["manual"], "mode"),
        ("heating_power_request", 101, "heating_power_request"),
        ("open_window", "no", "open_window"),
        ("reachable", 2, "reachable"),
    ],
)
def test_fields_of_a_room_that_make_no_sense(
    name: str, value: object, field: str
) -> None:
    """They count as not told."""
    assert getattr(room(**{name: value}), field) is None


def test_modules_as_recorded() -> None:
    """Batteries are in mV, and a boiler that is off is not one that is not there."""
    assert module(
        type="NATherm1",
        reachable=True,
        firmware_revision=65,
        rf_strength=58,
        battery_level=3793,
        battery_state="high",
        boiler_valve_comfort_boost=False,
        boiler_status=False,
        anticipating=False,
        bridge=RELAY,
        last_seen=STAMP_S,
    ) == ModuleStatus(
        module_id=VALVE,
        kind="NATherm1",
        reachable=True,
        firmware=65,
        rf_strength=58,
        battery_mv=3793,
        battery_state="high",
        boiler_valve_comfort_boost=False,
        boiler_on=False,
        anticipating=False,
        bridge=RELAY,
        last_seen=STAMP,
    )
    relay = module(type="NAPlug", wifi_strength=42, outdoor_temperature=8.2)
    assert (relay.wifi_strength, relay.outdoor_temperature) == (42, 8.2)
    assert relay.boiler_on is None
    assert module(battery_level=-1).battery_mv is None
    assert module(battery_level=1e9).battery_mv is None


def test_a_gateway_that_is_off() -> None:
    """The cloud then says so beside a home without rooms and modules."""
    body = {"errors": [{"code": 6, "id": RELAY}], "home": {"id": "H1"}}
    found = parse.home_status(
        {"status": "ok", "body": body, "time_server": STAMP_S}, "H1"
    )
    assert found.at == STAMP
    assert found.rooms == {}
    assert found.modules == {}
    assert found.problems == (ModuleProblem(RELAY, 6),)
    assert found.problems[0].unreachable
    assert not ModuleProblem(RELAY, 2).unreachable
    inside = {"home": {"id": "H1", "errors": [{"code": 2}, {"id": "x"}, 7]}}
    assert parse.home_status({"body": inside}, "H1").problems == (ModuleProblem("", 2),)


@pytest.mark.parametrize(
    "body", [{}, [], None, {"home": {}}, {"home": []}, {"home": {"persons": []}}]
)
def test_a_status_without_a_home(body: object) -> None:
    """Nothing is told, of the home that was asked for."""
    found = parse.home_status({"status": "ok", "body": body}, "H1")
    assert (found.home_id, found.at) == ("H1", None)
    assert (found.rooms, found.modules, found.problems) == ({}, {}, ())


def test_a_status_of_another_home() -> None:
    """It is not taken for the one that was asked for."""
    with pytest.raises(CloudNonsenseError):
        parse.home_status({"body": {"home": {"id": "H2"}}}, "H1")


def test_commands_that_are_accepted_or_not() -> None:
    """Only "ok" is a success, and a module's problem is a refusal."""
    parse.check_accepted("setstate", {"status": "ok", "time_exec": 0.01})
    parse.check_accepted("setstate", {"status": "ok", "body": {"errors": []}})
    for reply in ({}, {"status": "failed"}, {"status": None}):
        with pytest.raises(CloudNonsenseError):
            parse.check_accepted("setstate", reply)
    with pytest.raises(CloudRefusedError) as caught:
        parse.check_accepted(
            "setstate", {"status": "ok", "body": {"errors": [{"code": 6, "id": VALVE}]}}
        )
    assert caught.value.reason is Refusal.UNREACHABLE


def test_series() -> None:
    """A series is the same as a map and as segments, with a new one after each gap."""
    stamped = {str(STAMP_S + 1800): [18.7, None], str(STAMP_S): [19.4, 0]}
    points = (
        MeasurePoint(STAMP, (19.4, 0)),
        MeasurePoint(STAMP + 30 * MINUTE, (18.7, None)),
    )
    assert parse.measure({"body": stamped}) == points
    segment = {
        "beg_time": STAMP_S,
        "step_time": 1800,
        "value": [[19.4, 0], [18.7, None]],
    }
    assert parse.measure({"body": [segment]}) == points
    later = {"beg_time": STAMP_S + 7200, "value": [[20, 1]]}
    assert parse.measure({"body": [later, segment]}) == (
        *points,
        MeasurePoint(STAMP + 120 * MINUTE, (20, 1)),
    )
    assert parse.measure({"body": {str(STAMP_S): 19.4}})[0].values == (19.4,)


@pytest.mark.parametrize("body", [[], {}])
def test_series_without_data(body: object) -> None:
    """No data are an empty list or an empty object."""
    assert parse.measure({"status": "ok", "body": body}) == ()


@pytest.mark.parametrize(
    "body",
    [
        None,
        "text",
        [7],
        [{"value": [[1]]}],
        [{"beg_time": STAMP_S}],
        [{"beg_time": STAMP_S, "value": [[1], [2]]}],
        [{"beg_time": STAMP_S, "step_time": 1e300, "value": [[1], [2]]}],
        {"soon": [1]},
        {str(STAMP_S * 1000): [1]},
    ],
)
def test_series_that_make_no_sense(body: object) -> None:
    """They are refused as a whole."""
    with pytest.raises(CloudNonsenseError):
        parse.measure({"body": body})


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=10)
    | st.sampled_from(["manual", "ok", "therm", "NRV", "0", STAMP_S]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("body", "home", "homes", "rooms", "modules", "schedules", "id"),
                    *("zones", "timetable", "zone_id", "m_offset", "errors", "code"),
                    *("therm_setpoint_mode", "therm_setpoint_end_time", "module_ids"),
                    *("therm_measured_temperature", "battery_level", "reachable"),
                    *("beg_time", "step_time", "value", "status", "type", "user"),
                    *("rooms_temp", "room_id", "temp", "time_server", str(STAMP_S)),
                    *("therm_setpoint_default_duration", "therm_mode", "selected"),
                ]
            ),
            inner,
            max_size=8,
        )
    ),
    max_leaves=30,
)


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from(["body", "status", "time_server"]), json_values)
    | st.builds(lambda value: {"body": {"homes": [value]}}, json_values)
    | st.builds(lambda value: {"body": {"home": value}}, json_values)
)
def test_any_json_is_read_or_refused_by_kind(reply: dict[str, Any]) -> None:
    """No reply whatever brings up anything but a kind of CloudError."""
    for step in (
        lambda: [
            (home.heated_rooms, home.schedule) for home in parse.homes_data(reply).homes
        ],
        lambda: parse.home_status(reply, "H1"),
        lambda: parse.measure(reply),
        lambda: parse.check_accepted("setstate", reply),
    ):
        try:
            step()
        except CloudError:
            continue
