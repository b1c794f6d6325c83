"""Event entities of heated homes: every change that the cloud accepted, and no other."""

from datetime import timedelta

from homeassistant.components.recorder import Recorder
from homeassistant.const import STATE_UNKNOWN
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockUser,
    async_capture_events,
)

from custom_components.energy_homes.rooms.events import EVENT_HEATING_CHANGED
from tests.entities.heated import call, heat, shown, state

from .netatmo_control import NetatmoControl
from .simulator_client import SimulatorClient
from .virtual import VirtualTime

CHANGES = "event.elm_street_heating_changes"
KITCHEN = "climate.elm_street_kitchen"
WHAT = (
    "event_type",
    "time",
    "room",
    "mode",
    "temperature",
    "until",
    "schedule",
    "who",
)


@pytest.fixture
async def account(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    netatmo: NetatmoControl,
    virtual: VirtualTime,
) -> MockConfigEntry:
    """Set up both demo homes; return their account."""
    return await heat(hass, netatmo, virtual, "Elm Street", "Mill Cottage")


async def test_setpoint_by_a_user(
    hass: HomeAssistant, account: MockConfigEntry, virtual: VirtualTime
) -> None:
    """The event says when, which room, what, and who; the context is the caller's."""
    anna = MockUser(id="anna", name="Anna", is_owner=True).add_to_hass(hass)
    context = Context(user_id=anna.id)
    now = virtual.now.isoformat()

    await call(
        hass, "climate.set_temperature", KITCHEN, temperature=18, context=context
    )

    assert shown(hass, CHANGES, *WHAT)[1:] == (
        "setpoint_changed",
        now,
        "Kitchen",
        "manual",
        18.0,
        None,
        None,
        "Anna",
    )
    assert state(hass, CHANGES).context.id == context.id
    assert state(hass, "event.mill_cottage_heating_changes").state == STATE_UNKNOWN


async def test_boost_says_until_when(
    hass: HomeAssistant, account: MockConfigEntry, virtual: VirtualTime
) -> None:
    """An automation's boost ends in an hour; nobody is named."""
    until = (virtual.now + timedelta(hours=1)).isoformat()

    await call(hass, "climate.set_preset_mode", KITCHEN, preset_mode="boost")

    assert shown(hass, CHANGES, "event_type", "mode", "temperature", "until", "who")[
        1:
    ] == ("setpoint_changed", "max", 30.0, until, None)


async def test_mode_and_schedule(hass: HomeAssistant, account: MockConfigEntry) -> None:
    """Changes of the whole home have no room."""
    await call(
        hass, "select.select_option", "select.elm_street_heating_mode", option="away"
    )
    assert shown(hass, CHANGES, "event_type", "room", "mode", "schedule")[1:] == (
        "home_mode_changed",
        None,
        "away",
        None,
    )

    select = "select.elm_street_heating_schedule"
    other = state(hass, select).attributes["options"][1]
    await call(hass, "select.select_option", select, option=other)
    assert shown(hass, CHANGES, "event_type", "room", "schedule")[1:] == (
        "schedule_changed",
        None,
        other,
    )


async def test_refused_is_no_change(
    hass: HomeAssistant, account: MockConfigEntry, simulator: SimulatorClient
) -> None:
    """What the cloud refuses is neither an event of the entity nor one of the bus."""
    fired = async_capture_events(hass, EVENT_HEATING_CHANGED)
    simulator.fault("could_not_apply", "setroomthermpoint", count=1)

    with pytest.raises(HomeAssistantError):
        await call(hass, "climate.set_temperature", KITCHEN, temperature=18)

    assert state(hass, CHANGES).state == STATE_UNKNOWN
    assert fired == []


@pytest.mark.slow
async def test_renewal_is_no_change(
    hass: HomeAssistant,
    account: MockConfigEntry,
    netatmo: NetatmoControl,
    virtual: VirtualTime,
) -> None:
    """A setpoint above the schedule is renewed again and again and was changed once."""
    fired = async_capture_events(hass, EVENT_HEATING_CHANGED)

    await call(hass, "climate.set_temperature", KITCHEN, temperature=23)
    await virtual.run(timedelta(hours=2, minutes=10))

    assert netatmo.setpoint("Elm Street", "Kitchen")[:2] == ("manual", 23.0)
    assert len(fired) == 1


async def test_on_the_bus(hass: HomeAssistant, account: MockConfigEntry) -> None:
    """One event for all homes names the entity that shows the change."""
    fired = async_capture_events(hass, EVENT_HEATING_CHANGED)
    context = Context()

    await call(hass, "climate.turn_off", "climate.mill_cottage_hall", context=context)

    (event,) = fired
    assert event.context.id == context.id
    assert {
        key: event.data[key] for key in ("type", "entity_id", "home", "room", "mode")
    } == {
        "type": "setpoint_changed",
        "entity_id": "climate.mill_cottage_hall",
        "home": "Mill Cottage",
        "room": "Hall",
        "mode": "off",
    }


async def test_the_last_change_stays(
    hass: HomeAssistant, account: MockConfigEntry
) -> None:
    """Neither the account's absence nor a new set-up of the home loses the last change."""
    await call(hass, "climate.turn_off", KITCHEN)
    before = shown(hass, CHANGES, *WHAT)

    await hass.config_entries.async_unload(account.entry_id)
    assert shown(hass, CHANGES, *WHAT) == before

    for home in hass.config_entries.async_entries("energy_homes")[1:]:
        await hass.config_entries.async_reload(home.entry_id)
    assert shown(hass, CHANGES, *WHAT) == before


async def test_events_go_on_after_renaming_the_entity(
    hass: HomeAssistant, account: MockConfigEntry, virtual: VirtualTime
) -> None:
    """A new entity id does not end listening, nor doubles it."""
    er.async_get(hass).async_update_entity(CHANGES, new_entity_id="event.changes")
    await hass.async_block_till_done()

    await call(hass, "climate.turn_off", KITCHEN)

    assert shown(hass, "event.changes", "event_type", "mode")[1:] == (
        "setpoint_changed",
        "off",
    )
