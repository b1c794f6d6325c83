"""A home measured by entities of Home Assistant, without any vendor."""

from datetime import UTC, datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.energy_homes.const import DOMAIN
from custom_components.energy_homes.ledger.opening import DATA_LEDGER
from custom_components.energy_homes.metering.model import (
    CounterReading,
    MeterRole,
    Provenance,
)
from tests.builders import entity_revision, home_entry, meter_subentry, set_up, state_of

START = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)

POWER = {"unit_of_measurement": "W", "device_class": "power"}
INTERPOLATED = Provenance.INTERPOLATED
ENERGY = {"unit_of_measurement": "kWh", "device_class": "energy"}


@pytest.fixture(autouse=True)
def at_ten(freezer: FrozenDateTimeFactory) -> None:
    """Begin every test at ten o'clock."""
    freezer.move_to(START)


async def run(
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    until: datetime,
    *reported: str,
) -> None:
    """Let the time pass in steps of ten seconds; some entities report in each."""
    while datetime.now(UTC) < until:
        freezer.tick(timedelta(seconds=10))
        for state in filter(None, map(hass.states.get, reported)):
            hass.states.async_set(state.entity_id, state.state, state.attributes)
        async_fire_time_changed(hass, datetime.now(UTC))
        await hass.async_block_till_done(wait_background_tasks=True)


async def slots(
    hass: HomeAssistant, source_id: str
) -> dict[str, tuple[Any, Provenance]]:
    """Return what the ledger holds by the time of day."""
    stored = await hass.data[DATA_LEDGER].slots.async_between(
        source_id, START - timedelta(days=1), START + timedelta(days=1)
    )
    return {f"{slot.start:%H:%M}": (slot.energy, slot.provenance) for slot in stored}


async def test_power_entity_becomes_energy(
    recorder_mock: Recorder, hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """A power that changes rarely is integrated exactly, and shown as it is."""
    hass.states.async_set("sensor.clamp", "600", POWER)
    await set_up(
        hass,
        home_entry("Shed", meter_subentry("source-1", entity_revision("sensor.clamp"))),
    )
    assert state_of(hass, "sensor.shed_power") == "600.0"

    await run(hass, freezer, START + timedelta(minutes=7))
    hass.states.async_set("sensor.clamp", "1200", POWER)
    await run(hass, freezer, START + timedelta(minutes=12))

    assert await slots(hass, "source-1") == {
        "10:00": (pytest.approx(0.05), Provenance.MEASURED),
        "10:05": (pytest.approx((2 * 600 + 3 * 1200) / 60_000), Provenance.MEASURED),
    }
    assert float(state_of(hass, "sensor.shed_energy")) == pytest.approx(0.13)
    assert state_of(hass, "sensor.shed_power") == "1200.0"


async def test_kilowatts_and_export(
    recorder_mock: Recorder, hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """Units convert, and what flows out of the home is counted apart."""
    unit = {"unit_of_measurement": "kW", "device_class": "power"}
    hass.states.async_set("sensor.clamp", "-1.2", unit)
    await set_up(
        hass,
        home_entry("Shed", meter_subentry("source-1", entity_revision("sensor.clamp"))),
    )
    await run(hass, freezer, START + timedelta(minutes=7))

    assert state_of(hass, "sensor.shed_power") == "-1200.0"
    assert float(state_of(hass, "sensor.shed_energy")) == 0
    assert float(state_of(hass, "sensor.shed_energy_returned")) == pytest.approx(0.1)


async def test_unavailable_entity_makes_unknown_slots(
    recorder_mock: Recorder, hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """While nobody measures nothing is invented, and the home says so."""
    hass.states.async_set("sensor.clamp", "600", POWER)
    await set_up(
        hass,
        home_entry("Shed", meter_subentry("source-1", entity_revision("sensor.clamp"))),
    )
    await run(hass, freezer, START + timedelta(minutes=6))
    hass.states.async_set("sensor.clamp", STATE_UNAVAILABLE)
    await run(hass, freezer, START + timedelta(minutes=10))
    assert state_of(hass, "sensor.shed_power") == STATE_UNAVAILABLE
    assert state_of(hass, "sensor.shed_energy") != STATE_UNAVAILABLE
    hass.states.async_set("sensor.clamp", "600", POWER)
    await run(hass, freezer, START + timedelta(minutes=17))

    assert await slots(hass, "source-1") == {
        "10:00": (pytest.approx(0.05), Provenance.MEASURED),
        "10:05": (None, Provenance.UNKNOWN),
        "10:10": (pytest.approx(0.05), Provenance.MEASURED),
    }
    assert state_of(hass, "sensor.shed_unknown_slots_today") == "1"
    assert float(
        state_of(hass, "sensor.shed_coverage_of_the_last_hour")
    ) == pytest.approx(200 / 3)


async def test_energy_counter(
    recorder_mock: Recorder, hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """A counter's difference is the energy, and it bridges its own outage."""
    hass.states.async_set("sensor.dial", "100.0", ENERGY)
    await set_up(
        hass,
        home_entry("Shed", meter_subentry("source-1", entity_revision("sensor.dial"))),
    )
    await run(hass, freezer, START + timedelta(minutes=5), "sensor.dial")
    hass.states.async_set("sensor.dial", "100.1", ENERGY)
    await run(hass, freezer, START + timedelta(minutes=6), "sensor.dial")
    hass.states.async_set("sensor.dial", STATE_UNAVAILABLE)
    await run(hass, freezer, START + timedelta(minutes=22), "sensor.dial")
    hass.states.async_set("sensor.dial", "100.9", ENERGY)
    await run(hass, freezer, START + timedelta(minutes=32), "sensor.dial")

    assert float(state_of(hass, "sensor.shed_energy")) == pytest.approx(0.9)
    stored = await slots(hass, "source-1")
    assert stored["10:10"][1] is Provenance.INTERPOLATED
    assert stored["10:25"] == (pytest.approx(0), Provenance.MEASURED)


@pytest.mark.parametrize("step", [6.0, 0.5])
async def test_counter_that_steps_once_an_hour(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    step: float,
) -> None:
    """What it counts is spread over the hour, and none of it was measured in one slot."""
    hass.states.async_set("sensor.dial", "100", ENERGY)
    await set_up(
        hass,
        home_entry("Shed", meter_subentry("source-1", entity_revision("sensor.dial"))),
    )
    await run(hass, freezer, START + timedelta(hours=1))
    assert {value for value, _ in (await slots(hass, "source-1")).values()} == {None}
    assert state_of(hass, "sensor.shed_power") == STATE_UNAVAILABLE
    hass.states.async_set("sensor.dial", str(100 + step), ENERGY)
    await hass.async_block_till_done()
    assert float(state_of(hass, "sensor.shed_power")) == pytest.approx(step * 1000)
    await run(hass, freezer, START + timedelta(hours=1, minutes=2))

    stored = await slots(hass, "source-1")
    assert len(stored) == 12
    assert list(stored.values()) == [(pytest.approx(step / 12), INTERPOLATED)] * 12
    assert float(state_of(hass, "sensor.shed_energy")) == pytest.approx(step)
    assert state_of(hass, "sensor.shed_unknown_slots_today") == "0"


async def test_counter_that_dips(
    recorder_mock: Recorder, hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """A counter that shows nothing for a moment is not counted again."""
    hass.states.async_set("sensor.dial", "1234.5", ENERGY)
    entry = home_entry(
        "Shed", meter_subentry("source-1", entity_revision("sensor.dial"))
    )
    await set_up(hass, entry)
    await run(hass, freezer, START + timedelta(minutes=6), "sensor.dial")
    freezer.tick(timedelta(seconds=5))
    hass.states.async_set("sensor.dial", "0", ENERGY)
    await run(hass, freezer, START + timedelta(minutes=6, seconds=45))
    hass.states.async_set("sensor.dial", "1234.6", ENERGY)
    await run(hass, freezer, START + timedelta(minutes=22), "sensor.dial")

    assert float(state_of(hass, "sensor.shed_energy")) == pytest.approx(0.1)
    assert state_of(hass, "sensor.shed_power") == "0.0"
    assert entry.runtime_data.coordinator.meters["source-1"].slotter.refused == 1


async def test_impossible_power_is_refused(
    recorder_mock: Recorder, hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """No home uses a gigawatt: its slot is unknown, the next ones are not."""
    hass.states.async_set("sensor.clamp", "600", POWER)
    entry = home_entry(
        "Shed", meter_subentry("source-1", entity_revision("sensor.clamp"))
    )
    await set_up(hass, entry)
    await run(hass, freezer, START + timedelta(minutes=6))
    hass.states.async_set("sensor.clamp", "-1e9", POWER)
    await run(hass, freezer, START + timedelta(minutes=9))
    assert state_of(hass, "sensor.shed_power") == STATE_UNAVAILABLE
    hass.states.async_set("sensor.clamp", "600", POWER)
    await run(hass, freezer, START + timedelta(minutes=17))

    assert await slots(hass, "source-1") == {
        "10:00": (pytest.approx(0.05), Provenance.MEASURED),
        "10:05": (None, Provenance.UNKNOWN),
        "10:10": (pytest.approx(0.05), Provenance.MEASURED),
    }
    assert entry.runtime_data.coordinator.meters["source-1"].slotter.refused > 0


async def test_renamed_entity_is_followed(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    entity_registry: er.EntityRegistry,
) -> None:
    """A registered entity may be renamed without a reload or a gap."""
    entity = entity_registry.async_get_or_create(
        "sensor", "test", "clamp", suggested_object_id="clamp"
    )
    hass.states.async_set(entity.entity_id, "600", POWER)
    await set_up(
        hass, home_entry("Shed", meter_subentry("source-1", entity_revision(entity.id)))
    )
    entity_registry.async_update_entity(
        entity.entity_id, new_entity_id="sensor.renamed"
    )
    hass.states.async_set("sensor.renamed", "900", POWER)
    await hass.async_block_till_done()
    assert state_of(hass, "sensor.shed_power") == "900.0"

    entity_registry.async_remove("sensor.renamed")
    await hass.async_block_till_done()
    assert state_of(hass, "sensor.shed_power") == STATE_UNAVAILABLE


async def test_submeter_does_not_add_to_the_home(
    recorder_mock: Recorder, hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """Grid meters are added, generation is apart, submeters stand for themselves."""
    for name, power in (("a", "100"), ("b", "200"), ("sun", "400"), ("fridge", "50")):
        hass.states.async_set(f"sensor.{name}", power, POWER)
    await set_up(
        hass,
        home_entry(
            "Barn",
            meter_subentry("a", entity_revision("sensor.a"), name="A"),
            meter_subentry("b", entity_revision("sensor.b"), name="B"),
            meter_subentry(
                "sun",
                entity_revision("sensor.sun"),
                name="Sun",
                role=MeterRole.GENERATION,
            ),
            meter_subentry(
                "fridge",
                entity_revision("sensor.fridge"),
                name="Fridge",
                role=MeterRole.SUBMETER,
            ),
        ),
    )
    await run(hass, freezer, START + timedelta(minutes=7))

    assert state_of(hass, "sensor.barn_power") == "300.0"
    assert state_of(hass, "sensor.barn_generation_power") == "400.0"
    assert state_of(hass, "sensor.barn_fridge_power") == "50.0"
    assert float(state_of(hass, "sensor.barn_energy")) == pytest.approx(0.025)
    assert float(state_of(hass, "sensor.barn_generation_energy")) == pytest.approx(
        0.4 / 12, abs=1e-6
    )
    assert float(state_of(hass, "sensor.barn_fridge_energy")) == pytest.approx(
        0.05 / 12, abs=1e-6
    )


async def test_replaced_by_another_kind_on_its_day(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    entity_registry: er.EntityRegistry,
) -> None:
    """A planned swap takes effect at its time and keeps entity and total."""
    hass.states.async_set("sensor.clamp", "600", POWER)
    hass.states.async_set("sensor.dial", "500.0", ENERGY)
    await set_up(
        hass,
        home_entry(
            "Shed",
            meter_subentry(
                "source-1",
                entity_revision("sensor.clamp"),
                entity_revision("sensor.dial", START + timedelta(minutes=10)),
            ),
        ),
    )
    await run(hass, freezer, START + timedelta(minutes=14, seconds=50), "sensor.dial")
    hass.states.async_set("sensor.dial", "500.2", ENERGY)
    await run(hass, freezer, START + timedelta(minutes=22), "sensor.dial")

    assert float(state_of(hass, "sensor.shed_energy")) == pytest.approx(0.1 + 0.2)
    assert await slots(hass, "source-1") == {
        "10:00": (pytest.approx(0.05), Provenance.MEASURED),
        "10:05": (pytest.approx(0.05), Provenance.MEASURED),
        "10:10": (pytest.approx(0.2), Provenance.MEASURED),
        "10:15": (pytest.approx(0), Provenance.MEASURED),
    }
    assert (
        entity_registry.async_get_entity_id("sensor", DOMAIN, "home-shed_energy")
        == "sensor.shed_energy"
    )


async def test_restart_inside_a_slot_loses_nothing(
    recorder_mock: Recorder, hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """A reload in the middle of a slot neither loses nor counts anything twice."""
    hass.states.async_set("sensor.clamp", "600", POWER)
    entry = home_entry(
        "Shed", meter_subentry("source-1", entity_revision("sensor.clamp"))
    )
    await set_up(hass, entry)
    await run(hass, freezer, START + timedelta(minutes=2))
    await hass.config_entries.async_unload(entry.entry_id)
    await run(hass, freezer, START + timedelta(minutes=3))
    await hass.config_entries.async_setup(entry.entry_id)
    await run(hass, freezer, START + timedelta(minutes=7))

    assert await slots(hass, "source-1") == {
        "10:00": (pytest.approx(0.05), Provenance.MEASURED)
    }


async def test_another_counter_is_not_a_jump(
    recorder_mock: Recorder, hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """A new counter that shows more than the old one has used nothing yet."""
    hass.states.async_set("sensor.old", "5000", ENERGY)
    hass.states.async_set("sensor.new", "8000", ENERGY)
    hass.states.async_set("sensor.newest", "9000", ENERGY)
    entry = home_entry(
        "Shed",
        meter_subentry(
            "source-1",
            entity_revision("sensor.old"),
            entity_revision("sensor.new", START + timedelta(minutes=7)),
        ),
    )
    await set_up(hass, entry)
    await run(hass, freezer, START + timedelta(minutes=20), "sensor.old", "sensor.new")
    assert float(state_of(hass, "sensor.shed_energy")) == 0

    source = next(iter(entry.subentries.values()))
    revisions = [
        *source.data["revisions"],
        entity_revision("sensor.newest", START + timedelta(minutes=8)).as_data(),
    ]
    hass.config_entries.async_update_subentry(
        entry, source, data={**source.data, "revisions": revisions}
    )
    await hass.async_block_till_done()
    freezer.tick(timedelta(seconds=5))
    hass.states.async_set("sensor.newest", "9000.1", ENERGY)
    await run(hass, freezer, START + timedelta(minutes=40), "sensor.newest")
    assert float(state_of(hass, "sensor.shed_energy")) == pytest.approx(0.1)


async def test_negative_counter_is_nonsense(
    recorder_mock: Recorder, hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """A counter below zero is no reading, and the next one is."""
    hass.states.async_set("sensor.dial", "-1", ENERGY)
    await set_up(
        hass,
        home_entry("Shed", meter_subentry("source-1", entity_revision("sensor.dial"))),
    )
    await run(hass, freezer, START + timedelta(minutes=1))
    hass.states.async_set("sensor.dial", "4", ENERGY)
    await run(hass, freezer, START + timedelta(minutes=8), "sensor.dial")
    hass.states.async_set("sensor.dial", "4.5", ENERGY)
    await run(hass, freezer, START + timedelta(minutes=17), "sensor.dial")
    assert float(state_of(hass, "sensor.shed_energy")) == pytest.approx(0.5)


async def test_what_is_no_number_is_no_reading(
    recorder_mock: Recorder, hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """Text, infinity, a foreign unit and a removed state make the power unavailable."""
    hass.states.async_set("sensor.clamp", "600", POWER)
    await set_up(
        hass,
        home_entry("Shed", meter_subentry("source-1", entity_revision("sensor.clamp"))),
    )
    for state, attributes in (
        ("much", POWER),
        ("inf", POWER),
        ("21", {"unit_of_measurement": "°C"}),
    ):
        hass.states.async_set("sensor.clamp", "600", POWER)
        await hass.async_block_till_done()
        assert state_of(hass, "sensor.shed_power") == "600.0"
        hass.states.async_set("sensor.clamp", state, attributes)
        await hass.async_block_till_done()
        assert state_of(hass, "sensor.shed_power") == STATE_UNAVAILABLE

    hass.states.async_set("sensor.clamp", "600", POWER)
    await hass.async_block_till_done()
    hass.states.async_remove("sensor.clamp")
    await hass.async_block_till_done()
    assert state_of(hass, "sensor.shed_power") == STATE_UNAVAILABLE


async def test_unchanged_states_are_readings_too(
    recorder_mock: Recorder, hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """A sensor that reports the same again has measured again."""
    hass.states.async_set("sensor.clamp", "600", POWER)
    await set_up(
        hass,
        home_entry("Shed", meter_subentry("source-1", entity_revision("sensor.clamp"))),
    )
    freezer.tick(timedelta(seconds=20))
    hass.states.async_set("sensor.clamp", "600", POWER)
    await hass.async_block_till_done()
    answer: Any = await hass.services.async_call(
        DOMAIN, "get_power", {}, blocking=True, return_response=True
    )
    assert answer["Shed"]["last_reading"] == "2026-11-20T10:00:20+00:00"


async def test_counter_that_starts_again(
    recorder_mock: Recorder, hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """A counter that begins at zero again goes on adding, and so does its mean power."""
    hass.states.async_set("sensor.dial", "7.0", ENERGY)
    await set_up(
        hass,
        home_entry("Shed", meter_subentry("source-1", entity_revision("sensor.dial"))),
    )
    await run(hass, freezer, START + timedelta(minutes=6), "sensor.dial")
    assert state_of(hass, "sensor.shed_power") == "0.0"
    hass.states.async_set("sensor.dial", "0.1", ENERGY)
    await run(hass, freezer, START + timedelta(minutes=8), "sensor.dial")
    assert float(state_of(hass, "sensor.shed_power")) == pytest.approx(1200, rel=0.05)
    await run(hass, freezer, START + timedelta(minutes=17), "sensor.dial")
    assert float(state_of(hass, "sensor.shed_energy")) == pytest.approx(0.1)
    assert state_of(hass, "sensor.shed_power") == "0.0"


async def test_counter_says_no_power_from_one_report(
    recorder_mock: Recorder, hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """Two reports at least five minutes apart make a mean power, and it grows stale."""
    hass.states.async_set("sensor.dial", "7.0", ENERGY)
    await set_up(
        hass,
        home_entry("Shed", meter_subentry("source-1", entity_revision("sensor.dial"))),
    )
    await run(hass, freezer, START + timedelta(minutes=10))
    assert state_of(hass, "sensor.shed_power") == STATE_UNAVAILABLE
    hass.states.async_set("sensor.dial", "7.5", ENERGY)
    await run(hass, freezer, START + timedelta(minutes=12))
    assert float(state_of(hass, "sensor.shed_power")) == pytest.approx(3000)
    await run(hass, freezer, START + timedelta(minutes=13))
    assert state_of(hass, "sensor.shed_power") == STATE_UNAVAILABLE


async def test_counter_of_every_ten_minutes_shows_its_power(
    recorder_mock: Recorder, hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """A counter's mean power holds until its next report is overdue by its own pace."""
    hass.states.async_set("sensor.dial", "7.0", ENERGY)
    await set_up(
        hass,
        home_entry("Shed", meter_subentry("source-1", entity_revision("sensor.dial"))),
    )
    for tens in range(1, 5):
        await run(hass, freezer, START + timedelta(minutes=10 * tens))
        hass.states.async_set("sensor.dial", str(7 + tens / 10), ENERGY)
        await hass.async_block_till_done()
    await run(hass, freezer, START + timedelta(minutes=64))
    assert float(state_of(hass, "sensor.shed_power")) == pytest.approx(600)
    await run(hass, freezer, START + timedelta(minutes=66))
    assert state_of(hass, "sensor.shed_power") == STATE_UNAVAILABLE


@pytest.mark.parametrize(
    ("attributes", "shown"),
    [pytest.param(POWER, 600, id="power"), pytest.param(ENERGY, 100, id="counter")],
)
async def test_replaced_today_keeps_what_is_over(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    attributes: dict[str, str],
    shown: float,
) -> None:
    """A slot that is over but not settled is the old hardware's, also after a swap."""
    hass.states.async_set("sensor.old", str(shown), attributes)
    hass.states.async_set("sensor.new", "5000", ENERGY)
    entry = home_entry(
        "Shed", meter_subentry("source-1", entity_revision("sensor.old"))
    )
    await set_up(hass, entry)
    await run(hass, freezer, START + timedelta(minutes=4, seconds=50), "sensor.old")
    # A counter's step; of a power nothing is used in no time.
    hass.states.async_set("sensor.old", str(shown + 0.05), attributes)
    await run(hass, freezer, START + timedelta(minutes=5, seconds=40), "sensor.old")
    assert await slots(hass, "source-1") == {}

    source = next(iter(entry.subentries.values()))
    revisions = [
        *source.data["revisions"],
        entity_revision("sensor.new", START + timedelta(minutes=5)).as_data(),
    ]
    hass.config_entries.async_update_subentry(
        entry, source, data={**source.data, "revisions": revisions}
    )
    await hass.async_block_till_done()

    assert await slots(hass, "source-1") == {
        "10:00": (pytest.approx(0.05, rel=1e-3), Provenance.MEASURED)
    }
    await run(hass, freezer, START + timedelta(minutes=14), "sensor.new")
    assert float(state_of(hass, "sensor.shed_energy")) == pytest.approx(0.05, rel=1e-3)


async def test_planned_swap_is_stored_at_once(
    recorder_mock: Recorder, hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """What a kill right after a swap leaves is whole: the old slot, the new readings."""
    hass.states.async_set("sensor.clamp", "600", POWER)
    hass.states.async_set("sensor.dial", "500", ENERGY)
    swap = START + timedelta(minutes=5, seconds=20)
    dial = entity_revision("sensor.dial", swap)
    await set_up(
        hass,
        home_entry(
            "Shed", meter_subentry("source-1", entity_revision("sensor.clamp"), dial)
        ),
    )
    await run(hass, freezer, swap)

    assert await slots(hass, "source-1") == {
        "10:00": (pytest.approx(0.05), Provenance.MEASURED)
    }
    stored = await hass.data[DATA_LEDGER].sources.async_load("source-1")
    assert stored.hardware == dial.hardware
    assert stored.pending == (CounterReading(swap, 500),)
    await run(hass, freezer, START + timedelta(minutes=7))
    assert float(state_of(hass, "sensor.shed_energy")) == pytest.approx(0.05)


async def test_refused_reading_does_not_change_the_kind(
    recorder_mock: Recorder, hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """A stamp in the future is refused before anything is settled or begun for it."""
    hass.states.async_set("sensor.clamp", "600", POWER)
    entry = home_entry(
        "Shed", meter_subentry("source-1", entity_revision("sensor.clamp"))
    )
    await set_up(hass, entry)
    await run(hass, freezer, START + timedelta(minutes=3))
    ahead = (START + timedelta(hours=1)).timestamp()
    hass.states.async_set("sensor.clamp", "5", ENERGY, timestamp=ahead)
    hass.states.async_set("sensor.clamp", "600", POWER)
    await run(hass, freezer, START + timedelta(minutes=7))

    assert await slots(hass, "source-1") == {
        "10:00": (pytest.approx(0.05), Provenance.MEASURED)
    }
    assert entry.runtime_data.coordinator.meters["source-1"].slotter.refused == 1


async def test_stop_stores_what_was_heard(
    recorder_mock: Recorder, hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """After a stop everything is in the ledger, and nobody touches it any more."""
    hass.states.async_set("sensor.clamp", "600", POWER)
    entry = home_entry(
        "Shed", meter_subentry("source-1", entity_revision("sensor.clamp"))
    )
    await set_up(hass, entry)
    await run(hass, freezer, START + timedelta(minutes=2))
    freezer.tick(timedelta(seconds=5))
    hass.states.async_set("sensor.clamp", "700", POWER)
    coordinator = entry.runtime_data.coordinator
    await coordinator.async_stop()
    ledger = hass.data[DATA_LEDGER]
    stored = await ledger.sources.async_load("source-1")
    assert stored.pending[-1].at == START + timedelta(minutes=2, seconds=5)

    hass.states.async_set("sensor.clamp", "800", POWER)
    await run(hass, freezer, START + timedelta(minutes=12))
    await coordinator.async_settle()
    await coordinator.async_stop()
    assert await ledger.sources.async_load("source-1") == stored


async def test_entity_that_is_registered_nowhere_any_more(
    recorder_mock: Recorder, hass: HomeAssistant
) -> None:
    """A home whose entity was removed is there, without a power."""
    await set_up(
        hass,
        home_entry(
            "Shed", meter_subentry("source-1", entity_revision("0123456789abcdef" * 2))
        ),
    )
    assert state_of(hass, "sensor.shed_power") == STATE_UNAVAILABLE
    assert state_of(hass, "sensor.shed_energy") == "0.0"
