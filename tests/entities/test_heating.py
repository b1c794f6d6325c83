"""Sensors, binary sensors and selects of heated homes and of their account."""

from datetime import timedelta
from typing import Any

from homeassistant.components.recorder import Recorder
from homeassistant.components.sensor.recorder import list_statistic_ids
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN, EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from syrupy.assertion import SnapshotAssertion

from custom_components.energy_homes.const import DOMAIN
from simulator.scenario import NETATMO_ODD_USER, NETATMO_TERRACE_USER
from tests.builders import heating_source, heating_subentry, home_entry, set_up
from tests.netatmo_control import NETATMO_USER, NetatmoControl
from tests.simulator_client import SimulatorClient
from tests.virtual import VirtualTime

from .heated import call, commands, described, heat, setpoints, shown, state

HOMES = ("Elm Street", "Mill Cottage")
MODE = "select.elm_street_heating_mode"
SCHEDULE = "select.elm_street_heating_schedule"


@pytest.fixture
async def account(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    netatmo: NetatmoControl,
    virtual: VirtualTime,
) -> MockConfigEntry:
    """Set up both demo homes; return their account."""
    return await heat(hass, netatmo, virtual, *HOMES)


def enable(hass: HomeAssistant, *ends: str) -> None:
    """Enable all entities whose id ends so; they come with the next set-up."""
    registry = er.async_get(hass)
    for entity in list(registry.entities.values()):
        if entity.entity_id.endswith(ends):
            registry.async_update_entity(entity.entity_id, disabled_by=None)


async def reload_homes(hass: HomeAssistant, virtual: VirtualTime) -> None:
    """Set all homes up again, and wait for the first news."""
    for entry in hass.config_entries.async_entries(DOMAIN):
        await hass.config_entries.async_reload(entry.entry_id)
    await virtual.run(timedelta(minutes=2))


def of_heating(registry: er.EntityRegistry) -> list[er.RegistryEntry]:
    """Return the entities of heated homes."""
    return [
        entity
        for entity in registry.entities.values()
        if entity.config_subentry_id is not None
    ]


async def test_entities(
    hass: HomeAssistant,
    account: MockConfigEntry,
    entity_registry: er.EntityRegistry,
    snapshot: SnapshotAssertion,
) -> None:
    """Classes, units, categories, precision, what is enabled, and the first states."""
    assert described(hass, of_heating(entity_registry)) == snapshot


async def test_account_entities(
    hass: HomeAssistant,
    account: MockConfigEntry,
    entity_registry: er.EntityRegistry,
    snapshot: SnapshotAssertion,
) -> None:
    """Quota sensors of the account, by its own device."""
    entities = er.async_entries_for_config_entry(entity_registry, account.entry_id)
    found = {
        # The account's name is a part of its id.
        name.replace(account.title[-4:].lower(), "<id>"): {
            key: value for key, value in entity.items() if key != "device"
        }
        for name, entity in described(hass, entities).items()
    }

    assert found == snapshot


async def test_about_six_entities_per_room(
    hass: HomeAssistant, account: MockConfigEntry, entity_registry: er.EntityRegistry
) -> None:
    """With batteries and the boiler a room has at most six that are enabled."""
    enabled = [
        entity
        for entity in of_heating(entity_registry)
        if entity.disabled_by is None
        and entity.domain in {"climate", "sensor", "binary_sensor"}
    ]

    assert 4 * 7 <= len(enabled) <= 6 * 7


async def test_disabled_are_diagnostic(
    hass: HomeAssistant, account: MockConfigEntry, entity_registry: er.EntityRegistry
) -> None:
    """What most people never need is there, out of the way."""
    disabled = [
        entity
        for entity in of_heating(entity_registry)
        if entity.disabled_by is not None
    ]

    assert {entity.entity_category for entity in disabled} == {
        EntityCategory.DIAGNOSTIC
    }
    assert {
        entity.unique_id.rsplit("-", 1)[-1].split("_", 1)[-1] for entity in disabled
    } == {
        "anticipating",
        "reachable",
        "rf_strength",
        "setpoint_end",
        "wifi_strength",
    }


async def test_temperatures_have_long_term_statistics(
    recorder_mock: Recorder, hass: HomeAssistant, account: MockConfigEntry
) -> None:
    """The recorder keeps means of each room's temperature for ever."""
    kept = await recorder_mock.async_add_executor_job(list_statistic_ids, hass)

    assert {
        f"sensor.{room}_temperature"
        for room in (
            "elm_street_living_room",
            "elm_street_kitchen",
            "elm_street_bedroom",
            "elm_street_office",
            "mill_cottage_hall",
            "mill_cottage_lounge",
            "mill_cottage_bedroom",
        )
    } <= set(kept)
    assert kept["sensor.elm_street_kitchen_temperature"]["unit_of_measurement"] == "°C"


async def test_values_follow_the_rooms(
    hass: HomeAssistant,
    account: MockConfigEntry,
    netatmo: NetatmoControl,
    virtual: VirtualTime,
) -> None:
    """Temperature, heating power request and open window are the simulated room's own."""
    await call(
        hass, "climate.set_temperature", "climate.elm_street_kitchen", temperature=28
    )
    netatmo.room("Elm Street", "Bedroom", window=1)
    await virtual.run(timedelta(minutes=15))
    truth = netatmo.truth("Elm Street")

    assert float(state(hass, "sensor.elm_street_kitchen_temperature").state) == (
        pytest.approx(truth["Kitchen"]["measured"], abs=0.5)
    )
    request = state(hass, "sensor.elm_street_kitchen_heating_power_request").state
    assert float(request) == 100
    assert state(hass, "binary_sensor.elm_street_bedroom_open_window").state == "on"
    assert state(hass, "binary_sensor.elm_street_kitchen_open_window").state == "off"
    assert (
        state(hass, "binary_sensor.elm_street_living_room_thermostat_boiler").state
        == "on"
    )


async def test_zero_is_a_value(
    hass: HomeAssistant,
    account: MockConfigEntry,
    virtual: VirtualTime,
) -> None:
    """A valve that asks for nothing says 0 %."""
    await call(hass, "climate.turn_off", "climate.elm_street_kitchen")
    await virtual.run(timedelta(minutes=10))

    request = state(hass, "sensor.elm_street_kitchen_heating_power_request").state
    assert float(request) == 0


async def test_battery_by_the_vendors_thresholds(
    hass: HomeAssistant,
    account: MockConfigEntry,
    netatmo: NetatmoControl,
    virtual: VirtualTime,
) -> None:
    """Millivolts of a thermostat and of a valve mean different charges."""
    thermostat, *_ = netatmo.module_ids("Elm Street", "NATherm1")
    netatmo.module("Elm Street", thermostat, battery_mv=3000)
    for valve in netatmo.module_ids("Elm Street", "NRV"):
        netatmo.module("Elm Street", valve, battery_mv=3000)
    await virtual.run(timedelta(minutes=6))

    batteries = {
        found.entity_id: found.state
        for found in hass.states.async_all("sensor")
        if found.attributes.get("device_class") == "battery"
        and found.entity_id.startswith("sensor.elm_street")
    }
    assert batteries.pop("sensor.elm_street_living_room_thermostat_battery") == "0"
    assert list(batteries.values()) == ["80", "80", "80"]


async def test_diagnostic_values(
    hass: HomeAssistant,
    account: MockConfigEntry,
    netatmo: NetatmoControl,
    virtual: VirtualTime,
) -> None:
    """Radio, Wi-Fi, heating ahead, connectivity and the setpoint's end, once enabled."""
    enable(hass, "_strength", "_heating_ahead", "_connectivity", "_end_of_the_setpoint")
    netatmo.room("Elm Street", "Office", anticipating=True)
    netatmo.room("Elm Street", "Bedroom", reachable=False)
    await reload_homes(hass, virtual)
    begin = virtual.now
    await call(
        hass,
        "climate.set_preset_mode",
        "climate.elm_street_kitchen",
        preset_mode="boost",
    )

    assert 40 <= int(state(hass, "sensor.elm_street_relay_wi_fi_strength").state) < 70
    assert (
        50
        <= int(
            state(hass, "sensor.elm_street_living_room_thermostat_radio_strength").state
        )
        < 75
    )
    ahead = {
        room: state(hass, f"binary_sensor.elm_street_{room}_heating_ahead").state
        for room in ("office", "kitchen", "bedroom")
    }
    assert ahead == {"office": "on", "kitchen": "off", "bedroom": STATE_UNAVAILABLE}
    reached = {
        room: state(hass, f"binary_sensor.elm_street_{room}_connectivity").state
        for room in ("office", "bedroom", "relay")
    }
    assert reached == {"office": "on", "bedroom": "off", "relay": "on"}
    end = state(hass, "sensor.elm_street_kitchen_end_of_the_setpoint").state
    assert end == (begin + timedelta(hours=1)).isoformat()
    assert (
        state(hass, "sensor.elm_street_office_end_of_the_setpoint").state
        == STATE_UNKNOWN
    )


async def test_gateway_off(
    hass: HomeAssistant,
    account: MockConfigEntry,
    netatmo: NetatmoControl,
    virtual: VirtualTime,
) -> None:
    """A home whose gateway is off is unavailable, its neighbour on the account is not."""
    netatmo.home("Elm Street", "offline")
    await virtual.run(timedelta(minutes=6))

    assert state(hass, "sensor.elm_street_kitchen_temperature").state == (
        STATE_UNAVAILABLE
    )
    assert state(hass, "sensor.elm_street_living_room_thermostat_battery").state == (
        STATE_UNAVAILABLE
    )
    float(state(hass, "sensor.mill_cottage_hall_temperature").state)

    netatmo.home("Elm Street", "online")
    await virtual.run(timedelta(minutes=6))
    float(state(hass, "sensor.elm_street_kitchen_temperature").state)


async def test_without_an_account(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    netatmo: NetatmoControl,
    virtual: VirtualTime,
    entity_registry: er.EntityRegistry,
) -> None:
    """All entities exist without a request, unavailable; only past changes stay."""
    await set_up(
        hass,
        home_entry(
            "Elm Street", heating_subentry(heating_source(netatmo, "Elm Street"))
        ),
    )

    found = {
        entity.entity_id: state(hass, entity.entity_id).state
        for entity in of_heating(entity_registry)
        if entity.disabled_by is None
    }
    assert found.pop("event.elm_street_heating_changes") == STATE_UNKNOWN
    # Living room 4, each of three rooms with valves 5, two selects.
    assert len(found) == 4 + 3 * 5 + 2
    assert set(found.values()) == {STATE_UNAVAILABLE}
    assert netatmo.calls(NETATMO_USER) == {}


async def test_outage_and_back(
    hass: HomeAssistant,
    account: MockConfigEntry,
    simulator: SimulatorClient,
    virtual: VirtualTime,
) -> None:
    """While the cloud is away all of a home's heating is unavailable, and comes back."""
    simulator.fault("http_503")
    await virtual.run(timedelta(minutes=20))
    for entity_id in (
        "sensor.elm_street_kitchen_temperature",
        "climate.elm_street_kitchen",
        MODE,
        SCHEDULE,
    ):
        assert state(hass, entity_id).state == STATE_UNAVAILABLE

    simulator.clear_faults()
    await virtual.run(timedelta(minutes=20))
    await call(
        hass, "climate.set_temperature", "climate.elm_street_kitchen", temperature=18
    )
    assert shown(hass, "climate.elm_street_kitchen", "temperature") == ("heat", 18.0)


@pytest.mark.parametrize(
    ("user", "home", "some", "others"),
    [
        (
            NETATMO_TERRACE_USER,
            "Terrace 2",
            {"sensor.terrace_2_parlour_heating_power_request"},
            {"binary_sensor.terrace_2_thermostat_boiler"},
        ),
        (
            NETATMO_TERRACE_USER,
            "Terrace 1",
            {
                "sensor.terrace_1_front_room_heating_power_request",
                "binary_sensor.terrace_1_front_room_open_window",
                "binary_sensor.terrace_1_front_room_thermostat_boiler",
            },
            set(),
        ),
        (
            NETATMO_ODD_USER,
            "Manor",
            {"sensor.manor_library_temperature"},
            {"sensor.manor_library_heating_power_request"},
        ),
        (
            NETATMO_ODD_USER,
            "Studio",
            {"climate.studio_studio", "sensor.studio_studio_temperature"},
            {"sensor.studio_studio_heating_power_request"},
        ),
    ],
)
async def test_only_what_the_vendor_tells(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    netatmo: NetatmoControl,
    virtual: VirtualTime,
    user: str,
    home: str,
    some: set[str],
    others: set[str],
) -> None:
    """A room without a valve has no heating power request, one without thermostat no boiler."""
    await heat(hass, netatmo, virtual, home, user=user)
    found = set(hass.states.async_entity_ids())

    assert some <= found
    assert not others & found
    unknown = {
        entity_id
        for entity_id in found
        if state(hass, entity_id).state in {STATE_UNKNOWN, STATE_UNAVAILABLE}
    }
    assert {one.split(".")[0] for one in unknown} <= {"event", "sensor"}
    assert not {one for one in unknown if one.endswith(("temperature", "battery"))}


# Selects


async def test_home_mode(
    hass: HomeAssistant,
    account: MockConfigEntry,
    netatmo: NetatmoControl,
    virtual: VirtualTime,
) -> None:
    """A mode is for the whole home and no other, shows at once and holds."""
    assert shown(hass, MODE, "options") == (
        "schedule",
        ["schedule", "away", "frost_guard"],
    )
    before = setpoints(netatmo, "Mill Cottage")

    await call(hass, "select.select_option", MODE, option="away")

    assert state(hass, MODE).state == "away"
    assert commands(netatmo) == {"setthermmode": 1}
    assert {mode for mode, _, _ in setpoints(netatmo, "Elm Street").values()} == {
        "away"
    }
    assert shown(hass, "climate.elm_street_kitchen", "preset_mode") == ("auto", "away")
    assert setpoints(netatmo, "Mill Cottage") == before

    await virtual.move_to(virtual.now + timedelta(days=30))
    await virtual.run(timedelta(minutes=6))
    assert state(hass, MODE).state == "away"
    await call(hass, "select.select_option", MODE, option="schedule")
    await virtual.run(timedelta(minutes=5))
    assert state(hass, MODE).state == "schedule"
    assert state(hass, "climate.elm_street_kitchen").attributes["preset_mode"] == (
        "schedule"
    )


async def test_schedule(
    hass: HomeAssistant,
    account: MockConfigEntry,
    netatmo: NetatmoControl,
    virtual: VirtualTime,
) -> None:
    """A schedule is selected by its name, and another one chosen in the app shows."""
    first, second, *_ = state(hass, SCHEDULE).attributes["options"]
    assert state(hass, SCHEDULE).state == first

    await call(hass, "select.select_option", SCHEDULE, option=second)

    assert state(hass, SCHEDULE).state == second
    assert commands(netatmo) == {"switchhomeschedule": 1}
    await virtual.run(timedelta(minutes=5))
    assert state(hass, SCHEDULE).state == second

    netatmo.home("Elm Street", "schedule", schedule=first)
    await virtual.run(timedelta(minutes=70))
    assert state(hass, SCHEDULE).state == first


@pytest.mark.parametrize("entity_id", [MODE, SCHEDULE])
async def test_select_what_is_not_there(
    hass: HomeAssistant,
    account: MockConfigEntry,
    netatmo: NetatmoControl,
    entity_id: str,
) -> None:
    """An unknown choice is an error that names the choices; nothing is sent."""
    first: str = state(hass, entity_id).attributes["options"][0]
    with pytest.raises(ServiceValidationError, match=first):
        await call(hass, "select.select_option", entity_id, option="Holiday")

    assert commands(netatmo) == {}


@pytest.mark.parametrize(
    ("entity_id", "command", "choice"),
    [(MODE, "setthermmode", 1), (SCHEDULE, "switchhomeschedule", 1)],
)
async def test_select_refused(
    hass: HomeAssistant,
    account: MockConfigEntry,
    simulator: SimulatorClient,
    entity_id: str,
    command: str,
    choice: int,
) -> None:
    """A refusal is a translated error, and what was before is shown."""
    before = state(hass, entity_id).state
    simulator.fault("invalid_argument", command, count=1)
    option: Any = state(hass, entity_id).attributes["options"][choice]

    with pytest.raises(HomeAssistantError) as refused:
        await call(hass, "select.select_option", entity_id, option=option)

    assert refused.value.translation_domain == DOMAIN
    assert state(hass, entity_id).state == before


# Account


async def test_quota_sensors_count(
    hass: HomeAssistant,
    account: MockConfigEntry,
    netatmo: NetatmoControl,
    virtual: VirtualTime,
) -> None:
    """What the account has left falls by what it used, as the cloud counts it."""
    prefix = f"sensor.netatmo_{account.title[-4:].lower()}"
    assert state(hass, f"{prefix}_cloud").state == "connected"
    enable(hass, "_in_the_last_hour")
    await hass.config_entries.async_reload(account.entry_id)
    await virtual.run(timedelta(minutes=30))

    made = int(state(hass, f"{prefix}_calls_in_the_last_hour").state)
    left = int(state(hass, f"{prefix}_calls_left_this_hour").state)
    assert made == sum(netatmo.calls().values())
    assert made + left == 500
    assert int(state(hass, f"{prefix}_calls_of_the_app_in_the_last_hour").state) == made
