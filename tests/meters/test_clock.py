"""Slow clouds and wrong clocks, seen from the energy of a home in a whole Home Assistant."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.energy_homes.accounts.registry import DATA_ACCOUNTS, MeterUpdate
from custom_components.energy_homes.const import DOMAIN
from custom_components.energy_homes.homes.directory import DATA_HOMES
from custom_components.energy_homes.ledger.opening import DATA_LEDGER
from custom_components.energy_homes.metering.model import (
    SLOT,
    PowerReading,
    Provenance,
    Slot,
)
from simulator.scenario import MILL_TOKEN
from tests.builders import (
    account_entry,
    efergy_revision,
    entity_revision,
    home_entry,
    meter_subentry,
    set_up,
    state_of,
)
from tests.simulator_client import SimulatorClient
from tests.virtual import VirtualTime

START = datetime(2026, 11, 18, 10, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
ENERGY = "sensor.mill_cottage_energy"
SHED = "sensor.shed_energy"


def shown(hass: HomeAssistant, entity_id: str) -> float:
    """Return an energy total as it is shown."""
    return float(state_of(hass, entity_id))


async def known_slots(hass: HomeAssistant, source_id: str) -> dict[datetime, Slot]:
    """Return the slots that the ledger knows."""
    slots = await hass.data[DATA_LEDGER].slots.async_between(
        source_id, START - 4 * HOUR, START + 9 * HOUR
    )
    assert [slot.start for slot in slots] == [
        slots[0].start + number * SLOT for number in range(len(slots))
    ]
    return {slot.start: slot for slot in slots if slot.known}


@pytest.fixture
def sid(simulator: SimulatorClient) -> str:
    """Return the id of Mill Cottage's grid meter."""
    meters = simulator.truth()["homes"]["Mill Cottage"]["meters"]
    return next(str(sid) for sid, meter in meters.items() if meter["role"] == "grid")


@pytest.fixture
async def mill(
    recorder_mock: Recorder, hass: HomeAssistant, virtual: VirtualTime, sid: str
) -> None:
    """Set up Mill Cottage with its account."""
    await set_up(
        hass,
        account_entry(MILL_TOKEN, "efergy_mill"),
        home_entry(
            "Mill Cottage", meter_subentry("mill", efergy_revision("efergy_mill", sid))
        ),
    )


def published_kwh(
    simulator: SimulatorClient, sid: str, begin: datetime, end: datetime
) -> float:
    """Return the integral of what a meter published: powers hold back in time."""
    readings = [
        (datetime.fromtimestamp(stamp / 1000, UTC), watts)
        for stamp, watts in simulator.published(sid, begin - MINUTE, end + MINUTE)
    ]
    return sum(
        watts
        * max(min(at, end) - max(before, begin), timedelta())
        / timedelta(hours=1000)
        for (before, _), (at, watts) in pairwise(readings)
    )


@pytest.mark.heavy
@pytest.mark.usefixtures("mill")
async def test_meter_whose_cloud_is_right_while_the_clock_is_ahead(
    hass: HomeAssistant,
    simulator: SimulatorClient,
    virtual: VirtualTime,
    freezer: FrozenDateTimeFactory,
    sid: str,
) -> None:
    """An hour that a wrong clock settled in advance becomes known in its time."""
    await virtual.step(17 * MINUTE)
    before = shown(hass, ENERGY)
    right = virtual.now
    freezer.move_to(right + HOUR)
    await hass.data[DATA_HOMES].all[0].coordinator.async_settle()
    freezer.move_to(right)
    # The test's own monotonic clock went back too, and with it every timer's time.
    for entry in hass.config_entries.async_entries(DOMAIN):
        await hass.config_entries.async_reload(entry.entry_id)
    await virtual.settle()
    assert shown(hass, ENERGY) >= before

    total = shown(hass, ENERGY)
    end = right + 80 * MINUTE
    while virtual.now < end:
        await virtual.step(SLOT)
        assert shown(hass, ENERGY) >= total
        total = shown(hass, ENERGY)
    known = await known_slots(hass, "mill")
    begin, until = min(known), max(known) + SLOT

    assert until >= end - 2 * SLOT
    # At most what was in the making when the clock jumped.
    assert len(known) >= (until - begin) / SLOT - 1
    live_from = hass.data[DATA_LEDGER].sources.live_from("mill")
    assert live_from is not None
    assert total == pytest.approx(
        sum(slot.energy or 0 for start, slot in known.items() if start >= live_from),
        abs=1e-6,
    )
    # The vendor's history, which knows what was in the making, does not round powers.
    measured = {
        start: slot.energy or 0
        for start, slot in known.items()
        if slot.provenance is Provenance.MEASURED
    }
    assert len(measured) >= len(known) - 4
    assert sum(measured.values()) == pytest.approx(
        sum(published_kwh(simulator, sid, start, start + SLOT) for start in measured),
        abs=1e-6,
    )


def say(hass: HomeAssistant, at: datetime) -> None:
    """Hand on, as an account does, the 600 W that a meter measured at an instant."""
    hass.data[DATA_ACCOUNTS].publish(
        "slow", "1", MeterUpdate(available=True, reading=PowerReading(at, 600))
    )


@pytest.mark.parametrize("delay_s", [120, 900])
async def test_slow_cloud_gives_all_energy(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    delay_s: int,
) -> None:
    """Readings that all come late lose no energy, also with a restart on the way."""
    freezer.move_to(START)
    entry = home_entry("Shed", meter_subentry("s", efergy_revision("slow", "1")))
    await set_up(hass, entry)
    say(hass, START)
    totals = [0.0]
    for number in range(1, 241):
        freezer.tick(timedelta(seconds=30))
        async_fire_time_changed(hass, dt_util.utcnow())
        at = START + timedelta(seconds=30 * number - delay_s)
        say(hass, max(at, START))
        await hass.async_block_till_done(wait_background_tasks=True)
        totals.append(shown(hass, SHED))
        if number in {101, 155}:
            await hass.config_entries.async_reload(entry.entry_id)
            await hass.async_block_till_done()

    known = await known_slots(hass, "s")
    last = START + 2 * HOUR - timedelta(seconds=delay_s + 780)
    assert sorted(known) == [START + i * SLOT for i in range(len(known))]
    assert max(known) >= last
    assert totals == sorted(totals)
    assert totals[-1] == pytest.approx(0.05 * len(known))
    assert entry.runtime_data.coordinator.meters["s"].slotter.current.late == 0


@pytest.mark.parametrize(
    ("unit", "wrong_h"),
    [
        ("W", 1),
        ("kWh", -1),
        pytest.param("W", -1, marks=pytest.mark.slow),
        pytest.param("kWh", 1, marks=pytest.mark.slow),
        pytest.param("W", 3, marks=pytest.mark.slow),
        pytest.param("kWh", 3, marks=pytest.mark.slow),
    ],
)
async def test_entity_while_the_clock_is_wrong(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    unit: str,
    wrong_h: int,
) -> None:
    """A total never falls and nothing counts twice, whatever the clock does."""
    freezer.move_to(START)
    attributes = {
        "unit_of_measurement": unit,
        "device_class": {"W": "power", "kWh": "energy"}[unit],
    }
    lived = 0

    async def live(minutes: int) -> None:
        """Let a home use 600 W for a while; a total that falls fails the test."""
        nonlocal lived
        for _ in range(minutes * 2):
            lived += 30
            freezer.tick(timedelta(seconds=30))
            value = {"W": 600.0, "kWh": 100 + lived / 6000}[unit]
            hass.states.async_set("sensor.meter", str(value), attributes)
            async_fire_time_changed(hass, dt_util.utcnow())
            await hass.async_block_till_done(wait_background_tasks=True)
            totals.append(shown(hass, SHED))

    hass.states.async_set("sensor.meter", {"W": "600", "kWh": "100"}[unit], attributes)
    entry = home_entry("Shed", meter_subentry("s", entity_revision("sensor.meter")))
    await set_up(hass, entry)
    totals = [0.0]
    await live(17)
    freezer.tick(wrong_h * HOUR)
    await live(12)
    freezer.tick(-wrong_h * HOUR)
    await live(2)
    await hass.config_entries.async_reload(entry.entry_id)
    await live(max(wrong_h, 1) * 60 + 40)

    assert totals == sorted(totals)
    used = lived / 6000
    assert totals[-1] <= used
    # The wrong minutes count once, in their wrong place; so do those that they stand for.
    assert totals[-1] >= used - 0.35
    assert shown(hass, "sensor.shed_power") == pytest.approx(600, rel=0.01)
    last_reading = hass.data[DATA_HOMES].all[0].data.last_reading
    assert last_reading is not None
    assert abs(last_reading - dt_util.utcnow()) <= MINUTE
