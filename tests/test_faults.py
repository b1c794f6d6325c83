"""Every fault of Efergy's cloud, seen from a home in a whole Home Assistant."""

from datetime import timedelta
import logging
from typing import Any

from homeassistant.components.recorder import Recorder
from homeassistant.config_entries import SOURCE_REAUTH
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.energy_homes.const import DOMAIN
from simulator.scenario import MILL_TOKEN

from .builders import (
    account_entry,
    efergy_revision,
    home_entry,
    meter_subentry,
    set_up,
    state_of,
)
from .simulator_client import SimulatorClient
from .virtual import VirtualTime

MINUTE = timedelta(minutes=1)

OUTAGES = (
    "method_failed",
    "no_household",
    "error_500_body",
    "html",
    "empty_body",
    "http_500",
    "http_503",
    "timeout",
    "cut",
    "connection_reset",
)


def grid_sid(simulator: SimulatorClient, home: str) -> str:
    """Return the id of a simulated home's grid meter."""
    meters: dict[str, Any] = simulator.truth()["homes"][home]["meters"]
    return next(sid for sid, meter in meters.items() if meter["role"] == "grid")


@pytest.fixture
async def mill(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    simulator: SimulatorClient,
    virtual: VirtualTime,
) -> MockConfigEntry:
    """Set up Mill Cottage with its account; return the account's entry."""
    account = account_entry(MILL_TOKEN, "efergy_mill")
    home = home_entry(
        "Mill Cottage",
        meter_subentry(
            "mill", efergy_revision("efergy_mill", grid_sid(simulator, "Mill Cottage"))
        ),
    )
    await set_up(hass, account, home)
    await virtual.step(MINUTE)
    assert power(hass) != STATE_UNAVAILABLE
    return account


def power(hass: HomeAssistant) -> str:
    """Return the state of the home's power."""
    return state_of(hass, "sensor.mill_cottage_power")


def cloud(hass: HomeAssistant) -> str:
    """Return the state of the account's conversation."""
    return state_of(hass, "sensor.efergy_cloud")


def warnings(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """Return what we complained about in the log."""
    return [
        record
        for record in caplog.records
        if "energy_homes" in record.name and record.levelno >= logging.WARNING
    ]


def reauths(hass: HomeAssistant) -> int:
    """Return how many flows ask for new credentials."""
    return sum(
        flow["context"]["source"] == SOURCE_REAUTH
        for flow in hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    )


def energy(hass: HomeAssistant) -> float:
    """Return the home's energy total."""
    return float(state_of(hass, "sensor.mill_cottage_energy"))


@pytest.mark.parametrize("fault", ["bad_token", "bad_token_capital"])
async def test_refused_credentials(
    hass: HomeAssistant,
    mill: MockConfigEntry,
    simulator: SimulatorClient,
    virtual: VirtualTime,
    fault: str,
) -> None:
    """A refused token asks for a new one, once, and stops asking the cloud."""
    simulator.fault(fault)
    await virtual.step(MINUTE)

    assert power(hass) == STATE_UNAVAILABLE
    assert cloud(hass) == "auth"
    assert reauths(hass) == 1
    calls = simulator.calls(MILL_TOKEN)
    await virtual.step(10 * MINUTE)
    assert simulator.calls(MILL_TOKEN) == calls
    assert reauths(hass) == 1
    assert energy(hass) >= 0


async def test_call_limit(
    hass: HomeAssistant,
    mill: MockConfigEntry,
    simulator: SimulatorClient,
    virtual: VirtualTime,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A call limit is neither an outage nor a bad token: the last value stays a while."""
    caplog.clear()
    simulator.fault("daily_limit")
    await virtual.step(MINUTE)

    assert cloud(hass) == "quota"
    assert power(hass) != STATE_UNAVAILABLE
    assert reauths(hass) == 0
    await virtual.step(3 * MINUTE)
    assert power(hass) == STATE_UNAVAILABLE
    assert cloud(hass) == "quota"
    assert len(warnings(caplog)) == 1

    simulator.clear_faults()
    await virtual.step(20 * MINUTE)
    assert cloud(hass) == "connected"
    assert power(hass) != STATE_UNAVAILABLE


@pytest.mark.parametrize("fault", OUTAGES)
async def test_outage(
    hass: HomeAssistant,
    mill: MockConfigEntry,
    simulator: SimulatorClient,
    virtual: VirtualTime,
    caplog: pytest.LogCaptureFixture,
    fault: str,
) -> None:
    """An outage is unavailable, logged once down and once up, and ends by itself."""
    before = energy(hass)
    caplog.clear()
    simulator.fault(fault)
    await virtual.step(5 * MINUTE)

    assert power(hass) == STATE_UNAVAILABLE
    assert cloud(hass) == "outage"
    assert reauths(hass) == 0
    assert energy(hass) >= before
    assert len(warnings(caplog)) == 1

    simulator.clear_faults()
    await virtual.step(20 * MINUTE)
    assert power(hass) != STATE_UNAVAILABLE
    assert cloud(hass) == "connected"
    assert len(warnings(caplog)) == 1
    assert sum("recovered" in record.message for record in caplog.records) == 1
    assert MILL_TOKEN not in caplog.text


@pytest.mark.parametrize("fault", ["wrong_type", "garbage"])
async def test_nonsense(
    hass: HomeAssistant,
    mill: MockConfigEntry,
    simulator: SimulatorClient,
    virtual: VirtualTime,
    fault: str,
) -> None:
    """A nonsense answer is skipped and counted; the next one is taken."""
    simulator.fault(fault, count=2)
    await virtual.step(MINUTE)
    assert power(hass) != STATE_UNAVAILABLE
    assert cloud(hass) == "connected"
    assert mill.runtime_data.nonsense_count >= 1
    await virtual.step(2 * MINUTE)
    assert power(hass) != STATE_UNAVAILABLE


@pytest.mark.parametrize("fault", ["empty_list", "no_data", "stale"])
async def test_meter_says_nothing(
    hass: HomeAssistant,
    mill: MockConfigEntry,
    simulator: SimulatorClient,
    virtual: VirtualTime,
    fault: str,
) -> None:
    """A cloud that answers without a new reading makes the power go away in time."""
    simulator.fault(fault)
    await virtual.step(6 * MINUTE)
    assert power(hass) == STATE_UNAVAILABLE
    assert reauths(hass) == 0

    simulator.clear_faults()
    await virtual.step(3 * MINUTE)
    assert power(hass) != STATE_UNAVAILABLE


async def test_slow_but_right(
    hass: HomeAssistant,
    mill: MockConfigEntry,
    simulator: SimulatorClient,
    virtual: VirtualTime,
) -> None:
    """An answer that dribbles in is an answer."""
    simulator.fault("byte_by_byte")
    await virtual.step(2 * MINUTE)
    assert cloud(hass) == "connected"
    assert power(hass) != STATE_UNAVAILABLE


@pytest.mark.parametrize("dead", ["getCurrentValuesSummary", "getInstant"])
async def test_one_of_two_live_calls_is_dead(
    hass: HomeAssistant,
    mill: MockConfigEntry,
    simulator: SimulatorClient,
    virtual: VirtualTime,
    dead: str,
) -> None:
    """On a one-meter account either of the two live calls is enough."""
    simulator.fault("method_failed", command=dead)
    await virtual.step(15 * MINUTE)
    assert power(hass) != STATE_UNAVAILABLE
    assert state_of(hass, "sensor.mill_cottage_unknown_slots_today") <= "1"
    assert energy(hass) > 0


async def test_outage_leaves_unknown_slots(
    hass: HomeAssistant,
    mill: MockConfigEntry,
    simulator: SimulatorClient,
    virtual: VirtualTime,
) -> None:
    """Nothing is invented for the time of an outage."""
    await virtual.step(10 * MINUTE)
    unknown = int(state_of(hass, "sensor.mill_cottage_unknown_slots_today"))
    simulator.fault("http_503")
    await virtual.step(15 * MINUTE)
    simulator.clear_faults()
    await virtual.step(25 * MINUTE)
    after = int(state_of(hass, "sensor.mill_cottage_unknown_slots_today"))
    assert after >= unknown + 2
