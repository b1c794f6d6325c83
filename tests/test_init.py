"""Homes and accounts in a whole Home Assistant: coming, going, and staying apart."""

from datetime import timedelta
from itertools import pairwise
import logging
from pathlib import Path
import sqlite3
from typing import Any

from homeassistant.components.recorder import Recorder
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE, STATE_UNAVAILABLE
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest

from custom_components.energy_homes.backup import async_post_backup, async_pre_backup
from custom_components.energy_homes.const import DOMAIN, LEDGER_FILE
from custom_components.energy_homes.homes.directory import DATA_HOMES
from custom_components.energy_homes.metering.model import MeterRole
from simulator.scenario import ELM_TOKEN, MILL_TOKEN, TERRACE_TOKEN

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
    """An hour of slots is the integral of what the meters published since they were added."""
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
            sid, start - 7 * MINUTE, start + timedelta(minutes=67)
        )
        first, last = (
            int((start + offset).timestamp() * 1000)
            for offset in (0 * MINUTE, 60 * MINUTE)
        )
        watt_ms = 0.0
        for (before, _), (stamp, watts) in pairwise(readings):
            held = min(stamp, last) - max(before, first)
            watt_ms += watts * max(held, 0)
        assert float(state_of(hass, entity_id)) == pytest.approx(
            watt_ms / 3.6e9, rel=1e-3
        )
    assert state_of(hass, "sensor.elm_street_coverage_of_the_last_hour") == "100.0"
    assert state_of(hass, "sensor.elm_street_unknown_slots_today") == "0"


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
    assert state_of(hass, "sensor.flat_2_unknown_slots_today") == "0"
    # Of each meter the slot in which its first reading ended is asked for, once.
    assert simulator.calls("fake-token-of-two-flats") == {
        "getCurrentValuesSummary": pytest.approx(120, abs=3),
        "getHV": 2,
    }


@pytest.mark.heavy
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

    assert state_of(hass, "sensor.terrace_1_unknown_slots_today") == "0"
    assert state_of(hass, "sensor.terrace_2_unknown_slots_today") == "0"
    assert simulator.calls(TERRACE_TOKEN) == {
        "getCurrentValuesSummary": pytest.approx(240, abs=4),
        "getHV": 2,
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
    """The token is in no log of ours, whatever happens and however much is logged."""
    caplog.set_level(logging.DEBUG)
    grid, _ = sids(simulator, "Elm Street")
    assert await async_setup_component(hass, DOMAIN, {})
    imported = await hass.services.async_call(
        DOMAIN,
        "import_homes",
        {
            "homes": [
                {"label": "Terrace", "efergy": {"token": TERRACE_TOKEN}},
                {"label": "Mill", "efergy": {"token": MILL_TOKEN}},
                # There is no such day in UTC.
                {
                    "label": "X",
                    "since": "0001-01-01",
                    "time_zone": "Asia/Tokyo",
                    "efergy": {"token": "secret-of-nobody"},
                },
                {"label": "Y", "efergy": {"token": "secret-of-nobody"}},
            ]
        },
        blocking=True,
        return_response=True,
    )
    results: Any = (imported or {})["homes"]
    assert [item["result"] for item in results] == [
        "failed",
        "created",
        "failed",
        "failed",
    ]
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

    assert "energy_homes" in caplog.text
    # Home Assistant itself logs what an action was called with, before we see it.
    core = ("homeassistant.core", "homeassistant.components.recorder")
    ours = [record for record in caplog.records if not record.name.startswith(core)]
    for records, secrets in (
        (caplog.records, (ELM_TOKEN, "token=")),
        (ours, (TERRACE_TOKEN, MILL_TOKEN, "secret-of-nobody")),
    ):
        logged = "\n".join(map(caplog.handler.format, records))
        assert [secret for secret in secrets if secret in logged] == []
        assert [secret for secret in secrets if secret in str(results)] == []


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
    recorder_mock: Recorder,
    ledger_file: Path,
    hass: HomeAssistant,
    caplog: pytest.LogCaptureFixture,
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
    await async_pre_backup(hass)
    await async_post_backup(hass)
    await async_pre_backup(hass)
    assert caplog.text.count("The ledger is backed up as it is") == 1
    await hass.config_entries.async_remove(entry.entry_id)
    assert "Error calling entry remove callback" not in caplog.text
    assert ledger_file.read_bytes() == before


async def test_ledger_that_cannot_be_opened_at_first(
    recorder_mock: Recorder, ledger_file: Path, hass: HomeAssistant
) -> None:
    """Homes try again until their ledger is there, without a restart."""
    ledger_file.mkdir()
    homes = [home_entry(label) for label in ("Shed", "Barn")]
    await set_up(hass, *homes)
    for entry in homes:
        assert entry.state is ConfigEntryState.SETUP_RETRY
        assert entry.error_reason_translation_key == "ledger_failed"

    ledger_file.rmdir()
    for entry in homes:
        await hass.config_entries.async_reload(entry.entry_id)
    assert [(str(entry.state), entry.reason) for entry in homes] == [
        ("ConfigEntryState.LOADED", None)
    ] * 2


async def test_removed_home_takes_its_repairs_along(
    recorder_mock: Recorder, hass: HomeAssistant, issue_registry: ir.IssueRegistry
) -> None:
    """What a home was told of its history goes with it, other homes' repairs stay."""
    shed, barn = home_entry("Shed"), home_entry("Barn")
    await set_up(hass, shed, barn)
    for entry in (shed, barn):
        for key in ("ledger_new", "ledger_behind"):
            ir.async_create_issue(
                hass,
                DOMAIN,
                f"{key}_{entry.entry_id}",
                is_fixable=True,
                is_persistent=True,
                severity=ir.IssueSeverity.WARNING,
                translation_key=key,
            )
    await hass.config_entries.async_remove(shed.entry_id)

    assert {issue_id for _, issue_id in issue_registry.issues} == {
        f"ledger_new_{barn.entry_id}",
        f"ledger_behind_{barn.entry_id}",
    }


async def test_nothing_is_settled_after_the_end(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    virtual: VirtualTime,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Homes stop before their ledger is closed, and ask nothing of it afterwards."""
    caplog.set_level(logging.DEBUG, logger="custom_components.energy_homes")
    hass.states.async_set("sensor.x", "600", {"unit_of_measurement": "W"})
    await set_up(
        hass, home_entry("Shed", meter_subentry("s", entity_revision("sensor.x")))
    )
    await virtual.run(3 * MINUTE)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
    await hass.async_block_till_done()
    hass.states.async_set("sensor.x", "700", {"unit_of_measurement": "W"})
    await virtual.run(15 * MINUTE)

    assert "The ledger is not open" not in caplog.text
    assert "cannot be stored" not in caplog.text


@pytest.mark.slow
async def test_sixty_homes(recorder_mock: Recorder, hass: HomeAssistant) -> None:
    """A landlord's sixty homes come, answer together, and go again."""
    homes = []
    for number in range(60):
        hass.states.async_set(
            f"sensor.m{number}", str(number), {"unit_of_measurement": "W"}
        )
        homes.append(
            home_entry(
                f"Flat {number}",
                meter_subentry(f"m{number}", entity_revision(f"sensor.m{number}")),
            )
        )
    await set_up(hass, *homes)
    assert {entry.state for entry in homes} == {ConfigEntryState.LOADED}
    answer: Any = await hass.services.async_call(
        DOMAIN,
        "get_power",
        {"home": [entry.title for entry in homes]},
        blocking=True,
        return_response=True,
    )
    assert [home["power"] for home in answer.values()] == [*map(float, range(60))]
    assert len({state_of(hass, f"sensor.flat_{n}_energy") for n in range(60)}) == 1

    for entry in homes:
        assert await hass.config_entries.async_unload(entry.entry_id)
    assert hass.data[DATA_HOMES].all == ()
    assert {state_of(hass, f"sensor.flat_{n}_power") for n in range(60)} == {
        STATE_UNAVAILABLE
    }


async def test_home_that_comes_while_everything_stops(
    recorder_mock: Recorder, hass: HomeAssistant
) -> None:
    """A home whose set-up is overtaken by the end listens to nothing any more."""
    await set_up(hass, home_entry("Barn"))
    power = {"unit_of_measurement": "W", "device_class": "power"}
    hass.states.async_set("sensor.clamp", "600", power)
    hass.set_state(CoreState.final_write)
    await set_up(
        hass, home_entry("Shed", meter_subentry("s", entity_revision("sensor.clamp")))
    )
    hass.states.async_set("sensor.clamp", "700", power)
    await hass.async_block_till_done()
    assert state_of(hass, "sensor.shed_power") == STATE_UNAVAILABLE
    hass.set_state(CoreState.running)
