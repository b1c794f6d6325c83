"""Devices of a heating, rooms and modules that come and go, and homes that change over."""

from datetime import UTC, datetime, timedelta
from typing import Any

from homeassistant.components.recorder import Recorder
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
import pytest

from custom_components.energy_homes.const import DOMAIN
from custom_components.energy_homes.heating.model import SetpointMode
from custom_components.energy_homes.models import HeatingSource
from tests.builders import (
    heating_source,
    heating_subentry,
    home_entry,
    netatmo_account_entry,
    netatmo_account_id,
    netatmo_credential,
    netatmo_revision,
    set_up,
)
from tests.netatmo_control import NETATMO_USER, NetatmoControl
from tests.virtual import VirtualTime

from .world import HOUR, MINUTE, HeatedWorld


def device(world: HeatedWorld, key: str) -> dr.DeviceEntry:
    """Return the device with an id of ours."""
    found = dr.async_get(world.hass).async_get_device_by_identifier(
        (DOMAIN, key), world.home.entry_id
    )
    assert found is not None, key
    return found


def names(world: HeatedWorld) -> set[str | None]:
    """Return the names of all devices of the home."""
    devices = dr.async_entries_for_config_entry(
        dr.async_get(world.hass), world.home.entry_id
    )
    return {one.name for one in devices}


def on_record(world: HeatedWorld) -> HeatingSource:
    """Return the heating as it is stored."""
    (subentry,) = world.home.subentries.values()
    return HeatingSource.from_subentry(subentry)


async def test_devices(elm: HeatedWorld) -> None:
    """The heating below the home, rooms and relay below it, the rest below the relay."""
    await set_up(elm.hass, elm.home)
    home = device(elm, "home-elm-street")
    heating = device(elm, "heating-elm-street")
    relay = device(elm, "heating-elm-street-relay")
    kitchen = device(elm, elm.record("Kitchen").room_id)
    valve = device(elm, "heating-elm-street-kitchen-valve")
    (subentry_id,) = elm.home.subentries

    assert names(elm) == {
        "Elm Street",
        "Elm Street Heating",
        "Elm Street Living room",
        "Elm Street Kitchen",
        "Elm Street Bedroom",
        "Elm Street Office",
        "Elm Street Relay",
        "Elm Street Living room thermostat",
        "Elm Street Kitchen valve",
        "Elm Street Bedroom valve",
        "Elm Street Office valve",
    }
    assert [one.via_device_id for one in (heating, relay, kitchen, valve)] == [
        home.id,
        heating.id,
        heating.id,
        relay.id,
    ]
    for one in (heating, relay, kitchen, valve):
        assert one.manufacturer == "Netatmo"
        assert one.config_subentry_id == subentry_id
    assert (valve.model, valve.model_id) == ("Smart Radiator Valve", "NRV")
    assert (relay.model_id, relay.sw_version) == ("NAPlug", None)


async def test_firmware(elm: HeatedWorld) -> None:
    """It is what the module says, also after an update."""
    await elm.start()
    assert device(elm, "heating-elm-street-kitchen-valve").sw_version == "79"

    elm.netatmo.module("Elm Street", "Kitchen valve", firmware=80)
    await elm.virtual.run(5 * MINUTE)
    assert device(elm, "heating-elm-street-kitchen-valve").sw_version == "80"


async def test_a_new_room_appears(elm: HeatedWorld) -> None:
    """The home is loaded anew once; the other rooms keep their ids and requests."""
    await elm.start()
    await elm.ask("Office", "frost_guard")
    heating, before = elm.heating, on_record(elm)
    elm.netatmo.add_room("Elm Street", {"name": "Attic", "modules": ["NRV"]})
    await elm.virtual.run(75 * MINUTE)

    assert elm.heating is not heating
    loaded = elm.heating
    assert on_record(elm).rooms[:4] == before.rooms
    attic = elm.record("Attic")
    assert attic.hardware_id == elm.netatmo.room_id("Elm Street", "Attic")
    assert elm.room("Attic").temperature is not None
    assert elm.room("Office").mode is SetpointMode.FROST_GUARD
    assert {"Elm Street Attic", "Elm Street Attic valve"} <= names(elm)
    assert on_record(elm).name == "Heating"
    await elm.virtual.run(75 * MINUTE)
    assert elm.heating is loaded


async def test_a_room_goes_and_comes_back(elm: HeatedWorld) -> None:
    """Its devices go with it; what comes back has its old id."""
    await elm.start()
    office = elm.record("Office")
    elm.netatmo.room("Elm Street", "Office", action="remove")
    await elm.virtual.run(75 * MINUTE)

    assert {room.name for room in elm.heating.rooms} == {
        "Living room",
        "Kitchen",
        "Bedroom",
    }
    assert names(elm) & {"Elm Street Office", "Elm Street Office valve"} == set()
    gone = next(room for room in on_record(elm).rooms if room.name == "Office")
    assert (gone.room_id, gone.gone) == (office.room_id, True)

    elm.netatmo.add_room("Elm Street", {"name": "Office", "modules": ["NRV"]})
    await elm.virtual.run(75 * MINUTE)
    assert elm.record("Office").room_id == office.room_id
    assert {"Elm Street Office", "Elm Street Office valve"} <= names(elm)


async def test_a_new_relay(elm: HeatedWorld) -> None:
    """It is the same place in the home, with other hardware."""
    await elm.start()
    relay = device(elm, "heating-elm-street-relay")
    elm.netatmo.home("Elm Street", "replace_gateway")
    await elm.virtual.run(75 * MINUTE)

    assert device(elm, "heating-elm-street-relay").id == relay.id
    (hardware_id,) = elm.netatmo.module_ids("Elm Street", "NAPlug")
    assert on_record(elm).modules[0].hardware_id == hardware_id
    assert device(elm, "heating-elm-street-kitchen-valve").via_device_id == relay.id


async def test_not_while_a_command_is_under_way(elm: HeatedWorld) -> None:
    """A home is not loaded anew under a command."""
    await elm.start()
    heating = elm.heating
    elm.netatmo.add_room("Elm Street", {"name": "Attic", "modules": ["NRV"]})
    await elm.virtual.run(50 * MINUTE)
    elm.netatmo.simulator.fault("timeout", "setroomthermpoint")
    asked = elm.hass.async_create_task(elm.ask("Office", "off"))
    await elm.virtual.settle()
    assert not asked.done()
    assert elm.heating is heating
    elm.netatmo.simulator.clear_faults()
    await asked
    await elm.virtual.run(25 * MINUTE)

    assert elm.record("Attic")
    assert elm.room("Office").mode is SetpointMode.OFF


async def test_a_home_changes_over(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    netatmo: NetatmoControl,
    virtual: VirtualTime,
    hass_storage: dict[str, Any],
) -> None:
    """From an instant on another Netatmo home is the home's heating; equal names stay."""
    await netatmo_credential(hass)
    account = netatmo_account_id(netatmo)
    change = virtual.now + 10 * MINUTE
    source = heating_source(
        netatmo,
        "Elm Street",
        netatmo_revision(account, netatmo.home_id("Elm Street")),
        netatmo_revision(account, netatmo.home_id("Mill Cottage"), since=change),
    )
    home = home_entry("Mill Cottage", heating_subentry(source))
    world = HeatedWorld(
        hass, virtual, netatmo, netatmo_account_entry(netatmo), home, hass_storage
    )
    await world.start()
    bedroom = world.record("Bedroom")
    assert world.room("Bedroom").setpoint == 16.0
    netatmo.simulator.fault("usage_429", "homestatus")
    await virtual.run(change - virtual.now)
    assert not world.data.available
    assert world.room("Bedroom").setpoint is None
    netatmo.simulator.clear_faults()
    await virtual.run(HOUR + 15 * MINUTE)

    assert {room.name for room in world.heating.rooms} == {"Hall", "Lounge", "Bedroom"}
    assert world.record("Bedroom").room_id == bedroom.room_id
    assert world.record("Bedroom").hardware_id != bedroom.hardware_id
    await world.ask("Bedroom", "manual", temperature=15)
    assert world.reported("Bedroom")[:2] == ("manual", 15)
    assert world.data.available


@pytest.mark.parametrize(
    ("user", "home", "kinds"),
    [
        ("odd@example.com", "Manor", {"Library": "manual", "Gallery": "manual"}),
        ("odd@example.com", "Studio", {"Studio": "manual"}),
        (
            "terrace@example.com",
            "Terrace 2",
            {"Parlour": "manual", "Box room": "manual"},
        ),
    ],
)
async def test_homes_of_other_kinds(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    netatmo: NetatmoControl,
    virtual: VirtualTime,
    hass_storage: dict[str, Any],
    user: str,
    home: str,
    kinds: dict[str, str],
) -> None:
    """Modulating and wall thermostats, a home with valves only: each room is driven."""
    await netatmo_credential(hass)
    world = HeatedWorld(
        hass,
        virtual,
        netatmo,
        netatmo_account_entry(netatmo, user),
        home_entry(home, heating_subentry(heating_source(netatmo, home))),
        hass_storage,
    )
    await world.start()
    for room, mode in kinds.items():
        await world.ask(room, "manual", temperature=16.5)
        assert world.reported(room)[:2] == (mode, 16.5)
    await virtual.run(timedelta(minutes=3))
    assert not any(room.pending for room in world.data.rooms.values())


async def test_a_schedule_in_its_own_time_zone(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    netatmo: NetatmoControl,
    virtual: VirtualTime,
    hass_storage: dict[str, Any],
) -> None:
    """The vendor's home may be elsewhere than ours: its night begins at half past ten there."""
    chalet = {
        "name": "Chalet",
        "timezone": "Europe/Paris",
        "history_days": 1,
        "rooms": [{"name": "Loft", "modules": ["NRV"], "eco": 18, "night": 17}],
    }
    netatmo.add_home(NETATMO_USER, chalet)
    await netatmo_credential(hass)
    world = HeatedWorld(
        hass,
        virtual,
        netatmo,
        netatmo_account_entry(netatmo),
        home_entry("Chalet", heating_subentry(heating_source(netatmo, "Chalet"))),
        hass_storage,
    )
    await world.start()
    await world.ask("Loft", "manual", temperature=18)

    active = world.heating.active[world.record("Loft").room_id]
    assert active is not None
    assert active.plan.command.until == datetime(2026, 11, 18, 23, 0, tzinfo=UTC)


async def test_a_home_without_a_thermostat(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    netatmo: NetatmoControl,
    virtual: VirtualTime,
    hass_storage: dict[str, Any],
) -> None:
    """Nothing tells whether the boiler runs."""
    await netatmo_credential(hass)
    source = heating_source(netatmo, "Terrace 2")
    world = HeatedWorld(
        hass,
        virtual,
        netatmo,
        netatmo_account_entry(netatmo, "terrace@example.com"),
        home_entry("Terrace 2", heating_subentry(source)),
        hass_storage,
    )
    await world.start()

    assert world.data.boiler_on is None
    assert world.room("Parlour").boiler_on is None
    assert world.room("Parlour").heating_power_request is not None
