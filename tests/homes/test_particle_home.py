"""Homes with Particle boards: as a meter beside others, as sensors, through everything."""

from datetime import datetime, timedelta
from typing import Any

from homeassistant.components.recorder import Recorder
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.energy_homes.const import DOMAIN
from custom_components.energy_homes.metering.model import MeterRole
from custom_components.energy_homes.models import MeterSource, SensorsSource
from tests.builders import (
    account_entry,
    efergy_revision,
    home_entry,
    meter_subentry,
    particle_entry,
    particle_revision,
    set_up,
    state_of,
)
from tests.flows.helpers import start_change, submit
from tests.particle_control import (
    MILL_BOARD,
    PARTICLE_ODD_TOKEN,
    PARTICLE_TOKEN,
    ParticleControl,
)
from tests.simulator_client import MILL_TOKEN, SimulatorClient
from tests.virtual import VirtualTime

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOME = "Mill Cottage"
POWER = "sensor.mill_cottage_fridge_power"
ENERGY = "sensor.mill_cottage_fridge_energy"
ONLINE = "binary_sensor.mill_cottage_fridge_online"


def slots_kwh(truth: dict[str, Any]) -> float:
    """Return the energy of the slots that a board's readings cover."""
    return float(sum(kwh for _, kwh in truth["slots"] if kwh is not None))


async def home_with_board(
    hass: HomeAssistant, particle: ParticleControl
) -> MockConfigEntry:
    """Return a home with a board on its fridge, its account set up too."""
    board_id = particle.device_id()
    home = home_entry(
        HOME,
        meter_subentry(
            "fridge",
            particle_revision(board_id),
            name="Fridge",
            role=MeterRole.SUBMETER,
        ),
    )
    await set_up(hass, particle_entry(PARTICLE_TOKEN), home)
    return home


@pytest.mark.heavy
async def test_energy_agrees_with_what_the_board_published(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    particle: ParticleControl,
    virtual: VirtualTime,
) -> None:
    """Also when the stream was cut three times; the home's own total stays at nothing."""
    await home_with_board(hass, particle)
    await virtual.run(5 * MINUTE)
    begin = virtual.now
    for _ in range(3):
        await virtual.run(9 * MINUTE)
        particle.cut()
    await virtual.run(10 * MINUTE)
    end = virtual.now.replace(minute=virtual.now.minute // 5 * 5, second=0)
    truth = particle.truth(from_=begin, to=end)
    expected = slots_kwh(truth)
    assert expected > 0.005
    await virtual.run(2 * MINUTE)
    total = float(state_of(hass, ENERGY))
    assert total == pytest.approx(expected, rel=0.005)
    assert state_of(hass, "sensor.mill_cottage_energy") == "0.0"
    assert state_of(hass, "sensor.mill_cottage_power") == "unavailable"


async def test_a_submeter_adds_nothing_to_the_home(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    simulator: SimulatorClient,
    particle: ParticleControl,
    virtual: VirtualTime,
) -> None:
    """The home's power and energy are those of its grid meter."""
    await set_up(
        hass,
        account_entry(MILL_TOKEN, "efergy_mill"),
        particle_entry(PARTICLE_TOKEN),
        home_entry(
            HOME,
            meter_subentry("grid", efergy_revision("efergy_mill", "720001")),
            meter_subentry(
                "fridge",
                particle_revision(particle.device_id()),
                name="Fridge",
                role=MeterRole.SUBMETER,
            ),
        ),
    )
    await virtual.run(12 * MINUTE)
    registry = er.async_get(hass)
    grid = registry.async_get_entity_id("sensor", DOMAIN, "grid_energy")
    assert grid is not None
    home = hass.config_entries.async_entries(DOMAIN)[-1].runtime_data
    assert home.data.meters["fridge"].energy > 0
    assert home.data.energy == home.data.meters["grid"].energy
    assert home.data.power == home.data.meters["grid"].power


async def test_power_is_shown_at_once_or_soon(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    particle: ParticleControl,
    virtual: VirtualTime,
) -> None:
    """What moves little is written every 10 s at most, a jump when it is heard."""
    particle.add("kettle", watts=1000)
    board_id = particle.device_id("kettle")
    await set_up(
        hass,
        particle_entry(PARTICLE_TOKEN),
        home_entry(
            HOME,
            meter_subentry(
                "kettle",
                particle_revision(board_id),
                name="Fridge",
                role=MeterRole.SUBMETER,
            ),
        ),
    )
    await virtual.run(20 * SECOND)
    written: list[tuple[datetime, str]] = []

    @callback
    def write(event: Event[Any]) -> None:
        """Note what would be stored."""
        if event.data["entity_id"] == POWER:
            written.append((virtual.now, event.data["new_state"].state))

    hass.bus.async_listen("state_changed", write)
    begin = virtual.now
    for watts in (1001, 1002, 1003, 1001, 1002, 1003, 1001):
        at = virtual.now + SECOND
        particle.publish("power", str(watts), "kettle", at)
        await virtual.run(4 * SECOND)
    # The board said it fourteen times.
    assert 2 <= len(written) <= 6
    at = virtual.now + SECOND
    particle.publish("power", "2000", "kettle", at)
    await virtual.run(2 * SECOND)
    assert written[-1][1] == "2000.0"
    assert virtual.now - begin < MINUTE


async def test_a_board_that_goes_and_an_account_that_goes(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    particle: ParticleControl,
    virtual: VirtualTime,
) -> None:
    """Power is unavailable, energy stays, and people see whether the board is there."""
    await home_with_board(hass, particle)
    await virtual.run(6 * MINUTE)
    assert state_of(hass, ONLINE) == "on"
    assert float(state_of(hass, POWER)) > 0
    particle.offline()
    await virtual.run(2 * MINUTE)
    assert state_of(hass, ONLINE) == "off"
    assert state_of(hass, POWER) == "unavailable"
    assert float(state_of(hass, ENERGY)) >= 0
    particle.online()
    await virtual.run(MINUTE)
    assert state_of(hass, ONLINE) == "on"
    assert float(state_of(hass, POWER)) > 0
    (account,) = [
        entry
        for entry in hass.config_entries.async_entries(DOMAIN)
        if entry.data["kind"] == "particle"
    ]
    await hass.config_entries.async_unload(account.entry_id)
    await virtual.settle()
    assert state_of(hass, ONLINE) == "unknown"
    assert state_of(hass, POWER) == "unavailable"


async def test_a_board_takes_the_place_of_another_meter(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    simulator: SimulatorClient,
    particle: ParticleControl,
    virtual: VirtualTime,
) -> None:
    """A replacement goes from one kind to another and back; entities stay."""
    home = home_entry(
        HOME, meter_subentry("grid", efergy_revision("efergy_mill", "720001"))
    )
    await set_up(
        hass,
        account_entry(MILL_TOKEN, "efergy_mill"),
        particle_entry(PARTICLE_TOKEN),
        home,
    )
    await virtual.run(6 * MINUTE)
    before = float(state_of(hass, "sensor.mill_cottage_energy"))
    form = await start_change(hass, home, "replace")
    board = f"particle_account/{particle.device_id()}"
    result = await submit_subentry(hass, form, meter=board, since="2026-11-18")
    assert result["reason"] == "replaced"
    await virtual.run(12 * MINUTE)
    (subentry,) = home.subentries.values()
    source = MeterSource.from_subentry(subentry)
    assert [revision.kind for revision in source.revisions] == ["efergy", "particle"]
    assert float(state_of(hass, "sensor.mill_cottage_energy")) >= before
    (device,) = [
        device
        for device in dr.async_entries_for_config_entry(
            dr.async_get(hass), home.entry_id
        )
        if (DOMAIN, "grid") in device.identifiers
    ]
    assert device.manufacturer == "Particle"


async def submit_subentry(hass: HomeAssistant, form: Any, **fields: Any) -> Any:
    """Fill in a form of a subentry."""
    result = await hass.config_entries.subentries.async_configure(
        form["flow_id"], fields
    )
    await hass.async_block_till_done()
    return result


async def show(hass: HomeAssistant, entry: ConfigEntry, *entity_ids: str) -> None:
    """Let people see entities that are disabled at first."""
    registry = er.async_get(hass)
    for entity_id in entity_ids:
        registry.async_update_entity(entity_id, disabled_by=None)
    await hass.config_entries.async_reload(entry.entry_id)


async def discovered(hass: HomeAssistant, name: str) -> Any:
    """Return the form of a discovered item."""
    (flow,) = [
        flow
        for flow in hass.config_entries.flow.async_progress_by_handler(DOMAIN)
        if flow["context"]["title_placeholders"]["name"].startswith(name)
    ]
    return await hass.config_entries.flow.async_configure(flow["flow_id"])


async def test_boards_are_discovered_as_what_they_are(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    particle: ParticleControl,
    virtual: VirtualTime,
) -> None:
    """A board with a power is a meter; one with a charge has sensors; each one click away."""
    await set_up(hass, particle_entry(PARTICLE_ODD_TOKEN))
    await virtual.run(MINUTE)
    form = await discovered(hass, "older")
    assert form["step_id"] == "assign"
    result = await submit(hass, form, home="Manor", name="Heater", role="submeter")
    await virtual.settle()
    form = await discovered(hass, "battery")
    assert form["step_id"] == "assign_sensors"
    result = await submit(hass, form, home="Manor", name="Battery")
    assert result["reason"] == "assigned"
    await virtual.run(MINUTE)
    assert float(state_of(hass, "sensor.manor_heater_power")) > 0
    charge = hass.states.get("sensor.manor_battery_p2p_state_of_charge")
    assert charge is not None
    assert 0 < float(charge.state) <= 100
    assert charge.attributes["unit_of_measurement"] == "%"
    assert state_of(hass, "binary_sensor.manor_battery_online") == "on"
    (home,) = [
        entry
        for entry in hass.config_entries.async_entries(DOMAIN)
        if entry.data["kind"] == "home"
    ]
    (subentry,) = home.get_subentries_of_type("sensors")
    source = SensorsSource.from_subentry(subentry)
    assert [(s.name, s.unit) for s in source.sensors] == [("P2P_State_of_Charge", "%")]
    await show(hass, home, "sensor.manor_battery_last_event")
    await virtual.run(MINUTE)
    assert state_of(hass, "sensor.manor_battery_last_event") > "2026-11-18T10:0"


async def test_diagnostics_hide_what_is_private(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    particle: ParticleControl,
    virtual: VirtualTime,
) -> None:
    """They tell how the stream goes, and neither token nor boards' names and ids."""
    entry = particle_entry(PARTICLE_TOKEN)
    await set_up(hass, entry)
    await virtual.run(2 * MINUTE)
    shown = await get_diagnostics_for_config_entry(hass, hass_client, entry)
    text = str(shown)
    for private in (PARTICLE_TOKEN, particle.device_id(), MILL_BOARD):
        assert private not in text
    account = shown["account"]
    assert isinstance(account, dict)
    assert account["state"] == "connected"
    assert account["streaming"] is True
    assert account["boards"]["board 1"]["online"] is True
    assert account["boards"]["board 1"]["measures"][0] == {
        "quantity": "power",
        "event": "power",
    }
    assert state_of(hass, "sensor.particle_cloud") == "connected"
    assert state_of(hass, "sensor.particle_last_event") > "2026-11-18T10:00"
    hidden = ("stream_openings_in_the_last_hour", "stream_last_heard")
    await show(hass, entry, *(f"sensor.particle_{name}" for name in hidden))
    await virtual.run(2 * MINUTE)
    assert state_of(hass, f"sensor.particle_{hidden[0]}") == "1"
    assert state_of(hass, f"sensor.particle_{hidden[1]}") > "2026-11-18T10:03"


async def test_a_board_that_two_accounts_have_is_one(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    particle: ParticleControl,
    virtual: VirtualTime,
) -> None:
    """A board of a home is not offered again by a product that it is part of."""
    owner = particle.overview()["tokens"][PARTICLE_TOKEN]["owner"]
    board_id = particle.add("both", owner, watts=50, product=77)
    home = home_entry(
        HOME, meter_subentry("grid", particle_revision(board_id), name="Fridge")
    )
    product = MockConfigEntry(
        domain=DOMAIN,
        title="Product",
        unique_id="particle_product_77",
        data={"kind": "particle", "token": PARTICLE_TOKEN, "product": "77"},
    )
    await set_up(hass, home, product, particle_entry(PARTICLE_TOKEN))
    await virtual.run(MINUTE)
    names = [
        flow["context"]["title_placeholders"]["name"]
        for flow in hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    ]
    assert names == [f"{MILL_BOARD} (Particle)"]
