"""Netatmo homes that turn up later, and those that go missing."""

from datetime import timedelta

from homeassistant.components.recorder import Recorder
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.energy_homes.const import DOMAIN
from tests.builders import (
    heating_source,
    heating_subentry,
    home_entry,
    netatmo_account_entry,
    netatmo_account_id,
    netatmo_credential,
    set_up,
)
from tests.flows.helpers import discovered
from tests.netatmo_control import NETATMO_USER, NetatmoControl
from tests.simulator_client import SimulatorClient
from tests.virtual import VirtualTime

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
TOPOLOGY = timedelta(minutes=80)
"""Within this an account asks which homes it has."""

ELM = "Elm Street"
MILL = "Mill Cottage"
ISSUE = "heating_missing_heating-elm-street"
LODGE = {"name": "Lodge", "rooms": [{"name": "Den"}], "history_days": 1}


@pytest.fixture
async def account(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    netatmo: NetatmoControl,
    virtual: VirtualTime,
) -> MockConfigEntry:
    """Return an account that is not set up yet."""
    await netatmo_credential(hass)
    return netatmo_account_entry(netatmo)


@pytest.fixture
async def elm(
    hass: HomeAssistant, netatmo: NetatmoControl, account: MockConfigEntry
) -> MockConfigEntry:
    """Return a home that Elm Street heats, set up with its account."""
    home = home_entry("Elm", heating_subentry(heating_source(netatmo, ELM)))
    await set_up(hass, account, home)
    return home


def item(netatmo: NetatmoControl, home: str) -> str:
    """Return the id of a Netatmo home's discovered item."""
    return f"{netatmo_account_id(netatmo)}_{netatmo.home_id(home)}"


def issues(issue_registry: ir.IssueRegistry) -> list[str]:
    """Return the ids of our repairs."""
    return [issue_id for domain, issue_id in issue_registry.issues if domain == DOMAIN]


async def test_later_home_is_discovered_and_goes_again(
    hass: HomeAssistant,
    netatmo: NetatmoControl,
    virtual: VirtualTime,
    elm: MockConfigEntry,
) -> None:
    """A new Netatmo home becomes an item within an hour; with the home the item goes."""
    assert discovered(hass) == [item(netatmo, MILL)]
    netatmo.add_home(NETATMO_USER, LODGE)
    await virtual.run(TOPOLOGY)
    assert discovered(hass) == sorted([item(netatmo, MILL), item(netatmo, "Lodge")])

    lodge = item(netatmo, "Lodge")
    (flow,) = hass.config_entries.flow.async_progress_by_handler(
        DOMAIN, match_context={"unique_id": lodge}
    )
    await hass.config_entries.flow.async_configure(flow["flow_id"])
    netatmo.home("Lodge", "remove")
    netatmo.home(MILL, "remove")
    await virtual.run(TOPOLOGY)
    # Somebody looks at this one.
    assert discovered(hass) == [lodge]


async def test_items_go_with_their_account(
    hass: HomeAssistant,
    netatmo: NetatmoControl,
    simulator: SimulatorClient,
    virtual: VirtualTime,
    account: MockConfigEntry,
) -> None:
    """An outage takes no item away, closing one does until the next start."""
    await set_up(hass, account)
    items = sorted([item(netatmo, ELM), item(netatmo, MILL)])
    assert discovered(hass) == items
    simulator.fault("http_502")
    await virtual.run(2 * HOUR)
    assert discovered(hass) == items
    simulator.clear_faults()

    (flow, _) = hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    hass.config_entries.flow.async_abort(flow["flow_id"])
    await virtual.run(2 * HOUR)
    assert len(discovered(hass)) == 1
    await hass.config_entries.async_reload(account.entry_id)
    await hass.async_block_till_done()
    assert discovered(hass) == items
    await hass.config_entries.async_remove(account.entry_id)
    await hass.async_block_till_done()
    assert discovered(hass) == []


async def test_home_of_a_removed_home_is_offered_again(
    hass: HomeAssistant, netatmo: NetatmoControl, elm: MockConfigEntry
) -> None:
    """A Netatmo home that lost its home stands as an item again."""
    await hass.config_entries.async_remove(elm.entry_id)
    await hass.async_block_till_done()
    assert discovered(hass) == sorted([item(netatmo, ELM), item(netatmo, MILL)])


async def test_missing_home_raises_a_repair_after_a_day(
    hass: HomeAssistant,
    netatmo: NetatmoControl,
    simulator: SimulatorClient,
    virtual: VirtualTime,
    elm: MockConfigEntry,
    issue_registry: ir.IssueRegistry,
) -> None:
    """A Netatmo home that its account has not is a repair after a day, and may return."""
    home_id = netatmo.home_id(ELM)
    netatmo.home(ELM, "remove")
    gone = virtual.now
    await virtual.run(10 * MINUTE)
    await virtual.move_to(gone + DAY - MINUTE)
    await virtual.step(MINUTE)
    assert issues(issue_registry) == []
    await virtual.run(20 * MINUTE)
    assert issues(issue_registry) == [ISSUE]
    issue = issue_registry.async_get_issue(DOMAIN, ISSUE)
    assert issue is not None
    assert issue.is_fixable
    assert issue.translation_key == "heating_missing"
    assert issue.translation_placeholders is not None
    account = netatmo_account_id(netatmo)
    assert {**issue.translation_placeholders, "since": ""} == {
        "home": "Elm",
        "meter": "Heating",
        "hardware": f"{home_id} (Netatmo {account[-4:]})",
        "since": "",
    }

    simulator.fault("http_502")
    await virtual.run(HOUR)
    assert issues(issue_registry) == [ISSUE]
    simulator.clear_faults()
    netatmo.add_home(NETATMO_USER, {**LODGE, "name": ELM})
    assert netatmo.home_id(ELM) == home_id
    await virtual.run(2 * HOUR)
    assert issues(issue_registry) == []


async def test_home_of_a_removed_account_is_missing(
    hass: HomeAssistant,
    netatmo: NetatmoControl,
    virtual: VirtualTime,
    elm: MockConfigEntry,
    account: MockConfigEntry,
    issue_registry: ir.IssueRegistry,
) -> None:
    """A home whose account is gone says so after a day; the account brings it back."""
    await hass.config_entries.async_remove(account.entry_id)
    await virtual.move_to(virtual.now + DAY + 10 * MINUTE)
    await virtual.step(MINUTE)
    assert issues(issue_registry) == [ISSUE]

    await set_up(hass, netatmo_account_entry(netatmo))
    await virtual.step(MINUTE)
    assert issues(issue_registry) == []


async def test_account_that_cannot_be_asked_says_nothing_of_homes(
    hass: HomeAssistant,
    simulator: SimulatorClient,
    virtual: VirtualTime,
    elm: MockConfigEntry,
    account: MockConfigEntry,
    issue_registry: ir.IssueRegistry,
) -> None:
    """An outage, or an account that is not loaded, is no missing home."""
    simulator.fault("http_502")
    await virtual.run(10 * MINUTE)
    await virtual.move_to(virtual.now + 2 * DAY)
    await virtual.run(15 * MINUTE)
    assert issues(issue_registry) == []
    await hass.config_entries.async_unload(account.entry_id)
    await virtual.move_to(virtual.now + 2 * DAY)
    await virtual.run(15 * MINUTE)
    assert issues(issue_registry) == []
