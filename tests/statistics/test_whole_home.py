"""The reconciliation and the guard through a real home, its sensors and the recorder."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder, get_instance
from homeassistant.components.recorder.statistics import statistics_during_period
from homeassistant.components.recorder.tasks import (
    CompileMissingStatisticsTask,
    StatisticsTask,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er, issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_recorder_block_till_done,
)

from custom_components.energy_homes.const import DOMAIN
from custom_components.energy_homes.ledger import home_key
from custom_components.energy_homes.ledger.opening import DATA_LEDGER
from tests.builders import entity_revision, home_entry, meter_subentry, set_up, state_of

pytestmark = pytest.mark.recorder

POWER = {"unit_of_measurement": "W", "device_class": "power"}
ENERGY = {
    "unit_of_measurement": "kWh",
    "device_class": "energy",
    "state_class": "total_increasing",
}
BYSTANDER = "sensor.bystander"
COUNTER = "sensor.counter"
HOUR = timedelta(hours=1)


class Clock:
    """Lets the time pass for a home and for the recorder."""

    def __init__(self, hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
        """Begin at the test's own time."""
        self._hass = hass
        self._freezer = freezer
        self._counted = 0

    async def tick(self, seconds: int) -> None:
        """Move on and let Home Assistant do what is due."""
        self._freezer.tick(timedelta(seconds=seconds))
        async_fire_time_changed(self._hass, datetime.now(UTC))
        await self._hass.async_block_till_done(wait_background_tasks=True)

    async def slot(self, watts: int) -> None:
        """Live through a slot with a power, then have the recorder compile it."""
        begin = datetime.now(UTC)
        self._hass.states.async_set("sensor.clamp", str(watts), POWER)
        self.move_bystander()
        for _ in range(10):
            await self.tick(30)
        await self.compile(begin)

    def move_bystander(self) -> None:
        """Let another integration's meter count on."""
        self._counted += 1
        self._hass.states.async_set(BYSTANDER, str(self._counted), ENERGY)

    async def sleep(self, length: timedelta) -> None:
        """Be asleep for some hours, as a machine that is suspended; then catch up."""
        await self.tick(length // timedelta(seconds=1))
        get_instance(self._hass).queue_task(CompileMissingStatisticsTask())
        await self._done()

    async def compile(self, begin: datetime) -> None:
        """Have the recorder compile the window that begins then, and everybody react."""
        get_instance(self._hass).queue_task(StatisticsTask(begin, True))
        await self._done()

    async def _done(self) -> None:
        """Wait for the recorder, then for the reconciliation, then for what it asked for."""
        await async_recorder_block_till_done(self._hass)
        await self._hass.async_block_till_done(wait_background_tasks=True)
        await async_recorder_block_till_done(self._hass)


async def hours(
    hass: HomeAssistant, entity_id: str, since: datetime
) -> list[float | None]:
    """Return an entity's hourly changes in kWh."""
    rows = await get_instance(hass).async_add_executor_job(
        statistics_during_period,
        hass,
        since,
        None,
        {entity_id},
        "hour",
        {"energy": "kWh"},
        {"change"},
    )
    return [row.get("change") for row in rows[entity_id]]


@pytest.mark.heavy
async def test_hours_show_what_was_used_in_them(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    start: datetime,
) -> None:
    """A healthy home's bars are its slots, and nobody else's are touched."""
    hass.states.async_set("sensor.clamp", "0", POWER)
    hass.states.async_set(BYSTANDER, "0", ENERGY)
    await set_up(
        hass, home_entry("Shed", meter_subentry("s", entity_revision("sensor.clamp")))
    )
    clock = Clock(hass, freezer)
    # The last slot of each hour is far from the others: it must not slip into the next.
    watts = [600] * 11 + [6000] + [1200] * 11 + [0] + [300] * 12 + [0] * 2
    for power in watts:
        await clock.slot(power)

    expected = [sum(watts[h * 12 : h * 12 + 12]) / 12 / 1000 for h in range(3)]
    assert (await hours(hass, "sensor.shed_energy", start))[:3] == pytest.approx(
        expected, abs=1e-5
    )
    assert (await hours(hass, BYSTANDER, start))[1:3] == [12, 12]
    assert float(state_of(hass, "sensor.shed_energy")) == pytest.approx(sum(expected))


async def test_lost_ledger(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    start: datetime,
    entity_registry: er.EntityRegistry,
    issue_registry: ir.IssueRegistry,
) -> None:
    """A home without its ledger goes on from what was recorded, and says so."""
    entity_registry.async_get_or_create(
        "sensor", DOMAIN, "home-shed_energy", suggested_object_id="shed_energy"
    )
    clock = Clock(hass, freezer)
    for total in (800.0, 800.5):
        hass.states.async_set("sensor.shed_energy", str(total), ENERGY)
        await clock.slot(600)
    hass.states.async_remove("sensor.shed_energy")

    entry = home_entry("Shed", meter_subentry("s", entity_revision("sensor.clamp")))
    await set_up(hass, entry)
    assert state_of(hass, "sensor.shed_energy") == "800.5"
    (issue,) = [i for i in issue_registry.issues.values() if i.domain == DOMAIN]
    assert issue.translation_placeholders is not None
    assert issue.translation_placeholders["home"] == "Shed"
    assert "800.5" in issue.translation_placeholders["energy"]

    for _ in range(23):
        await clock.slot(600)
    total = 800.5 + 22 * 0.05
    assert float(state_of(hass, "sensor.shed_energy")) == pytest.approx(total)
    # The carried total is nobody's use of an hour: the bars are the slots alone.
    assert (await hours(hass, "sensor.shed_energy", start))[:2] == pytest.approx(
        [10 * 0.05, 12 * 0.05], abs=1e-5
    )

    await hass.config_entries.async_reload(entry.entry_id)
    assert float(state_of(hass, "sensor.shed_energy")) == pytest.approx(total)
    assert len([i for i in issue_registry.issues.values() if i.domain == DOMAIN]) == 1


class Dial:
    """A counter of Home Assistant's that a home reads, 600 W all the time."""

    def __init__(self, hass: HomeAssistant, clock: Clock, entity_id: str) -> None:
        """Begin with a counter that shows nothing yet."""
        self._hass = hass
        self._clock = clock
        self._entity_id = entity_id
        self.shown = 0.0

    async def slots(self, count: int) -> None:
        """Count on for some slots, reported twice in each."""
        for _ in range(count):
            begin = datetime.now(UTC)
            self._clock.move_bystander()
            for _ in range(2):
                self.show(self.shown)
                for _ in range(5):
                    await self._clock.tick(30)
                self.shown = round(self.shown + 0.025, 6)
            await self._clock.compile(begin)

    def show(self, energy: float | None) -> None:
        """Report what the counter counted by now; None where it is unavailable."""
        self._hass.states.async_set(
            self._entity_id, "unavailable" if energy is None else str(energy), ENERGY
        )


async def true_bars(hass: HomeAssistant, since: datetime) -> list[float]:
    """Check what the recorder shows of each hour against the ledger; return it."""
    bars = await hours(hass, "sensor.shed_energy", since)
    ledger = hass.data[DATA_LEDGER]
    totals = await ledger.sums.async_hourly(
        home_key("home-shed", "grid"), since - HOUR, since + len(bars) * HOUR
    )
    truth = [after[1] - before[1] for before, after in pairwise(totals)]
    assert bars == pytest.approx(truth, rel=1e-3, abs=1e-6)
    return [bar or 0.0 for bar in bars]


async def no_fall(hass: HomeAssistant, since: datetime) -> None:
    """Check that sums never fall."""
    rows = await get_instance(hass).async_add_executor_job(
        statistics_during_period,
        hass,
        since,
        None,
        {"sensor.shed_energy"},
        "hour",
        {"energy": "kWh"},
        {"sum"},
    )
    sums = [row.get("sum") or 0.0 for row in rows["sensor.shed_energy"]]
    assert sums == sorted(sums)


@pytest.mark.parametrize("reset", [pytest.param(False, marks=pytest.mark.slow), True])
async def test_a_counter_over_an_outage(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    start: datetime,
    reset: bool,
) -> None:
    """What a counter counted meanwhile is in the hours of the outage, reset or not."""
    clock = Clock(hass, freezer)
    dial = Dial(hass, clock, COUNTER)
    dial.shown = 812.5
    dial.show(dial.shown)
    await set_up(
        hass, home_entry("Shed", meter_subentry("s", entity_revision(COUNTER)))
    )
    await dial.slots(15)
    dial.show(None)
    await clock.sleep(timedelta(hours=3))
    # Of the three hours' 1.8 kWh a counter that began anew knows the last 0.9.
    dial.shown = 0.9 if reset else round(dial.shown + 1.8, 6)
    await dial.slots(12 + 9 + 3)

    bars = await true_bars(hass, start)
    await no_fall(hass, start)
    lost = 0.9 if reset else 0.0
    assert bars[2:4] == pytest.approx([(1.8 - lost) / 3] * 2, rel=0.05)
    assert bars[5] == pytest.approx(0.6, rel=1e-3)
    total = float(state_of(hass, "sensor.shed_energy"))
    assert sum(bars) <= total


@pytest.mark.slow
async def test_a_meter_swapped_in_an_outage(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    start: datetime,
) -> None:
    """A new counter that shows thousands of kWh adds none of them, and goes on from there."""
    clock = Clock(hass, freezer)
    old, new = Dial(hass, clock, COUNTER), Dial(hass, clock, "sensor.new_counter")
    old.shown, new.shown = 812.5, 5000.0
    old.show(old.shown)
    await set_up(
        hass,
        home_entry(
            "Shed",
            meter_subentry(
                "s",
                entity_revision(COUNTER),
                entity_revision(
                    "sensor.new_counter", start + timedelta(hours=2, minutes=30)
                ),
            ),
        ),
    )
    await old.slots(15)
    before = float(state_of(hass, "sensor.shed_energy"))
    old.show(None)
    await clock.sleep(timedelta(hours=3))
    await new.slots(12 + 9 + 3)

    bars = await true_bars(hass, start)
    await no_fall(hass, start)
    # What was used between the two is known to nobody: in the recorder that reads 0.
    assert bars[2:4] == [0.0, 0.0]
    assert bars[5] == pytest.approx(0.6, rel=1e-3)
    assert float(state_of(hass, "sensor.shed_energy")) < before + 1.3
