"""Climate entities: what a room shows, and that a command is for this room only."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
import json
import logging
from typing import Any

from homeassistant.components.climate import HVACAction, HVACMode
from homeassistant.components.recorder import Recorder
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.setup import async_setup_component
from homeassistant.util.unit_system import US_CUSTOMARY_SYSTEM
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from syrupy.assertion import SnapshotAssertion

from custom_components.energy_homes.const import DOMAIN
from simulator.scenario import NETATMO_ODD_USER, NETATMO_TERRACE_USER
from tests.entities.heated import (
    NOT_SHARED,
    call,
    commands,
    heat,
    setpoints,
    shown,
    state,
)

from .netatmo_control import NetatmoControl
from .simulator_client import SimulatorClient
from .virtual import VirtualTime

LIVING_ROOM = "climate.elm_street_living_room"
KITCHEN = "climate.elm_street_kitchen"
FOREVER_S = 2147483647
HOMES = ("Elm Street", "Mill Cottage")


@pytest.fixture
async def account(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    netatmo: NetatmoControl,
    virtual: VirtualTime,
) -> MockConfigEntry:
    """Set up both demo homes; return their account."""
    return await heat(hass, netatmo, virtual, *HOMES)


async def test_rooms(
    hass: HomeAssistant, account: MockConfigEntry, snapshot: SnapshotAssertion
) -> None:
    """Each room of both homes: modes, temperatures, range, presets."""
    rooms = {
        room.entity_id: {
            "state": room.state,
            **{k: v for k, v in room.attributes.items() if k not in NOT_SHARED},
        }
        for room in hass.states.async_all("climate")
    }

    assert len(rooms) == 7
    # As JSON: what the two versions call the same text differs.
    assert json.loads(json.dumps(rooms)) == snapshot


async def test_temperatures_are_the_rooms(
    hass: HomeAssistant, account: MockConfigEntry, netatmo: NetatmoControl
) -> None:
    """What is shown is what the simulated room measures, and its schedule's setpoint."""
    truth = netatmo.truth("Elm Street")["Kitchen"]

    assert shown(hass, KITCHEN, "temperature", "preset_mode", "setpoint_mode") == (
        HVACMode.AUTO,
        netatmo.setpoint("Elm Street", "Kitchen")[1],
        "schedule",
        "schedule",
    )
    assert state(hass, KITCHEN).attributes["current_temperature"] == pytest.approx(
        truth["measured"], abs=0.3
    )


# What the core integration did to a valve's room, row by row: each is for this room only,
# and shows at once.

type End = datetime | timedelta | int

NO_END = 0
NIGHT = datetime(2026, 11, 19, 0, 0, tzinfo=UTC)
"""At half past ten the schedule asks for less; 90 minutes of that are allowed."""

VALVE_ROWS: list[
    tuple[str, Mapping[str, Any], tuple[str, float, End], tuple[Any, ...]]
] = [
    (
        "climate.set_hvac_mode",
        {"hvac_mode": "auto"},
        ("schedule", 18.0, NO_END),
        ("auto", 18.0, "schedule", "schedule", False),
    ),
    (
        "climate.set_hvac_mode",
        {"hvac_mode": "heat"},
        ("manual", 18.0, NIGHT),
        ("heat", 18.0, None, "manual", False),
    ),
    (
        "climate.set_hvac_mode",
        {"hvac_mode": "off"},
        ("manual", 7.0, FOREVER_S),
        ("off", None, None, "off", True),
    ),
    (
        "climate.set_preset_mode",
        {"preset_mode": "schedule"},
        ("schedule", 18.0, NO_END),
        ("auto", 18.0, "schedule", "schedule", False),
    ),
    (
        "climate.set_preset_mode",
        {"preset_mode": "frost_guard"},
        ("manual", 7.0, FOREVER_S),
        ("auto", 7.0, "frost_guard", "frost_guard", True),
    ),
    (
        "climate.set_preset_mode",
        {"preset_mode": "boost"},
        ("manual", 30.0, timedelta(minutes=60)),
        ("heat", 30.0, "boost", "max", True),
    ),
    (
        "climate.set_temperature",
        {"temperature": 19.5},
        ("manual", 19.5, timedelta(minutes=90)),
        ("heat", 19.5, None, "manual", False),
    ),
    (
        "climate.set_temperature",
        {"temperature": 22.2, "hvac_mode": "heat"},
        ("manual", 22.0, timedelta(minutes=90)),
        ("heat", 22.0, None, "manual", False),
    ),
    (
        "climate.turn_off",
        {},
        ("manual", 7.0, FOREVER_S),
        ("off", None, None, "off", True),
    ),
]


async def test_valve_commands_are_for_one_room(
    hass: HomeAssistant,
    account: MockConfigEntry,
    netatmo: NetatmoControl,
    virtual: VirtualTime,
    subtests: pytest.Subtests,
) -> None:
    """One room command goes out, no other room changes, and the state shows it at once.

    What is above the schedule ends by itself should this machine die.
    """
    before = setpoints(netatmo, *HOMES)
    del before["Elm Street", "Kitchen"]
    names = ("temperature", "preset_mode", "setpoint_mode", "emulated")
    follows = ("auto", 18.0, "schedule", "schedule", False)
    for action, data, (mode, temperature, end), seen in VALVE_ROWS:
        assert shown(hass, KITCHEN, *names) == follows
        made = commands(netatmo).get("setroomthermpoint", 0)
        with subtests.test(action, **data):
            await call(hass, action, KITCHEN, **data)

            assert shown(hass, KITCHEN, *names) == seen
            assert commands(netatmo) == {"setroomthermpoint": made + 1}
            after = setpoints(netatmo, *HOMES)
            *kitchen, end_s = after.pop(("Elm Street", "Kitchen"))
            assert kitchen == [mode, temperature]
            if isinstance(end, timedelta):
                end = int((virtual.now + end).timestamp())
            assert end_s == (int(end.timestamp()) if isinstance(end, datetime) else end)
            assert after == before

            await virtual.run(timedelta(minutes=3))
            assert shown(hass, KITCHEN, *names) == seen
            assert state(hass, KITCHEN).attributes["pending"] is False
        await call(hass, "climate.set_preset_mode", KITCHEN, preset_mode="schedule")


async def test_away_is_the_schedules_away_temperature(
    hass: HomeAssistant, account: MockConfigEntry, netatmo: NetatmoControl
) -> None:
    """Away in one room holds until further notice and leaves the home alone."""
    before = setpoints(netatmo, *HOMES)

    await call(hass, "climate.set_preset_mode", KITCHEN, preset_mode="away")

    mode, temperature, end_s = netatmo.setpoint("Elm Street", "Kitchen")
    assert (mode, end_s) == ("manual", FOREVER_S)
    assert shown(hass, KITCHEN, "temperature", "preset_mode", "emulated") == (
        "auto",
        temperature,
        "away",
        True,
    )
    after = setpoints(netatmo, *HOMES)
    assert {room for room in after if after[room] != before[room]} == {
        ("Elm Street", "Kitchen")
    }


async def test_thermostat_room_knows_off_and_max(
    hass: HomeAssistant, account: MockConfigEntry, netatmo: NetatmoControl
) -> None:
    """A room with a thermostat is turned off and boosted by the vendor's own modes."""
    await call(hass, "climate.turn_off", LIVING_ROOM)
    assert netatmo.setpoint("Elm Street", "Living room")[0] == "off"
    assert shown(hass, LIVING_ROOM, "hvac_action", "temperature", "emulated") == (
        "off",
        HVACAction.OFF,
        None,
        False,
    )

    await call(hass, "climate.set_preset_mode", LIVING_ROOM, preset_mode="boost")
    assert netatmo.setpoint("Elm Street", "Living room")[0] == "max"
    assert shown(hass, LIVING_ROOM, "preset_mode", "emulated") == (
        "heat",
        "boost",
        False,
    )


async def test_boost_ends_after_an_hour(
    hass: HomeAssistant,
    account: MockConfigEntry,
    virtual: VirtualTime,
) -> None:
    """The state says when, and is back on schedule then."""
    begin = virtual.now
    await call(hass, "climate.set_preset_mode", KITCHEN, preset_mode="boost")
    assert state(hass, KITCHEN).attributes["setpoint_end"] == (
        (begin + timedelta(hours=1)).isoformat()
    )

    await virtual.run(timedelta(minutes=65))

    assert shown(hass, KITCHEN, "preset_mode", "setpoint_end") == (
        "auto",
        "schedule",
        None,
    )


async def test_back_to_auto_from_off(
    hass: HomeAssistant, account: MockConfigEntry, netatmo: NetatmoControl
) -> None:
    """A room that is off goes back to its schedule by auto, and by being turned on."""
    scheduled = netatmo.setpoint("Elm Street", "Kitchen")[1]
    back: list[tuple[str, dict[str, Any]]] = [
        ("climate.set_hvac_mode", {"hvac_mode": "auto"}),
        ("climate.turn_on", {}),
        ("climate.toggle", {}),
    ]
    for action, data in back:
        await call(hass, "climate.turn_off", KITCHEN)
        assert state(hass, KITCHEN).state == HVACMode.OFF

        await call(hass, action, KITCHEN, **data)

        assert shown(hass, KITCHEN, "temperature") == (HVACMode.AUTO, scheduled)
        assert netatmo.setpoint("Elm Street", "Kitchen")[:2] == ("schedule", scheduled)


async def test_heat_from_off_holds_what_the_schedule_asks(
    hass: HomeAssistant, account: MockConfigEntry, netatmo: NetatmoControl
) -> None:
    """Seven degrees is not what somebody wants who chooses heat."""
    scheduled = netatmo.setpoint("Elm Street", "Kitchen")[1]
    await call(hass, "climate.turn_off", KITCHEN)

    await call(hass, "climate.set_hvac_mode", KITCHEN, hvac_mode="heat")

    assert netatmo.setpoint("Elm Street", "Kitchen")[:2] == ("manual", scheduled)
    assert shown(hass, KITCHEN, "temperature") == (HVACMode.HEAT, scheduled)


async def test_heat_in_a_home_on_frost_guard_holds_what_the_schedule_asks(
    hass: HomeAssistant, account: MockConfigEntry, netatmo: NetatmoControl
) -> None:
    """Where the whole home says seven degrees, heat is what the schedule would be."""
    scheduled = netatmo.setpoint("Elm Street", "Bedroom")[1]
    mode = "select.elm_street_heating_mode"
    bedroom = "climate.elm_street_bedroom"
    await call(hass, "select.select_option", mode, option="frost_guard")
    assert shown(hass, bedroom, "temperature") == (HVACMode.AUTO, 7.0)

    await call(hass, "climate.set_hvac_mode", bedroom, hvac_mode="heat")

    assert netatmo.setpoint("Elm Street", "Bedroom")[:2] == ("manual", scheduled)
    assert shown(hass, bedroom, "temperature") == (HVACMode.HEAT, scheduled)


async def test_what_holds_already_is_not_sent(
    hass: HomeAssistant, account: MockConfigEntry, netatmo: NetatmoControl
) -> None:
    """Heat leaves a room alone that heats, and turning on one that is on."""
    await call(hass, "climate.set_temperature", KITCHEN, temperature=22)
    end_s = netatmo.setpoint("Elm Street", "Kitchen")[2]

    await call(hass, "climate.set_hvac_mode", KITCHEN, hvac_mode="heat")
    await call(hass, "climate.turn_on", KITCHEN)

    assert commands(netatmo) == {"setroomthermpoint": 1}
    assert netatmo.setpoint("Elm Street", "Kitchen") == ("manual", 22.0, end_s)


SET_TEMPERATURE = "climate.set_temperature"
BAD_INPUT: list[tuple[str, Mapping[str, Any], str, str]] = [
    (SET_TEMPERATURE, {"temperature": 6.5}, "temp_out_of_range", "7"),
    (SET_TEMPERATURE, {"temperature": 30.5}, "temp_out_of_range", "30"),
    (SET_TEMPERATURE, {"temperature": "nan"}, "temperature_range", "30"),
    (
        SET_TEMPERATURE,
        {"temperature": 20, "hvac_mode": "off"},
        "temperature_unwanted",
        "off",
    ),
    (
        SET_TEMPERATURE,
        {"temperature": 20, "hvac_mode": "auto"},
        "temperature_unwanted",
        "auto",
    ),
    (
        SET_TEMPERATURE,
        {"temperature": 20, "hvac_mode": "cool"},
        "not_valid_hvac_mode",
        "auto",
    ),
    ("climate.set_hvac_mode", {"hvac_mode": "cool"}, "not_valid_hvac_mode", "auto"),
    (
        "climate.set_preset_mode",
        {"preset_mode": "comfort"},
        "not_valid_preset_mode",
        "frost_guard",
    ),
]


async def test_bad_input(
    hass: HomeAssistant,
    account: MockConfigEntry,
    netatmo: NetatmoControl,
    subtests: pytest.Subtests,
) -> None:
    """What cannot be is refused by name, and nothing is sent or shown."""
    before = state(hass, KITCHEN)
    for action, data, key, named in BAD_INPUT:
        with subtests.test(action, **data):
            with pytest.raises(ServiceValidationError, match=named) as refused:
                await call(hass, action, KITCHEN, **data)
            assert refused.value.translation_key == key

    assert commands(netatmo) == {}
    assert state(hass, KITCHEN) == before


async def test_refused_by_the_cloud(
    hass: HomeAssistant, account: MockConfigEntry, simulator: SimulatorClient
) -> None:
    """The state goes back to what was, and the error is one in words."""
    names = ("temperature", "preset_mode", "pending")
    before = shown(hass, KITCHEN, *names)
    simulator.fault("could_not_apply", "setroomthermpoint")

    with pytest.raises(HomeAssistantError) as refused:
        await call(hass, "climate.set_temperature", KITCHEN, temperature=23)

    assert refused.value.translation_domain == DOMAIN
    assert refused.value.translation_key == "heating_refused"
    assert "Kitchen" in str(refused.value)
    assert shown(hass, KITCHEN, *names) == before


async def test_nothing_is_warned_of(
    hass: HomeAssistant,
    account: MockConfigEntry,
    virtual: VirtualTime,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Neither version finds anything to say about the entities."""
    await call(hass, "climate.set_temperature", KITCHEN, temperature=23)
    await virtual.run(timedelta(minutes=5))

    told = [
        record.getMessage()
        for phase in ("setup", "call")
        for record in caplog.get_records(phase)
        if record.levelno >= logging.WARNING and record.name != "asyncio"
    ]
    assert [text for text in told if "which has not been tested" not in text] == []


async def test_boiler_and_valve_make_the_action(
    hass: HomeAssistant,
    account: MockConfigEntry,
    netatmo: NetatmoControl,
    virtual: VirtualTime,
) -> None:
    """A valve that asks while the boiler runs heats; one that does not ask idles."""
    await call(hass, "climate.set_temperature", KITCHEN, temperature=28)
    await call(hass, "climate.set_temperature", LIVING_ROOM, temperature=28)
    await call(
        hass, "climate.set_temperature", "climate.elm_street_office", temperature=8
    )

    await virtual.run(timedelta(minutes=15))

    assert (
        state(hass, "binary_sensor.elm_street_living_room_thermostat_boiler").state
        == "on"
    )
    assert shown(hass, KITCHEN, "hvac_action") == ("heat", HVACAction.HEATING)
    assert shown(hass, LIVING_ROOM, "hvac_action") == ("heat", HVACAction.HEATING)
    assert shown(hass, "climate.elm_street_office", "hvac_action") == (
        "heat",
        HVACAction.IDLE,
    )


async def test_boiler_off_is_idle(
    hass: HomeAssistant,
    account: MockConfigEntry,
    virtual: VirtualTime,
) -> None:
    """A thermostat's room that asks for less than it has does not heat."""
    for room in ("living_room", "kitchen", "bedroom", "office"):
        await call(
            hass, "climate.set_temperature", f"climate.elm_street_{room}", temperature=8
        )

    await virtual.run(timedelta(minutes=15))

    assert (
        state(hass, "binary_sensor.elm_street_living_room_thermostat_boiler").state
        == "off"
    )
    assert shown(hass, LIVING_ROOM, "hvac_action") == ("heat", HVACAction.IDLE)
    assert shown(hass, KITCHEN, "hvac_action") == ("heat", HVACAction.IDLE)


async def test_without_a_thermostat_the_valve_decides(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    netatmo: NetatmoControl,
    virtual: VirtualTime,
) -> None:
    """Nothing tells of a boiler in a home of valves only."""
    await heat(hass, netatmo, virtual, "Terrace 2", user=NETATMO_TERRACE_USER)

    await call(
        hass, "climate.set_temperature", "climate.terrace_2_parlour", temperature=28
    )
    await call(
        hass, "climate.set_temperature", "climate.terrace_2_box_room", temperature=8
    )
    await virtual.run(timedelta(minutes=15))

    assert shown(hass, "climate.terrace_2_parlour", "hvac_action") == (
        "heat",
        HVACAction.HEATING,
    )
    assert shown(hass, "climate.terrace_2_box_room", "hvac_action") == (
        "heat",
        HVACAction.IDLE,
    )


async def test_rooms_that_listen_to_setstate(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    netatmo: NetatmoControl,
    virtual: VirtualTime,
) -> None:
    """Modulating and wall-mounted thermostats, and valves beside them, take another call."""
    await heat(hass, netatmo, virtual, "Manor", "Studio", user=NETATMO_ODD_USER)
    before = setpoints(netatmo, "Manor", "Studio")

    for room in ("manor_library", "manor_gallery", "studio_studio"):
        await call(hass, "climate.set_temperature", f"climate.{room}", temperature=18)
        assert shown(hass, f"climate.{room}", "temperature") == ("heat", 18.0)

    assert commands(netatmo, NETATMO_ODD_USER) == {"setstate": 3}
    after = setpoints(netatmo, "Manor", "Studio")
    assert {room: after[room][:2] for room in before} == dict.fromkeys(
        before, ("manual", 18.0)
    )
    await call(hass, "climate.set_hvac_mode", "climate.manor_gallery", hvac_mode="auto")
    assert netatmo.setpoint("Manor", "Gallery") == before["Manor", "Gallery"]
    assert netatmo.setpoint("Manor", "Library")[:2] == ("manual", 18.0)


async def test_degrees_fahrenheit(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    netatmo: NetatmoControl,
    virtual: VirtualTime,
) -> None:
    """People set and see whole degrees Fahrenheit, the vendor gets half degrees Celsius."""
    hass.config.units = US_CUSTOMARY_SYSTEM
    await heat(hass, netatmo, virtual, "Elm Street")

    await call(hass, "climate.set_temperature", KITCHEN, temperature=70)

    assert netatmo.setpoint("Elm Street", "Kitchen")[:2] == ("manual", 21.0)
    room = state(hass, KITCHEN)
    assert room.attributes["temperature"] == 70
    assert room.attributes["target_temp_step"] == 1
    assert (room.attributes["min_temp"], room.attributes["max_temp"]) == (45, 86)
    assert state(hass, "sensor.elm_street_kitchen_temperature").attributes[
        "unit_of_measurement"
    ] == ("°F")
    with pytest.raises(ServiceValidationError):
        await call(hass, "climate.set_temperature", KITCHEN, temperature=21)
    assert commands(netatmo) == {"setroomthermpoint": 1}


@pytest.mark.parametrize("fahrenheit", range(45, 87))
def test_every_whole_degree_fahrenheit_can_be_set(fahrenheit: int) -> None:
    """What is set comes back as the same number after the vendor's rounding."""
    celsius = max(round((fahrenheit - 32) / 1.8 * 2) / 2, 7)

    assert round(celsius * 1.8 + 32) == fahrenheit


async def test_room_that_is_not_reached(
    hass: HomeAssistant,
    account: MockConfigEntry,
    netatmo: NetatmoControl,
    virtual: VirtualTime,
) -> None:
    """A room of which the vendor tells only its id is unavailable, the others are not."""
    netatmo.room("Elm Street", "Kitchen", reachable=False)
    await virtual.run(timedelta(minutes=6))

    assert state(hass, KITCHEN).state == STATE_UNAVAILABLE
    assert state(hass, LIVING_ROOM).state == HVACMode.AUTO

    netatmo.room("Elm Street", "Kitchen", reachable=True)
    await virtual.run(timedelta(minutes=6))
    assert state(hass, KITCHEN).state == HVACMode.AUTO


async def test_account_away_and_back(
    hass: HomeAssistant, account: MockConfigEntry, virtual: VirtualTime
) -> None:
    """Rooms are unavailable without their account and back with it; no home reloads."""
    homes = [entry.runtime_data for entry in hass.config_entries.async_entries(DOMAIN)]

    assert await hass.config_entries.async_unload(account.entry_id)
    await virtual.settle()
    assert {room.state for room in hass.states.async_all("climate")} == {
        STATE_UNAVAILABLE
    }

    assert await hass.config_entries.async_setup(account.entry_id)
    await virtual.run(timedelta(minutes=1))
    assert {room.state for room in hass.states.async_all("climate")} == {HVACMode.AUTO}
    after = [entry.runtime_data for entry in hass.config_entries.async_entries(DOMAIN)]
    assert after[1:] == homes[1:]


async def test_whole_home_away_shows_in_each_room(
    hass: HomeAssistant,
    account: MockConfigEntry,
    netatmo: NetatmoControl,
    virtual: VirtualTime,
) -> None:
    """A mode set in the vendor's app is what the rooms do, by themselves."""
    netatmo.home("Elm Street", "mode", mode="away")
    await virtual.run(timedelta(minutes=6))

    assert shown(hass, KITCHEN, "preset_mode", "emulated") == ("auto", "away", False)
    assert state(hass, "climate.mill_cottage_hall").attributes["preset_mode"] == (
        "schedule"
    )


@pytest.mark.parametrize(
    ("remembered", "held"),
    [
        ({"state": "off", "temperature": None}, ("manual", 7.0)),
        ({"state": "heat", "temperature": 19.5}, ("manual", 19.5)),
        (
            {"state": "auto", "temperature": 18, "preset_mode": "schedule"},
            ("schedule", 18.0),
        ),
    ],
)
async def test_scenes_bring_a_room_back(
    hass: HomeAssistant,
    account: MockConfigEntry,
    netatmo: NetatmoControl,
    remembered: Mapping[str, Any],
    held: tuple[str, float],
) -> None:
    """What a scene remembers of a room is what it restores, also from off."""
    assert await async_setup_component(hass, "scene", {})
    await call(hass, "climate.turn_off", KITCHEN)

    await hass.services.async_call(
        "scene", "apply", {"entities": {KITCHEN: remembered}}, blocking=True
    )

    assert netatmo.setpoint("Elm Street", "Kitchen")[:2] == held
    assert state(hass, KITCHEN).state == remembered["state"]
