"""A set-up board in a whole Home Assistant: abuse, diagnostics, health, repairs, failures."""

from datetime import timedelta
import json

from homeassistant.components.recorder import Recorder
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
    get_system_health_info,
)
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.energy_homes.accounts.pulse_board.hub import PulseBoardHub
from custom_components.energy_homes.boards.message import BUSY
from custom_components.energy_homes.const import DOMAIN
from custom_components.energy_homes.ledger.opening import DATA_LEDGER
from tests.board_kit import KEY, SECRET, pulse
from tests.builders import (
    board_entry,
    board_revision,
    home_entry,
    meter_subentry,
    set_up,
    state_of,
)
from tests.endpoints.abuse import URL, flood
from tests.virtual import VirtualTime

MINUTE = timedelta(minutes=1)
READING = "number.quay_electricity_meter_meter_reading"
ENERGY = "sensor.quay_energy"


@pytest.fixture
async def board(
    recorder_mock: Recorder, hass: HomeAssistant, virtual: VirtualTime
) -> MockConfigEntry:
    """Return a board that is set up, with a home that one of its channels measures."""
    entry = board_entry()
    await set_up(
        hass, entry, home_entry("Quay", meter_subentry("quay", board_revision(1)))
    )
    return entry


@pytest.mark.heavy
async def test_abuse_of_a_board_that_is_set_up(
    hass: HomeAssistant,
    board: MockConfigEntry,
    virtual: VirtualTime,
    hass_client_no_auth: ClientSessionGenerator,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Huge bodies, wrong types, 10 000 requests: counted, and nothing else changes."""
    caplog.set_level("WARNING", "aiohttp.access")
    client = await hass_client_no_auth()
    hub: PulseBoardHub = board.runtime_data
    for millis in (1000, 4600):
        async with client.get(URL, params={"channel": 1, "millis": millis}) as response:
            assert response.status == 200
    await virtual.run(MINUTE)
    kept = await hass.data[DATA_LEDGER].boards.async_load(KEY)
    shown = state_of(hass, READING)
    changes = async_capture_events(hass, "state_changed")
    for body, status in (
        (b"channel=1&millis=1&" + b"x" * 10_000_000, 413),
        (b'{"channel":[1],"millis":{"a":1}}', 400),
        (b'{"channel":true,"millis":null}', 400),
        (b"[" * 2048, 400),
        (b"\xff\xfe\x00", 400),
    ):
        async with client.post(URL, data=body) as response:
            assert response.status == status
    statuses = await flood(client)
    assert statuses.total() == 10_000
    assert set(statuses) <= {400, 413, 422, 429}
    await virtual.run(MINUTE)

    assert await hass.data[DATA_LEDGER].boards.async_load(KEY) == kept
    assert state_of(hass, READING) == shown == "0.002"
    assert hub.book.channels[1].pulses == 2
    assert state_of(hass, "sensor.harbour_board_refused_messages") == "10005"
    # The recorder does not hear of each of them.
    assert len([e for e in changes if "harbour_board" in e.data["entity_id"]]) <= 3
    assert len(hub.hearing.counts) < 20
    assert "Traceback" not in caplog.text
    assert SECRET not in caplog.text
    async with client.get(URL, params={"channel": 1, "millis": 130_000}) as response:
        assert await response.text() == "WEBHOOK 200 OK\n"
    assert hub.book.channels[1].pulses == 3


async def test_diagnostics_hold_no_secret(
    hass: HomeAssistant, board: MockConfigEntry, hass_client: ClientSessionGenerator
) -> None:
    """They tell what was said and counted, loaded or not."""
    for stamp in (1000, 4600):
        await pulse(board.runtime_data, stamp)
    told = await get_diagnostics_for_config_entry(hass, hass_client, board)
    assert told["entry"]["secret"] == "**REDACTED**"
    account = told["account"]
    assert account["state"] == "connected"
    assert account["counts"] == {"pulse_first": 1, "pulse_next": 1, "Pulse": 2}
    assert account["channels"]["channel 1"]["pulses"] == 2
    assert account["channels"]["channel 2"]["last_pulse"] is None
    assert await hass.config_entries.async_unload(board.entry_id)
    unloaded = await get_diagnostics_for_config_entry(hass, hass_client, board)
    assert unloaded["state"] == "not_loaded"
    assert SECRET not in json.dumps([told, unloaded])


async def test_system_health(hass: HomeAssistant, board: MockConfigEntry) -> None:
    """Boards are counted, and no cloud is asked for their sake."""
    assert await async_setup_component(hass, "system_health", {})
    await hass.async_block_till_done()
    info = await get_system_health_info(hass, DOMAIN)
    assert (info["boards"], info["boards_online"], info["accounts"]) == (1, 0, 1)
    assert "can_reach_efergy" not in info
    await pulse(board.runtime_data, 1000)
    info = await get_system_health_info(hass, DOMAIN)
    assert (info["boards"], info["boards_online"]) == (1, 1)


async def test_board_that_is_silent_for_a_day(
    hass: HomeAssistant,
    board: MockConfigEntry,
    virtual: VirtualTime,
    issue_registry: ir.IssueRegistry,
) -> None:
    """Its meter is missing then, and no longer once it is heard again."""

    def issues() -> list[str]:
        """Return our repairs."""
        return [key for domain, key in issue_registry.issues if domain == DOMAIN]

    await virtual.step(20 * MINUTE)
    assert issues() == []
    await pulse(board.runtime_data, 1000)
    heard = virtual.now
    await virtual.step(40 * MINUTE)
    await virtual.move_to(heard + timedelta(days=1) - MINUTE)
    await virtual.step(MINUTE)
    assert issues() == []
    await virtual.step(15 * MINUTE)
    assert issues() == ["meter_missing_quay"]
    issue = issue_registry.async_get_issue(DOMAIN, "meter_missing_quay")
    assert issue is not None
    assert issue.translation_placeholders is not None
    assert issue.translation_placeholders["hardware"] == "Meter 1 (Harbour board)"
    await pulse(board.runtime_data, 5000)
    await virtual.step(MINUTE)
    assert issues() == []


async def test_without_a_ledger_a_board_waits(
    recorder_mock: Recorder, hass: HomeAssistant
) -> None:
    """Nothing is acknowledged that could not be kept; it is tried again later."""
    assert await async_setup_component(hass, DOMAIN, {})
    await hass.data[DATA_LEDGER].async_close()
    board = board_entry()
    await set_up(hass, board)
    assert board.state is ConfigEntryState.SETUP_RETRY
    assert board.error_reason_translation_key == "ledger_failed"


async def test_board_that_cannot_be_forgotten_is_removed_all_the_same(
    hass: HomeAssistant, board: MockConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    """What is left in the ledger is said in the log."""
    await hass.data[DATA_LEDGER].async_close()
    await hass.config_entries.async_remove(board.entry_id)
    await hass.async_block_till_done()
    assert "What Harbour board has counted could not be deleted" in caplog.text


async def test_what_is_counted_at_the_very_end_is_kept(
    hass: HomeAssistant, board: MockConfigEntry
) -> None:
    """A board that calls while Home Assistant stops gets no answer that is not true."""
    hub: PulseBoardHub = board.runtime_data
    assert (await pulse(hub, 1000)).status == 200
    hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
    await hass.async_block_till_done()
    assert await pulse(hub, 4600) == BUSY
    ledger = hass.data[DATA_LEDGER]
    await ledger.async_open()
    assert (await ledger.boards.async_load(KEY))[1]["pulses"] == 1
    await ledger.async_close()
