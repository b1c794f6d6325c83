"""The past of an entity that is a meter is imported from the recorder."""

from datetime import UTC, date, datetime, timedelta

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder, get_instance
from homeassistant.components.recorder.models import (
    StatisticMeanType,
    StatisticMetaData,
)
from homeassistant.components.recorder.statistics import async_import_statistics
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)

from custom_components.energy_homes.history.backfill import DATA_BACKFILL
from custom_components.energy_homes.history.job import JobState
from custom_components.energy_homes.history.subjects import subjects_of
from custom_components.energy_homes.homes.directory import DATA_HOMES
from custom_components.energy_homes.models import Problem
from tests.builders import entity_revision, home_entry, meter_subentry, set_up
from tests.history.backfill_kit import (
    from_vendor,
    import_history,
    imported_from,
    job_of,
    total,
)

pytestmark = pytest.mark.recorder

NOW = datetime(2026, 11, 18, 10, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
DIAL = "sensor.dial"
ENERGY = {
    "unit_of_measurement": "kWh",
    "device_class": "energy",
    "state_class": "total_increasing",
}


@pytest.fixture(autouse=True)
def at_nine(freezer: FrozenDateTimeFactory) -> None:
    """Begin every test an hour before the meter is added, and before the recorder does."""
    freezer.move_to(NOW - HOUR)


async def say(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
    """Let a counter count 0.6 kWh in the last hour, and be recorded."""
    for minute in range(61):
        freezer.move_to(NOW - HOUR + minute * MINUTE)
        hass.states.async_set(DIAL, f"{100 + minute / 100:.2f}", ENERGY)
    await async_wait_recording_done(hass)


def bring_statistics(hass: HomeAssistant, entity_id: str, hours: int) -> None:
    """Let an entity have had statistics of 1.2 kWh an hour up to a day ago."""
    begin = NOW - timedelta(days=1) - hours * HOUR
    async_import_statistics(
        hass,
        StatisticMetaData(
            mean_type=StatisticMeanType.NONE,
            has_sum=True,
            name=None,
            source="recorder",
            statistic_id=entity_id,
            unit_class="energy",
            unit_of_measurement="kWh",
        ),
        [
            {"start": begin + n * HOUR, "state": n * 1.2, "sum": n * 1.2}
            for n in range(hours)
        ],
    )


async def add_meter(hass: HomeAssistant, entity: str = DIAL) -> None:
    """Add the counter as a meter whose past is wanted."""
    meter = meter_subentry("dial", entity_revision(entity))
    await set_up(hass, home_entry("Shed", imported_from(meter, date(2026, 10, 1))))
    homes = hass.data[DATA_HOMES]
    await hass.data[DATA_BACKFILL].async_settled(subjects_of(homes.get("Shed")))


async def test_states_and_statistics(
    recorder_mock: Recorder, hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """The newest day by its states, what is before it by its statistics."""
    await say(hass, freezer)
    bring_statistics(hass, DIAL, 100)
    await async_wait_recording_done(hass)
    await add_meter(hass)
    job = job_of(hass, "dial")
    assert job.state is JobState.DONE
    assert job.calls == 0
    found = await from_vendor(hass, "dial")
    assert job.filled == {"recorder": len(found)}
    newest = [slot for slot in found if slot.start >= NOW - HOUR]
    assert len(newest) >= 8
    assert total(newest) == pytest.approx(0.05 * len(newest), rel=0.05)
    older = [slot for slot in found if slot.start < NOW - timedelta(days=1)]
    assert total(older) == pytest.approx(99 * 1.2)


async def test_states_alone(
    recorder_mock: Recorder, hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """An entity without statistics has what its states tell, and nothing is before them."""
    await say(hass, freezer)
    await add_meter(hass)
    assert job_of(hass, "dial").state is JobState.DONE
    assert len(await from_vendor(hass, "dial")) >= 8
    # Asked for again there is nothing more.
    answer = await import_history(hass)
    assert answer["Shed"]["meters"][0]["filled"] == 0


async def test_entity_that_is_gone(
    recorder_mock: Recorder, hass: HomeAssistant, entity_registry: er.EntityRegistry
) -> None:
    """What is no longer registered has no past that anybody would find."""
    await add_meter(hass, "0123456789abcdef0123456789abcdef")
    assert job_of(hass, "dial").state is JobState.DONE
    assert await from_vendor(hass, "dial") == []


@pytest.mark.parametrize("table", ["statistics", "states"])
async def test_recorder_that_does_not_answer(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    table: str,
) -> None:
    """A database that is away is waited for."""
    await say(hass, freezer)
    engine = get_instance(hass).engine
    assert engine is not None
    bring_statistics(hass, DIAL, 3)
    await async_wait_recording_done(hass)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO elsewhere")
    try:
        await add_meter(hass)
        assert job_of(hass, "dial").problem is Problem.RECORDER
    finally:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"ALTER TABLE elsewhere RENAME TO {table}")


async def test_statistic_of_a_recorder_that_does_not_answer(
    recorder_mock: Recorder, hass: HomeAssistant
) -> None:
    """Who asks for a statistic then is told so."""
    bring_statistics(hass, DIAL, 3)
    await async_wait_recording_done(hass)
    await set_up(
        hass, home_entry("Shed", meter_subentry("dial", entity_revision(DIAL)))
    )
    engine = get_instance(hass).engine
    assert engine is not None
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE statistics RENAME TO elsewhere")
    try:
        with pytest.raises(HomeAssistantError, match="own history"):
            await import_history(hass, meter="Electricity meter", statistic_id=DIAL)
    finally:
        with engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO statistics")
