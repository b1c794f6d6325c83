"""Slots from before a source was there: kept as any, and in no present total."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

from homeassistant.core import HomeAssistant
import pytest

from custom_components.energy_homes.ledger import Ledger, home_key, source_key
from custom_components.energy_homes.metering.gaps import gap
from custom_components.energy_homes.metering.model import SLOT, MeterRole, Provenance
from tests.ledger.older import make_older
from tests.ledger.slots import T0, slot, unknown

HOUR = timedelta(hours=1)
GRID = MeterRole.GRID
VENDOR = Provenance.VENDOR
KEY = home_key("elm", "grid")


@pytest.fixture
async def ledger(hass: HomeAssistant, tmp_path: Path) -> AsyncIterator[Ledger]:
    """Return a ledger with a home whose meter is there from T0 on."""
    ledger = Ledger(hass.async_add_executor_job, tmp_path / "ledger.db")
    await ledger.async_open()
    await ledger.homes.async_add("elm", "Elm Street")
    await ledger.sources.async_add("grid", "elm", live_from=T0)
    yield ledger
    await ledger.async_close()


async def test_the_past_moves_no_present_total(ledger: Ledger) -> None:
    """What is imported shows in hours, statements and slots; totals stay as they are."""
    live = [slot(n, 0.5) for n in range(12)]
    past = [slot(n, 0.25, 0.125, VENDOR) for n in range(-24, 0)]
    await ledger.slots.async_settle("grid", GRID, live, [])
    before = ledger.sums.totals("elm")
    assert await ledger.slots.async_settle("grid", GRID, past, []) == 24
    assert await ledger.slots.async_settle("grid", GRID, past, []) == 0

    assert ledger.sums.totals("elm") == before
    assert before.grid == 6.0
    assert ledger.sources.live_from("grid") == T0
    for key in (KEY, source_key("grid")):
        assert ledger.sums.past(key) == 6.0
        assert await ledger.sums.async_past_since(key, T0 - HOUR) == 3.0
        assert await ledger.sums.async_first_slot(key) == T0 - 2 * HOUR
        assert await ledger.sums.async_hourly(key, T0 - 3 * HOUR, T0 + HOUR) == [
            (T0 - 3 * HOUR, -6.0, 0.0),
            (T0 - 2 * HOUR, -3.0, 0.0),
            (T0 - HOUR, 0.0, 0.0),
            (T0, 6.0, 6.0),
        ]
    assert ledger.sums.past(home_key("elm", "returned")) == 3.0
    statement = await ledger.sums.async_statement("elm", T0 - HOUR, T0 + HOUR)
    assert statement.grid is not None
    assert (statement.grid.first, statement.grid.last) == (None, 6.0)
    assert statement.grid.energy == 9.0
    assert statement.grid.slots[VENDOR] == 12

    await ledger.async_close()
    await ledger.async_open()
    assert ledger.sums.totals("elm") == before
    assert ledger.sums.past(KEY) == 6.0


async def test_where_the_past_ends(ledger: Ledger) -> None:
    """It is told when a source is added, or it ends with the first slots of all."""
    await ledger.sources.async_add("new", "elm")
    assert ledger.sources.live_from("new") is None
    assert ledger.sources.live_from("nobody") is None
    await ledger.slots.async_settle("new", GRID, [], [])
    assert ledger.sources.live_from("new") is None
    await ledger.slots.async_settle("new", GRID, [slot(3), slot(2)], [])
    await ledger.slots.async_settle("new", GRID, [slot(1)], [])
    assert ledger.sources.live_from("new") == T0 + 2 * SLOT
    assert ledger.sums.total(source_key("new")) == 0.2

    await ledger.sources.async_add("other", "elm")
    await ledger.sources.async_add("other", "elm", live_from=T0 + timedelta(seconds=1))
    assert ledger.sources.live_from("other") == T0 + SLOT
    await ledger.sources.async_add("other", "elm", live_from=T0 + HOUR)
    await ledger.slots.async_settle("other", GRID, [slot(9)], [])
    await ledger.async_close()
    await ledger.async_open()
    assert ledger.sources.live_from("other") == T0 + SLOT


async def test_the_past_of_an_older_file_is_none(ledger: Ledger) -> None:
    """What an earlier version has measured stays in the totals."""
    await ledger.slots.async_settle("grid", GRID, [slot(0), slot(-12)], [])
    await ledger.sources.async_add("new", "elm")
    assert ledger.sums.total(KEY) == 0.1
    await ledger.async_close()
    make_older(ledger.path, 5)
    await ledger.async_open()

    assert ledger.sums.total(KEY) == 0.2
    assert ledger.sources.live_from("grid") == T0 - HOUR
    assert ledger.sources.live_from("new") is None


async def test_a_gap_of_the_past_is_found_and_filled(ledger: Ledger) -> None:
    """Gaps begin at the first slot there is; what fills them moves no total either."""
    await ledger.slots.async_settle("grid", GRID, [slot(0, 1)], [])
    await ledger.slots.async_settle(
        "grid", GRID, [slot(-3, 2, 0, VENDOR), unknown(-2), slot(-1, 2, 0, VENDOR)], []
    )
    start = int(T0.timestamp()) - 600
    assert await ledger.slots.async_gaps("grid") == [gap(start, start + 300)]
    await ledger.slots.async_settle("grid", GRID, [slot(-2, 4, 0, VENDOR)], [])

    assert await ledger.slots.async_gaps("grid") == []
    assert ledger.sums.total(KEY) == 1.0
    assert ledger.sums.past(KEY) == 8.0
    assert (await ledger.sources.async_load("grid")).settled_until == T0 + SLOT
    await ledger.homes.async_forget("elm")
    assert ledger.sums.past(KEY) == 0.0


async def test_a_chunk_of_the_past_with_few_slots_far_apart(ledger: Ledger) -> None:
    """What is there already is found as well where it is far away."""
    far = [slot(n, 1, 0, VENDOR) for n in (-90_000, -50_000, -1)]
    assert await ledger.slots.async_settle("grid", GRID, far, []) == 3
    assert await ledger.slots.async_settle("grid", GRID, [*far, slot(-2)], []) == 1
    assert ledger.sums.past(KEY) == 3.1
