"""Gaps that an account could fill: told where somebody can act, and for how long."""

from datetime import timedelta
from typing import Any

from homeassistant.components.recorder import Recorder
from homeassistant.config_entries import ConfigEntryDisabler
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.energy_homes.const import DOMAIN
from custom_components.energy_homes.ledger.opening import DATA_LEDGER
from custom_components.energy_homes.metering.model import SLOT, MeterRole, unknown_slot
from simulator.scenario import MILL_TOKEN
from tests.builders import (
    account_entry,
    efergy_revision,
    home_entry,
    meter_subentry,
    set_up,
    state_of,
)
from tests.simulator_client import SimulatorClient
from tests.virtual import VirtualTime

ISSUE = "history_account_mill"
UNKNOWN_HOURS = "sensor.mill_cottage_unknown_hours_of_the_last_30_days"
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


@pytest.fixture
async def home(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    simulator: SimulatorClient,
    virtual: VirtualTime,
) -> MockConfigEntry:
    """Set up Mill Cottage without its account, and with a gap of yesterday."""
    entry = home_entry(
        "Mill Cottage", meter_subentry("mill", efergy_revision("efergy_mill", "720001"))
    )
    await set_up(hass, entry)
    begin = virtual.now - 24 * HOUR
    await hass.data[DATA_LEDGER].slots.async_settle(
        "mill",
        MeterRole.GRID,
        [unknown_slot(begin + number * SLOT) for number in range(30)],
        [],
    )
    return entry


async def repair(hass: HomeAssistant, **data: object) -> Any:
    """Repair homes on request."""
    return await hass.services.async_call(
        DOMAIN, "repair_gaps", data, blocking=True, return_response=True
    )


def issue(hass: HomeAssistant) -> ir.IssueEntry | None:
    """Return the issue of the home's meter."""
    return ir.async_get(hass).async_get_issue(DOMAIN, ISSUE)


async def test_account_that_was_removed(
    hass: HomeAssistant, home: MockConfigEntry, virtual: VirtualTime
) -> None:
    """The first look tells; the account's return fills the gaps and takes it back."""
    await virtual.run(16 * MINUTE)
    told = issue(hass)
    assert told is not None
    assert told.translation_placeholders == {
        "home": "Mill Cottage",
        "meter": "Electricity meter",
        "hours": "2.5",
        "account": "efergy_mill",
    }

    await set_up(hass, account_entry(MILL_TOKEN, "efergy_mill"))
    await virtual.run(2 * MINUTE)
    # What is looked at is not all: the message stays.
    await repair(hass, start="2026-11-17 12:00", end="2026-11-17 13:00")
    assert issue(hass) is not None
    await repair(hass)
    assert issue(hass) is None
    await virtual.run(10 * MINUTE)
    assert float(state_of(hass, UNKNOWN_HOURS)) < 0.5


async def test_account_that_is_disabled(
    hass: HomeAssistant, home: MockConfigEntry
) -> None:
    """It is to be enabled; one that only fails has messages of its own."""
    account = account_entry(MILL_TOKEN, "efergy_mill")
    account.add_to_hass(hass)
    await hass.config_entries.async_set_disabled_by(
        account.entry_id, ConfigEntryDisabler.USER
    )
    await repair(hass)
    told = issue(hass)
    assert told is not None
    assert told.translation_placeholders is not None
    assert told.translation_placeholders["account"] == "Efergy"

    await hass.config_entries.async_set_disabled_by(account.entry_id, None)
    assert await hass.config_entries.async_unload(account.entry_id)
    assert (await repair(hass))["Mill Cottage"]["meters"][0]["problem"] == "account"
    assert issue(hass) is None


async def test_gaps_that_are_long_ago(
    hass: HomeAssistant, home: MockConfigEntry, virtual: VirtualTime
) -> None:
    """Nobody is told to bring an account back for what was a month and more ago."""
    ledger = hass.data[DATA_LEDGER]
    (gap,) = await ledger.slots.async_gaps("mill")
    begin = virtual.now - 40 * 24 * HOUR
    await ledger.slots.async_settle("mill", MeterRole.GRID, [unknown_slot(begin)], [])
    await repair(hass, start=begin.isoformat(), end=(begin + 5 * 24 * HOUR).isoformat())
    assert issue(hass) is None
    assert len(gap) == 30


async def test_home_or_meter_that_is_removed(
    hass: HomeAssistant, home: MockConfigEntry, virtual: VirtualTime
) -> None:
    """With it goes what was told of it."""
    await repair(hass)
    assert issue(hass) is not None
    ir.async_create_issue(
        hass,
        DOMAIN,
        "history_account_gone",
        is_fixable=False,
        severity=ir.IssueSeverity.WARNING,
        translation_key="history_account",
        translation_placeholders={},
    )
    await virtual.run(16 * MINUTE)
    assert ir.async_get(hass).async_get_issue(DOMAIN, "history_account_gone") is None
    assert issue(hass) is not None
    assert await hass.config_entries.async_remove(home.entry_id)
    assert issue(hass) is None


async def test_hours_that_are_unknown(
    hass: HomeAssistant, home: MockConfigEntry, virtual: VirtualTime
) -> None:
    """The hours of the last 30 days that are not known, counted once an hour."""
    assert state_of(hass, UNKNOWN_HOURS) == "0.0"
    # A home that starts knows that nobody has measured since.
    assert await hass.config_entries.async_reload(home.entry_id)
    await hass.async_block_till_done()
    hours = float(state_of(hass, UNKNOWN_HOURS))
    assert hours == pytest.approx(24, abs=0.2)
    await virtual.run(30 * MINUTE)
    assert float(state_of(hass, UNKNOWN_HOURS)) == hours
    await virtual.run(35 * MINUTE)
    assert float(state_of(hass, UNKNOWN_HOURS)) == pytest.approx(25, abs=0.2)
