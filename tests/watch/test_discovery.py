"""Meters that turn up later, and meters that go missing."""

from datetime import timedelta

from homeassistant.components.recorder import Recorder
from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntry
from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE, STATE_UNAVAILABLE
from homeassistant.core import CALLBACK_TYPE, CoreState, HomeAssistant
from homeassistant.helpers import entity_registry as er, issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.energy_homes.accounts.registry import DATA_ACCOUNTS
from custom_components.energy_homes.const import DOMAIN
from custom_components.energy_homes.watch.discovery import async_start_discovery
from tests.builders import (
    account_entry,
    efergy_revision,
    entity_revision,
    home_entry,
    meter_subentry,
    set_up,
)
from tests.flows.helpers import (
    ELM_ACCOUNT,
    MILL_ACCOUNT,
    MILL_GRID,
    POWER,
    discovered,
    start_change,
    state,
    submit_meter,
)
from tests.simulator_client import ELM_TOKEN, MILL_TOKEN, SimulatorClient
from tests.virtual import VirtualTime

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def issues(issue_registry: ir.IssueRegistry) -> list[str]:
    """Return the ids of our repairs."""
    return [issue_id for domain, issue_id in issue_registry.issues if domain == DOMAIN]


@pytest.fixture
def account(recorder_mock: Recorder, hass: HomeAssistant) -> MockConfigEntry:
    """Return Mill Cottage's account, not yet set up."""
    return account_entry(MILL_TOKEN, MILL_ACCOUNT)


@pytest.fixture
async def mill(
    account: MockConfigEntry,
    hass: HomeAssistant,
    simulator: SimulatorClient,
    virtual: VirtualTime,
) -> MockConfigEntry:
    """Set up Mill Cottage with its account; return the home."""
    home = home_entry(
        "Mill Cottage", meter_subentry("mill", efergy_revision(MILL_ACCOUNT, MILL_GRID))
    )
    await set_up(hass, account, home)
    await virtual.step(MINUTE)
    return home


async def test_later_meter_is_discovered_and_goes_again(
    hass: HomeAssistant,
    simulator: SimulatorClient,
    virtual: VirtualTime,
    mill: MockConfigEntry,
) -> None:
    """A new meter becomes an item within minutes; with the meter the item goes."""
    assert discovered(hass) == []
    simulator.meter(MILL_TOKEN, "99", "add", role="generation", seed=5)
    await virtual.step(2 * MINUTE)
    assert discovered(hass) == [f"{MILL_ACCOUNT}_99"]

    simulator.meter(MILL_TOKEN, "99", "remove")
    await virtual.step(2 * MINUTE)
    assert discovered(hass) == []


async def test_item_that_somebody_looks_at_stays(
    hass: HomeAssistant,
    simulator: SimulatorClient,
    virtual: VirtualTime,
    mill: MockConfigEntry,
) -> None:
    """A form that is open is not taken away because the meter is silent for a while."""
    simulator.meter(MILL_TOKEN, "99", "add", role="generation", seed=5)
    await virtual.step(2 * MINUTE)
    (flow,) = hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    await hass.config_entries.flow.async_configure(flow["flow_id"])
    simulator.meter(MILL_TOKEN, "99", "remove")
    await virtual.step(2 * MINUTE)
    assert discovered(hass) == [f"{MILL_ACCOUNT}_99"]


async def test_item_that_was_dismissed_is_not_shown_again(
    hass: HomeAssistant,
    simulator: SimulatorClient,
    virtual: VirtualTime,
    account: MockConfigEntry,
) -> None:
    """A closed item comes back with the next start of its account, not with a poll."""
    await set_up(hass, account)
    (flow,) = hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    hass.config_entries.flow.async_abort(flow["flow_id"])
    other = MockConfigEntry(domain="other")
    other.add_to_hass(hass)
    hass.config_entries.async_update_entry(other, title="Of no concern")
    await virtual.step(2 * MINUTE)
    assert discovered(hass) == []

    await hass.config_entries.async_reload(account.entry_id)
    await hass.async_block_till_done()
    assert discovered(hass) == [f"{MILL_ACCOUNT}_{MILL_GRID}"]


async def test_items_go_with_their_account(
    hass: HomeAssistant,
    simulator: SimulatorClient,
    virtual: VirtualTime,
    account: MockConfigEntry,
) -> None:
    """Nothing of a removed account is left; an outage of the cloud takes nothing away."""
    elm = account_entry(ELM_TOKEN, ELM_ACCOUNT)
    await set_up(hass, elm, account)
    simulator.fault("http_503")
    await virtual.step(2 * MINUTE)
    assert len(discovered(hass)) == 3

    await hass.config_entries.async_remove(elm.entry_id)
    await hass.async_block_till_done()
    assert discovered(hass) == [f"{MILL_ACCOUNT}_{MILL_GRID}"]


async def test_nothing_is_offered_while_home_assistant_stops(
    hass: HomeAssistant,
    simulator: SimulatorClient,
    virtual: VirtualTime,
    account: MockConfigEntry,
) -> None:
    """A meter that turns up at the very end is left to the next start."""
    await set_up(hass, account)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
    await hass.async_block_till_done()
    simulator.meter(MILL_TOKEN, "99", "add", role="generation", seed=5)
    await virtual.step(2 * MINUTE)
    assert discovered(hass) == [f"{MILL_ACCOUNT}_{MILL_GRID}"]


async def test_meter_of_a_removed_home_is_offered_again(
    hass: HomeAssistant, mill: MockConfigEntry
) -> None:
    """A meter that lost its home stands as an item again."""
    await hass.config_entries.async_remove(mill.entry_id)
    await hass.async_block_till_done()
    assert discovered(hass) == [f"{MILL_ACCOUNT}_{MILL_GRID}"]


async def test_replaced_meter_is_not_offered(
    hass: HomeAssistant, virtual: VirtualTime, mill: MockConfigEntry
) -> None:
    """The old hardware may go on reporting; nobody is asked about it."""
    hass.states.async_set("sensor.clamp", "1", POWER)
    form = await start_change(hass, mill, "replace")
    await submit_meter(hass, form, meter="entity", entity="sensor.clamp")
    await virtual.step(MINUTE)
    assert discovered(hass) == []


async def test_missing_meter_raises_a_repair_after_a_day(
    hass: HomeAssistant,
    simulator: SimulatorClient,
    virtual: VirtualTime,
    mill: MockConfigEntry,
    issue_registry: ir.IssueRegistry,
) -> None:
    """A meter that is gone is unavailable at once, a repair after a day, and may return."""
    simulator.meter(MILL_TOKEN, MILL_GRID, "silence")
    gone = virtual.now
    await virtual.step(10 * MINUTE)
    assert state(hass, "sensor.mill_cottage_power") == STATE_UNAVAILABLE
    await virtual.move_to(gone + DAY - MINUTE)
    await virtual.step(MINUTE)
    assert issues(issue_registry) == []

    await virtual.step(15 * MINUTE)
    assert issues(issue_registry) == ["meter_missing_mill"]
    issue = issue_registry.async_get_issue(DOMAIN, "meter_missing_mill")
    assert issue is not None
    assert issue.is_fixable
    assert issue.is_persistent
    assert issue.translation_placeholders is not None
    assert issue.translation_placeholders["home"] == "Mill Cottage"
    assert issue.translation_placeholders["meter"] == "Electricity meter"
    assert issue.translation_placeholders["hardware"] == f"{MILL_GRID} (Efergy)"

    simulator.fault("http_503")
    await virtual.step(5 * MINUTE)
    assert issues(issue_registry) == ["meter_missing_mill"]
    simulator.clear_faults()
    simulator.meter(MILL_TOKEN, MILL_GRID, "wake")
    await virtual.step(20 * MINUTE)
    assert issues(issue_registry) == []


async def test_repair_goes_with_the_home(
    hass: HomeAssistant,
    simulator: SimulatorClient,
    virtual: VirtualTime,
    mill: MockConfigEntry,
    issue_registry: ir.IssueRegistry,
) -> None:
    """Nobody is asked to repair a home that is gone."""
    simulator.meter(MILL_TOKEN, MILL_GRID, "remove")
    await virtual.step(10 * MINUTE)
    await virtual.move_to(virtual.now + DAY)
    await virtual.step(10 * MINUTE)
    assert issues(issue_registry) == ["meter_missing_mill"]

    await hass.config_entries.async_remove(mill.entry_id)
    await hass.async_block_till_done()
    assert issues(issue_registry) == []


async def test_meter_of_a_removed_account_is_missing(
    hass: HomeAssistant,
    virtual: VirtualTime,
    mill: MockConfigEntry,
    account: MockConfigEntry,
    issue_registry: ir.IssueRegistry,
) -> None:
    """A home whose account is gone says so after a day; the account brings it back."""
    await hass.config_entries.async_remove(account.entry_id)
    await virtual.move_to(virtual.now + DAY + 10 * MINUTE)
    await virtual.step(MINUTE)
    assert issues(issue_registry) == ["meter_missing_mill"]

    await set_up(hass, account_entry(MILL_TOKEN, MILL_ACCOUNT))
    await virtual.step(MINUTE)
    assert issues(issue_registry) == []


async def test_meter_that_its_account_does_not_know(
    hass: HomeAssistant,
    virtual: VirtualTime,
    account: MockConfigEntry,
    issue_registry: ir.IssueRegistry,
) -> None:
    """A home with a meter that its account never heard of says so after a day."""
    home = home_entry("Attic", meter_subentry("a", efergy_revision(MILL_ACCOUNT, "5")))
    await set_up(hass, account, home)
    await virtual.move_to(virtual.now + DAY - MINUTE)
    assert issues(issue_registry) == []
    await virtual.step(2 * MINUTE)
    assert issues(issue_registry) == ["meter_missing_a"]


async def test_account_that_cannot_be_asked_says_nothing_of_meters(
    hass: HomeAssistant,
    simulator: SimulatorClient,
    virtual: VirtualTime,
    mill: MockConfigEntry,
    issue_registry: ir.IssueRegistry,
) -> None:
    """An outage or a refused token is no missing meter."""
    simulator.fault("bad_token")
    await virtual.step(2 * MINUTE)
    await virtual.move_to(virtual.now + 2 * DAY)
    await virtual.step(MINUTE)
    assert issues(issue_registry) == []
    assert any(
        flow["context"]["source"] == SOURCE_REAUTH
        for flow in hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    )


@pytest.fixture
async def shed(
    recorder_mock: Recorder, hass: HomeAssistant, virtual: VirtualTime
) -> ConfigEntry:
    """Set up a home with an entity as its meter."""
    registered = er.async_get(hass).async_get_or_create("sensor", "test", "clamp")
    hass.states.async_set(registered.entity_id, "1", POWER)
    home: ConfigEntry = home_entry(
        "Shed", meter_subentry("shed", entity_revision(registered.id))
    )
    await set_up(hass, home)
    return home


async def test_unavailable_entity_is_missing(
    hass: HomeAssistant,
    virtual: VirtualTime,
    shed: ConfigEntry,
    issue_registry: ir.IssueRegistry,
) -> None:
    """An entity that is unavailable for a day raises the same repair."""
    hass.states.async_set("sensor.test_clamp", STATE_UNAVAILABLE, POWER)
    await virtual.move_to(virtual.now + DAY + 10 * MINUTE)
    assert issues(issue_registry) == ["meter_missing_shed"]
    issue = issue_registry.async_get_issue(DOMAIN, "meter_missing_shed")
    assert issue is not None
    assert issue.translation_placeholders is not None
    assert issue.translation_placeholders["hardware"] == "sensor.test_clamp"

    hass.states.async_set("sensor.test_clamp", "1", POWER)
    await virtual.move_to(virtual.now + 10 * MINUTE)
    assert issues(issue_registry) == []


async def test_removed_entity_is_missing_also_after_a_restart(
    hass: HomeAssistant,
    virtual: VirtualTime,
    shed: ConfigEntry,
    issue_registry: ir.IssueRegistry,
    entity_registry: er.EntityRegistry,
) -> None:
    """A repair that an earlier run raised stays until the meter is replaced."""
    entity_registry.async_remove("sensor.test_clamp")
    await virtual.move_to(virtual.now + 10 * MINUTE)
    assert issues(issue_registry) == []
    ir.async_create_issue(
        hass,
        DOMAIN,
        "meter_missing_shed",
        is_fixable=True,
        is_persistent=True,
        severity=ir.IssueSeverity.WARNING,
        translation_key="meter_missing",
    )
    await virtual.move_to(virtual.now + 10 * MINUTE)
    assert issues(issue_registry) == ["meter_missing_shed"]

    hass.states.async_set("sensor.new", "1", POWER)
    form = await start_change(hass, shed, "replace")
    await submit_meter(hass, form, meter="entity", entity="sensor.new")
    assert issues(issue_registry) == []


async def test_meter_that_is_to_be_replaced_is_left_alone(
    hass: HomeAssistant,
    virtual: VirtualTime,
    shed: ConfigEntry,
    issue_registry: ir.IssueRegistry,
) -> None:
    """New hardware from tomorrow on answers the repair today."""
    hass.states.async_set("sensor.test_clamp", STATE_UNAVAILABLE, POWER)
    await virtual.move_to(virtual.now + DAY + 10 * MINUTE)
    assert issues(issue_registry) == ["meter_missing_shed"]
    hass.states.async_set("sensor.new", "1", POWER)
    form = await start_change(hass, shed, "replace")
    day = (virtual.now + DAY).date().isoformat()
    await submit_meter(hass, form, meter="entity", entity="sensor.new", since=day)
    assert issues(issue_registry) == []


async def restart(hass: HomeAssistant) -> CALLBACK_TYPE:
    """Stop following meters as Home Assistant's end does, and begin again."""
    hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
    await hass.async_block_till_done()
    return await async_start_discovery(hass, hass.data[DATA_ACCOUNTS])


async def test_restarts_do_not_make_an_entity_young_again(
    hass: HomeAssistant,
    virtual: VirtualTime,
    shed: ConfigEntry,
    issue_registry: ir.IssueRegistry,
) -> None:
    """A day is a day, though every start gives an unavailable entity a new state."""
    hass.states.async_set("sensor.test_clamp", STATE_UNAVAILABLE, POWER)
    gone = virtual.now
    await virtual.move_to(gone + 20 * HOUR)
    hass.states.async_remove("sensor.test_clamp")
    stop = await restart(hass)
    hass.states.async_set("sensor.test_clamp", STATE_UNAVAILABLE, POWER)
    await virtual.move_to(gone + DAY - MINUTE)
    assert issues(issue_registry) == []
    await virtual.move_to(gone + DAY + 10 * MINUTE)
    assert issues(issue_registry) == ["meter_missing_shed"]
    stop()


async def test_restarts_do_not_bring_a_removed_account_back(
    hass: HomeAssistant,
    virtual: VirtualTime,
    mill: MockConfigEntry,
    account: MockConfigEntry,
    issue_registry: ir.IssueRegistry,
) -> None:
    """When an account was noticed to be gone outlives a restart."""
    await hass.config_entries.async_remove(account.entry_id)
    gone = virtual.now
    await virtual.move_to(gone + 20 * HOUR)
    stop = await restart(hass)
    await virtual.move_to(gone + DAY + 10 * MINUTE)
    assert issues(issue_registry) == ["meter_missing_mill"]
    stop()


async def test_entity_that_was_there_meanwhile(
    hass: HomeAssistant,
    virtual: VirtualTime,
    shed: ConfigEntry,
    issue_registry: ir.IssueRegistry,
) -> None:
    """An entity that came and went between two looks is missing since it went."""
    hass.states.async_set("sensor.test_clamp", STATE_UNAVAILABLE, POWER)
    gone = virtual.now
    await virtual.move_to(gone + 20 * HOUR)
    hass.states.async_set("sensor.test_clamp", "1", POWER)
    hass.states.async_set("sensor.test_clamp", STATE_UNAVAILABLE, POWER)
    await virtual.move_to(gone + DAY + HOUR)
    assert issues(issue_registry) == []
    await virtual.move_to(gone + DAY + 21 * HOUR)
    assert issues(issue_registry) == ["meter_missing_shed"]


async def test_nothing_is_missing_while_home_assistant_starts(
    hass: HomeAssistant,
    virtual: VirtualTime,
    shed: ConfigEntry,
    issue_registry: ir.IssueRegistry,
) -> None:
    """An entity that another integration still has to bring is given time."""
    hass.states.async_set("sensor.test_clamp", STATE_UNAVAILABLE, POWER)
    gone = virtual.now
    await virtual.move_to(gone + HOUR)
    hass.states.async_remove("sensor.test_clamp")
    hass.set_state(CoreState.starting)
    stop = await restart(hass)
    await virtual.move_to(gone + 2 * DAY)
    assert issues(issue_registry) == []

    hass.states.async_set("sensor.test_clamp", "1", POWER)
    hass.set_state(CoreState.running)
    await virtual.move_to(gone + 2 * DAY + 10 * MINUTE)
    assert issues(issue_registry) == []
    stop()
