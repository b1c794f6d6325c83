"""The past of a meter: bars from the first day on, and a total that stays where it is."""

from dataclasses import replace
from datetime import datetime
import random

from homeassistant.components.recorder import get_instance
import pytest

from custom_components.energy_homes.ledger import PastAdjustment
from custom_components.energy_homes.metering.model import (
    SLOT,
    MeterRole,
    Provenance,
    Slot,
)
from custom_components.energy_homes.metering.reconcile import hour_start
from tests.statistics.test_reconcile import LIVES, live_through, load
from tests.statistics.world import HOME_ID, HOUR, KEY, SOURCE_ID, World

pytestmark = pytest.mark.recorder

OTHER_ID = "01JD0000000000000000000004"


async def begin(world: World) -> datetime:
    """Add the meter now; return when its past ends."""
    await world.ledger.sources.async_add(SOURCE_ID, HOME_ID, live_from=world.now)
    return world.now


async def know(
    world: World,
    start: datetime,
    slots: int,
    *,
    seed: int = 9,
    source_id: str = SOURCE_ID,
) -> None:
    """Learn from the vendor what was used in slots of the past; no total moves by it."""
    before = world.ledger.sums.total(KEY)
    energies = load(slots, seed=seed)
    await world.ledger.slots.async_settle(
        source_id,
        MeterRole.GRID,
        [
            Slot(
                start=start + n * SLOT,
                energy=energy,
                returned=0.0,
                provenance=Provenance.VENDOR,
            )
            for n, energy in enumerate(energies)
        ],
        [],
    )
    for n, energy in enumerate(energies):
        at = start + n * SLOT
        world.slots[at] = world.slots.get(at, 0.0) + energy
    assert world.ledger.sums.total(KEY) == before


async def assert_past(world: World, hours: int) -> None:
    """Check all bars, how many there are, and that nothing was ever below zero."""
    await world.assert_settled()
    rows = await world.rows()
    assert len(rows) == hours
    assert min(state for _, state, _ in rows) >= 0
    assert [state for _, state, _ in rows] == sorted(state for _, state, _ in rows)
    assert min(total for _, _, total in rows) > -1e-9
    recent = await world.rows(short_term=True)
    assert [total for _, _, total in recent] == sorted(total for _, _, total in recent)


async def test_the_past_is_known_before_the_recorder_knows_the_meter(
    world: World,
) -> None:
    """A meter is added at ten past, and its past is there before its first row."""
    world.now += 2 * SLOT
    world.freezer.move_to(world.now)
    at = await begin(world)
    await know(world, at - 24 * HOUR, 288)
    await world.ticks(load(14))

    await assert_past(world, 25)


async def test_the_past_comes_bit_by_bit_newest_first(world: World) -> None:
    """Chunks end in mid-hour, some are empty, and life goes on meanwhile."""
    world.now += 4 * SLOT
    world.freezer.move_to(world.now)
    at = await begin(world)
    await world.ticks(load(12 + 5))
    first = at
    shown = await world.publish()
    for chunk, slots in enumerate((100, 7, 300, 1, 12)):
        first -= slots * SLOT
        await know(world, first, slots, seed=chunk)
        assert await world.publish() == shown
        await world.reconcile()
        await world.reconcile()
        if chunk % 2:
            await world.ticks(load(3, seed=chunk))
            shown = await world.publish()

    await world.ticks(load(12, seed=50))
    hours = (world.now.replace(minute=0) - hour_start(first)) // HOUR
    await assert_past(world, hours - (world.now.minute < 5))


async def test_the_usual_chunk_touches_its_own_hours_only(world: World) -> None:
    """What was written before is moved by the recorder, not written again."""
    at = await begin(world)
    await world.ticks(load(12 * 2 + 3))
    await know(world, at - 48 * HOUR, 48 * 12)
    assert await world.reconcile() == 48
    assert await world.reconcile() == 0
    await know(world, at - 58 * HOUR, 10 * 12, seed=2)
    assert await world.reconcile() == 10
    assert await world.reconcile() == 0
    mark = await world.ledger.marks.async_load(KEY)
    assert mark is not None
    assert mark.past is None
    assert mark.floor == at - 58 * HOUR
    assert mark.offset_kwh == pytest.approx(world.ledger.sums.past(KEY))
    await assert_past(world, 60)


@pytest.mark.heavy
async def test_a_gap_of_the_past_is_filled_later(world: World) -> None:
    """What is found out in the middle of the past shows there, and nowhere else."""
    at = await begin(world)
    await world.ticks(load(12 * 2 + 3))
    await know(world, at - 30 * HOUR, 100)
    await know(world, at - 10 * HOUR, 100)
    await world.ticks(load(2))
    assert await world.reconcile() == 0
    await know(world, at - 30 * HOUR + 100 * SLOT, 70)
    assert 5 <= await world.reconcile() <= 8
    await world.ticks(load(10))
    await assert_past(world, 33)


@pytest.mark.heavy
@pytest.mark.parametrize("happens", ["nothing", "adjusted", "purged"])
async def test_a_kill_inside_a_step(world: World, happens: str) -> None:
    """What is there tells whether the sums were moved before Home Assistant was killed."""
    at = await begin(world)
    await world.ticks(load(12 * 2 + 3))
    await world.reconciler.async_stop()
    await know(world, at - 30 * HOUR, 360)
    past = world.ledger.sums.past(KEY)
    mark = await world.ledger.marks.async_load(KEY)
    assert mark is not None
    assert mark.past == (at - 30 * HOUR, at)
    step = PastAdjustment(mark.offset_kwh + past, at - 30 * HOUR, past, past)
    noted = await world.ledger.marks.async_set(KEY, replace(mark, step=step))
    assert noted is not None
    assert (await world.ledger.marks.async_load(KEY)) == noted
    if happens != "nothing":
        await world.adjust(step.floor, past)
    await world.restart()
    if happens == "purged":
        await world.reconciler.async_stop()
        await world.tick(0.1)
        await world.purge_short_term()
        await world.tick(0.1)
        await world.restart()
    await world.ticks(load(12, seed=3))

    mark = await world.ledger.marks.async_load(KEY)
    assert mark is not None
    assert mark.step is None
    await assert_past(world, 33)


@pytest.mark.heavy
async def test_an_entity_that_is_renamed_inside_a_step(world: World) -> None:
    """Sums under an old id are not moved; the next run begins again."""
    at = await begin(world)
    await world.ticks(load(12 * 2 + 3))
    await world.reconciler.async_stop()
    await know(world, at - 3 * HOUR, 36)
    ids = iter([world.entity_id, None])
    world.reconciler.async_register(KEY, lambda: next(ids))
    assert await world.reconciler.async_reconcile(KEY) == 0
    await world.restart()
    await world.ticks(load(9))
    await assert_past(world, 6)


async def test_a_statistic_that_goes_while_its_sums_are_moved(world: World) -> None:
    """Where the sums are not what was asked for, nothing is written on top of them."""
    at = await begin(world)
    await world.ticks(load(12 * 2 + 3))
    await world.reconciler.async_stop()
    await know(world, at - 3 * HOUR, 36)
    entity_id = world.entity_id
    assert entity_id is not None
    asked = 0

    def present_id() -> str:
        """Let somebody delete the statistic just before the sums are moved."""
        nonlocal asked
        asked += 1
        if asked == 2:
            get_instance(world.hass).async_clear_statistics([entity_id])
        return entity_id

    world.reconciler.async_register(KEY, present_id)
    assert await world.reconcile() == 0
    assert asked == 2
    assert await world.rows() == []


@pytest.mark.heavy
async def test_a_history_of_somebody_else_stays(world: World) -> None:
    """After the ledger was lost, what the recorder has from before is not written again."""
    first = world.now
    await world.ticks(load(12 * 3 + 5))
    before = await world.rows()
    await world.lose_ledger()
    await begin(world)
    assert await world.guard() > 0
    await world.publish()
    await world.ticks(load(12 + 4, seed=2))
    rows = await world.rows()
    assert rows[:3] == before
    used = dict(world.slots)
    await know(world, first - 5 * HOUR, 8 * 12)
    await world.ticks(load(12, seed=3))
    world.slots |= used

    assert (await world.rows())[: len(rows) - 1] == rows[:-1]
    await world.assert_true(hours=5)
    assert await world.reconcile() == 0
    await world.assert_bystander_untouched()


async def add_other(world: World) -> None:
    """Add a second meter to the home, now."""
    await world.ledger.sources.async_add(OTHER_ID, HOME_ID, live_from=world.now)


@pytest.mark.slow
async def test_a_second_meter_with_a_past(world: World) -> None:
    """What it used while the first one was there already is in the home's hours as well."""
    at = await begin(world)
    await world.ticks(load(12 * 4 + 5))
    await add_other(world)
    await world.ticks(load(12 * 2, seed=2))
    await know(world, at + 2 * HOUR, 12 + 3, source_id=OTHER_ID)
    await world.ticks(load(2, seed=3))
    await know(world, at - 6 * HOUR, 8 * 12, source_id=OTHER_ID, seed=4)
    await world.ticks(load(2, seed=5))
    await know(world, at - 3 * HOUR, 3 * 12, seed=6)
    await world.ticks(load(12, seed=7))

    await assert_past(world, 6 + 7)
    # What the entity showed at the time is what the rows say that it showed.
    shown = 0.0
    for start, state, _ in await world.rows():
        live = start >= at
        assert state == pytest.approx(shown, abs=1e-6) or live
        shown = state


@pytest.mark.heavy
async def test_a_second_meter_where_the_ledger_was_lost_before(world: World) -> None:
    """Its past is in the sums from where the ledger begins again."""
    first = world.now
    await world.ticks(load(12 * 3 + 5))
    before = await world.rows()
    used = dict(world.slots)
    await world.lose_ledger()
    await begin(world)
    await world.guard()
    await world.publish()
    await world.ticks(load(12 * 3, seed=2))
    await add_other(world)
    await world.ticks(load(3, seed=3))
    await know(world, first, 12 * 5, source_id=OTHER_ID, seed=4)
    await world.ticks(load(12, seed=5))
    await know(world, first - HOUR, 12, source_id=OTHER_ID, seed=6)
    await world.ticks(load(3, seed=7))

    assert (await world.rows())[:3] == before
    floor = first + 3 * HOUR
    world.slots = {
        start: used[start] if start in used and start < floor else energy
        for start, energy in world.slots.items()
        if start >= first
    }
    await world.assert_true(hours=7)
    assert await world.reconcile() == 0
    await world.assert_bystander_untouched()


@pytest.mark.heavy
@pytest.mark.parametrize("known", [True, False])
async def test_home_assistant_was_off_with_a_past(world: World, known: bool) -> None:
    """Outages, purged rows and the guard go on as without a past."""
    at = await begin(world)
    await world.ticks(load(12 + 3))
    await know(world, at - 20 * HOUR, 240)
    await world.ticks(load(2))
    await world.off(load(30, seed=2), known=known)
    await world.restart()
    assert await world.guard() == 0.0
    await world.publish()
    await world.compile_missing()
    await world.ticks(load(12, seed=3))
    await world.purge_short_term()
    await world.ticks(load(5, seed=4))
    if not known:
        await world.repair()
    await world.ticks(load(12, seed=5))
    await assert_past(world, 20 + (15 + 2 + 30 + 12 + 5 + 12) // 12)


async def test_a_user_moves_the_sums(world: World) -> None:
    """Sums that were moved by hand stay moved, and what was before stays as it was."""
    at = await begin(world)
    await world.ticks(load(12 * 2 + 3))
    await know(world, at - 5 * HOUR, 60)
    await world.ticks(load(2))
    await world.adjust(at + HOUR, 5.0)
    await world.ticks(load(4, seed=2))
    rows = await world.rows()
    used = dict(world.slots)
    await know(world, at - 8 * HOUR, 36)
    await world.ticks(load(12, seed=3))

    assert (await world.rows())[: len(rows) - 1] == rows[:-1]
    bars = await world.bars()
    expected = {hour: world.used(hour) for hour in bars}
    expected[at + HOUR] += 5.0
    assert bars == pytest.approx(expected, abs=1e-6)
    assert set(used) < set(world.slots)
    assert await world.reconcile() == 0
    await world.assert_bystander_untouched()


@pytest.mark.heavy
async def test_deleted_statistics_with_a_past(world: World) -> None:
    """They stay deleted, until more of the past is asked for: then all is written."""
    at = await begin(world)
    await world.ticks(load(12 * 2 + 3))
    await know(world, at - 5 * HOUR, 60)
    await world.ticks(load(2))
    await world.delete_statistics()
    await world.ticks(load(12, seed=2))
    assert min(await world.bars()) == at + 2 * HOUR
    await know(world, at - 6 * HOUR, 12)
    await world.ticks(load(9, seed=3))
    await assert_past(world, 10)


@pytest.mark.heavy
async def test_a_database_of_before_the_import(world: World) -> None:
    """A restored database gets the past again."""
    at = await begin(world)
    await world.ticks(load(12 * 2 + 5))
    copied = world.now
    await world.ticks(load(4, seed=2))
    before = await world.rows()
    await know(world, at - 30 * HOUR, 360)
    await world.ticks(load(12, seed=3))
    past = world.ledger.sums.past(KEY)
    await world.close()
    await world.restore_database(copied)
    await world.adjust(at - 30 * HOUR, -past)
    await _delete_before(world, at)
    assert (await world.rows())[0] == pytest.approx(before[0])
    await world.restart()
    assert await world.guard() == 0.0
    await world.publish()
    await world.compile_missing()
    await world.ticks(load(12, seed=4))
    await world.ticks(load(5, seed=5))
    await assert_past(world, 30 + (12 * 2 + 5 + 4 + 12 + 12 + 5) // 12)


async def _delete_before(world: World, at: datetime) -> None:
    """Delete the meter's hours before an instant, as a restored database has none."""
    from homeassistant.components.recorder.db_schema import Statistics, StatisticsMeta
    from homeassistant.core import HomeAssistant
    from sqlalchemy.orm.session import Session

    def delete(session: Session, _hass: HomeAssistant) -> None:
        """Delete the rows."""
        meta = (
            session.query(StatisticsMeta.id)
            .filter(StatisticsMeta.statistic_id == world.entity_id)
            .scalar()
        )
        session.query(Statistics).filter(
            Statistics.metadata_id == meta, Statistics.start_ts < at.timestamp()
        ).delete()

    await world.in_recorder(delete)


async def test_a_meter_that_was_silent_at_first(world: World) -> None:
    """Hours of zero that the recorder has from before the first slot are no history."""
    await begin(world)
    at = world.now
    for _ in range(12 * 2 + 3):
        await world.publish()
        world.move_bystander()
        started = world.now
        world.now += SLOT
        await world.compile(started)
    await world.ticks(load(12))
    await know(world, at - 5 * HOUR, 60)
    await world.ticks(load(12, seed=2))
    await assert_past(world, 5 + (27 + 24) // 12)


@pytest.mark.heavy
async def test_a_statistic_that_began_late(world: World) -> None:
    """Hours that were not recorded are filled in together with the past."""
    at = await begin(world)
    entity_filter = get_instance(world.hass).entity_filter
    get_instance(world.hass).entity_filter = lambda entity_id: entity_id.endswith("der")
    await world.ticks(load(12 * 3))
    get_instance(world.hass).entity_filter = entity_filter
    await world.ticks(load(12 * 2 + 2, seed=2))
    assert min(await world.bars()) == at + 3 * HOUR
    await know(world, at - 5 * HOUR, 60)
    await world.ticks(load(12, seed=3))
    await assert_past(world, 11)


async def test_another_unit(world: World) -> None:
    """A statistic in Wh gets its past in Wh."""
    at = await begin(world)
    world.unit, world.per_kwh = "Wh", 1000.0
    await world.ticks(load(12 + 3))
    await know(world, at - 5 * HOUR, 60)
    await world.ticks(load(12, seed=3))
    bars = await world.bars()
    assert len(bars) == 7
    assert bars == pytest.approx(
        {hour: world.used(hour) * 1000 for hour in bars}, abs=1e-3
    )
    assert await world.reconcile() == 0


async def test_a_mark_that_was_replaced_by_the_guard(world: World) -> None:
    """A ledger from a backup of before the import leaves the sums as they are."""
    at = await begin(world)
    await world.ticks(load(12 + 3))
    await world.close()
    backup = world.copy_ledger()
    await world.restart()
    await know(world, at - 5 * HOUR, 60)
    await world.ticks(load(12, seed=3))
    rows = await world.rows()
    await world.restore_ledger(backup)
    assert await world.guard() > 0
    await world.publish()
    await world.ticks(load(12, seed=4))
    await know(world, at - 9 * HOUR, 4 * 12, seed=5)
    world.slots = {start: e for start, e in world.slots.items() if start >= rows[0][0]}
    await world.ticks(load(3, seed=6))
    assert (await world.rows())[: len(rows) - 1] == rows[:-1]
    await world.assert_true(hours=8)
    assert await world.reconcile() == 0
    await world.assert_bystander_untouched()


@pytest.mark.parametrize("seed", LIVES[:4])
async def test_whatever_happens_with_a_past(world: World, seed: int) -> None:
    """Chunks of the past between late slots, outages, purges and restarts."""
    source = random.Random(seed)
    at = await begin(world)
    await world.ticks(load(14, seed=seed + 100))
    first = at
    for chunk in range(4):
        slots = source.randrange(1, 200)
        first -= slots * SLOT
        await know(world, first, slots, seed=seed + chunk)
        await live_through(world, source, steps=source.randrange(1, 12))
    await world.ticks(load(13, seed=seed))

    bars = await world.bars()
    assert bars == pytest.approx({hour: world.used(hour) for hour in bars}, abs=1e-6)
    assert min(bars) == hour_start(first)
    assert await world.reconcile() == 0
    await world.assert_bystander_untouched()
