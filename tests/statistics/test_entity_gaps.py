"""Gaps of meters that are entities: Home Assistant's own history fills them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder, get_instance
from homeassistant.components.recorder.models import StatisticMeanType
from homeassistant.components.recorder.statistics import async_import_statistics
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.recorder import DATA_INSTANCE, session_scope
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_recorder_block_till_done,
)
from sqlalchemy import text

from custom_components.energy_homes.const import DOMAIN
from custom_components.energy_homes.history.repair import DATA_REPAIR
from custom_components.energy_homes.homes.directory import DATA_HOMES
from custom_components.energy_homes.ledger.opening import DATA_LEDGER
from custom_components.energy_homes.metering.model import (
    SLOT,
    MeterRole,
    Provenance,
    Slot,
    unknown_slot,
)
from tests.builders import entity_revision, home_entry, meter_subentry, set_up, state_of

pytestmark = pytest.mark.recorder

START = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
CLAMP = "sensor.clamp"
DIAL = "sensor.dial"
POWER = {"unit_of_measurement": "W", "device_class": "power"}
ENERGY = {"unit_of_measurement": "kWh", "device_class": "energy"}


@pytest.fixture(autouse=True)
def at_ten(freezer: FrozenDateTimeFactory) -> None:
    """Begin every test at ten o'clock, before the recorder does."""
    freezer.move_to(START)


def true_power(at: datetime) -> float:
    """Return the power in W at an instant: another one each minute."""
    minute = (at - START) // MINUTE
    return 300.0 + 150 * (minute % 7) + 40 * (minute % 23)


def true_energy(begin: datetime, end: datetime) -> float:
    """Return the energy in kWh between whole minutes."""
    minutes = (end - begin) // MINUTE
    return sum(true_power(begin + n * MINUTE) for n in range(minutes)) / 60_000


class Life:
    """Lets two entities go on, whatever becomes of their home."""

    def __init__(self, hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
        """Begin now."""
        self.hass = hass
        self.freezer = freezer
        self.say: Callable[[], None] = self.go_on
        self.offset = 100.0
        self.home = home_entry(
            "Shed",
            meter_subentry("clamp", entity_revision(CLAMP)),
            meter_subentry(
                "dial",
                entity_revision(DIAL),
                name="Dial",
                role=MeterRole.SUBMETER,
            ),
        )
        self.say()

    def go_on(self) -> None:
        """Let both say what is true."""
        now = datetime.now(UTC)
        self.hass.states.async_set(CLAMP, str(true_power(now)), POWER)
        shown = self.offset + true_energy(START, now)
        self.hass.states.async_set(DIAL, f"{shown:.9f}", ENERGY)

    def be_unavailable(self) -> None:
        """Let both say nothing."""
        for entity_id in (CLAMP, DIAL):
            self.hass.states.async_set(entity_id, STATE_UNAVAILABLE)

    async def live(self, total: timedelta, step: timedelta = MINUTE / 2) -> None:
        """Let time pass."""
        end = datetime.now(UTC) + total
        while datetime.now(UTC) < end:
            self.freezer.tick(step)
            self.say()
            async_fire_time_changed(self.hass, datetime.now(UTC))
            await self.hass.async_block_till_done(wait_background_tasks=True)

    async def unload(self) -> None:
        """Let the home be gone."""
        assert await self.hass.config_entries.async_unload(self.home.entry_id)

    async def load(self) -> None:
        """Let the home be there again."""
        await async_recorder_block_till_done(self.hass)
        assert await self.hass.config_entries.async_setup(self.home.entry_id)
        await self.hass.async_block_till_done()
        assert self.home.state is ConfigEntryState.LOADED

    async def repair(self, **data: object) -> dict[str, Any]:
        """Repair the home, and return what became of its meters by their name."""
        await async_recorder_block_till_done(self.hass)
        answer: Any = await self.hass.services.async_call(
            DOMAIN, "repair_gaps", data, blocking=True, return_response=True
        )
        return {one["name"]: one for one in answer["Shed"]["meters"]}

    async def slots(self, source_id: str) -> list[Slot]:
        """Return all slots of a meter."""
        return await self.hass.data[DATA_LEDGER].slots.async_between(
            source_id, START - timedelta(days=99), START + timedelta(days=99)
        )

    async def assert_true(self, source_id: str, *unknown: datetime) -> None:
        """Check that each slot has what was used in it, but for those that are unknown."""
        found = await self.slots(source_id)
        assert [slot.start for slot in found] == [
            found[0].start + n * SLOT for n in range(len(found))
        ]
        assert {slot.start for slot in found if not slot.known} == set(unknown)
        for slot in found:
            if slot.known:
                assert slot.energy == pytest.approx(
                    true_energy(slot.start, slot.end), rel=1e-5
                ), slot
        total = sum(slot.energy or 0 for slot in found)
        if source_id == "clamp":
            assert float(state_of(self.hass, "sensor.shed_energy")) == pytest.approx(
                total, abs=1e-5
            )


@pytest.fixture
async def life(
    recorder_mock: Recorder, hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> Life:
    """Return two entities and a home that they are the meters of."""
    life = Life(hass, freezer)
    await set_up(hass, life.home)
    return life


async def test_home_was_unloaded_while_its_entities_went_on(life: Life) -> None:
    """What they said then is in the ledger as if it had been heard; nothing is left."""
    await life.live(22 * MINUTE)
    await life.unload()
    await life.live(2 * HOUR)
    await life.load()
    # A counter's own past is taken up at once, not spread evenly.
    await life.live(7 * MINUTE)
    await life.assert_true("dial")
    assert len([slot for slot in await life.slots("clamp") if not slot.known]) == 25
    await life.live(15 * MINUTE)

    repaired = await life.repair()
    assert repaired["Electricity meter"]["found"] == 25
    assert repaired["Electricity meter"]["vendor"] == 25
    assert repaired["Dial"]["found"] == 0
    for source_id in ("clamp", "dial"):
        await life.assert_true(source_id)
    filled = [
        slot
        for slot in await life.slots("clamp")
        if slot.provenance is Provenance.VENDOR
    ]
    assert len(filled) == 25

    before = await life.slots("clamp")
    repaired = await life.repair()
    assert (repaired["Electricity meter"]["found"], repaired["Dial"]["found"]) == (0, 0)
    assert await life.slots("clamp") == before


async def test_hourly_look_fills_them(life: Life) -> None:
    """Nobody has to ask for it."""
    await life.live(12 * MINUTE)
    await life.unload()
    await life.live(21 * MINUTE)
    await life.load()
    await life.live(HOUR)
    await life.assert_true("clamp")


async def test_nothing_is_known_where_the_entity_was_unavailable(life: Life) -> None:
    """A power that nobody said stays unknown, and is not asked for every hour."""
    await life.live(12 * MINUTE)
    await life.unload()
    await life.live(14 * MINUTE)
    life.say = life.be_unavailable
    await life.live(24 * MINUTE)
    life.say = life.go_on
    await life.live(11 * MINUTE)
    await life.load()
    await life.live(25 * MINUTE)

    repaired = await life.repair()
    unknown = [START + n * SLOT for n in range(5, 11)]
    assert repaired["Electricity meter"]["left"] == len(unknown)
    await life.assert_true("clamp", *unknown)
    ledger = life.hass.data[DATA_LEDGER]
    assert sum(map(len, await ledger.slots.async_asked("clamp"))) >= len(unknown)
    # A counter's difference bridges it.
    slots = await life.slots("dial")
    assert all(slot.known for slot in slots)
    assert sum(slot.energy or 0 for slot in slots) == pytest.approx(
        true_energy(slots[0].start, slots[-1].end), rel=1e-5
    )


async def test_counter_was_reset_while_nobody_listened(life: Life) -> None:
    """It counts from zero, and no energy is lost but that before the reset."""
    await life.live(12 * MINUTE)
    await life.unload()
    await life.live(18 * MINUTE)
    life.offset = -true_energy(START, START + 30 * MINUTE)
    await life.live(20 * MINUTE)
    await life.load()
    await life.live(12 * MINUTE)
    await life.assert_true("dial")


async def test_recorder_that_fails_is_asked_again(life: Life) -> None:
    """Where the database cannot answer the repair says so, and the home starts all the same."""
    await life.live(12 * MINUTE)
    await life.unload()
    await life.live(20 * MINUTE)
    await async_recorder_block_till_done(life.hass)

    async def rename(before: str, after: str) -> None:
        """Rename a table, so that questions to it fail."""

        def write() -> None:
            with session_scope(hass=life.hass) as session:
                session.execute(text(f"ALTER TABLE {before} RENAME TO {after}"))

        await get_instance(life.hass).async_add_executor_job(write)

    await rename("recorder_runs", "hidden")
    try:
        assert await life.hass.config_entries.async_setup(life.home.entry_id)
        await life.live(20 * MINUTE)
        assert (await life.repair())["Electricity meter"]["problem"] == "recorder"
    finally:
        await rename("hidden", "recorder_runs")
    assert (await life.repair())["Electricity meter"]["problem"] is None
    await life.assert_true("clamp")


async def test_recorder_that_does_not_run_is_asked_again(
    life: Life, freezer: FrozenDateTimeFactory
) -> None:
    """Without its recorder Home Assistant has no history of anything for now."""
    await life.live(12 * MINUTE)
    await life.unload()
    await life.live(20 * MINUTE)
    await life.load()
    await life.live(20 * MINUTE)
    await async_recorder_block_till_done(life.hass)
    instance = life.hass.data.pop(DATA_INSTANCE)
    homes = life.hass.data[DATA_HOMES]
    (clamp, _) = await life.hass.data[DATA_REPAIR].async_repair(
        homes.get("Shed"), again=True
    )
    assert (clamp.problem, clamp.vendor) == ("recorder", 0)
    life.hass.data[DATA_INSTANCE] = instance
    (clamp, _) = await life.hass.data[DATA_REPAIR].async_repair(homes.get("Shed"))
    assert (clamp.problem, clamp.left) == (None, [])
    await life.assert_true("clamp")


async def test_counter_that_is_gone_at_the_start(
    life: Life, hass: HomeAssistant, entity_registry: er.EntityRegistry
) -> None:
    """Nothing is taken up of a counter that is in the registry no more."""
    entity = entity_registry.async_get_or_create(
        "sensor", "test", "meter", suggested_object_id="meter"
    )
    hass.states.async_set(entity.entity_id, "5", ENERGY)
    home = home_entry("Barn", meter_subentry("barn", entity_revision(entity.id)))
    await set_up(hass, home)
    await life.live(2 * MINUTE)
    assert await hass.config_entries.async_unload(home.entry_id)
    entity_registry.async_remove(entity.entity_id)
    assert await hass.config_entries.async_setup(home.entry_id)
    await life.live(12 * MINUTE)
    assert not any(slot.known for slot in await life.slots("barn"))


async def test_counter_that_became_a_power(life: Life) -> None:
    """Of what was recorded meanwhile a counter takes only what it counted."""
    await life.live(12 * MINUTE)
    await life.unload()
    for entity_id in (CLAMP, DIAL):
        life.hass.states.async_set(entity_id, "600", POWER)
    life.say = lambda: None
    await life.live(20 * MINUTE)
    await life.load()
    await life.live(12 * MINUTE)
    known = [slot for slot in await life.slots("dial") if slot.known]
    assert known[-1].energy == pytest.approx(0.05)
    assert {slot.start for slot in known[:3]} == {START + n * SLOT for n in (0, 1, 7)}


async def ledger_gap(life: Life, source_id: str, begin: datetime, slots: int) -> None:
    """Let a meter have begun then, and know nothing of so many slots."""
    await life.hass.data[DATA_LEDGER].slots.async_settle(
        source_id,
        MeterRole.GRID,
        [unknown_slot(begin), unknown_slot(begin + (slots - 1) * SLOT)],
        [],
    )


def import_powers(life: Life, begin: datetime, *powers: float) -> None:
    """Give the recorder the mean power in W of some hours, one after the other."""
    rows: Any = [
        {"start": begin + n * HOUR, "mean": power, "min": power, "max": power}
        for n, power in enumerate(powers)
    ]
    meta: Any = {
        "statistic_id": CLAMP,
        "source": "recorder",
        "name": None,
        "has_sum": False,
        "mean_type": StatisticMeanType.ARITHMETIC,
        "unit_class": "power",
        "unit_of_measurement": "W",
    }
    async_import_statistics(life.hass, meta, rows)


@pytest.mark.parametrize("asked", [False, True])
async def test_statistics_where_states_are_not_kept(life: Life, asked: bool) -> None:
    """Hours of eleven days ago; not where states were looked at and knew nothing."""
    begin = START - timedelta(days=11)
    import_powers(life, begin, 600.0, 1200.0)
    await ledger_gap(life, "clamp", begin, 36)
    ledger = life.hass.data[DATA_LEDGER]
    if asked:
        (gap,) = await ledger.slots.async_gaps("clamp", None, begin + 3 * HOUR)
        await ledger.slots.async_add_asked("clamp", [gap])
    span = {"start": begin.isoformat(), "end": (begin + 3 * HOUR).isoformat()}
    repaired = (await life.repair(**span))["Electricity meter"]
    assert (repaired["found"], repaired["vendor"]) == (36, 0 if asked else 24)
    found = [slot.energy for slot in await life.slots("clamp") if slot.known]
    hours = [0.05] * 12 + [0.1] * 12
    assert found == ([] if asked else pytest.approx(hours))
    # States of yesterday are kept: what they do not know no statistic tells.
    import_powers(life, START - 9 * HOUR, 600.0)
    span = {
        "start": (START - 9 * HOUR).isoformat(),
        "end": (START - 8 * HOUR).isoformat(),
    }
    assert (await life.repair(**span))["Electricity meter"]["vendor"] == 0


async def test_entity_that_is_gone(
    life: Life, hass: HomeAssistant, entity_registry: er.EntityRegistry
) -> None:
    """An entity that is in the registry no more has no history to ask for."""
    entity = entity_registry.async_get_or_create("sensor", "test", "gone")
    home = home_entry("Barn", meter_subentry("barn", entity_revision(entity.id)))
    entity_registry.async_remove(entity.entity_id)
    await set_up(hass, home)
    await ledger_gap(life, "barn", START - 5 * HOUR, 6)
    answer: Any = await hass.services.async_call(
        DOMAIN, "repair_gaps", {"home": "Barn"}, blocking=True, return_response=True
    )
    (meter,) = answer["Barn"]["meters"]
    assert (meter["vendor"], meter["problem"]) == (0, None)


async def test_a_gap_inside_an_hour_has_what_the_hour_leaves(life: Life) -> None:
    """Known slots of an hour and those that its mean fills have the hour's energy together."""
    begin = START - timedelta(days=11)
    import_powers(life, begin, 600.0)
    measured = [
        Slot(
            start=begin + n * SLOT,
            energy=0.09,
            returned=0.0,
            provenance=Provenance.MEASURED,
        )
        for n in range(6)
    ]
    await life.hass.data[DATA_LEDGER].slots.async_settle(
        "clamp", MeterRole.GRID, [*measured, unknown_slot(begin + 11 * SLOT)], []
    )
    span = {"start": begin.isoformat(), "end": (begin + HOUR).isoformat()}
    repaired = (await life.repair(**span))["Electricity meter"]
    assert (repaired["found"], repaired["vendor"]) == (6, 6)
    found = [slot.energy for slot in await life.slots("clamp") if slot.known]
    assert found == pytest.approx([0.09] * 6 + [0.01] * 6)
