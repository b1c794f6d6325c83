"""Sensors of a daemon's host in a home: they appear, get names, fall silent and come back."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

from aiohttp import ClientSession
from homeassistant.components.recorder import Recorder
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.setup import async_setup_component
import pytest

from custom_components.energy_homes.boards.remote import RemoteReading, RemoteUpdate
from custom_components.energy_homes.const import DOMAIN
from custom_components.energy_homes.models import SensorsSource
from tests.board_control import HARBOUR_DAEMON
from tests.board_kit import KEY
from tests.board_world import (
    HALL,
    MINUTE,
    NAMELESS,
    SENSORS_PATH,
    BoardWorld,
    board_world,
)
from tests.builders import board_entry, home_entry, set_up, state_of
from tests.flows.helpers import homes, submit
from tests.simulator_client import SimulatorClient
from tests.virtual import VirtualTime

HOME = "Harbour Flat"
HOST_ITEM = f"{KEY}_remote:{HARBOUR_DAEMON}"
NAME = "sensor.harbour_flat_sensors_hall"
OTHER = "sensor.harbour_flat_sensors_28_000004013c4d"


@pytest.fixture
async def world(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    simulator: SimulatorClient,
    virtual: VirtualTime,
) -> AsyncIterator[BoardWorld]:
    """Return a home without anything in it, and a board."""
    await set_up(hass, board_entry(), home_entry(HOME))
    async with board_world(hass, virtual, simulator) as world:
        yield world


async def assign(world: BoardWorld) -> ConfigEntry:
    """Let the daemon report, and give its host to the home with one click."""
    await world.report()
    (flow,) = world.hass.config_entries.flow.async_progress_by_handler(
        DOMAIN, match_context={"unique_id": HOST_ITEM}
    )
    form = await world.hass.config_entries.flow.async_configure(flow["flow_id"])
    done = await submit(world.hass, form, home=HOME, name="Sensors")
    assert done["reason"] == "assigned"
    await world.settle()
    return homes(world.hass)[HOME]


def record(home: ConfigEntry) -> SensorsSource:
    """Return the sensors of a home as they are stored."""
    (subentry,) = home.get_subentries_of_type("sensors")
    return SensorsSource.from_subentry(subentry)


async def test_sensors_appear_in_the_home(
    world: BoardWorld,
    entity_registry: er.EntityRegistry,
    device_registry: dr.DeviceRegistry,
) -> None:
    """One click, and what the host measures is in the home, below the home's device."""
    home = await assign(world)
    told = world.control.temperatures()
    for entity_id, sensor in ((NAME, HALL), (OTHER, NAMELESS)):
        state = world.hass.states.get(entity_id)
        assert state is not None
        assert float(state.state) == told[sensor]
        assert state.attributes["device_class"] == "temperature"
        assert state.attributes["state_class"] == "measurement"
        assert state.attributes["unit_of_measurement"] == "°C"
        name = "Hall" if sensor == HALL else NAMELESS
        assert state.attributes["friendly_name"] == f"{HOME} Sensors {name}"
    source = record(home)
    entry = entity_registry.async_get(NAME)
    assert entry is not None
    assert entry.unique_id == f"{source.sensors[0].sensor_id}_temperature"
    above, host = (
        device_registry.async_get_device_by_identifier((DOMAIN, key), home.entry_id)
        for key in (home.data["home_id"], source.source_id)
    )
    assert above is not None
    assert host is not None
    assert host.id == entry.device_id
    assert host.via_device_id == above.id
    assert host.config_subentry_id == entry.config_subentry_id

    await world.run(5 * MINUTE)
    assert float(state_of(world.hass, NAME)) == world.control.temperatures()[HALL]
    assert record(home) == source


async def test_sensor_that_is_broken_is_unknown(world: BoardWorld) -> None:
    """It reports that it has no reading: that is not the same as silence."""
    await assign(world)
    await world.report(broken=[HALL])
    assert state_of(world.hass, NAME) == "unknown"
    assert state_of(world.hass, OTHER) not in {"unknown", "unavailable"}
    await world.run(10 * MINUTE)
    assert state_of(world.hass, NAME) == "unknown"
    await world.report(broken=[])
    assert float(state_of(world.hass, NAME)) == world.control.temperatures()[HALL]


async def test_daemon_that_falls_silent_and_comes_back(world: BoardWorld) -> None:
    """Five reports that did not come are silence, of one sensor or of all."""
    await assign(world)
    await world.run(3 * MINUTE)
    await world.report(silent=[HALL])
    await world.run(4 * MINUTE)
    assert state_of(world.hass, NAME) != "unavailable"
    await world.run(1.1 * MINUTE)
    assert state_of(world.hass, NAME) == "unavailable"
    assert state_of(world.hass, OTHER) != "unavailable"

    await world.fall_silent()
    await world.run(5.1 * MINUTE)
    assert state_of(world.hass, OTHER) == "unavailable"
    await world.report(silent=[])
    assert float(state_of(world.hass, NAME)) == world.control.temperatures()[HALL]
    assert float(state_of(world.hass, OTHER)) == world.control.temperatures()[NAMELESS]


async def send(world: BoardWorld, *sensors: str, **named: Any) -> tuple[int, Any]:
    """Report to Home Assistant as any daemon; `named` are values with aliases."""
    report = {
        "host_id": HARBOUR_DAEMON,
        "sensors": {sensor: {"type": "x", "value": 19.5} for sensor in sensors}
        | {
            sensor: {"type": "x", "value": 20.5, "alias": alias}
            for sensor, alias in named.items()
        },
    }
    return await put(world, report)


async def put(world: BoardWorld, report: Any) -> tuple[int, Any]:
    """Put a report; return the status and what is answered."""
    async with (
        ClientSession() as session,
        session.put(world.url(SENSORS_PATH), json=report) as response,
    ):
        answer = response.status, await response.json()
    await world.settle()
    return answer


async def test_new_sensors_and_new_names(
    world: BoardWorld, entity_registry: er.EntityRegistry
) -> None:
    """What a host has later is added without a reload; a new alias is the new name."""
    home = await assign(world)
    runtime = home.runtime_data
    await world.fall_silent()
    assert (await send(world, attic="Attic"))[0] == 201
    attic = "sensor.harbour_flat_sensors_attic"
    assert state_of(world.hass, attic) == "20.5"

    assert (await send(world, attic="Loft"))[0] == 201
    state = world.hass.states.get(attic)
    assert state is not None
    assert state.attributes["friendly_name"] == f"{HOME} Sensors Loft"
    entry = entity_registry.async_get(attic)
    assert entry is not None
    assert entry.original_name == "Loft"
    assert record(home).sensors[2].name == "Loft"
    # What somebody called it stays.
    entity_registry.async_update_entity(attic, name="Under the roof")
    await send(world, attic="Roof")
    state = world.hass.states.get(attic)
    assert state is not None
    # Home Assistant 2026.11 puts the device's name before it.
    assert state.attributes["friendly_name"].endswith("Under the roof")
    # Without an alias it is called what it was.
    await send(world, "attic")
    assert record(home).sensors[2].name == "Roof"
    assert home.runtime_data is runtime


async def test_answers_to_daemons(world: BoardWorld) -> None:
    """Each report is answered by what became of it, and only what is true is shown."""
    home = await assign(world)
    await world.fall_silent()
    assert await send(world, a="A", b="B") == (
        201,
        {"status": "ok", "ids": ["harbour-pi_a", "harbour-pi_b"]},
    )
    sensor_a = "sensor.harbour_flat_sensors_a"
    sensor_b = "sensor.harbour_flat_sensors_b"
    assert state_of(world.hass, sensor_a) == "20.5"
    status, answer = await put(
        world,
        {
            "host_id": HARBOUR_DAEMON,
            "sensors": {"a": {"value": 21.0}, "b": {"value": "warm"}, "c": {}},
        },
    )
    assert (status, answer["status"], answer["ids"]) == (
        400,
        "partial",
        ["harbour-pi_a"],
    )
    assert answer["error"] == "2 of 3 sensors failed"
    assert state_of(world.hass, sensor_a) == "21.0"
    assert state_of(world.hass, sensor_b) == "20.5"
    assert await put(world, {"host_id": HARBOUR_DAEMON, "sensors": {"a": 1}}) == (
        400,
        {"status": "failed"},
    )
    wrongs: tuple[object, ...] = (
        {"sensors": {"a": {"value": 1}}},
        {"host_id": HARBOUR_DAEMON},
        {"host_id": HARBOUR_DAEMON, "sensors": {}},
        [],
    )
    for wrong in wrongs:
        assert (await put(world, wrong))[0] == 422
    async with (
        ClientSession() as session,
        session.put(world.url(SENSORS_PATH), data=b"nonsense") as response,
    ):
        assert response.status == 400
    assert state_of(world.hass, sensor_a) == "21.0"
    assert len(record(home).sensors) == 4


async def test_sensors_exist_after_a_restart(world: BoardWorld) -> None:
    """From what is stored, at once; available with the first report."""
    home = await assign(world)
    await world.fall_silent()
    await world.hass.config_entries.async_unload(home.entry_id)
    world.hub.sensing.sensors._sensors.clear()
    await world.hass.config_entries.async_setup(home.entry_id)
    await world.settle()
    state = world.hass.states.get(NAME)
    assert state is not None
    assert state.state == "unavailable"
    assert "restored" not in state.attributes
    await world.report()
    assert float(state_of(world.hass, NAME)) == world.control.temperatures()[HALL]


async def test_board_that_is_gone(world: BoardWorld) -> None:
    """Without the board that they report to nothing is known of the sensors, until it is back."""
    await assign(world)
    (board,) = world.hass.config_entries.async_loaded_entries(DOMAIN)[:1]
    assert board.unique_id == KEY
    await world.hass.config_entries.async_unload(board.entry_id)
    await world.settle()
    assert state_of(world.hass, NAME) == "unavailable"
    await world.hass.config_entries.async_setup(board.entry_id)
    assert state_of(world.hass, NAME) == "unavailable"
    await world.run(MINUTE)
    assert float(state_of(world.hass, NAME)) == world.control.temperatures()[HALL]


async def test_record_of_a_daemon_that_makes_up_sensors(world: BoardWorld) -> None:
    """A home takes no more sensors than a bound, and goes on with those it has."""
    home = await assign(world)
    await world.fall_silent()
    await world.run(timedelta(minutes=1))
    for batch in range(3):
        await send(world, *(f"made-up-{batch}-{number}" for number in range(60)))
    assert len(record(home).sensors) == 128
    await world.report()
    assert float(state_of(world.hass, NAME)) == world.control.temperatures()[HALL]


async def test_home_that_ends(world: BoardWorld) -> None:
    """Asked for an update it tells what it knows; once Home Assistant stops it listens no more."""
    home = await assign(world)
    assert await async_setup_component(world.hass, "homeassistant", {})
    await world.hass.services.async_call(
        "homeassistant", "update_entity", {"entity_id": NAME}, blocking=True
    )
    assert float(state_of(world.hass, NAME)) == world.control.temperatures()[HALL]
    await world.fall_silent()
    world.hass.set_state(CoreState.stopping)
    await world.hass.config_entries.async_reload(home.entry_id)
    world.hass.set_state(CoreState.running)
    before = record(home)
    await send(world, late="Late")
    assert record(home) == before
    assert state_of(world.hass, NAME) == "unavailable"


async def test_account_that_tells_a_home_without_the_source(world: BoardWorld) -> None:
    """What was removed meanwhile does not come back with the next report."""
    home = await assign(world)
    (sensors,) = home.runtime_data.sensors.values()
    await world.fall_silent()
    (subentry,) = home.get_subentries_of_type("sensors")
    world.hass.config_entries.async_remove_subentry(home, subentry.subentry_id)
    world.hub.sensing.take(
        RemoteUpdate(
            host_id=HARBOUR_DAEMON,
            readings=(RemoteReading(key="k", sensor_id="new", temperature=1.0),),
        ),
        world.virtual.now,
    )
    assert len(sensors.source.sensors) == 2
    await world.settle()
    assert not home.get_subentries_of_type("sensors")
