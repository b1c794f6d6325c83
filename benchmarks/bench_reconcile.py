"""How long the hourly reconciliation of ten meters takes, with a real recorder (SQLite on disk).

`python -m benchmarks.bench_reconcile` prints JSON; every meter has 30 days of slots and rows.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
import json
import logging
from pathlib import Path
from statistics import median
import sys
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Final

# First Home Assistant, which renames voluptuous; then the plugin, before what it patches.
import homeassistant as homeassistant  # noqa: PLC0414  # isort: skip
from pytest_homeassistant_custom_component.common import (  # isort: skip
    async_test_home_assistant,
)

from homeassistant.components.recorder import get_instance
from homeassistant.components.recorder.db_schema import Statistics, StatisticsShortTerm
from homeassistant.components.recorder.models import (
    StatisticData,
    StatisticMeanType,
    StatisticMetaData,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers.recorder import async_initialize_recorder
from homeassistant.setup import async_setup_component

from custom_components.energy_homes.ledger import Ledger, source_key
from custom_components.energy_homes.metering.model import (
    SLOT,
    MeterRole,
    Provenance,
    Slot,
)
from custom_components.energy_homes.metering.reconcile import HOUR
from custom_components.energy_homes.statistics.reconcile import Reconciler

METERS: Final = 10
DAYS: Final = 30
RUNS: Final = 20
START: Final = datetime(2026, 10, 1, tzinfo=UTC)
END: Final = START + timedelta(days=DAYS)


def slots(start: datetime, end: datetime) -> list[Slot]:
    """Return known slots of `[start, end)`, 0.01 kWh each."""
    return [
        Slot(
            start=start + position * SLOT,
            energy=0.01,
            returned=0.0,
            provenance=Provenance.MEASURED,
        )
        for position in range((end - start) // SLOT)
    ]


def metadata_of(number: int) -> StatisticMetaData:
    """Return the metadata of a meter's statistic."""
    return StatisticMetaData(
        mean_type=StatisticMeanType.NONE,
        has_sum=True,
        name=None,
        source="recorder",
        statistic_id=f"sensor.meter{number}",
        unit_class="energy",
        unit_of_measurement="kWh",
    )


async def add_meter(hass: HomeAssistant, ledger: Ledger, number: int) -> str:
    """Give a meter 30 days of slots and true rows; return its key."""
    source_id = f"meter{number}"
    await ledger.sources.async_add(source_id, "home")
    await ledger.slots.async_settle(source_id, MeterRole.GRID, slots(START, END), [])
    key = source_key(source_id)
    total = ledger.sums.total(key)
    metadata = metadata_of(number)
    row = StatisticData(start=END - SLOT, state=total, sum=total)
    first = StatisticData(start=START, state=0.0, sum=0.0)
    get_instance(hass).async_import_statistics(
        metadata, [first, row], StatisticsShortTerm
    )
    hours = [
        StatisticData(start=hour, state=total, sum=total)
        for hour, total, _ in await ledger.sums.async_hourly(key, START, END)
    ]
    get_instance(hass).async_import_statistics(metadata, hours, Statistics)
    return key


async def reconcile_all(reconciler: Reconciler, keys: list[str]) -> tuple[float, int]:
    """Compare all meters once; return how long it took in ms, and the rows written."""
    begin = perf_counter()
    written = 0
    for key in keys:
        written += await reconciler.async_reconcile(key)
    return (perf_counter() - begin) * 1000, written


async def measure(hass: HomeAssistant, folder: Path) -> list[dict[str, str | float]]:
    """Set ten meters up and measure the comparison with and without a difference."""
    async_initialize_recorder(hass)
    assert await async_setup_component(
        hass,
        "recorder",
        {"recorder": {"db_url": f"sqlite:///{folder / 'recorder.db'}"}},
    )
    await hass.async_block_till_done()
    await get_instance(hass).async_recorder_ready.wait()
    ledger = Ledger(hass.async_add_executor_job, folder / "ledger.db")
    await ledger.async_open()
    await ledger.homes.async_add("home", "Elm Street")
    reconciler = Reconciler(hass, ledger)
    keys = [await add_meter(hass, ledger, number) for number in range(METERS)]
    await get_instance(hass).async_block_till_done()
    for number, key in enumerate(keys):
        reconciler.async_register(key, partial("sensor.meter{}".format, number))
    first, written = await reconcile_all(reconciler, keys)
    assert written == 0
    same = [await reconcile_all(reconciler, keys) for _ in range(RUNS)]
    one_row = []
    wrong = StatisticData(start=END - HOUR, state=0.0, sum=0.0)
    for _ in range(RUNS):
        for number in range(METERS):
            get_instance(hass).async_import_statistics(
                metadata_of(number), [wrong], Statistics
            )
        await get_instance(hass).async_block_till_done()
        one_row.append(await reconcile_all(reconciler, keys))
        await get_instance(hass).async_block_till_done()
    await ledger.async_close()
    assert {rows for _, rows in one_row} == {METERS}
    return [
        {"name": f"first look, {METERS} meters, {DAYS} days", "ms": first},
        {"name": f"nothing differs, {METERS} meters", "ms": middle(same)},
        {"name": f"one row each, {METERS} meters", "ms": middle(one_row)},
    ]


def middle(runs: list[tuple[float, int]]) -> float:
    """Return the median time of some runs in ms."""
    return median(time for time, _ in runs)


async def main() -> None:
    """Measure in a folder of its own and print the result."""
    logging.disable(logging.WARNING)
    with TemporaryDirectory() as name:
        async with async_test_home_assistant() as hass:
            result = await measure(hass, Path(name))
            await hass.async_stop(force=True)
    sys.stdout.write(json.dumps({"Hourly reconciliation": result}) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
