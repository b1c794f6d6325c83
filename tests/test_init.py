"""Homes and accounts in a whole Home Assistant: coming, going, and staying apart."""

from datetime import timedelta
from itertools import pairwise
import logging
from pathlib import Path
import sqlite3
from typing import Any

from homeassistant.components.recorder import Recorder
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
import pytest

from custom_components.energy_homes.const import DOMAIN, LEDGER_FILE
from custom_components.energy_homes.homes import DATA_HOMES
from custom_components.energy_homes.metering.model import MeterRole
from simulator.scenario import ELM_TOKEN, TERRACE_TOKEN

from .builders import (
    account_entry,
    efergy_revision,
    entity_revision,
    home_entry,
    meter_subentry,
    set_up,
    state_of,
)
from .simulator_client import SimulatorClient
from .virtual import VirtualTime

MINUTE = timedelta(minutes=1)


def sids(simulator: SimulatorClient, *homes: str) -> list[str]:
    """Return the ids of the meters of simulated homes."""
    truth: dict[str, Any] = simulator.truth()["homes"]
    return [sid for home in homes for sid in truth[home]["meters"]]


async def test_healthy_home_equals_the_published_readings(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    simulator: SimulatorClient,
    virtual: VirtualTime,
) -> None:
    """An hour of slots is the integral of what the meters published."""
    grid, solar = sids(simulator, "Elm Street")
    await set_up(
        hass,
        account_entry(ELM_TOKEN, "efergy_elm"),
        home_entry(
            "Elm Street",
            meter_subentry("grid", efergy_revision("efergy_elm", grid)),
            meter_subentry(
                "solar",
                efergy_revision("efergy_elm", solar),
                name="Solar meter",
                role=MeterRole.GENERATION,
            ),
        ),
    )
    start = virtual.now
    await virtual.run(66 * MINUTE)

    for sid, entity_id in (
        (grid, "sensor.elm_street_energy"),
        (solar, "sensor.elm_street_generation_energy"),
    ):
        readings = simulator.published(
            sid, start - 2 * MINUTE, start + timedelta(minutes=67)
        )
        first, last = (
            int((start + offset).timestamp() * 1000)
            for offset in (timedelta(), 60 * MINUTE)
        )
        watt_ms = 0.0
        for (before, _), (stamp, watts) in pairwise(readings):
            held = min(stamp, last) - max(before, first)
            watt_ms += watts * max(held, 0)
        assert float(state_of(hass, entity_id)) == pytest.approx(
            watt_ms / 3.6e9, rel=1e-3
        )
    assert state_of(hass, "sensor.elm_street_coverage_of_the_last_hour") == "100.0"
    # Of each meter the slot in which its first reading ended is known in part only.
    assert state_of(hass, "sensor.elm_street_unknown_slots_today") == "2"


async def test_two_homes_on_one_account_cause_one_call(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    simulator: SimulatorClient,
    virtual: VirtualTime,
) -> None:
    """Cost grows with accounts, not with homes."""
    simulator.add_account(
        "fake-token-of-two-flats",
        "0123456789abcdef",
        [{"sid": sid, "role": "grid", "seed": 7, "home": sid} for sid in ("81", "82")],
    )
    await set_up(
        hass,
        account_entry("fake-token-of-two-flats", "efergy_flats"),
        home_entry(
            "Flat 1", meter_subentry("one", efergy_revision("efergy_flats", "81"))
        ),
        home_entry(
            "Flat 2", meter_subentry("two", efergy_revision("efergy_flats", "82"))
        ),
    )
    await virtual.run(10 * MINUTE)
    simulator.clear_calls()
    await virtual.run(60 * MINUTE)

    assert state_of(hass, "sensor.flat_1_power") != STATE_UNAVAILABLE
    assert state_of(hass, "sensor.flat_2_power") != STATE_UNAVAILABLE
    assert state_of(hass, "sensor.flat_2_unknown_slots_today") == "1"
    assert simulator.calls("fake-token-of-two-flats") == {
        "getCurrentValuesSummary": pytest.approx(120, abs=3)
    }


async def test_meters_far_apart_are_asked_for_twice(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    simulator: SimulatorClient,
    virtual: VirtualTime,
) -> None:
    """Where one call is fresh for one meter only there are two per interval, not more."""
    one, two = sids(simulator, "Terrace 1", "Terrace 2")
    await set_up(
        hass,
        account_entry(TERRACE_TOKEN, "efergy_terrace"),
        home_entry(
            "Terrace 1", meter_subentry("one", efergy_revision("efergy_terrace", one))
        ),
        home_entry(
            "Terrace 2", meter_subentry("two", efergy_revision("efergy_terrace", two))
        ),
    )
    await virtual.run(10 * MINUTE)
    simulator.clear_calls()
    await virtual.run(60 * MINUTE)

    assert state_of(hass, "sensor.terrace_1_unknown_slots_today") == "1"
    assert state_of(hass, "sensor.terrace_2_unknown_slots_today") == "1"
    assert simulator.calls(TERRACE_TOKEN) == {
        "getCurrentValuesSummary": pytest.approx(240, abs=4)
    }


async def test_home_before_its_account(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    simulator: SimulatorClient,
    virtual: VirtualTime,
) -> None:
    """A home is there without its account, follows it, and outlives it."""
    grid, _ = sids(simulator, "Elm Street")
    home = home_entry(
        "Elm Street", meter_subentry("grid", efergy_revision("efergy_elm", grid))
    )
    await set_up(hass, home)
    assert home.state is ConfigEntryState.LOADED
    assert simulator.calls(ELM_TOKEN) == {}
    assert state_of(hass, "sensor.elm_street_power") == STATE_UNAVAILABLE
    assert state_of(hass, "sensor.elm_street_energy") == "0.0"

    account = account_entry(ELM_TOKEN, "efergy_elm")
    await set_up(hass, account)
    await virtual.step(MINUTE)
    assert state_of(hass, "sensor.elm_street_power") != STATE_UNAVAILABLE

    await hass.config_entries.async_remove(account.entry_id)
    await hass.async_block_till_done()
    assert state_of(hass, "sensor.elm_street_power") == STATE_UNAVAILABLE
    assert home.state is ConfigEntryState.LOADED
    calls = simulator.calls(ELM_TOKEN)
    await virtual.step(5 * MINUTE)
    assert simulator.calls(ELM_TOKEN) == calls

    await set_up(hass, account_entry(ELM_TOKEN, "efergy_elm"))
    await virtual.step(MINUTE)
    assert state_of(hass, "sensor.elm_street_power") != STATE_UNAVAILABLE


async def test_no_credential_anywhere(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    simulator: SimulatorClient,
    virtual: VirtualTime,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The token is in no log, whatever happens and however much is logged."""
    caplog.set_level(logging.DEBUG)
    grid, _ = sids(simulator, "Elm Street")
    account = account_entry(ELM_TOKEN, "efergy_elm")
    await set_up(
        hass,
        account,
        home_entry(
            "Elm Street", meter_subentry("grid", efergy_revision("efergy_elm", grid))
        ),
    )
    for fault in ("timeout", "cut", "connection_reset", "http_500", "garbage", "html"):
        simulator.fault(fault)
        await virtual.step(2 * MINUTE)
        simulator.clear_faults()
        await virtual.step(2 * MINUTE)
    simulator.fault("bad_token")
    await virtual.step(2 * MINUTE)
    await hass.config_entries.async_reload(account.entry_id)
    await hass.async_block_till_done()

    assert ELM_TOKEN not in caplog.text
    assert "getCurrentValuesSummary" not in [r.message for r in caplog.records]


async def test_unload_stops_everything(
    recorder_mock: Recorder, hass: HomeAssistant
) -> None:
    """An unloaded home leaves unavailable entities and nothing that runs."""
    entry = home_entry("Shed", meter_subentry("s", entity_revision("sensor.x")))
    await set_up(hass, entry)

    assert await hass.config_entries.async_unload(entry.entry_id)
    await hass.async_block_till_done()

    assert entry.state is ConfigEntryState.NOT_LOADED
    assert state_of(hass, "sensor.shed_energy") == STATE_UNAVAILABLE
    assert hass.data[DATA_HOMES].all == ()


@pytest.fixture
def ledger_file(hass_config_dir: str) -> Path:
    """Return where the ledger will be."""
    return Path(hass_config_dir, LEDGER_FILE)


async def test_damaged_ledger_is_moved_aside(
    recorder_mock: Recorder,
    ledger_file: Path,
    hass: HomeAssistant,
    issue_registry: ir.IssueRegistry,
) -> None:
    """A file that cannot be read is kept, named in a repair, and begun anew."""
    ledger_file.write_bytes(b"this is no database" * 1000)
    entry = home_entry("Shed")
    await set_up(hass, entry)

    assert entry.state is ConfigEntryState.LOADED
    issue = issue_registry.async_get_issue(DOMAIN, "ledger_damaged")
    assert issue is not None
    assert issue.translation_placeholders is not None
    kept = ledger_file.with_name(issue.translation_placeholders["file"])
    assert kept.read_bytes().startswith(b"this is no database")


async def test_ledger_of_a_newer_version_is_not_touched(
    recorder_mock: Recorder, ledger_file: Path, hass: HomeAssistant
) -> None:
    """After a downgrade homes say why they cannot start, and change nothing."""
    with sqlite3.connect(ledger_file) as connection:
        connection.execute("PRAGMA user_version = 999")
        connection.execute("CREATE TABLE later (x)")
    connection.close()
    before = ledger_file.read_bytes()
    entry = home_entry("Shed")
    await set_up(hass, entry)

    assert entry.state is ConfigEntryState.SETUP_ERROR
    assert entry.error_reason_translation_key == "ledger_unusable"
    assert ledger_file.read_bytes() == before
    await hass.config_entries.async_remove(entry.entry_id)
