"""What the ledger costs: settling, totals, and a year of a home.

Run `python -m benchmarks.bench_ledger`; with `--json` the numbers come as JSON.
"""

import argparse
import asyncio
from collections.abc import Awaitable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
import json
from pathlib import Path
import tempfile
import time
from typing import Final

from homeassistant.core import HomeAssistant

from custom_components.energy_homes.ledger import Ledger, home_key, source_key
from custom_components.energy_homes.metering.model import (
    SLOT,
    MeterRole,
    PowerReading,
    Provenance,
    Slot,
)

BEGIN: Final = datetime(2025, 1, 1, tzinfo=UTC)
YEAR: Final = timedelta(days=365)
SINGLE: Final = 1000
METERS: Final = {
    "grid": MeterRole.GRID,
    "sun": MeterRole.GENERATION,
    "oven": MeterRole.SUBMETER,
    "car": MeterRole.SUBMETER,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """How long something took, in milliseconds, each of `count` times."""

    name: str
    count: int
    total_ms: float

    @property
    def each_ms(self) -> float:
        """Return the mean of one time in milliseconds."""
        return self.total_ms / self.count


def slots(begin: datetime, count: int) -> list[Slot]:
    """Return measured slots that follow on each other."""
    return [
        Slot(
            start=begin + number * SLOT,
            energy=0.05,
            returned=0.0,
            provenance=Provenance.MEASURED,
        )
        for number in range(count)
    ]


async def measure(name: str, count: int, work: Awaitable[object]) -> Measurement:
    """Time some work that does something `count` times."""
    begin = time.perf_counter()
    await work
    return Measurement(
        name=name, count=count, total_ms=1000 * (time.perf_counter() - begin)
    )


async def settle_singly(ledger: Ledger, begin: datetime) -> None:
    """Settle slots one by one, as a meter does."""
    for slot in slots(begin, SINGLE):
        reading = PowerReading(slot.end, 600)
        await ledger.slots.async_settle("grid", MeterRole.GRID, [slot], [reading])


async def read_singly(ledger: Ledger, begin: datetime) -> None:
    """Keep readings one by one, as a meter does."""
    for number in range(SINGLE):
        at = begin + timedelta(seconds=30 * number)
        await ledger.sources.async_add_readings("grid", [PowerReading(at, 600)])


async def total_singly(ledger: Ledger) -> None:
    """Ask for a home's totals again and again."""
    for _ in range(SINGLE):
        ledger.sums.totals("home")


async def load_year(ledger: Ledger) -> None:
    """Settle a year of every meter, a day at a time."""
    for source_id, role in METERS.items():
        for day in range(YEAR.days):
            begin = BEGIN + timedelta(days=day)
            await ledger.slots.async_settle(source_id, role, slots(begin, 288), [])


async def reopen(ledger: Ledger) -> None:
    """Close and open the file: check it and add it up."""
    await ledger.async_close()
    await ledger.async_open()


async def bench(folder: Path) -> list[Measurement]:
    """Return all measurements."""
    hass = HomeAssistant(str(folder))
    ledger = Ledger(hass.async_add_executor_job, folder / "energy_homes.db")
    await ledger.async_open()
    await ledger.homes.async_add("home", "Home")
    for source_id in METERS:
        await ledger.sources.async_add(source_id, "home")
    end = BEGIN + YEAR
    key = home_key("home", "grid")
    day = timedelta(days=1)
    rows = len(METERS) * YEAR // SLOT
    results = [
        await measure("year of four meters, by the day", rows, load_year(ledger)),
        await measure("settle one slot", SINGLE, settle_singly(ledger, end)),
        await measure("keep one reading", SINGLE, read_singly(ledger, end)),
        await measure("totals of a home", SINGLE, total_singly(ledger)),
        await measure("reopen with that year", 1, reopen(ledger)),
        await measure(
            "hourly totals, last two days",
            1,
            ledger.sums.async_hourly(key, end - day, end + day),
        ),
        await measure(
            "hourly totals, whole year", 1, ledger.sums.async_hourly(key, BEGIN, end)
        ),
        await measure(
            "counts of a day", 1, ledger.slots.async_counts("home", end - day, end)
        ),
        await measure(
            "slots of a month",
            1,
            ledger.slots.async_between("grid", end - 30 * day, end),
        ),
        await measure(
            "first slot", 1, ledger.sums.async_first_slot(source_key("grid"))
        ),
        await measure("hold for a backup", 1, ledger.async_hold()),
        await measure("forget that year", 1, ledger.homes.async_forget("home")),
    ]
    await ledger.async_close()
    await hass.async_stop(force=True)
    return results


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--folder", help="on the disk that is measured")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        results = asyncio.run(bench(Path(folder)))
    if arguments.json:
        rows = [{**asdict(result), "each_ms": result.each_ms} for result in results]
        print(json.dumps({"ledger": rows}, indent=2))
        return
    print(f"{'ledger':<34}{'count':>8}{'total ms':>12}{'each ms':>12}")
    for result in results:
        print(
            f"{result.name:<34}{result.count:>8}"
            f"{result.total_ms:>12.1f}{result.each_ms:>12.4f}"
        )


if __name__ == "__main__":
    main()
