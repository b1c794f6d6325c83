"""Every kind of fault of Efergy's cloud, seen from a home in a whole Home Assistant."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
import logging
from typing import Any

from homeassistant.components.recorder import Recorder
from homeassistant.config_entries import SOURCE_REAUTH
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import DOMAIN as HOMEASSISTANT_DOMAIN, HomeAssistant
from homeassistant.helpers import entity_registry as er, issue_registry as ir
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.energy_homes.accounts.registry import AccountState
from custom_components.energy_homes.const import DOMAIN
from custom_components.energy_homes.ledger.opening import DATA_LEDGER
from custom_components.energy_homes.metering.model import SLOT, Slot
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

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
MISSING = "meter_missing_mill"

type Order = Callable[[SimulatorClient], None]

# One for each kind of trouble: which kind a reply is of the client's own tests tell,
# tests/clouds/test_efergy.py and test_efergy_parse.py.
OUTAGES = ("http_503", "bad_request", "timeout")
SILENCES = ("empty_list", "no_data", "stale")


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
    """Set up Mill Cottage with its account; return the account's entry.

    Its first slots are settled by then, and the next one ends in some minutes.
    """
    account = account_entry(MILL_TOKEN, "efergy_mill")
    home = home_entry(
        "Mill Cottage",
        meter_subentry(
            "mill", efergy_revision("efergy_mill", grid_sid(simulator, "Mill Cottage"))
        ),
    )
    await set_up(hass, account, home)
    await virtual.run(12 * MINUTE)
    assert power(hass) != STATE_UNAVAILABLE
    assert energy(hass) > 0
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


def repairs(hass: HomeAssistant, domain: str = DOMAIN) -> set[str]:
    """Return what is to be repaired, of ours or of another domain."""
    issues = ir.async_get(hass).issues.items()
    return {issue for (of, issue), entry in issues if of == domain and entry.active}


def energy(hass: HomeAssistant) -> float:
    """Return the home's energy total."""
    return float(state_of(hass, "sensor.mill_cottage_energy"))


def unknown_slots(hass: HomeAssistant) -> int:
    """Return how many of today's slots are unknown."""
    return int(state_of(hass, "sensor.mill_cottage_unknown_slots_today"))


async def test_refused_credentials(
    hass: HomeAssistant,
    mill: MockConfigEntry,
    simulator: SimulatorClient,
    virtual: VirtualTime,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A refused token asks for a new one, once, and stops asking the cloud."""
    before = energy(hass)
    caplog.clear()
    simulator.fault("bad_token")
    await virtual.step(MINUTE)

    assert power(hass) == STATE_UNAVAILABLE
    assert cloud(hass) == "auth"
    assert reauths(hass) == 1
    calls = simulator.calls(MILL_TOKEN)
    await virtual.step(10 * MINUTE)
    assert simulator.calls(MILL_TOKEN) == calls
    assert reauths(hass) == 1
    assert repairs(hass) == set()
    assert repairs(hass, HOMEASSISTANT_DOMAIN) == {
        f"config_entry_reauth_{DOMAIN}_{mill.entry_id}"
    }
    assert energy(hass) == before
    assert len(warnings(caplog)) == 1
    assert MILL_TOKEN not in caplog.text


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
    assert repairs(hass) == repairs(hass, HOMEASSISTANT_DOMAIN) == set()
    assert reauths(hass) == 0

    simulator.clear_faults()
    await virtual.step(20 * MINUTE)
    assert cloud(hass) == "connected"
    assert power(hass) != STATE_UNAVAILABLE
    assert len(warnings(caplog)) == 1


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
    assert repairs(hass) == repairs(hass, HOMEASSISTANT_DOMAIN) == set()
    assert energy(hass) == before
    assert len(warnings(caplog)) == 1

    simulator.clear_faults()
    await virtual.step(20 * MINUTE)
    assert power(hass) != STATE_UNAVAILABLE
    assert cloud(hass) == "connected"
    assert len(warnings(caplog)) == 1
    assert sum("recovered" in record.message for record in caplog.records) == 1
    assert energy(hass) > before
    assert MILL_TOKEN not in caplog.text


async def test_outage_that_ends_in_a_refusal(
    hass: HomeAssistant,
    mill: MockConfigEntry,
    simulator: SimulatorClient,
    virtual: VirtualTime,
) -> None:
    """What the account's sensors say follows from one kind of failure to another."""
    simulator.fault("http_503")
    await virtual.step(5 * MINUTE)
    assert cloud(hass) == "outage"

    simulator.clear_faults()
    simulator.fault("bad_token")
    await virtual.step(15 * MINUTE)
    assert mill.runtime_data.state is AccountState.AUTH
    assert cloud(hass) == "auth"
    assert reauths(hass) == 1


async def test_calls_are_counted_in_an_outage(
    hass: HomeAssistant,
    mill: MockConfigEntry,
    simulator: SimulatorClient,
    virtual: VirtualTime,
    entity_registry: er.EntityRegistry,
) -> None:
    """While the cloud is away it is seen that it is asked less and less."""
    sensor = "sensor.efergy_calls_in_the_last_hour"
    entity_registry.async_update_entity(sensor, disabled_by=None)
    assert await hass.config_entries.async_reload(mill.entry_id)
    await virtual.run(20 * MINUTE)
    simulator.fault("http_503")
    await virtual.run(MINUTE)
    assert int(state_of(hass, sensor)) > 50
    await virtual.run(3 * HOUR)
    assert 3 < int(state_of(hass, sensor)) < 20


async def test_nonsense(
    hass: HomeAssistant,
    mill: MockConfigEntry,
    simulator: SimulatorClient,
    virtual: VirtualTime,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A nonsense answer is skipped and counted; the next one is taken."""
    caplog.clear()
    simulator.fault("wrong_type", count=2)
    await virtual.step(MINUTE)
    assert power(hass) != STATE_UNAVAILABLE
    assert cloud(hass) == "connected"
    assert mill.runtime_data.powers.nonsense_count >= 1
    await virtual.step(2 * MINUTE)
    assert power(hass) != STATE_UNAVAILABLE
    assert repairs(hass) == repairs(hass, HOMEASSISTANT_DOMAIN) == set()
    assert reauths(hass) == 0
    assert warnings(caplog) == []


@pytest.mark.parametrize("fault", SILENCES)
async def test_meter_says_nothing(
    hass: HomeAssistant,
    mill: MockConfigEntry,
    simulator: SimulatorClient,
    virtual: VirtualTime,
    caplog: pytest.LogCaptureFixture,
    fault: str,
) -> None:
    """A cloud that answers without a new reading makes the power go away in time."""
    # By then the vendor's history has told the slot in which the meter began.
    await virtual.run(5 * MINUTE)
    before = energy(hass)
    caplog.clear()
    simulator.fault(fault)
    await virtual.step(6 * MINUTE)
    assert power(hass) == STATE_UNAVAILABLE
    assert cloud(hass) == "connected"
    assert energy(hass) == before
    assert repairs(hass) == repairs(hass, HOMEASSISTANT_DOMAIN) == set()
    assert reauths(hass) == 0
    assert warnings(caplog) == []

    simulator.clear_faults()
    await virtual.step(3 * MINUTE)
    assert power(hass) != STATE_UNAVAILABLE


def remove(simulator: SimulatorClient) -> None:
    """Take the home's meter off its account."""
    sid = grid_sid(simulator, "Mill Cottage")
    simulator.meter(MILL_TOKEN, sid, "remove")


def add(simulator: SimulatorClient) -> None:
    """Put the home's meter back on its account."""
    sid = grid_sid(simulator, "Mill Cottage")
    simulator.meter(MILL_TOKEN, sid, "add", home="Mill Cottage")


async def known_slots(hass: HomeAssistant) -> list[Slot]:
    """Return the slots of the home's meter that are known."""
    ledger = hass.data[DATA_LEDGER]
    now = dt_util.utcnow()
    slots = await ledger.slots.async_between("mill", now - timedelta(days=9), now)
    return [slot for slot in slots if slot.known]


def silence(fault: str) -> tuple[Order, Order]:
    """Return how a meter falls silent by a fault, and how it speaks again."""
    return partial(SimulatorClient.fault, name=fault), SimulatorClient.clear_faults


@pytest.mark.parametrize(
    ("go", "come_back"),
    [
        pytest.param(*silence("empty_list"), id="empty_list"),
        pytest.param(*silence("no_data"), id="no_data", marks=pytest.mark.slow),
        pytest.param(*silence("stale"), id="stale", marks=pytest.mark.slow),
        pytest.param(remove, add, id="removed", marks=pytest.mark.slow),
    ],
)
async def test_meter_that_says_nothing_for_a_day(
    request: pytest.FixtureRequest,
    hass: HomeAssistant,
    mill: MockConfigEntry,
    simulator: SimulatorClient,
    virtual: VirtualTime,
    go: Order,
    come_back: Order,
) -> None:
    """A meter that is not there for a day is to be replaced, until it is back."""
    # By then the vendor's history has told the slot in which the meter began.
    await virtual.run(5 * MINUTE)
    before = energy(hass)
    go(simulator)
    await virtual.run(10 * MINUTE)
    assert power(hass) == STATE_UNAVAILABLE
    await virtual.step(timedelta(hours=23, minutes=40), 10 * MINUTE)
    assert repairs(hass) == set()
    await virtual.step(30 * MINUTE, 10 * MINUTE)
    assert repairs(hass) == {MISSING}
    assert cloud(hass) == "connected"
    assert reauths(hass) == 0
    # A cloud that repeats an old value has a history that knows what the meter did not say:
    # each hour it is asked for the one before.
    if request.node.callspec.id == "stale":
        known = await known_slots(hass)
        told = known[-1].end
        assert dt_util.utcnow() - told < timedelta(minutes=75)
        truth = simulator.truth(known[1].start, told)["homes"]["Mill Cottage"]
        assert [slot.start for slot in known] == [
            known[0].start + number * SLOT for number in range(len(known))
        ]
        assert sum(slot.energy or 0 for slot in known[1:]) == pytest.approx(
            truth["energy_kwh"], rel=1e-3
        )
        # The slot in which the meter was added belongs to the past.
        assert energy(hass) == pytest.approx(
            sum(slot.energy or 0 for slot in known[1:])
        )
    else:
        assert energy(hass) == before

    come_back(simulator)
    await virtual.run(20 * MINUTE)
    assert repairs(hass) == set()
    assert power(hass) != STATE_UNAVAILABLE
    assert energy(hass) > before


@pytest.mark.heavy
async def test_outage_of_a_day_blames_no_meter(
    hass: HomeAssistant,
    mill: MockConfigEntry,
    simulator: SimulatorClient,
    virtual: VirtualTime,
) -> None:
    """Where the cloud itself is away nobody is told to replace a meter."""
    simulator.fault("http_503")
    await virtual.step(timedelta(hours=25), 10 * MINUTE)
    assert cloud(hass) == "outage"
    assert repairs(hass) == repairs(hass, HOMEASSISTANT_DOMAIN) == set()


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
    before, unknown = energy(hass), unknown_slots(hass)
    simulator.fault("method_failed", command=dead)
    await virtual.step(15 * MINUTE)
    assert power(hass) != STATE_UNAVAILABLE
    # The slot in which the first reading ended is filled from the vendor's history.
    assert unknown_slots(hass) == unknown - 1
    assert energy(hass) > before
    assert repairs(hass) == repairs(hass, HOMEASSISTANT_DOMAIN) == set()


async def test_outage_leaves_unknown_slots(
    hass: HomeAssistant,
    mill: MockConfigEntry,
    simulator: SimulatorClient,
    virtual: VirtualTime,
) -> None:
    """Nothing is invented for the time of an outage."""
    unknown = unknown_slots(hass)
    simulator.fault("http_503")
    await virtual.step(15 * MINUTE)
    simulator.clear_faults()
    await virtual.step(25 * MINUTE)
    assert 3 <= unknown_slots(hass) - unknown <= 6
