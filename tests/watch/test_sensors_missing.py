"""Sensors that went missing: a repair after a day, which leads into their replacement."""

from datetime import timedelta
from typing import Any

from homeassistant.components.recorder import Recorder
from homeassistant.components.repairs.issue_handler import RepairsFlowManager
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.energy_homes.accounts.pulse_board.hub import PulseBoardHub
from custom_components.energy_homes.boards.remote import RemoteReading, RemoteUpdate
from custom_components.energy_homes.const import DOMAIN
from custom_components.energy_homes.diagnostics import (
    async_get_config_entry_diagnostics,
)
from tests.board_kit import KEY
from tests.builders import board_entry, home_entry, sensors_subentry, set_up
from tests.flows.helpers import discovered, placeholders
from tests.virtual import VirtualTime

ISSUE = "sensors_missing_sensors"
DAY = timedelta(days=1)
CHECK = timedelta(minutes=11)


def report(board: MockConfigEntry, host: str = "pi") -> None:
    """Let a daemon report now."""
    hub = board.runtime_data
    assert isinstance(hub, PulseBoardHub)
    reading = RemoteReading(
        key=f"{host}_a", sensor_id="a", temperature=21.0, alias="Hall"
    )
    hub.sensing.take(RemoteUpdate(host_id=host, readings=(reading,)), dt_util.utcnow())


@pytest.fixture
def board() -> MockConfigEntry:
    """Return a board that is not set up yet."""
    return board_entry()


@pytest.fixture
async def attic(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    virtual: VirtualTime,
    board: MockConfigEntry,
) -> ConfigEntry:
    """Return a home with the sensors of a host that reports to a board."""
    home: ConfigEntry = home_entry("Attic", sensors_subentry("sensors", KEY, "pi"))
    await set_up(hass, board, home)
    return home


def issue(hass: HomeAssistant) -> ir.IssueEntry | None:
    """Return the repair."""
    return ir.async_get(hass).async_get_issue(DOMAIN, ISSUE)


async def test_host_that_is_silent_for_a_day(
    hass: HomeAssistant,
    attic: ConfigEntry,
    board: MockConfigEntry,
    virtual: VirtualTime,
) -> None:
    """The repair says since when; a report takes it back."""
    report(board)
    heard = virtual.now
    await virtual.move_to(heard + DAY - CHECK)
    await virtual.run(timedelta(minutes=10))
    assert issue(hass) is None
    await virtual.run(CHECK)
    raised = issue(hass)
    assert raised is not None
    assert raised.translation_placeholders == {
        "home": "Attic",
        "meter": "Sensors",
        "hardware": "pi (Harbour board)",
        "since": dt_util.as_local(heard).strftime("%Y-%m-%d %H:%M"),
    }
    report(board)
    await virtual.run(CHECK)
    assert issue(hass) is None


async def test_board_that_was_removed(
    hass: HomeAssistant,
    attic: ConfigEntry,
    board: MockConfigEntry,
    virtual: VirtualTime,
) -> None:
    """Without the board nobody can report; one that is only not loaded is waited for."""
    report(board)
    await hass.config_entries.async_unload(board.entry_id)
    await virtual.move_to(virtual.now + 2 * DAY)
    await virtual.run(CHECK)
    assert issue(hass) is None
    await hass.config_entries.async_remove(board.entry_id)
    await virtual.run(CHECK)
    await virtual.move_to(virtual.now + DAY)
    await virtual.run(CHECK)
    assert issue(hass) is not None


async def test_repair_leads_into_the_replacement(
    hass: HomeAssistant,
    attic: ConfigEntry,
    board: MockConfigEntry,
    virtual: VirtualTime,
) -> None:
    """The fix goes on with the form of another host, where there is one."""
    assert await async_setup_component(hass, "repairs", {})
    await virtual.move_to(virtual.now + DAY)
    await virtual.run(2 * CHECK)
    await virtual.move_to(virtual.now + DAY)
    await virtual.run(2 * CHECK)
    fixes: RepairsFlowManager = hass.data["repairs"]["flow_manager"]

    async def fix() -> dict[str, Any]:
        """Start the fix, and confirm it."""
        flow = await fixes.async_init(DOMAIN, data={"issue_id": ISSUE})
        assert placeholders(flow)["meter"] == "Sensors"
        return dict(await fixes.async_configure(flow["flow_id"], {}))

    assert (await fix())["reason"] == "no_free_host"
    report(board, "new-pi")
    result = await fix()
    assert result["reason"] == "replace_sensors"
    _, flow_id = result["next_flow"]
    form = await hass.config_entries.subentries.async_configure(flow_id)
    assert form["type"] is FlowResultType.FORM
    assert form["step_id"] == "replace"
    await hass.config_entries.subentries.async_configure(
        flow_id, {"host": f"{KEY}/new-pi"}
    )
    await virtual.run(CHECK)
    assert issue(hass) is None


async def test_host_that_nobody_gave_a_home(
    hass: HomeAssistant,
    attic: ConfigEntry,
    board: MockConfigEntry,
    virtual: VirtualTime,
) -> None:
    """It stays an item while the board remembers it, and goes with the board."""
    report(board, "other")
    await virtual.settle()
    item = f"{KEY}_remote:other"
    assert item in discovered(hass)
    await virtual.run(timedelta(hours=1))
    assert item in discovered(hass)
    await hass.config_entries.async_remove(board.entry_id)
    await virtual.settle()
    assert item not in discovered(hass)


async def test_diagnostics(
    hass: HomeAssistant, attic: ConfigEntry, board: MockConfigEntry
) -> None:
    """What is heard is told, who it is of is not."""
    report(board)
    told = await async_get_config_entry_diagnostics(hass, attic)
    assert told["sensors"] == [
        {
            "revisions": [
                {
                    "since": "2026-01-01T00:00:00+00:00",
                    "kind": "remote",
                    "account": "**REDACTED**",
                    "hardware": "**REDACTED**",
                }
            ],
            "account_loaded": True,
            "readings": 1,
            "sensors": {
                "sensor 1": {
                    "quantity": "temperature",
                    "unit": "°C",
                    "available": True,
                    "value": 21.0,
                }
            },
        }
    ]
