"""Diagnostics, system health, backup: what we tell about ourselves, and to whom."""

from datetime import timedelta
import json
from pathlib import Path
import shutil
import sqlite3

from homeassistant.components.recorder import Recorder
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    get_system_health_info,
)
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.energy_homes.backup import async_post_backup, async_pre_backup
from custom_components.energy_homes.const import DOMAIN, LEDGER_FILE
from custom_components.energy_homes.ledger.opening import DATA_LEDGER
from simulator.scenario import MILL_TOKEN

from .builders import account_entry, efergy_revision, home_entry, meter_subentry, set_up
from .simulator_client import SimulatorClient
from .virtual import VirtualTime

MILL_SID = "720001"
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def entries(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    simulator: SimulatorClient,
    virtual: VirtualTime,
) -> tuple[MockConfigEntry, MockConfigEntry]:
    """Set up an account and its home; let them run for a while."""
    account = account_entry(MILL_TOKEN, "efergy_secret_household")
    home = home_entry(
        "Mill Cottage",
        meter_subentry("mill", efergy_revision("efergy_secret_household", MILL_SID)),
    )
    await set_up(hass, account, home)
    await virtual.run(12 * MINUTE)
    return account, home


async def test_diagnostics_hold_nothing_private(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    entries: tuple[MockConfigEntry, MockConfigEntry],
) -> None:
    """Both kinds of entry tell how they are, and not who they are."""
    account, home = entries
    of_account = await get_diagnostics_for_config_entry(hass, hass_client, account)
    of_home = await get_diagnostics_for_config_entry(hass, hass_client, home)

    for text in (json.dumps(of_account), json.dumps(of_home)):
        assert MILL_TOKEN not in text
        assert MILL_SID not in text
        assert "efergy_secret_household" not in text
    assert list(of_account["account"]["meters"]) == ["meter 1", "meter 2"]
    assert of_account["account"]["state"] == "connected"
    assert of_account["account"]["calls_last_hour"] >= 20
    assert of_home["meters"][0]["late_readings"] == 0
    assert of_home["meters"][0]["energy"] == of_home["home"]["energy"] > 0
    assert of_home["meters"][0]["revisions"] == [
        {
            "since": "2026-01-01T00:00:00+00:00",
            "kind": "efergy",
            "account": "**REDACTED**",
            "hardware": "**REDACTED**",
        }
    ]


async def test_diagnostics_without_a_ledger(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    entries: tuple[MockConfigEntry, MockConfigEntry],
) -> None:
    """A home tells what it knows, also where its ledger does not, or it cannot start."""
    _, home = entries
    await hass.data[DATA_LEDGER].async_close()
    told = await get_diagnostics_for_config_entry(hass, hass_client, home)
    assert told["ledger"] == {"error": "The ledger is not open"}
    assert told["home"]["energy"] > 0

    await hass.config_entries.async_reload(home.entry_id)
    told = await get_diagnostics_for_config_entry(hass, hass_client, home)
    assert told["state"] == "setup_retry"
    assert told["reason"] == "ledger_failed"

    assert await async_setup_component(hass, "system_health", {})
    await hass.async_block_till_done()
    info = await get_system_health_info(hass, DOMAIN)
    assert info["accounts"] == 1
    assert info["ledger_slots"] == {
        "type": "failed",
        "error": "The ledger is not open",
    }
    assert await info["can_reach_efergy"] == "ok"


async def test_system_health(
    hass: HomeAssistant, entries: tuple[MockConfigEntry, MockConfigEntry]
) -> None:
    """The system page counts homes, accounts, calls and slots."""
    assert await async_setup_component(hass, "system_health", {})
    await hass.async_block_till_done()
    info = await get_system_health_info(hass, DOMAIN)

    assert info["homes"] == 1
    assert info["accounts"] == 1
    assert info["calls_last_hour"] >= 20
    assert info["ledger_slots"] == 3
    assert info["ledger_size"].endswith(" MB")
    assert await info["can_reach_efergy"] == "ok"


async def test_backup_copies_a_file_that_holds_still(
    hass: HomeAssistant,
    virtual: VirtualTime,
    entries: tuple[MockConfigEntry, MockConfigEntry],
    tmp_path: Path,
) -> None:
    """While a backup runs slots are settled on, and the copied file is whole."""
    ledger = Path(hass.config.path(LEDGER_FILE))
    await async_pre_backup(hass)
    before = ledger.read_bytes()
    await virtual.run(10 * MINUTE)
    assert ledger.read_bytes() == before
    copy = tmp_path / "restored" / LEDGER_FILE
    copy.parent.mkdir()
    for suffix in ("", "-wal"):
        shutil.copy(f"{ledger}{suffix}", f"{copy}{suffix}")
    await async_post_backup(hass)

    with sqlite3.connect(copy) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT count(*) FROM slot").fetchone() == (5,)
    connection.close()
