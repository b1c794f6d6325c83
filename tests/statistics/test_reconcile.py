"""The recorder's hourly bars equal the meter's slots, and nobody else's rows change."""

from datetime import UTC, datetime, timedelta
import logging
import random

from homeassistant.components.recorder import get_instance
from homeassistant.helpers import entity_registry as er
import pytest

from custom_components.energy_homes.metering.model import SLOT
from tests.statistics.world import HOUR, KEY, World

pytestmark = pytest.mark.recorder


def load(slots: int, seed: int = 1) -> list[float]:
    """Return what a home uses in each of so many slots, in kWh."""
    source = random.Random(seed)
    return [round(source.uniform(0.002, 0.25), 6) for _ in range(slots)]


def unrepaired(world: World, hours: list[datetime]) -> bool:
    """Return whether bars without a reconciliation would be visibly wrong in these hours."""
    late = {
        hour: world.slots[hour - SLOT] - world.slots[hour + HOUR - SLOT]
        for hour in hours
    }
    return all(abs(difference) > 1e-3 for difference in late.values())


async def test_hourly_bars_equal_the_slots(world: World) -> None:
    """A healthy meter's last slot of the hour belongs to its own hour."""
    await world.ticks(load(12 * 4 + 2))

    await world.assert_true(hours=4)
    assert unrepaired(world, [world.now.replace(minute=0) - 2 * HOUR])
    await world.assert_bystander_untouched()


async def test_without_reconciliation_the_last_slot_is_in_the_next_hour(
    world: World,
) -> None:
    """The recorder alone counts a slot when it is published."""
    await world.reconciler.async_stop()
    energies = load(12 * 2 + 2)
    await world.ticks(energies)

    bars = await world.bars()
    assert list(bars.values()) == pytest.approx(
        [sum(energies[:11]), sum(energies[11:23])]
    )


async def test_the_second_run_writes_nothing(world: World) -> None:
    """What is right is left alone, also by the first look after a start."""
    await world.ticks(load(12 * 3 + 2))
    rows = await world.rows()

    assert await world.reconcile() == 0
    await world.restart()
    assert await world.reconcile() == 0
    assert await world.rows() == rows


async def test_the_usual_run_writes_one_row_per_hour(world: World) -> None:
    """Of an hour that was compiled only its own row changes."""
    await world.ticks(load(12 * 3))
    await world.reconciler.async_stop()
    await world.tick(0.1)

    assert await world.reconcile() == 1
    await world.assert_true(hours=3)


async def test_the_hour_in_progress_is_never_written(world: World) -> None:
    """Only hours that the recorder has compiled have rows, at every moment."""
    for energy in load(12 * 2 + 6):
        await world.tick(energy)
        await world.reconcile()
        whole_hours = (
            world.now.replace(minute=0) - datetime(2026, 11, 18, 10, tzinfo=UTC)
        ) // HOUR
        assert len(await world.rows()) == whole_hours

    await world.assert_bystander_untouched()


async def test_an_hour_that_is_over_but_not_compiled_is_not_written(
    world: World,
) -> None:
    """Between the end of an hour and its compilation nothing is written."""
    await world.ticks(load(12 + 11))
    begin = world.now
    await world.tick(0.2, compile_=False)
    world.freezer.move_to(world.now + timedelta(seconds=9))
    await world.settle_last()

    assert await world.reconcile() == 0
    assert len(await world.rows()) == 1
    await world.compile(begin)
    await world.tick(0.3)
    await world.assert_true(hours=2)
    await world.assert_bystander_untouched()


@pytest.mark.heavy
async def test_recovered_slots_go_to_their_own_hours(world: World) -> None:
    """Energy that becomes known hours later shows in the hours in which it was used."""
    first = world.now
    await world.ticks(load(12))
    await world.ticks([None] * 14)
    await world.ticks(load(12 * 3, seed=2))
    for position, energy in enumerate(load(14, seed=3)):
        await world.settle(first + HOUR + position * SLOT, energy)
    await world.ticks(load(12, seed=4))

    await world.assert_true(hours=6)
    assert world.used(first + HOUR) > 0.5
    assert await world.reconcile() == 0
    await world.assert_bystander_untouched()


@pytest.mark.heavy
async def test_a_very_late_slot_is_found_beyond_the_bookmark(world: World) -> None:
    """A slot of the first hour is repaired after more than a day."""
    first = world.now
    await world.ticks([*load(5), None, *load(6, seed=2)])
    await world.off(load(12 * 30, seed=3))
    await world.compile_missing()
    await world.ticks(load(12 + 2, seed=4))
    await world.settle(first + 5 * SLOT, 0.111111)
    await world.tick(0.1)

    await world.assert_true(hours=32)
    assert await world.reconcile() == 0
    await world.assert_bystander_untouched()


async def test_home_assistant_was_off_for_three_hours(world: World) -> None:
    """Hours that the recorder filled with flat rows get what was used in them."""
    await world.ticks(load(12 + 7))
    await world.restart()
    await world.off(load(36, seed=2))
    await world.publish()
    await world.compile_missing()
    await world.ticks(load(12, seed=3))

    await world.assert_true(hours=5)
    await world.assert_bystander_untouched()


async def test_nothing_is_written_before_the_recorder_has_caught_up(
    world: World,
) -> None:
    """After a start, hours that the recorder still has to compile are not touched."""
    await world.ticks(load(12 + 7))
    await world.off(load(36, seed=2))
    await world.publish()

    assert await world.reconcile() == 0
    assert len(await world.rows()) == 1
    await world.compile_missing()
    await world.ticks(load(12, seed=3))
    await world.assert_true(hours=5)
    await world.assert_bystander_untouched()


@pytest.mark.heavy
async def test_a_restored_old_database_gets_the_truth_again(world: World) -> None:
    """A recorder database from hours ago is brought up to date from the ledger."""
    await world.ticks(load(12 * 2 + 5))
    at = world.now
    await world.ticks(load(12 * 3, seed=2))
    await world.close()
    await world.restore_database(at)
    await world.restart()
    assert await world.guard() == 0.0
    await world.publish()
    await world.compile_missing()
    await world.ticks(load(12, seed=3))

    await world.assert_true(hours=6)
    assert await world.reconcile() == 0
    await world.assert_bystander_untouched()


async def test_a_kill_before_the_recorder_wrote_loses_nothing(world: World) -> None:
    """What was asked for but not written is asked for again."""
    await world.ticks(load(12 * 2))
    await world.reconciler.async_stop()
    await world.tick(0.1)
    old = (await world.rows())[-1]
    assert await world.reconcile() == 1
    await world.put_back(old)
    await world.restart()

    assert await world.reconcile() == 1
    await world.assert_true(hours=2)


@pytest.mark.heavy
async def test_purged_short_term_rows_do_not_break_the_sums(world: World) -> None:
    """Where the recorder begins at zero again, the sums are led on."""
    await world.ticks(load(12 * 2 + 3))
    await world.purge_short_term()
    await world.ticks(load(12 * 2, seed=2))

    await world.assert_true(hours=4)
    assert await world.reconcile() == 0
    recent = await world.rows(short_term=True)
    offsets = {round(total - state, 6) for _start, state, total in recent}
    assert offsets == {0.0}
    await world.assert_bystander_untouched()


@pytest.mark.heavy
async def test_a_user_may_shift_the_sums(world: World) -> None:
    """Sums that were moved by hand stay moved; later hours are still right."""
    first = world.now
    await world.ticks(load(12 * 2 + 3))
    await world.adjust(first + HOUR, 5.0)
    await world.ticks(load(12 * 2, seed=2))

    bars = await world.bars()
    expected = {hour: world.used(hour) for hour in bars}
    expected[first + HOUR] += 5.0
    assert bars == pytest.approx(expected, abs=1e-6)
    await world.assert_bystander_untouched()


@pytest.mark.heavy
async def test_deleted_statistics_stay_deleted(world: World) -> None:
    """After the user deleted the statistic it begins anew, with the present hour."""
    first = world.now
    await world.ticks(load(12 * 2 + 3))
    await world.delete_statistics()
    await world.ticks(load(12 * 2, seed=2))

    bars = await world.bars()
    assert min(bars) == first + 2 * HOUR
    assert bars[first + 3 * HOUR] == pytest.approx(world.used(first + 3 * HOUR))
    await world.assert_bystander_untouched()


@pytest.mark.parametrize("since_slot", [0, 16])
async def test_a_display_unit_does_not_matter(world: World, since_slot: int) -> None:
    """A user who looks at Wh, from the start or later, has the same statistics in truth."""
    energies = load(12 * 3 + 2)
    await world.ticks(energies[:since_slot])
    world.unit, world.per_kwh = "Wh", 1000.0
    await world.ticks(energies[since_slot:])

    bars = await world.bars()
    stored_per_kwh = 1.0 if since_slot else 1000.0
    assert bars == pytest.approx(
        {hour: world.used(hour) * stored_per_kwh for hour in bars}, abs=1e-3
    )
    assert await world.reconcile() == 0
    assert await world.guard() == 0.0


@pytest.mark.heavy
async def test_a_renamed_entity_keeps_its_true_statistics(world: World) -> None:
    """The statistic is found under the entity's new id, and the old one is not made again."""
    await world.ticks(load(12 + 8))
    old = world.entity_id
    assert old is not None
    world.hass.states.async_remove(old)
    er.async_get(world.hass).async_update_entity(
        old, new_entity_id="sensor.our_house_energy"
    )
    await world.ticks(load(12 * 2, seed=2))

    assert world.entity_id == "sensor.our_house_energy"
    await world.assert_true(hours=3)
    assert await world.rows(old) == []
    await world.assert_bystander_untouched()


@pytest.mark.parametrize(
    "recorder_config", [{"exclude": {"entities": ["sensor.elm_street_energy"]}}]
)
async def test_an_excluded_entity_gets_no_statistics(world: World) -> None:
    """Where the user does not want an entity recorded, nothing is written."""
    await world.ticks(load(12 * 2 + 2))

    assert await world.reconcile() == 0
    assert await world.guard() == 0.0
    assert await world.rows() == []
    await world.assert_bystander_untouched()


async def test_an_entity_excluded_later_is_left_as_it_is(world: World) -> None:
    """Old statistics of an entity that is no longer recorded stay untouched."""
    first = world.now
    await world.ticks([*load(11), None, *load(14, seed=2)])
    rows = await world.rows()
    get_instance(world.hass).entity_filter = lambda entity_id: False
    await world.settle(first + 11 * SLOT, 0.2)

    assert await world.reconcile() == 0
    assert await world.rows() == rows


# One life where there is no time for more.
LIVES = [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 6))]


@pytest.mark.heavy
@pytest.mark.parametrize("seed", LIVES)
async def test_whatever_happens_each_closed_hour_is_true(
    world: World, seed: int
) -> None:
    """Late slots, outages, skipped publications, purges, restarts: the bars are true."""
    await world.ticks(load(14, seed=seed + 100))
    await live_through(world, random.Random(seed), steps=40)
    await world.ticks(load(13, seed=seed))

    bars = await world.bars()
    assert bars == pytest.approx({hour: world.used(hour) for hour in bars}, abs=1e-6)
    assert await world.reconcile() == 0
    await world.assert_bystander_untouched()


async def live_through(world: World, source: random.Random, steps: int) -> None:
    """Let random things happen to a home."""
    unknown: list[datetime] = []

    async def tick() -> None:
        """Use energy and publish."""
        await world.tick(round(source.uniform(0, 0.3), 6))

    async def silent() -> None:
        """Use energy and publish nothing."""
        await world.tick(round(source.uniform(0, 0.3), 6), publish=False)

    async def gap() -> None:
        """Not know what was used."""
        unknown.append(world.now)
        await world.tick(None)

    async def recover() -> None:
        """Learn what was used in earlier slots."""
        await world.settle_last()
        for start in unknown:
            await world.settle(start, round(source.uniform(0, 0.3), 6))
        unknown.clear()
        await world.publish()

    async def purge() -> None:
        """Run out of 5-minute rows, as after more than ten days without any."""
        await tick()
        await world.purge_short_term()

    async def off() -> None:
        """Be switched off for up to four hours."""
        await world.off(
            [round(source.uniform(0, 0.3), 6) for _ in range(source.randrange(48))]
        )
        await world.restart()
        await world.publish()
        await world.compile_missing()

    actions = [tick, silent, gap, recover, off, world.restart, purge]
    for action in source.choices(actions, weights=[60, 10, 10, 4, 3, 4, 2], k=steps):
        await action()


async def test_an_unknown_key_and_an_entity_without_id_are_left_alone(
    world: World,
) -> None:
    """Nothing happens for what is not registered, or not yet an entity."""
    assert await world.reconciler.async_reconcile("home:nobody:grid") == 0
    unregister = world.reconciler.async_register("home:nobody:grid", lambda: None)
    assert await world.reconciler.async_reconcile("home:nobody:grid") == 0
    unregister()
    assert await world.reconciler.async_reconcile(KEY) == 0


async def test_a_failure_is_logged_once_and_stops_nobody_else(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """An entity that cannot be compared does not keep the others from being true."""

    def fail() -> str:
        """Fail as somebody else's code may."""
        raise RuntimeError("No registry")

    world.reconciler.async_register("source:another", fail, "Another")
    await world.ticks(load(12 * 2 + 2))

    await world.assert_true(hours=2)
    messages = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    failures = [text for text in messages if "Another" in text]
    assert failures == ["Statistics of Another could not be compared"]
