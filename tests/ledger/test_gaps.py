"""Gaps of the ledger: what is missing of a source, and what was asked for."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

from homeassistant.core import HomeAssistant
import pytest

from custom_components.energy_homes.ledger import Ledger, LedgerError
from custom_components.energy_homes.ledger.codes import row_of, seconds, slot_of
from custom_components.energy_homes.ledger.schema import VERSION
from custom_components.energy_homes.metering.gaps import gap
from custom_components.energy_homes.metering.model import SLOT, MeterRole
from tests.ledger.older import make_older

from .slots import T0, slot, unknown

GRID = MeterRole.GRID


def span(first: int, stop: int) -> range:
    """Return the gap of the slots `[first, stop)` after T0."""
    return gap(seconds(T0 + first * SLOT), seconds(T0 + stop * SLOT))


@pytest.fixture
async def ledger(hass: HomeAssistant, tmp_path: Path) -> AsyncIterator[Ledger]:
    """Return a ledger with a source that has two gaps."""
    ledger = Ledger(hass.async_add_executor_job, tmp_path / "energy_homes.db")
    await ledger.async_open()
    await ledger.homes.async_add("elm", "Elm Street")
    await ledger.sources.async_add("grid", "elm")
    await ledger.sources.async_add("new", "elm")
    await ledger.slots.async_settle(
        "grid",
        GRID,
        [unknown(0), slot(1), slot(2), unknown(3), unknown(4), slot(6), unknown(7)],
        [],
    )
    yield ledger
    await ledger.async_close()


async def test_gaps_are_unknown_or_missing_slots(ledger: Ledger) -> None:
    """From the first slot on and as far as it is settled, newest first."""
    assert await ledger.slots.async_gaps("grid") == [span(7, 8), span(3, 6), span(0, 1)]
    assert await ledger.slots.async_gaps(
        "grid",
        T0 - SLOT + timedelta(seconds=1),
        T0 + 4 * SLOT + timedelta(seconds=1),
        cuts=[T0 + 4 * SLOT + timedelta(minutes=1)],
    ) == [span(4, 5), span(3, 4), span(0, 1)]
    assert await ledger.slots.async_gaps("grid", T0 + 9 * SLOT) == []
    assert await ledger.slots.async_gaps("grid", None, T0 - SLOT) == []
    assert await ledger.slots.async_gaps("new") == []
    with pytest.raises(LedgerError):
        await ledger.slots.async_gaps("nobody")


async def test_what_was_asked_is_kept(ledger: Ledger) -> None:
    """Spans that touch become one, survive a restart, and go with their home."""
    assert await ledger.slots.async_asked("grid") == []
    await ledger.slots.async_add_asked("grid", [span(3, 5), span(7, 8)])
    await ledger.slots.async_add_asked("grid", [span(5, 6)])
    await ledger.slots.async_add_asked("new", [span(0, 1)])
    await ledger.async_close()
    await ledger.async_open()
    assert await ledger.slots.async_asked("grid") == [span(3, 6), span(7, 8)]
    assert await ledger.slots.async_asked("new") == [span(0, 1)]

    await ledger.homes.async_forget("elm")
    await ledger.homes.async_add("elm", "Elm Street")
    await ledger.sources.async_add("grid", "elm")
    assert await ledger.slots.async_asked("grid") == []


async def test_ledger_of_before_gaps_is_opened(ledger: Ledger) -> None:
    """An older file gets the table and keeps what it has."""
    await ledger.async_close()
    make_older(ledger.path, 3)
    assert (await ledger.async_open()).damaged_copy is None
    assert await ledger.slots.async_asked("grid") == []
    assert (await ledger.async_stats())["version"] == VERSION


async def test_repaired_slot_has_the_role_of_its_time(ledger: Ledger) -> None:
    """A meter that is another's part by now: what it missed before is still the home's."""
    await ledger.slots.async_settle(
        "grid", MeterRole.SUBMETER, [slot(0, 2), slot(8, 4)], []
    )
    totals = ledger.sums.totals("elm")
    assert totals.grid == 2.3
    assert totals.sources["grid"] == 6.3
    await ledger.async_close()
    await ledger.async_open()
    assert ledger.sums.totals("elm") == totals


def test_slots_in_whole_units_and_back() -> None:
    """A slot is the same after it was counted in micro-Wh."""
    for one in (slot(3, 1 / 3), unknown(4)):
        row = row_of(one)
        assert row_of(slot_of(row)) == row
        assert slot_of(row).provenance is one.provenance
    assert row_of(slot(3, 1 / 3)).energy == 333_333_333
