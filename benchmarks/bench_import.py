"""What a year of hourly history costs, beside handing the same rows to the recorder.

One home: energy and power of a meter and of the home, temperatures of four rooms; a real
recorder (SQLite on disk). Vendor calls excluded. `python -m benchmarks.bench_import` prints
JSON; `--days` takes less than a year, `--profile` says where the time goes as well.
"""

import argparse
import asyncio
from collections.abc import Awaitable, Callable
import cProfile
from datetime import UTC, datetime
from functools import partial
import json
import logging
from pathlib import Path
import pstats
import sys
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Final

# First Home Assistant, which renames voluptuous; then the plugin, before what it patches.
import homeassistant as homeassistant  # noqa: PLC0414  # isort: skip
from pytest_homeassistant_custom_component.common import (  # isort: skip
    async_test_home_assistant,
)

from homeassistant.components.recorder import get_instance
from homeassistant.components.recorder.db_schema import StatisticsShortTerm
from homeassistant.components.recorder.models import (
    StatisticData,
    StatisticMeanType,
    StatisticMetaData,
)
from homeassistant.components.recorder.statistics import (
    async_import_statistics,
    statistics_during_period,
)
from homeassistant.const import EVENT_RECORDER_5MIN_STATISTICS_GENERATED
from homeassistant.core import HomeAssistant
from homeassistant.helpers.recorder import async_initialize_recorder
from homeassistant.setup import async_setup_component

from custom_components.energy_homes.ledger import Ledger, home_key, source_key
from custom_components.energy_homes.metering.model import (
    SLOT,
    MeterRole,
    Provenance,
    Slot,
)
from custom_components.energy_homes.metering.reconcile import HOUR
from custom_components.energy_homes.metering.temperature import RoomSlot
from custom_components.energy_homes.statistics.reading import async_recorder_done
from custom_components.energy_homes.statistics.reconcile import Reconciler

ARGUMENTS: Final = argparse.ArgumentParser(description=__doc__)
ARGUMENTS.add_argument("--json", action="store_true", help="as always")
ARGUMENTS.add_argument("--days", type=int, default=365)
ARGUMENTS.add_argument("--profile", action="store_true")
GIVEN: Final = ARGUMENTS.parse_args()

HOURS: Final = GIVEN.days * 24
END: Final = datetime(2026, 10, 1, tzinfo=UTC)
START: Final = END - HOURS * HOUR
LIVE: Final = END - HOUR
MONTHS: Final = 12
ROOMS: Final = 4
SUMS: Final = ("meter_energy", "home_energy")
MEANS: Final = ("meter_power", "home_power", *(f"room{n}" for n in range(ROOMS)))


def metadata(entity_id: str) -> StatisticMetaData:
    """Return the metadata of a statistic."""
    sums = entity_id.endswith("energy")
    power = entity_id.endswith("power")
    means = ("power", "W") if power else ("temperature", "°C")
    unit_class, unit = ("energy", "kWh") if sums else means
    return StatisticMetaData(
        mean_type=StatisticMeanType.NONE if sums else StatisticMeanType.ARITHMETIC,
        has_sum=sums,
        name=None,
        source="recorder",
        statistic_id=entity_id,
        unit_class=unit_class,
        unit_of_measurement=unit,
    )


def energy(number: int) -> float:
    """Return what is used in a slot, in kWh."""
    return 0.01 + number % 40 / 1000


def temperature(number: int) -> float:
    """Return how warm it is in a slot, in °C."""
    return 18 + number % 30 / 10


def energy_slots() -> list[Slot]:
    """Return a year of slots of the meter."""
    return [
        Slot(
            start=START + number * SLOT,
            energy=energy(number),
            returned=0.0,
            provenance=Provenance.VENDOR,
        )
        for number in range(HOURS * 12 - 12)
    ]


def room_slots() -> list[RoomSlot]:
    """Return a year of slots of a room."""
    return [
        RoomSlot(
            start=START + number * SLOT,
            mean=temperature(number),
            low=temperature(number),
            high=temperature(number),
            provenance=Provenance.VENDOR,
        )
        for number in range(HOURS * 12 - 12)
    ]


def rows(entity_id: str) -> list[StatisticData]:
    """Return the hourly rows of a statistic that these slots make."""
    if entity_id.endswith("energy"):
        total = 0.0
        sums: list[StatisticData] = []
        for hour in range(HOURS - 1):
            total += sum(energy(hour * 12 + n) for n in range(12))
            sums.append(
                StatisticData(start=START + hour * HOUR, state=0.0, sum=round(total, 6))
            )
        return sums
    value: Callable[[int], float] = temperature
    if entity_id.endswith("power"):
        value = lambda number: energy(number) * 12000  # noqa: E731
    means: list[StatisticData] = []
    for hour in range(HOURS - 1):
        values = [value(hour * 12 + n) for n in range(12)]
        means.append(
            StatisticData(
                start=START + hour * HOUR,
                mean=sum(values) / 12,
                min=min(values),
                max=max(values),
            )
        )
    return means


async def begin(hass: HomeAssistant, kind: str) -> None:
    """Let the recorder have seen a home's sensors in the last hour only."""
    for name in (*SUMS, *MEANS):
        entity_id = f"sensor.{kind}_{name}"
        data = (
            StatisticData(start=END - SLOT, state=0.0, sum=0.0)
            if name in SUMS
            else StatisticData(start=END - SLOT, mean=0.0, min=0.0, max=0.0)
        )
        get_instance(hass).async_import_statistics(
            metadata(entity_id), [data], StatisticsShortTerm
        )
    await async_recorder_done(hass)


async def timed(work: Awaitable[object]) -> tuple[float, float]:
    """Return how long some work takes, in ms: on the clock, and of a processor."""
    start, start_cpu = perf_counter(), process_time()
    await work
    return (perf_counter() - start) * 1000, (process_time() - start_cpu) * 1000


async def hand_over(hass: HomeAssistant, given: dict[str, list[StatisticData]]) -> None:
    """Hand rows straight to the recorder."""
    for entity_id, some in given.items():
        async_import_statistics(hass, metadata(entity_id), some)
    await async_recorder_done(hass)


class ImportedHome:
    """A home with an empty ledger whose statistics are kept true."""

    def __init__(self, hass: HomeAssistant, folder: Path, kind: str) -> None:
        """Stand for sensors whose names begin with `kind`."""
        self._hass = hass
        self._kind = kind
        self.ledger = Ledger(hass.async_add_executor_job, folder / f"{kind}.db")
        self._reconciler = Reconciler(hass, self.ledger)
        self._keys: list[str] = []

    async def open(self) -> None:
        """Let the home be there for an hour."""
        await self.ledger.async_open()
        await self.ledger.homes.async_add("home", "Elm Street")
        await self.ledger.sources.async_add("meter", "home", live_from=LIVE)
        live = [
            Slot(
                start=LIVE + n * SLOT,
                energy=0.0,
                returned=0.0,
                provenance=Provenance.MEASURED,
            )
            for n in range(12)
        ]
        await self.ledger.slots.async_settle("meter", MeterRole.GRID, live, [])
        totals = {
            "meter": source_key("meter"),
            "home": home_key("home", "grid"),
        }
        for owner, key in totals.items():
            self._reconciler.async_register(
                key, partial(str, f"sensor.{self._kind}_{owner}_energy")
            )
            self._reconciler.async_register_power(
                key, partial(str, f"sensor.{self._kind}_{owner}_power")
            )
            self._keys += [key, f"power:{key}"]
        for number in range(ROOMS):
            room_id = f"room{number}"
            await self.ledger.rooms.async_add(room_id, "home")
            self._reconciler.async_register_room(
                room_id, partial(str, f"sensor.{self._kind}_{room_id}"), room_id
            )
            self._keys.append(f"room:{room_id}")
        self._reconciler.async_start()
        await self.reconcile()

    async def reconcile(self) -> None:
        """Compare everything, as it is done after each 5-minute run of the recorder."""
        self._hass.bus.async_fire(EVENT_RECORDER_5MIN_STATISTICS_GENERATED)
        await self._hass.async_block_till_done(wait_background_tasks=True)
        await async_recorder_done(self._hass)

    async def left(self) -> int:
        """Return how many rows are still to be written."""
        return sum([await self._reconciler.async_reconcile(key) for key in self._keys])

    async def close(self) -> None:
        """Stop what was opened."""
        await self._reconciler.async_stop()
        await self.ledger.async_close()

    async def take(self, slots: list[Slot], rooms: list[RoomSlot]) -> None:
        """Commit a chunk of the past."""
        await self.ledger.slots.async_settle("meter", MeterRole.GRID, slots, [])
        for number in range(ROOMS):
            await self.ledger.rooms.async_settle(f"room{number}", rooms)

    async def run(
        self, slots: list[Slot], rooms: list[RoomSlot], *, by_month: bool
    ) -> None:
        """Import a year month by month, newest first; compare after each, or at the end."""
        size = -(-len(slots) // MONTHS)
        for month in reversed(range(MONTHS)):
            part = slice(month * size, (month + 1) * size)
            await self.take(slots[part], rooms[part])
            if by_month or month == 0:
                await self.reconcile()


def same_rows(hass: HomeAssistant, one: str, other: str) -> int:
    """Check that two statistics say the same; return how many hours they have."""
    found = statistics_during_period(
        hass, START, LIVE, {one, other}, "hour", None, {"sum", "mean", "min", "max"}
    )
    assert len(found[one]) == len(found[other]) == HOURS - 1
    for row, twin in zip(found[one], found[other], strict=True):
        assert row["start"] == twin["start"]
        for value, expected in (
            (row.get("sum"), twin.get("sum")),
            (row.get("mean"), twin.get("mean")),
            (row.get("min"), twin.get("min")),
            (row.get("max"), twin.get("max")),
        ):
            assert (value is None) is (expected is None)
            assert abs((value or 0.0) - (expected or 0.0)) < 2e-3, (row, twin)
    return len(found[one])


async def measure(hass: HomeAssistant, folder: Path) -> list[dict[str, str | float]]:
    """Import the same year in three ways."""
    async_initialize_recorder(hass)
    assert await async_setup_component(
        hass,
        "recorder",
        {"recorder": {"db_url": f"sqlite:///{folder / 'recorder.db'}"}},
    )
    await hass.async_block_till_done()
    await get_instance(hass).async_recorder_ready.wait()
    given = {
        f"sensor.direct_{name}": rows(f"sensor.direct_{name}")
        for name in (*SUMS, *MEANS)
    }
    slots, rooms = energy_slots(), room_slots()
    results: list[dict[str, str | float]] = []
    await begin(hass, "direct")
    direct, direct_cpu = await timed(hand_over(hass, given))
    results.append(
        {
            "name": "handed straight to the recorder",
            "ms": direct,
            "cpu_ms": direct_cpu,
        }
    )
    for kind, by_month, name in (
        ("once", False, "through the ledger, compared at the end"),
        ("monthly", True, "through the ledger, compared by the month"),
    ):
        await begin(hass, kind)
        home = ImportedHome(hass, folder, kind)
        await home.open()
        took, cpu = await timed(home.run(slots, rooms, by_month=by_month))
        results.append(
            {
                "name": name,
                "ms": took,
                "cpu_ms": cpu,
                "ratio": took / direct,
                "cpu_ratio": cpu / direct_cpu,
            }
        )
        assert await home.left() == 0
        await home.close()
        for sensor in (*SUMS, *MEANS):
            await get_instance(hass).async_add_executor_job(
                same_rows, hass, f"sensor.{kind}_{sensor}", f"sensor.direct_{sensor}"
            )
    return results


async def main() -> None:
    """Measure in a folder of its own and print the result."""
    logging.disable(logging.WARNING)
    with TemporaryDirectory() as name:
        async with async_test_home_assistant() as hass:
            result = await measure(hass, Path(name))
            await hass.async_stop(force=True)
    sys.stdout.write(json.dumps({"A year of history of a home": result}) + "\n")


if __name__ == "__main__":
    if GIVEN.profile:
        with cProfile.Profile() as profile:
            asyncio.run(main())
        pstats.Stats(profile, stream=sys.stderr).sort_stats("tottime").print_stats(40)
    else:
        asyncio.run(main())
