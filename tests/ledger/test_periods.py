"""Periods and statements of the ledger: made once, made again where slots have changed."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
import sqlite3

from homeassistant.core import HomeAssistant
import pytest

from custom_components.energy_homes.ledger import Counted, Ledger, home_key
from custom_components.energy_homes.ledger.codes import seconds
from custom_components.energy_homes.ledger.schema import VERSION
from custom_components.energy_homes.metering.model import SLOT, MeterRole, Provenance
from custom_components.energy_homes.metering.periods import (
    PERIOD_S,
    SLOT_S,
    Period,
    Quality,
    starts_s,
)
from tests.ledger.older import make_older

from .slots import T0, slot, unknown

HOUR = timedelta(hours=1)
GRID = MeterRole.GRID
KWH = 10**9


def quarters(first: int, count: int, minutes: int = 15) -> range:
    """Return the starts of periods, the first so many of them after T0."""
    step = 60 * minutes
    return range(seconds(T0) + first * step, seconds(T0) + (first + count) * step, step)


@pytest.fixture
async def ledger(hass: HomeAssistant, tmp_path: Path) -> AsyncIterator[Ledger]:
    """Return an open ledger with two homes."""
    ledger = Ledger(
        hass, tmp_path / "energy_homes.db", busy_timeout=timedelta(milliseconds=20)
    )
    await ledger.async_open()
    await ledger.async_add_home("elm", "Elm Street")
    await ledger.async_add_home("mill", "Mill Cottage")
    for source_id in ("elm-grid", "elm-sun", "elm-oven"):
        await ledger.async_add_source(source_id, "elm")
    await ledger.async_add_source("mill-grid", "mill")
    yield ledger
    await ledger.async_close()


async def ask(
    ledger: Ledger, starts: range, source_id: str = "elm-grid"
) -> list[Period]:
    """Return the periods of one source."""
    return (await ledger.async_periods([source_id], starts))[source_id]


def energies(periods: list[Period]) -> list[tuple[int, float, float]]:
    """Return each period's quarter after T0 with its known and unknown kWh."""
    return [
        (
            (period.start_s - seconds(T0)) // PERIOD_S,
            period.counted.energy / KWH,
            period.counted.unknown_energy / KWH,
        )
        for period in periods
    ]


def stored(ledger: Ledger) -> list[tuple[int, int]]:
    """Return the rows that the file has: source number, and quarter after T0."""
    with sqlite3.connect(ledger.path) as other:
        rows = other.execute(
            "SELECT source, start FROM period ORDER BY 1, 2"
        ).fetchall()
    other.close()
    return [(number, (start - seconds(T0)) // PERIOD_S) for number, start in rows]


async def test_many_sources_at_once(ledger: Ledger) -> None:
    """One question answers for all sources, of all homes, and for those that are not there."""
    await ledger.async_settle("elm-grid", GRID, [slot(n, 0.1) for n in range(6)], [])
    await ledger.async_settle("mill-grid", GRID, [slot(n, 0.2) for n in range(6)], [])

    found = await ledger.async_periods(
        ["mill-grid", "elm-grid", "elm-sun", "nobody"], quarters(-1, 4)
    )
    assert set(found) == {"mill-grid", "elm-grid", "elm-sun"}
    assert energies(found["elm-grid"]) == [(0, 0.2, 0), (1, 0.3, 0)]
    assert energies(found["mill-grid"]) == [(0, 0.4, 0), (1, 0.6, 0)]
    assert found["elm-sun"] == []
    assert await ledger.async_periods([], quarters(0, 1)) == {}
    assert await ask(ledger, quarters(0, 0)) == []


async def test_quarters_are_stored_once(ledger: Ledger) -> None:
    """What was computed is read the next time; what is not settled whole is not kept."""
    await ledger.async_settle("elm-grid", GRID, [slot(n) for n in range(7)], [])
    first = await ask(ledger, quarters(0, 3))
    assert energies(first) == [(0, 0.2, 0), (1, 0.3, 0), (2, 0.1, 0)]
    assert stored(ledger) == [(1, 0), (1, 1)]

    with sqlite3.connect(ledger.path) as other:
        other.execute("UPDATE period SET energy = 7000000000")
    other.close()
    assert energies(await ask(ledger, quarters(0, 3))) == [
        (0, 7, 0),
        (1, 7, 0),
        (2, 0.1, 0),
    ]

    await ledger.async_settle("elm-grid", GRID, [slot(7), slot(8)], [])
    assert energies(await ask(ledger, quarters(2, 1))) == [(2, 0.3, 0)]
    assert stored(ledger) == [(1, 0), (1, 1), (1, 2)]


@pytest.mark.parametrize(
    "poison",
    [
        "UPDATE period SET first_ms = NULL WHERE start > ?",
        "UPDATE period SET measured = 0 WHERE start > ?",
        "UPDATE period SET energy = -1 WHERE start > ?",
        "UPDATE period SET unknown_start_ms = 9e15 WHERE start > ?",
    ],
)
async def test_quarter_that_cannot_be_read_is_made_again(
    ledger: Ledger, poison: str
) -> None:
    """A row that no period can have is computed and overwritten."""
    await ledger.async_settle("elm-grid", GRID, [slot(n) for n in range(9)], [])
    right = await ask(ledger, quarters(0, 3))
    with sqlite3.connect(ledger.path) as other:
        other.execute(poison, (seconds(T0),))
    other.close()

    assert await ask(ledger, quarters(0, 3)) == right
    with sqlite3.connect(ledger.path) as other:
        assert other.execute(
            "SELECT SUM(energy), SUM(measured) FROM period"
        ).fetchone() == (
            8 * KWH // 10,
            2700,
        )
    other.close()


async def test_repair_makes_the_quarters_it_changes_again(ledger: Ledger) -> None:
    """A slot that becomes known: its own quarter, the next, and the one of the next packet."""
    slots = [slot(n) if n not in range(4, 14) else unknown(n) for n in range(24)]
    await ledger.async_settle("elm-grid", GRID, slots, [])
    before = await ask(ledger, quarters(0, 8))
    assert energies(before) == [
        (0, 0.2, 0),
        (1, 0.1, 0),
        (2, 0, 0),
        (3, 0, 0),
        (4, 0, 0.1),
        (5, 0.3, 0),
        (6, 0.3, 0),
        (7, 0.3, 0),
    ]

    await ledger.async_settle(
        "elm-grid", GRID, [slot(7, 0.5, provenance=Provenance.VENDOR)], []
    )
    assert stored(ledger) == [(1, n) for n in (0, 1, 5, 6, 7)]
    assert energies(await ask(ledger, quarters(0, 8)))[1:5] == [
        (1, 0.1, 0),
        (2, 0.5, 0),
        (3, 0, 0),
        (4, 0, 0.1),
    ]
    repaired = await ask(ledger, quarters(2, 3))
    assert repaired[0].quality == Quality(vendor=300, unknown=600)
    assert repaired[2].counted.unknown_start_ms == 1000 * (seconds(T0) + 8 * SLOT_S) - 1

    # Two repairs far apart leave what is between them alone; a known slot changes nothing.
    await ledger.async_settle("elm-grid", GRID, [slot(4), slot(13), slot(20, 9)], [])
    assert stored(ledger) == [(1, n) for n in (0, 3, 6, 7)]
    assert len(await ask(ledger, quarters(0, 8))) == 8


async def test_slots_before_the_first_change_what_follows_them(ledger: Ledger) -> None:
    """Imported slots give the first quarter there was a packet to begin with."""
    await ledger.async_settle("elm-grid", GRID, [slot(n) for n in range(9, 15)], [])
    assert energies(await ask(ledger, quarters(0, 5))) == [(3, 0.2, 0), (4, 0.3, 0)]

    await ledger.async_settle("elm-grid", GRID, [slot(0), slot(1)], [])
    assert energies(await ask(ledger, quarters(0, 5))) == [
        (0, 0.1, 0),
        (1, 0, 0),
        (2, 0, 0),
        (3, 0.2, 0.1),
        (4, 0.3, 0),
    ]


async def test_shorter_and_longer_periods(ledger: Ledger) -> None:
    """Five minutes are slots; half hours and hours are combined and not stored themselves."""
    await ledger.async_settle(
        "elm-grid", GRID, [slot(0), unknown(1), *(slot(n) for n in range(2, 30))], []
    )
    fives = await ask(ledger, quarters(0, 3, 5))
    assert [period.counted.energy / KWH for period in fives] == [0.1, 0, 0.1]
    assert [period.counted.known for period in fives] == [True, False, True]
    assert stored(ledger) == []

    hours = await ask(ledger, quarters(0, 3, 60))
    assert [period.counted.energy / KWH for period in hours] == [1.0, 1.2, 0.6]
    assert hours[0].quality == Quality(measured=3300, unknown=300)
    assert hours[2].quality == Quality(measured=1800, unknown=1800)
    assert stored(ledger) == [(1, n) for n in range(10)]
    halves = await ask(ledger, quarters(1, 2, 30))
    assert [period.counted.energy / KWH for period in halves] == [0.6, 0.6]


async def test_long_span_is_read_in_parts(ledger: Ledger) -> None:
    """Parts of a span join without a seam, and the ledger answers others in between."""
    await ledger.async_settle("elm-grid", GRID, [slot(n) for n in range(900)], [])
    order: list[str] = []

    async def note(name: str, work: object) -> None:
        """Note when something is done."""
        await work  # type: ignore[misc]
        order.append(name)

    await asyncio.gather(
        note("periods", ledger.async_periods(["elm-grid"], quarters(0, 300))),
        note("slots", ledger.async_slots("elm-grid", T0, T0 + HOUR)),
    )
    assert order == ["slots", "periods"]
    found = await ask(ledger, quarters(0, 300))
    assert sum(period.counted.energy for period in found) == 899 * KWH // 10
    assert all(period.counted.unknown_start_ms is None for period in found)
    assert found == await ask(ledger, starts_s(seconds(T0), seconds(T0) + 270_000, 900))


async def test_answer_does_not_need_to_be_stored(ledger: Ledger) -> None:
    """A file that somebody else has locked is read all the same."""
    await ledger.async_settle("elm-grid", GRID, [slot(n) for n in range(6)], [])
    other = sqlite3.connect(ledger.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    assert energies(await ask(ledger, quarters(0, 2))) == [(0, 0.2, 0), (1, 0.3, 0)]
    other.execute("ROLLBACK")
    other.close()
    assert stored(ledger) == []
    assert energies(await ask(ledger, quarters(0, 2))) == [(0, 0.2, 0), (1, 0.3, 0)]
    assert stored(ledger) == [(1, 0), (1, 1)]


async def test_forgotten_home_has_no_periods(ledger: Ledger) -> None:
    """A home's periods go with its slots; those of others stay."""
    for source_id in ("elm-grid", "mill-grid"):
        await ledger.async_settle(source_id, GRID, [slot(n) for n in range(6)], [])
        await ask(ledger, quarters(0, 2), source_id)
    assert stored(ledger) == [(1, 0), (1, 1), (4, 0), (4, 1)]
    assert await ledger.async_sources("elm") == ("elm-grid", "elm-sun", "elm-oven")

    await ledger.async_forget_home("elm")
    assert stored(ledger) == [(4, 0), (4, 1)]
    assert await ledger.async_sources("elm") == ()
    assert await ledger.async_periods(["elm-grid"], quarters(0, 2)) == {}


@pytest.mark.parametrize("version", [1, 2])
async def test_ledger_of_before_periods_is_opened(ledger: Ledger, version: int) -> None:
    """An older file gets the table and keeps what it has."""
    await ledger.async_settle("elm-grid", GRID, [slot(n) for n in range(6)], [])
    await ledger.async_close()
    make_older(ledger.path, version)

    assert (await ledger.async_open()).damaged_copy is None
    assert energies(await ask(ledger, quarters(0, 2))) == [(0, 0.2, 0), (1, 0.3, 0)]
    assert (await ledger.async_stats())["version"] == VERSION


async def test_statement_of_a_month(ledger: Ledger) -> None:
    """First and last reading, energy between them, and where the slots come from."""
    await ledger.async_settle(
        "elm-grid", GRID, [slot(n, 0.5, 0.25) for n in range(4)], []
    )
    await ledger.async_settle(
        "elm-grid",
        GRID,
        [
            unknown(4),
            slot(5, 1, 0, Provenance.VENDOR),
            slot(6, 2, 0.5, Provenance.INTERPOLATED),
            slot(7, 4),
            slot(8, 8),
        ],
        [],
    )
    await ledger.async_settle("elm-sun", MeterRole.GENERATION, [slot(5, 3)], [])
    await ledger.async_settle("elm-oven", MeterRole.SUBMETER, [slot(3, 3)], [])
    await ledger.async_settle("mill-grid", GRID, [slot(5, 99)], [])

    found = await ledger.async_statement("elm", T0 + 4 * SLOT, T0 + 8 * SLOT)
    slots = {
        Provenance.MEASURED: 1,
        Provenance.VENDOR: 1,
        Provenance.INTERPOLATED: 1,
        Provenance.UNKNOWN: 1,
    }
    grid = Counted(
        begin=T0 + 4 * SLOT,
        end=T0 + 8 * SLOT,
        first=2.0,
        last=9.0,
        energy=7.0,
        slots=slots,
    )
    assert found.grid == grid
    assert found.returned == Counted(
        begin=grid.begin, end=grid.end, first=1.0, last=1.5, energy=0.5, slots=slots
    )
    assert found.generation is not None
    assert (found.generation.first, found.generation.last) == (0.0, 3.0)
    assert found.sources == {"elm-grid": grid, "elm-sun": found.generation}
    assert found.roles == {"elm-grid": GRID, "elm-sun": MeterRole.GENERATION}

    before = await ledger.async_statement("elm", T0 - HOUR, T0)
    assert before.grid is before.generation is before.returned is None
    assert not before.sources
    assert not before.roles


async def test_statement_where_a_total_was_carried_on(ledger: Ledger) -> None:
    """What the total was ahead of its slots is in the readings and in no energy."""
    await ledger.async_settle("elm-grid", GRID, [slot(n, 0.5) for n in range(4)], [])
    key = home_key("elm", "grid")
    await ledger.async_carry(key, T0 + timedelta(minutes=2), 100)
    await ledger.async_carry(key, T0 + timedelta(minutes=12), 10)

    grid = (await ledger.async_statement("elm", T0 - HOUR, T0 + HOUR)).grid
    assert grid is not None
    assert (grid.first, grid.last, grid.energy) == (100.0, 112.0, 2.0)
    assert (grid.begin, grid.end) == (T0, T0 + 4 * SLOT)


async def test_statement_of_a_meter_whose_role_has_changed(ledger: Ledger) -> None:
    """The home's total has what was written with its role, the meter's own has all."""
    await ledger.async_settle("elm-grid", GRID, [slot(0, 1)], [])
    await ledger.async_settle("elm-grid", MeterRole.SUBMETER, [slot(1, 2)], [])

    found = await ledger.async_statement("elm", T0, T0 + HOUR)
    assert found.grid is not None
    assert found.grid.energy == 1.0
    assert found.sources["elm-grid"].energy == 3.0
    assert found.roles == {"elm-grid": MeterRole.SUBMETER}
