"""A ledger that knows less than the recorder: totals go on, and the user is told."""

import asyncio
from datetime import timedelta
from pathlib import Path

from homeassistant.components.recorder import get_instance
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ConfigEntryNotReady
from homeassistant.helpers import entity_registry as er, issue_registry as ir
import pytest

from custom_components.energy_homes.const import DOMAIN
from custom_components.energy_homes.ledger import Ledger
from custom_components.energy_homes.statistics.guard import async_guard_total
from tests.statistics.test_reconcile import load
from tests.statistics.world import HOUR, KEY, World

pytestmark = pytest.mark.recorder


@pytest.fixture(autouse=True)
async def enable_event_loop_debug() -> None:
    """Look here for calls from wrong threads: the recorder's and the ledger's both answer."""
    asyncio.get_running_loop().set_debug(True)


def issues(hass: HomeAssistant) -> list[ir.IssueEntry]:
    """Return the repair issues of ours."""
    return [i for i in ir.async_get(hass).issues.values() if i.domain == DOMAIN]


@pytest.mark.heavy
async def test_a_lost_ledger_goes_on_from_the_recorder(world: World) -> None:
    """The total stays where it was; hours before the loss are left as they are."""
    first = world.now
    await world.ticks(load(12 * 2 + 5))
    before = await world.rows()
    total = world.ledger.sums.total(KEY)
    await world.lose_ledger()

    assert await world.guard() == pytest.approx(total, abs=1e-6)
    assert await world.publish() == pytest.approx(total, abs=1e-6)
    await world.ticks(load(12 * 2, seed=2))

    assert (await world.rows())[:2] == before
    await world.assert_true(hours=4)
    assert world.used(first + 2 * HOUR) > 0
    await world.assert_bystander_untouched()


async def test_a_lost_ledger_is_told_to_the_user(world: World) -> None:
    """One issue names the home and the energy; a second look adds nothing."""
    await world.ticks(load(14))
    total = world.ledger.sums.total(KEY)
    await world.lose_ledger()
    await world.guard()

    (issue,) = issues(world.hass)
    assert issue.translation_key == "ledger_new"
    assert issue.translation_placeholders == {
        "home": "Elm Street",
        "energy": f"{total:.3f}",
    }
    assert issue.severity is ir.IssueSeverity.WARNING
    assert issue.is_persistent
    assert issue.is_fixable
    assert await world.guard() == 0.0
    assert len(issues(world.hass)) == 1


@pytest.mark.heavy
async def test_an_older_ledger_goes_on_from_the_recorder(world: World) -> None:
    """A ledger from a backup loses slots, but no bar that the recorder has already."""
    await world.ticks(load(12 + 5))
    await world.close()
    backup = world.copy_ledger()
    await world.restart()
    total = world.ledger.sums.total(KEY)
    await world.ticks(load(12 * 2, seed=2))
    before = await world.rows()
    lost = world.ledger.sums.total(KEY) - total
    await world.restore_ledger(backup)

    assert await world.guard() == pytest.approx(lost, abs=1e-6)
    (issue,) = issues(world.hass)
    assert issue.translation_key == "ledger_behind"
    await world.publish()
    await world.ticks(load(12 * 2, seed=3))
    assert (await world.rows())[:3] == before
    await world.assert_true(hours=5)
    await world.assert_bystander_untouched()


async def test_a_loss_within_five_minutes_is_seen(world: World) -> None:
    """A state that no statistic has seen yet counts too."""
    await world.ticks(load(14))
    await world.tick(0.1, compile_=False)
    total = world.ledger.sums.total(KEY)
    await world.done()
    await world.lose_ledger()

    assert await world.guard() == pytest.approx(total, abs=1e-6)


@pytest.mark.heavy
async def test_a_loss_after_purged_short_term_rows_keeps_the_sums(world: World) -> None:
    """The offset of the sums is found in the hourly rows, where nothing else is left."""
    await world.ticks(load(12 * 2 + 3))
    await world.purge_short_term()
    await world.lose_ledger()
    assert await world.guard() > 0
    await world.publish()
    await world.ticks(load(12 * 2, seed=2))

    await world.assert_true(hours=4)


async def test_a_whole_ledger_is_left_alone(world: World) -> None:
    """Nothing is carried and nobody is told where the ledger knows as much or more."""
    assert await world.guard() == 0.0
    await world.ticks(load(14))
    total = world.ledger.sums.total(KEY)

    assert await world.guard() == 0.0
    await world.settle_last()
    assert await world.guard() == 0.0
    assert world.ledger.sums.total(KEY) > total
    assert issues(world.hass) == []


async def test_a_new_entity_does_not_inherit_an_old_one(world: World) -> None:
    """A new home under a removed home's entity id begins at zero."""
    await world.ticks(load(14))
    registry = er.async_get(world.hass)
    old = world.entity_id
    assert old is not None
    registry.async_remove(old)
    world.hass.states.async_remove(old)
    new = registry.async_get_or_create(
        "sensor", DOMAIN, "another", suggested_object_id="elm_street_energy"
    )
    assert new.entity_id == old
    await world.lose_ledger()
    world.freezer.tick(timedelta(minutes=1))

    guarded = await async_guard_total(world.hass, world.ledger, KEY, old, "Elm Street")
    assert guarded == 0.0


async def test_without_a_recorder_nothing_is_carried(
    hass: HomeAssistant, tmp_path: Path
) -> None:
    """A Home Assistant without a recorder has nothing that a total could fall below."""
    ledger = Ledger(hass.async_add_executor_job, tmp_path / "ledger.db")
    await ledger.async_open()

    assert await async_guard_total(hass, ledger, KEY, "sensor.energy", "Elm") == 0.0
    await ledger.async_close()


async def test_a_recorder_that_cannot_answer_is_waited_for(world: World) -> None:
    """A home is not set up with a total that may be too low; later all is well."""
    await world.ticks(load(14))
    total = world.ledger.sums.total(KEY)
    await world.done()
    await world.lose_ledger()
    await world.rename_table("states", "away")
    with pytest.raises(ConfigEntryNotReady) as raised:
        await world.guard()
    await world.rename_table("away", "states")

    assert raised.value.translation_key == "recorder_failed"
    assert await world.guard() == pytest.approx(total, abs=1e-6)


async def test_an_entity_that_is_not_recorded_blocks_nobody(world: World) -> None:
    """What the recorder leaves out has nothing to fall below, whatever its state."""
    await world.ticks(load(14))
    await world.done()
    await world.lose_ledger()
    await world.rename_table("states", "away")
    get_instance(world.hass).entity_filter = lambda _entity_id: False
    guarded = await world.guard()
    await world.rename_table("away", "states")

    assert guarded == 0.0
