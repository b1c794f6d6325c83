"""Outages of any length, repaired at any time: each hour shows what was used in it."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from homeassistant.components.recorder import get_instance
from homeassistant.components.recorder.statistics import statistics_during_period
import pytest

from custom_components.energy_homes.metering.model import SLOT, Provenance
from tests.statistics.test_reconcile import load
from tests.statistics.world import HOUR, KEY, World

pytestmark = pytest.mark.recorder

# The recorder fills in what it has missed, of so many days at most, window by window: where
# an outage is longer than that its first hours have no row at all.
DEFAULT_DAYS: dict[str, int] = {}
FEW_DAYS = {"purge_keep_days": 1}


@pytest.mark.parametrize(
    ("hours", "known", "recorder_config"),
    [
        (3, True, DEFAULT_DAYS),
        (3, False, DEFAULT_DAYS),
        pytest.param(48, False, FEW_DAYS, marks=pytest.mark.slow),
        pytest.param(12 * 24, True, FEW_DAYS, marks=pytest.mark.slow),
        pytest.param(12 * 24, False, FEW_DAYS, marks=pytest.mark.slow),
    ],
)
async def test_home_assistant_was_off(world: World, hours: int, known: bool) -> None:
    """What was used meanwhile is known at the start, or an hour after it."""
    await world.ticks(load(12 + 7))
    await world.off(load(hours * 12, seed=2), known=known)
    await world.restart()
    assert await world.guard() == 0.0
    await world.publish()
    await world.compile_missing()
    await world.ticks(load(12, seed=3))
    if not known:
        await world.repair()
        await world.ticks(load(12, seed=4))

    assert len(await world.bars()) == hours + (2 if known else 3)
    await world.assert_settled()


@pytest.mark.slow
@pytest.mark.parametrize("recorder_config", [FEW_DAYS])
async def test_a_gap_of_weeks_ago_is_repaired(world: World) -> None:
    """A gap that is repaired bit by bit after 40 days, across restarts and a kill."""
    first = world.now
    await world.ticks(load(12))
    gaps = [first + HOUR + n * SLOT for n in range(18)]
    await world.ticks([None] * 18)
    await world.ticks(load(6, seed=2))
    await world.off(load(40 * 24 * 12, seed=3))
    await world.compile_missing()
    await world.ticks(load(13, seed=4))
    assert await world.reconcile() == 0
    mark = await world.ledger.marks.async_load(KEY)
    assert mark is not None
    assert mark.checked_until == world.now.replace(minute=0) - HOUR

    # Newest first, as the vendor's history is asked; killed before anybody looked at it.
    used = dict(zip(gaps, load(18, seed=5), strict=True))
    await world.reconciler.async_stop()
    await world.settle_all(dict(list(used.items())[12:]), Provenance.VENDOR)
    mark = await world.ledger.marks.async_load(KEY)
    assert mark is not None
    assert mark.checked_until == first + 2 * HOUR
    await world.restart()
    await world.publish()
    await world.tick(0.1)
    bars = await world.bars()
    assert bars[first + 2 * HOUR] == pytest.approx(world.used(first + 2 * HOUR))
    assert bars[first + HOUR] == pytest.approx(0.0)

    await world.settle_all(used, Provenance.INTERPOLATED)
    await world.publish()
    await world.ticks(load(13, seed=6))
    assert len(await world.bars()) == 40 * 24 + 5
    await world.assert_settled()


@pytest.mark.slow
@pytest.mark.parametrize("recorder_config", [FEW_DAYS])
async def test_a_purge_while_the_entity_was_away(world: World) -> None:
    """An entity that was away until the recorder had purged its 5-minute rows goes on.

    The recorder begins its sum at zero then; its hours and all later ones are led on.
    """
    await world.ticks(load(12 * 2 + 3))
    assert world.entity_id is not None
    world.hass.states.async_set(world.entity_id, "unavailable")
    await world.off(load(12 * 60, seed=2), known=False)
    await world.compile_missing()
    # Of what was missed it compiles a day: by its next night the last row is purged.
    await world.hass.services.async_call(
        "recorder", "purge", {"keep_days": 1}, blocking=True
    )
    await world.done()
    assert await world.rows(short_term=True) == []

    await world.ticks(load(9 + 12, seed=3))
    await world.repair()
    await world.ticks(load(12, seed=4))
    offsets = {
        round(total - state, 6)
        for _start, state, total in await world.rows(short_term=True)
    }
    assert offsets == {0.0}
    assert len(await world.bars()) == 2 + 60 + 3
    bars = await world.bars()
    assert bars == pytest.approx({hour: world.used(hour) for hour in bars}, abs=1e-6)
    assert await world.reconcile() == 0


ROME, LORD_HOWE = "Europe/Rome", "Australia/Lord_Howe"


@pytest.mark.parametrize(
    ("zone", "start", "length"),
    [
        (ROME, datetime(2026, 10, 24, 21, tzinfo=UTC), 25),
        pytest.param(
            *(ROME, datetime(2026, 3, 28, 22, tzinfo=UTC), 23), marks=pytest.mark.slow
        ),
        # Half an hour, in a zone of half an hour.
        pytest.param(
            *(LORD_HOWE, datetime(2026, 4, 4, 12, tzinfo=UTC), 24.5),
            marks=pytest.mark.slow,
        ),
        pytest.param(
            *(LORD_HOWE, datetime(2026, 10, 3, 12, tzinfo=UTC), 23.5),
            marks=pytest.mark.slow,
        ),
    ],
)
async def test_the_change_of_clocks(world: World, zone: str, length: float) -> None:
    """An outage over it: the hours are true, and so is the day of the home's calendar."""
    await world.hass.config.async_set_time_zone(zone)
    await world.ticks(load(12))
    await world.off(load(12 * 26, seed=2), known=False)
    await world.restart()
    await world.publish()
    await world.compile_missing()
    await world.ticks(load(12 * 2, seed=3))
    await world.repair()
    await world.ticks(load(13, seed=4))
    await world.assert_settled()

    local = ZoneInfo(zone)
    noon = (min(world.slots) + timedelta(hours=14)).astimezone(local)
    day = noon.replace(hour=0, minute=0)
    end = (day + timedelta(days=1)).astimezone(UTC)
    assert (end - day.astimezone(UTC)) / HOUR == length
    assert world.entity_id is not None
    rows = await get_instance(world.hass).async_add_executor_job(
        statistics_during_period,
        world.hass,
        day,
        end,
        {world.entity_id},
        "day",
        {"energy": "kWh"},
        {"change"},
    )
    # The recorder's hours are those of UTC: where the day begins within one it takes all
    # of those that begin in it.
    hours = [hour for hour in await world.bars() if day <= hour < end]
    assert rows[world.entity_id][0]["change"] == pytest.approx(
        sum(map(world.used, hours))
    )
    if length % 1 == 0:
        assert len(hours) == length
