"""Power cuts: a real Home Assistant killed again and again inside a slot."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import aiohttp
import pytest

from demo.api import Api
from demo.energy import HomeEntities, find_entities, state_of
from demo.flows import ensure_homes
from demo.folder import DemoFolder
from demo.hass_process import HassProcess
from demo.run import HOMES, bring_up, plans, url_of
from demo.simulator_process import SimulatorProcess
from demo.wait import until
from tests.e2e.expected import AROUND, SETTLE_DELAY, SLOT, slot_energy, slot_start
from tests.e2e.running import free_port
from tests.e2e.shown import GRID_METERS
from tests.simulator_client import SimulatorClient

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(1800)]

KILLS = 10
RESTART_SECONDS = 180
SPARE = timedelta(seconds=15)
FIRST_KILL = timedelta(seconds=15)
BETWEEN_KILLS = timedelta(seconds=28)


@dataclass
class Watch:
    """Every energy total that was seen, home by home."""

    api: Api
    homes: list[HomeEntities]
    seen: dict[str, list[float]] = field(default_factory=dict)

    async def look(self) -> dict[str, float] | None:
        """Return the totals of now, or None where one is missing."""
        totals: dict[str, float] = {}
        for home in self.homes:
            with suppress(aiohttp.ClientError, TimeoutError):
                total = await state_of(self.api, home.energy)
                if total is not None:
                    totals[home.label] = total
                    self.seen.setdefault(home.label, []).append(total)
        return totals if len(totals) == len(self.homes) else None

    async def until(self, instant: datetime) -> dict[str, float]:
        """Look again and again until an instant, and return the totals of then."""

        async def reached() -> dict[str, float] | None:
            """Return the totals once it is time."""
            totals = await self.look()
            return totals if datetime.now(UTC) >= instant else None

        wait = (instant - datetime.now(UTC)).total_seconds()
        return await until(reached, f"{instant}", seconds=max(wait, 0) + 60, every=1)

    def falls(self) -> list[tuple[str, float, float]]:
        """Return each time a total was lower than before."""
        return [
            (label, before, after)
            for label, totals in self.seen.items()
            for before, after in pairwise(totals)
            if after < before
        ]


@asynccontextmanager
async def two_homes(
    folder: DemoFolder,
) -> AsyncIterator[tuple[HassProcess, SimulatorClient, Watch]]:
    """Run the simulator and a Home Assistant with both homes."""
    port = free_port()
    with folder.hold():
        async with SimulatorProcess(folder, seed=7) as simulator:
            folder.prepare(port)
            async with (
                HassProcess(folder, simulator.url) as hass,
                Api(url_of(port)) as api,
            ):
                await bring_up(api, folder)
                entries = await ensure_homes(api, plans())
                homes = await find_entities(
                    api, {label: entries[label] for label in HOMES}
                )
                yield hass, SimulatorClient(simulator.url), Watch(api, homes)


async def test_ten_kills_inside_a_slot_neither_lose_nor_double_energy(
    tmp_path: Path,
) -> None:
    """After ten kills the slot has the energy of its published readings, to 0.1 %."""
    async with two_homes(DemoFolder(tmp_path / "demo")) as (hass, simulator, watch):
        before = await until(watch.look, "the totals", seconds=60)
        # By then every meter has been read, so that this is the first complete slot.
        start = slot_start(datetime.now(UTC) + timedelta(seconds=45)) + SLOT
        for number in range(KILLS):
            await watch.until(start + FIRST_KILL + number * BETWEEN_KILLS)
            await power_cut(hass, watch)
        # On a slow machine the last ones are in the next slot, which then counts as well.
        slots = [start]
        while slots[-1] < slot_start(datetime.now(UTC)):
            slots.append(slots[-1] + SLOT)
        settled = await watch.until(slots[-1] + SLOT + SETTLE_DELAY + SPARE)
        await power_cut(hass, watch)
        after = await watch.until(datetime.now(UTC) + timedelta(seconds=5))

        published = {
            label: simulator.published(sid, start - AROUND)
            for label, sid in GRID_METERS.items()
        }
        expected = {
            label: sum(slot_energy(readings, slot) for slot in slots)
            for label, readings in published.items()
        }
        grown = {label: settled[label] - before[label] for label in HOMES}
        assert grown == pytest.approx(expected, rel=1e-3)
        assert after == settled
        assert watch.falls() == []


async def power_cut(hass: HassProcess, watch: Watch) -> None:
    """Kill Home Assistant, start it again at once and wait until both totals are back."""
    await hass.kill()
    await watch.api.disconnect()
    await hass.start()
    await until(watch.look, "the totals", seconds=RESTART_SECONDS, every=0.5)
