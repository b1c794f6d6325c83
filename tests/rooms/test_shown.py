"""What a heated home shows of what its vendor says."""

from datetime import timedelta

from homeassistant.config_entries import ConfigEntryState
import pytest

from custom_components.energy_homes.heating.home_mode import HomeModeRequest
from custom_components.energy_homes.heating.model import (
    HomeMode,
    RoomKind,
    SetpointMode,
)
from custom_components.energy_homes.heating.view import ModuleView, RoomView
from tests.builders import set_up

from .world import HOUR, MINUTE, SECOND, HeatedWorld

ROOMS = {"Living room", "Kitchen", "Bedroom", "Office"}


async def test_without_its_account(elm: HeatedWorld) -> None:
    """Rooms and modules are there, nothing is known, nothing can be asked."""
    await set_up(elm.hass, elm.home)

    assert elm.home.state is ConfigEntryState.LOADED
    assert not elm.data.available
    assert not elm.data.controllable
    assert {room.name for room in elm.heating.rooms} == ROOMS
    kitchen = elm.record("Kitchen").room_id
    assert elm.room("Kitchen") == RoomView(room_id=kitchen, kind=RoomKind.VALVE)
    relay = elm.module("Relay")
    assert relay == ModuleView(module_id=relay.module_id)
    assert (elm.data.mode, elm.data.schedule, elm.data.schedules) == (None, None, ())


async def test_the_account_comes_and_goes(elm: HeatedWorld) -> None:
    """The home waits for it and is not loaded anew."""
    await set_up(elm.hass, elm.home)
    heating = elm.heating
    await set_up(elm.hass, elm.account)
    await elm.virtual.run(MINUTE)
    assert elm.data.available
    assert elm.data.controllable

    assert await elm.hass.config_entries.async_unload(elm.account.entry_id)
    await elm.virtual.settle()
    assert not elm.data.available
    assert not elm.data.controllable

    assert await elm.hass.config_entries.async_setup(elm.account.entry_id)
    await elm.virtual.run(MINUTE)
    assert elm.data.available
    assert elm.heating is heating


async def test_what_the_vendor_says(elm: HeatedWorld) -> None:
    """Rooms, modules and the home's mode as the cloud has them."""
    await elm.start()
    truth = elm.netatmo.truth("Elm Street")

    assert elm.data.mode is HomeMode.SCHEDULE
    assert (elm.data.schedule, elm.data.schedules) == ("Winter", ("Winter", "At home"))
    for name in ROOMS:
        room = elm.room(name)
        assert room.reachable is True
        assert room.temperature == pytest.approx(truth[name]["measured"], abs=0.3)
        assert room.setpoint == truth[name]["setpoint"]
        assert room.mode is SetpointMode.SCHEDULE
        assert (room.until, room.emulated, room.pending) == (None, False, False)
        assert room.boiler_on == elm.data.boiler_on
    assert elm.room("Living room").heating_power_request is None
    assert elm.room("Kitchen").heating_power_request is not None
    assert elm.module("Living room thermostat").boiler_on is elm.data.boiler_on
    battery = elm.module("Kitchen valve").battery
    assert battery is not None
    assert 50 < battery <= 100
    relay = elm.module("Relay")
    assert (relay.reachable, relay.battery, relay.firmware) == (True, None, "174")
    assert relay.wifi_strength is not None
    assert elm.data.updated is not None
    assert elm.virtual.now - elm.data.updated < 2 * MINUTE


async def test_a_gateway_that_is_off(elm: HeatedWorld) -> None:
    """All that is behind it is not reached; the account is fine, and all comes back."""
    await elm.start()
    elm.netatmo.home("Elm Street", "offline")
    await elm.virtual.run(5 * MINUTE)

    assert elm.data.available
    assert {room.reachable for room in elm.data.rooms.values()} == {False}
    assert {module.reachable for module in elm.data.modules.values()} == {False}
    elm.netatmo.home("Elm Street", "online")
    await elm.virtual.run(5 * MINUTE)
    assert {room.reachable for room in elm.data.rooms.values()} == {True}
    assert {module.reachable for module in elm.data.modules.values()} == {True}


async def test_a_room_that_is_not_reached(elm: HeatedWorld) -> None:
    """The vendor says nothing else of it; the others are not touched."""
    await elm.start()
    elm.netatmo.room("Elm Street", "Kitchen", reachable=False)
    elm.netatmo.module("Elm Street", "Bedroom valve", reachable=False)
    await elm.virtual.run(5 * MINUTE)

    assert elm.data.available
    for name in ("Kitchen", "Bedroom"):
        assert elm.room(name).reachable is False
        assert (elm.room(name).temperature, elm.room(name).mode) == (None, None)
    assert elm.module("Bedroom valve").reachable is False
    assert elm.room("Office").reachable is True
    assert elm.room("Office").temperature is not None


async def test_rooms_of_which_only_that_is_told(elm: HeatedWorld) -> None:
    """They are not reached, and nothing breaks."""
    await elm.start()
    elm.netatmo.simulator.fault("bare_rooms", "homestatus")
    await elm.virtual.run(3 * MINUTE)

    assert {room.reachable for room in elm.data.rooms.values()} == {False}
    assert {room.mode for room in elm.data.rooms.values()} == {None}
    elm.netatmo.simulator.clear_faults()
    await elm.virtual.run(5 * MINUTE)
    assert {room.reachable for room in elm.data.rooms.values()} == {True}


async def test_without_modules_nothing_is_known_of_them(elm: HeatedWorld) -> None:
    """Rooms say by themselves how they are."""
    await elm.start()
    elm.netatmo.simulator.fault("no_modules", "homestatus")
    await elm.virtual.run(5 * MINUTE)

    assert {room.reachable for room in elm.data.rooms.values()} == {True}
    assert {module.reachable for module in elm.data.modules.values()} == {None}
    assert elm.data.boiler_on is None


async def test_a_quota_keeps_what_was_told_for_half_an_hour(elm: HeatedWorld) -> None:
    """After that nobody knows; a command may be tried all the time."""
    await elm.start()
    elm.netatmo.simulator.fault("usage_429")
    await elm.virtual.run(20 * MINUTE)
    temperature = elm.room("Kitchen").temperature

    assert elm.data.available
    assert elm.data.controllable
    assert temperature is not None
    await elm.virtual.run(15 * MINUTE)
    assert not elm.data.available
    assert elm.data.controllable
    elm.netatmo.simulator.clear_faults()
    await elm.virtual.run(HOUR)
    assert elm.data.available


async def test_an_outage(elm: HeatedWorld) -> None:
    """What cannot be known is not shown, and nothing can be asked."""
    await elm.start()
    elm.netatmo.simulator.fault("http_503")
    await elm.virtual.run(10 * MINUTE)

    assert not elm.data.available
    assert not elm.data.controllable
    elm.netatmo.simulator.clear_faults()
    await elm.virtual.run(20 * MINUTE)
    assert elm.data.available
    assert elm.data.controllable


async def test_refused_credentials(elm: HeatedWorld) -> None:
    """Nothing can be asked before somebody signs in."""
    await elm.start()
    elm.netatmo.simulator.fault("app_deactivated")
    await elm.virtual.run(10 * MINUTE)

    assert not elm.data.available
    assert not elm.data.controllable


async def test_a_home_that_is_gone(elm: HeatedWorld) -> None:
    """The account answers, and has it no longer."""
    await elm.start()
    elm.netatmo.home("Elm Street", "remove")
    await elm.virtual.run(timedelta(minutes=70))

    assert not elm.data.available
    assert not elm.data.controllable


async def test_update_entity_asks_nobody(elm: HeatedWorld) -> None:
    """It shows what is known."""
    await elm.start()
    calls = elm.netatmo.calls()
    await elm.heating.async_refresh()

    assert elm.data.available
    assert elm.netatmo.calls() == calls


async def test_the_end_of_a_boost(elm: HeatedWorld) -> None:
    """It is shown when it comes, not with the next status."""
    await elm.start()
    await elm.ask("Kitchen", "max")
    end = elm.room("Kitchen").until
    assert end is not None
    await elm.virtual.run(30 * MINUTE)
    elm.netatmo.simulator.fault("usage_429", "homestatus")
    await elm.virtual.run(end - elm.virtual.now - SECOND)
    assert elm.room("Kitchen").mode is SetpointMode.MAX
    await elm.virtual.run(SECOND)

    kitchen = elm.room("Kitchen")
    assert (kitchen.mode, kitchen.setpoint, kitchen.until) == (
        SetpointMode.SCHEDULE,
        18,
        None,
    )


async def test_the_end_of_a_home_mode(elm: HeatedWorld) -> None:
    """Every room shows what comes after it, when it comes."""
    await elm.start()
    until = elm.virtual.now + 10 * MINUTE
    request = HomeModeRequest(mode=HomeMode.AWAY, until=until)
    await elm.heating.async_set_home_mode(request)
    await elm.virtual.run(2 * MINUTE)
    elm.netatmo.simulator.fault("usage_429", "homestatus")
    await elm.virtual.run(until - elm.virtual.now - SECOND)
    assert elm.data.mode is HomeMode.AWAY
    await elm.virtual.run(SECOND)

    assert (elm.data.mode, elm.data.mode_until) == (HomeMode.SCHEDULE, None)
    assert {room.mode for room in elm.data.rooms.values()} == {SetpointMode.SCHEDULE}
