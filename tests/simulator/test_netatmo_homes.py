"""What Netatmo's cloud tells of homes: topology and status."""

from datetime import timedelta
import json
from typing import Any

import pytest

from simulator.scenario import NETATMO_ODD_USER, NETATMO_TERRACE_USER
from tests.simulator.conftest import NOON
from tests.simulator.netatmo_kit import ELM, MILL, App
from tests.simulator_client import ELM_TOKEN

MINUTE = timedelta(minutes=1)


async def homes_of(app: App, user: str) -> dict[str, dict[str, Any]]:
    """Return the homes of an account by their names."""
    app.sign_in(user)
    homes = (await app.post("homesdata")).json["body"]["homes"]
    return {home["name"]: home for home in homes}


async def test_topology(app: App) -> None:
    """Rooms, modules and schedules refer to each other."""
    answer = (await app.post("homesdata")).json
    assert answer["status"] == "ok"
    assert answer["time_server"] == NOON.timestamp()
    elm, mill = answer["body"]["homes"]
    assert elm["therm_mode"] == "schedule"
    assert elm["temperature_control_mode"] == "heating"
    assert elm["timezone"] == "Europe/London"
    assert (
        elm["therm_setpoint_default_duration"],
        mill["therm_setpoint_default_duration"],
    ) == (180, 120)
    modules = {module["id"]: module for module in elm["modules"]}
    relay = next(m for m in modules.values() if m["type"] == "NAPlug")
    assert set(relay["modules_bridged"]) == set(modules) - {relay["id"]}
    for room in elm["rooms"]:
        for module_id in room["module_ids"]:
            assert modules[module_id]["room_id"] == room["id"]
            assert modules[module_id]["bridge"] == relay["id"]
    kinds = [modules[room["module_ids"][0]]["type"] for room in elm["rooms"]]
    assert kinds == ["NATherm1", "NRV", "NRV", "NRV"]
    rooms = {room["id"] for room in elm["rooms"]}
    for schedule in elm["schedules"]:
        zones = {zone["id"]: zone for zone in schedule["zones"]}
        assert {entry["zone_id"] for entry in schedule["timetable"]} <= set(zones)
        assert schedule["timetable"][0]["m_offset"] == 0
        for zone in zones.values():
            assert {room["id"] for room in zone["rooms"]} == rooms
    selected = [s["type"] for s in elm["schedules"] if s.get("selected")]
    assert selected == ["therm", "cooling"]


async def test_one_home(app: App) -> None:
    """A home may be asked for by its id."""
    home_id = app.control.home_id(MILL)
    homes = (await app.post("homesdata", home_id=home_id)).json["body"]["homes"]
    assert [home["name"] for home in homes] == [MILL]
    answer = await app.post("homesdata", home_id="nowhere")
    assert answer.error == (400, 21, "Invalid home_id")


async def test_status(app: App) -> None:
    """Rooms and modules have the fields that theirs have in the recordings."""
    body = await app.status()
    rooms = await app.rooms()
    common = {
        "id",
        "reachable",
        "therm_measured_temperature",
        "therm_setpoint_temperature",
        "therm_setpoint_mode",
        "therm_setpoint_start_time",
        "therm_setpoint_end_time",
    }
    assert set(rooms["Living room"]) == common
    assert set(rooms["Kitchen"]) == common | {
        "heating_power_request",
        "anticipating",
        "open_window",
    }
    kinds = {module["type"]: module for module in body["home"]["modules"]}
    assert isinstance(kinds["NATherm1"]["boiler_status"], bool)
    assert "boiler_status" not in kinds["NRV"]
    assert kinds["NRV"]["battery_state"] == "full"
    assert 2200 < kinds["NRV"]["battery_level"] < 3300
    assert "battery_level" not in kinds["NAPlug"]


async def test_setpoints_follow_the_schedule(app: App) -> None:
    """Wednesday noon is eco, the evening comfort, the night night."""
    for hours, kitchen in ((0, 18), (6, 20), (11, 16), (19, 20)):
        app.simulator.set(NOON + timedelta(hours=hours))
        app.sign_in()
        room = (await app.rooms())["Kitchen"]
        assert room["therm_setpoint_temperature"] == kitchen
        assert room["therm_setpoint_mode"] == "schedule"
        assert room["therm_setpoint_end_time"] == 0


async def test_the_clock_changes(app: App) -> None:
    """Schedules follow the home's wall clock through the end of summer time."""
    zone_hours = []
    for day in (24, 25):
        six = NOON.replace(month=10, day=day, hour=6, minute=59, second=50)
        app.simulator.set(six)
        app.sign_in()
        before = (await app.rooms())["Kitchen"]["therm_setpoint_temperature"]
        app.simulator.step(timedelta(seconds=20))
        after = (await app.rooms())["Kitchen"]["therm_setpoint_temperature"]
        zone_hours.append((before, after))
    # 08:00 at home is 07:00 UTC on Saturday, and 08:00 UTC on Sunday.
    assert zone_hours == [(16, 20), (16, 16)]


async def test_status_is_measured_truth(app: App) -> None:
    """The sensor lags behind the air by minutes, not by degrees."""
    for home in (ELM, MILL):
        truth = app.control.truth(home)
        for name, room in (await app.rooms(home)).items():
            measured = room["therm_measured_temperature"]
            assert measured == truth[name]["measured"]
            assert measured == pytest.approx(truth[name]["felt"], abs=0.4)
            assert 12 < truth[name]["wall"] < measured + 1 < 25
            assert room.get("heating_power_request", 0) in range(101)


async def test_gateway_off(app: App) -> None:
    """Status 200 and `ok`, but an error where rooms and modules should be."""
    app.control.home(ELM, "offline")
    answer = await app.post("homestatus", home_id=app.control.home_id(ELM))
    relay = app.control.module_ids(ELM, "NAPlug")[0]
    assert answer.status == 200
    assert answer.json["status"] == "ok"
    assert answer.json["body"] == {
        "errors": [{"code": 6, "id": relay}],
        "home": {"id": app.control.home_id(ELM)},
    }
    assert (await app.status(MILL))["home"]["rooms"]
    app.control.home(ELM, "online")
    assert (await app.status())["home"]["rooms"]


async def test_unreachable_room_and_module(app: App) -> None:
    """Of what is not reached only that is known."""
    app.control.room(ELM, "Kitchen", reachable=False)
    valve = app.control.module_ids(ELM, "NRV")[1]
    app.control.module(ELM, valve, reachable=False)
    rooms = await app.rooms()
    for name in ("Kitchen", "Bedroom"):
        assert rooms[name] == {"id": rooms[name]["id"], "reachable": False}
    assert rooms["Office"]["reachable"]
    modules = {m["id"]: m for m in (await app.status())["home"]["modules"]}
    assert modules[valve]["reachable"] is False
    assert "battery_level" not in modules[valve]


async def test_batteries(app: App) -> None:
    """Batteries run down slowly, or as ordered, with the vendor's words."""
    thermostat = app.control.module_ids(ELM, "NATherm1")[0]
    words = {}
    for millivolts in (4200, 3700, 3400, 3100, 2900):
        app.control.module(ELM, thermostat, battery_mv=millivolts)
        modules = {m["id"]: m for m in (await app.status())["home"]["modules"]}
        assert modules[thermostat]["battery_level"] == millivolts
        words[millivolts] = modules[thermostat]["battery_state"]
    assert list(words.values()) == ["full", "high", "medium", "low", "very_low"]


async def test_odd_homes(app: App) -> None:
    """Homes without modules, rooms that hide theirs, other kinds of thermostat."""
    homes = await homes_of(app, NETATMO_ODD_USER)
    assert "modules" not in homes["Garden"]
    assert "schedules" not in homes["Garden"]
    assert "module_ids" not in homes["Studio"]["rooms"][0]
    assert {m["type"] for m in homes["Studio"]["modules"]} == {"BNS", "NACamera"}
    assert [m["type"] for m in homes["Manor"]["modules"]] == ["OTH", "OTM", "NRV"]
    assert await app.status("Garden") == {"home": {"id": homes["Garden"]["id"]}}
    studio = await app.status("Studio")
    assert [room["reachable"] for room in studio["home"]["rooms"]] == [True]
    manor = {m["type"]: m for m in (await app.status("Manor"))["home"]["modules"]}
    assert isinstance(manor["OTM"]["boiler_status"], bool)


async def test_valves_only(app: App) -> None:
    """Nothing in such a home tells whether the boiler runs."""
    homes = await homes_of(app, NETATMO_TERRACE_USER)
    assert set(homes) == {"Terrace 1", "Terrace 2"}
    status = await app.status("Terrace 2")
    assert {m["type"] for m in status["home"]["modules"]} == {"NAPlug", "NRV"}
    assert "boiler_status" not in json.dumps(status)


async def test_foreign_homes_are_closed(app: App) -> None:
    """An account sees its own homes only."""
    answer = await app.post("homestatus", home_id=app.control.home_id("Terrace 1"))
    assert answer.error == (400, 21, "Invalid home_id")
    assert (await app.post("homestatus")).error == (400, 10, "Missing home_id")
    assert (await app.post("homewrecker")).error == (404, 31, "Method not found")


async def test_homes_come_and_go(app: App) -> None:
    """Homes, rooms and relays change while the account stays."""
    user = "many@example.com"
    rooms = [{"name": "Room", "modules": ["NATherm1"]}, {"name": "Loft"}]
    app.control.add_account(user, "many-token", [{"name": "One", "rooms": rooms}])
    assert (await app.refresh("many-token")).status == 200
    app.control.add_home(user, {"name": "Two", "gateway": None})
    assert set(await homes_of(app, user)) == {"One", "Two"}
    assert set(await app.rooms("One")) == {"Room", "Loft"}
    app.control.home("Two", "remove")
    app.control.add_room("One", {"name": "Den"})
    app.control.room("One", "Loft", action="remove")
    assert set(await app.rooms("One")) == {"Room", "Den"}
    relay = app.control.module_ids("One", "NAPlug")
    app.control.home("One", "replace_gateway")
    assert app.control.module_ids("One", "NAPlug") != relay
    app.control.home("One", "rename", name="Uno")
    homes = await homes_of(app, user)
    assert set(homes) == {"Uno"}
    assert len(homes["Uno"]["modules"]) == 3


async def test_truth_beside_the_meters(app: App) -> None:
    """A home's temperatures stand beside its power, under one label."""
    homes = app.simulator.truth(temperatures=True)["homes"]
    elm = homes[ELM]
    assert -15 < app.simulator.truth(temperatures=True)["outdoor"] < 25
    assert {meter["token"] for meter in elm["meters"].values()} == {ELM_TOKEN}
    assert set(elm["temperatures"]) == {"Living room", "Kitchen", "Bedroom", "Office"}
    assert set(elm["temperatures"]["Kitchen"]) == {
        "room_id",
        "air",
        "wall",
        "felt",
        "measured",
        "setpoint",
        "mode",
        "power_request",
        "emitter_w",
        "window",
    }
    assert app.simulator.truth()["homes"][ELM]["temperatures"] == {}
