"""What periods cost: a day of quarter hours of ten meters, from a ledger of one year.

Run `python -m benchmarks.bench_periods`; with `--json` the numbers come as JSON.
"""

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
import json
from pathlib import Path
import statistics
import tempfile
import time
from typing import Any, Final

from homeassistant.core import HomeAssistant

from custom_components.energy_homes.ledger import Ledger
from custom_components.energy_homes.ledger.codes import seconds
from custom_components.energy_homes.metering.model import (
    SLOT,
    MeterRole,
    Provenance,
    Slot,
    unknown_slot,
)
from custom_components.energy_homes.metering.period_documents import (
    PERIOD_COLUMNS,
    csv_text,
    document,
    period_cells,
)
from custom_components.energy_homes.metering.periods import PERIOD_S, Period, starts_s

BEGIN: Final = datetime(2025, 1, 1, tzinfo=UTC)
YEAR: Final = timedelta(days=365)
DAY: Final = timedelta(days=1)
METERS: Final = tuple(f"meter{number}" for number in range(10))
TIMES: Final = 50


def slots(begin: datetime) -> list[Slot]:
    """Return a day of slots, an hour of them unknown."""
    starts = [begin + number * SLOT for number in range(DAY // SLOT)]
    return [
        unknown_slot(start)
        if start.hour == 3
        else Slot(
            start=start,
            energy=0.05,
            returned=0.0,
            provenance=Provenance.MEASURED,
        )
        for start in starts
    ]


async def load_year(ledger: Ledger) -> None:
    """Settle a year of every meter, a day at a time."""
    for source_id in METERS:
        await ledger.sources.async_add(source_id, "home")
        for day in range(YEAR.days):
            await ledger.slots.async_settle(
                source_id, MeterRole.GRID, slots(BEGIN + day * DAY), []
            )


def days(count: int, first: int, duration_s: int = PERIOD_S) -> range:
    """Return the starts of the periods of some days."""
    begin = BEGIN + first * DAY
    return starts_s(seconds(begin), seconds(begin + count * DAY), duration_s)


def documents(found: dict[str, list[Period]]) -> list[dict[str, Any]]:
    """Return periods as the action answers them."""
    return [
        document(source_id, period)
        for source_id, periods in found.items()
        for period in periods
    ]


def table(found: dict[str, list[Period]]) -> str:
    """Return periods as CSV."""
    return csv_text(
        PERIOD_COLUMNS,
        (period_cells(period) for periods in found.values() for period in periods),
    )


async def timed(
    name: str, ask: Callable[[int], Awaitable[object]], times: int = TIMES
) -> dict[str, Any]:
    """Time a question that is asked again and again; the fastest is what it costs."""
    took = []
    for number in range(times):
        begin = time.perf_counter()
        await ask(number)
        took.append(1000 * (time.perf_counter() - begin))
    return {
        "name": name,
        "count": times,
        "median_ms": statistics.median(took),
        "fastest_ms": min(took),
        "slowest_ms": max(took),
    }


async def bench(folder: Path) -> list[dict[str, Any]]:
    """Return all measurements."""
    hass = HomeAssistant(str(folder))
    ledger = Ledger(hass.async_add_executor_job, folder / "energy_homes.db")
    await ledger.async_open()
    await ledger.homes.async_add("home", "Home")
    await load_year(ledger)

    async def answer(starts: range) -> object:
        """Answer as the action does."""
        found = await ledger.periods.async_between(METERS, starts)
        return await hass.async_add_executor_job(documents, found)

    async def answer_table(starts: range) -> object:
        """Answer as CSV."""
        found = await ledger.periods.async_between(METERS, starts)
        return await hass.async_add_executor_job(table, found)

    rows = [
        await timed(
            "a day, asked for the first time", lambda n: answer(days(1, 10 + n))
        ),
        await timed("a day, asked for again", lambda n: answer(days(1, 10 + n))),
        await timed("the same day", lambda _: answer(days(1, 10))),
        await timed("a day as CSV", lambda n: answer_table(days(1, 10 + n))),
        await timed("a day of slots", lambda n: answer(days(1, 10 + n, 300))),
        await timed("a day of hours", lambda n: answer(days(1, 10 + n, 3600))),
        await timed("a month, first time", lambda _: answer(days(31, 100)), 1),
        await timed("a month, again", lambda _: answer(days(31, 100)), 5),
        await timed(
            "a month's statement",
            lambda n: ledger.sums.async_statement(
                "home", BEGIN + (330 - n) * DAY, BEGIN + (360 - n) * DAY
            ),
            5,
        ),
    ]
    await ledger.async_close()
    await hass.async_stop(force=True)
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--folder", help="on the disk that is measured")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        rows = asyncio.run(bench(Path(folder)))
    if arguments.json:
        print(json.dumps({"periods of ten meters": rows}))
        return
    print(
        f"{'periods of ten meters':<34}{'median ms':>12}{'fastest':>12}{'slowest':>12}"
    )
    for row in rows:
        print(
            f"{row['name']:<34}{row['median_ms']:>12.2f}"
            f"{row['fastest_ms']:>12.2f}{row['slowest_ms']:>12.2f}"
        )


if __name__ == "__main__":
    main()
