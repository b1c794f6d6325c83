"""What the recorder knows of an entity: its states as slots, statistics as answers."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder, get_instance
from homeassistant.components.recorder.db_schema import RecorderRuns
from homeassistant.components.recorder.models import StatisticData, StatisticMeanType
from homeassistant.components.recorder.statistics import (
    async_add_external_statistics,
    async_import_statistics,
)
from homeassistant.components.recorder.tasks import StatisticsTask
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers.recorder import session_scope
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_recorder_block_till_done,
)

from custom_components.energy_homes.metering.gap_fill import Answer
from custom_components.energy_homes.metering.model import CounterReading, Provenance
from custom_components.energy_homes.meters.entity_history import (
    async_entity_readings,
    async_entity_slots,
    async_statistic_answers,
    async_statistic_first,
)

pytestmark = pytest.mark.recorder

START = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
CLAMP = "sensor.clamp"
DIAL = "sensor.dial"
POWER = {
    "unit_of_measurement": "kW",
    "device_class": "power",
    "state_class": "measurement",
}
ENERGY = {
    "unit_of_measurement": "Wh",
    "device_class": "energy",
    "state_class": "total_increasing",
}
KWH = 1_000_000_000


@pytest.fixture(autouse=True)
def at_ten(freezer: FrozenDateTimeFactory) -> None:
    """Begin every test at ten o'clock, before the recorder does."""
    freezer.move_to(START)


class Past:
    """Lets entities be in states, and the recorder write them down."""

    def __init__(self, hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
        """Begin now."""
        self._hass = hass
        self._freezer = freezer

    def at(self, minutes: float) -> None:
        """Move to so many minutes after the start."""
        self._freezer.move_to(START + minutes * MINUTE)

    def say(self, minutes: float, entity_id: str, state: object) -> None:
        """Let an entity say something so many minutes after the start."""
        self.at(minutes)
        attributes: Mapping[str, Any] = POWER if entity_id == CLAMP else ENERGY
        self._hass.states.async_set(entity_id, str(state), attributes)

    async def slots(
        self, entity_id: str, begin: float, end: float
    ) -> dict[str, tuple[Any, Any]]:
        """Return what the recorder makes known, in kWh used and returned."""
        await async_recorder_block_till_done(self._hass)
        found = await async_entity_slots(
            self._hass, entity_id, START + begin * MINUTE, START + end * MINUTE
        )
        return {f"{slot.start:%H:%M}": (slot.energy, slot.returned) for slot in found}

    async def away(self, left: float, back: float, *, killed: bool = False) -> None:
        """Let the recorder have been stopped in between."""
        await async_recorder_block_till_done(self._hass)
        self.at(back)

        def write() -> None:
            """End the present run, and begin one."""
            with session_scope(hass=self._hass) as session:
                run = (
                    session.query(RecorderRuns)
                    .order_by(RecorderRuns.start.desc())
                    .first()
                )
                assert run is not None
                run.closed_incorrect = killed
                run.end = START + (back if killed else left) * MINUTE
                session.add(
                    RecorderRuns(
                        start=START + back * MINUTE, created=START + back * MINUTE
                    )
                )

        await get_instance(self._hass).async_add_executor_job(write)


@pytest.fixture
def past(
    recorder_mock: Recorder, hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> Past:
    """Return a past that can be written."""
    return Past(hass, freezer)


def approx(energy: float, returned: float = 0) -> tuple[Any, Any]:
    """Return energies as nearly as they are known."""
    return pytest.approx(energy), pytest.approx(returned)


async def test_power_states(past: Past) -> None:
    """A power holds until the next state; nothing is known while it is unavailable."""
    past.say(1, CLAMP, 0.6)
    past.say(12, CLAMP, 1.2)
    past.say(16, CLAMP, STATE_UNAVAILABLE)
    past.say(23, CLAMP, -0.6)
    past.at(41)
    assert await past.slots(CLAMP, 0, 40) == {
        "10:05": approx(0.05),
        "10:10": approx((2 * 0.6 + 3 * 1.2) / 60),
        "10:25": approx(0, 0.05),
        "10:30": approx(0, 0.05),
        "10:35": approx(0, 0.05),
    }
    # What held at the begin of a span, also a day and a half later.
    assert await past.slots(CLAMP, 25, 30) == {"10:25": approx(0, 0.05)}
    past.at(36 * 60)
    assert await past.slots(CLAMP, 35 * 60, 35 * 60 + 5) == {"21:00": approx(0, 0.05)}
    # What is still to come is not known.
    assert len(await past.slots(CLAMP, 36 * 60 - 10, 36 * 60 + 60)) == 2


async def test_counter_states(hass: HomeAssistant, past: Past) -> None:
    """A counter counts by difference, from before a span and to after it."""
    past.say(0, DIAL, 5000)
    for minutes in range(10, 70, 10):
        past.say(minutes, DIAL, 5000)
    past.say(70, DIAL, 6000)
    past.say(75, DIAL, STATE_UNAVAILABLE)
    past.say(90, DIAL, 6300)
    past.say(100, DIAL, 300)
    past.say(110, DIAL, 400)
    for minutes in range(112, 170, 2):
        past.say(minutes, DIAL, 400)
    found = await past.slots(DIAL, 20, 160)
    assert len(found) == 28
    assert found["10:55"] == approx(0)
    assert found["11:00"] == found["11:05"] == approx(0.5)
    assert found["11:10"] == found["11:25"] == approx(0.3 / 4)
    assert found["11:30"] == approx(0.15)
    assert found["11:40"] == approx(0.05)
    # That it still shows the same is in no row yet, but the state says so.
    assert found["12:35"] == approx(0)
    whole = await async_entity_slots(
        hass, DIAL, START + 20 * MINUTE, START + 160 * MINUTE
    )
    assert {slot.provenance for slot in whole} == {
        Provenance.VENDOR,
        Provenance.INTERPOLATED,
    }
    given = await async_entity_readings(
        hass, DIAL, START + 60 * MINUTE, START + 91 * MINUTE
    )
    assert given == [
        CounterReading(START + 70 * MINUTE, 6),
        CounterReading(START + 90 * MINUTE, 6.3),
    ]


async def test_states_after_a_span_that_are_no_news(past: Past) -> None:
    """Of what came long after a span no more is read than a little."""
    past.say(0, DIAL, 5000)
    for minutes in range(31, 45):
        past.say(minutes, DIAL, "unknown" if minutes % 2 else STATE_UNAVAILABLE)
    past.say(46, DIAL, 6000)
    assert await past.slots(DIAL, 5, 30) == {}
    assert len(await past.slots(DIAL, 5, 45)) == 8


async def test_state_that_is_no_change(hass: HomeAssistant, past: Past) -> None:
    """What the entity says now counts, also where only its attributes are new."""
    past.say(0, DIAL, 5000)
    past.at(20)
    hass.states.async_set(DIAL, "5000", {**ENERGY, "friendly_name": "Dial"})
    assert await past.slots(DIAL, 0, 10) == {"10:00": approx(0), "10:05": approx(0)}


@pytest.mark.parametrize("killed", [False, True])
async def test_home_assistant_was_away(past: Past, killed: bool) -> None:
    """Nobody knows what a power was then; a counter does. A kill may have come any time."""
    past.say(0, CLAMP, 0.6)
    past.say(0, DIAL, 5000)
    past.say(16, CLAMP, 1.2)
    past.say(16, DIAL, 5160)
    await past.away(26, 42, killed=killed)
    past.say(43, CLAMP, 2.4)
    past.say(46, DIAL, 5460)
    past.say(62, DIAL, 5620)
    found = await past.slots(CLAMP, 0, 60)
    expected = ["10:00", "10:05", "10:10", "10:15", "10:20", "10:45", "10:50", "10:55"]
    assert list(found) == (expected[:3] + expected[5:] if killed else expected)
    assert found["10:45"] == approx(0.2)
    counted = await past.slots(DIAL, 0, 60)
    assert len(counted) == 12
    assert list(counted.values()) == [approx(0.05)] * 12


async def test_nothing_is_recorded(hass: HomeAssistant, past: Past) -> None:
    """An entity that the recorder does not have, or has nothing of then."""
    assert await past.slots(CLAMP, 0, 60) == {}
    assert await async_entity_readings(hass, CLAMP, START, START + HOUR) == []
    assert await async_statistic_answers(hass, CLAMP, START, START + HOUR) == []
    past.say(70, CLAMP, 1)
    assert await past.slots(CLAMP, 0, 60) == {}


async def test_without_a_recorder(hass: HomeAssistant) -> None:
    """Nothing is known, and nothing fails."""
    span = START, START + HOUR
    assert await async_entity_slots(hass, CLAMP, *span) == []
    assert await async_entity_readings(hass, CLAMP, *span) == []
    assert await async_statistic_answers(hass, CLAMP, *span) == []
    assert await async_statistic_first(hass, CLAMP) is None


def metadata(statistic_id: str, unit: str, **changes: Any) -> Any:
    """Return the metadata of sums of energy, unless changed."""
    return {
        "statistic_id": statistic_id,
        "source": statistic_id.split(":", maxsplit=1)[0]
        if ":" in statistic_id
        else "recorder",
        "name": None,
        "has_sum": True,
        "mean_type": StatisticMeanType.NONE,
        "unit_class": "energy",
        "unit_of_measurement": unit,
        **changes,
    }


def sums(*totals: float | None) -> list[StatisticData]:
    """Return hourly sums from the start on; None is an hour without a row."""
    return [
        {"start": START + number * HOUR, "state": total, "sum": total}
        for number, total in enumerate(totals)
        if total is not None
    ]


def hour(first: float, energy: float, hours: float = 1) -> Answer:
    """Return the answer of some hours after the start."""
    begin = int(START.timestamp()) + round(first * 3600)
    return Answer(begin, begin + round(hours * 3600), round(energy * KWH))


@pytest.mark.parametrize("statistic_id", ["test:meter", DIAL])
async def test_hourly_sums(hass: HomeAssistant, past: Past, statistic_id: str) -> None:
    """Differences in any unit; others' sums begin at zero, the recorder's own do not."""
    meta = metadata(statistic_id, "MWh")
    rows = sums(0.001, 0.003, 0.004, None, 0.006, 0.002)
    if ":" in statistic_id:
        async_add_external_statistics(hass, meta, rows)
    else:
        async_import_statistics(hass, meta, rows)
    await async_recorder_block_till_done(hass)
    past.at(600)

    async def answers(begin: float, end: float) -> list[Answer]:
        """Return the answers of some hours after the start."""
        return await async_statistic_answers(
            hass, statistic_id, START + begin * HOUR, START + end * HOUR
        )

    whole = [hour(1, 2), hour(2, 1), hour(3, 2, 2)]
    first = [hour(0, 1)] if ":" in statistic_id else []
    assert await answers(-100, 100) == first + whole
    assert await answers(1.5, 2.5) == whole[:2]
    assert await answers(4, 5) == whole[2:]
    assert await answers(50, 60) == []
    assert await async_statistic_first(hass, statistic_id) == START


async def test_hourly_means(hass: HomeAssistant, past: Past) -> None:
    """A mean power is the energy of its hour."""
    meta = metadata(
        CLAMP,
        "kW",
        has_sum=False,
        mean_type=StatisticMeanType.ARITHMETIC,
        unit_class="power",
    )
    rows: list[StatisticData] = [
        {"start": START + n * HOUR, "mean": mean, "min": mean, "max": mean}
        for n, mean in enumerate((1.5, -0.5))
    ]
    async_import_statistics(hass, meta, rows)
    await async_recorder_block_till_done(hass)
    begin = int(START.timestamp())
    assert await async_statistic_answers(hass, CLAMP, START, START + 9 * HOUR) == [
        hour(0, 1.5),
        Answer(begin + 3600, begin + 7200, 0, KWH // 2),
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"unit_class": "volume", "unit_of_measurement": "L"},
        {"unit_class": "power", "unit_of_measurement": "W"},
        {"has_sum": False, "mean_type": StatisticMeanType.ARITHMETIC},
    ],
)
async def test_statistics_of_something_else(
    hass: HomeAssistant, past: Past, changes: dict[str, Any]
) -> None:
    """Litres, and what is neither a sum of energy nor a mean power, tell nothing."""
    meta = metadata("test:other", "kWh", **changes)
    async_add_external_statistics(hass, meta, sums(1, 2))
    await async_recorder_block_till_done(hass)
    assert (
        await async_statistic_answers(hass, "test:other", START, START + 9 * HOUR) == []
    )
    assert await async_statistic_first(hass, "test:other") is None


async def test_statistic_without_rows(hass: HomeAssistant, past: Past) -> None:
    """A statistic that has no hour yet begins nowhere."""
    async_add_external_statistics(hass, metadata("test:new", "kWh"), [])
    await async_recorder_block_till_done(hass)
    assert await async_statistic_first(hass, "test:new") is None


async def test_five_minutes_where_they_are_kept(
    hass: HomeAssistant, past: Past
) -> None:
    """The recorder's own 5-minute rows resolve more than its hours."""
    assert await async_setup_component(hass, "sensor", {})
    for number in range(18):
        past.say(5 * number + 1, DIAL, 1000 + 10 * number)
        past.at(5 * number + 5.2)
        await async_recorder_block_till_done(hass)
        get_instance(hass).queue_task(
            StatisticsTask(START + 5 * number * MINUTE, False)
        )
    await async_recorder_block_till_done(hass)
    found = await async_statistic_answers(hass, DIAL, START, START + 2 * HOUR)
    assert found == [hour(n / 12, 0.01, 1 / 12) for n in range(1, 18)]
