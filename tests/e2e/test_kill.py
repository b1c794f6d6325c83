"""Power cuts: a real Home Assistant killed again and again inside a slot."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import combinations, pairwise
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
from tests.e2e.clock import WallClock
from tests.e2e.expected import AROUND, SETTLE_DELAY, SLOT, slot_energy, slot_start
from tests.e2e.ports import held_port
from tests.e2e.shown import GRID_METERS
from tests.simulator_client import ELM_TOKEN, MILL_TOKEN, SimulatorClient, to_ms

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.xdist_group("meter kills"),
    pytest.mark.timeout(1800),
]

TOKENS = {"Elm Street": ELM_TOKEN, "Mill Cottage": MILL_TOKEN}
LIVE = "getCurrentValuesSummary"
"""The call that is answered with the newest reading of each meter."""

IN_DOUBT = timedelta(seconds=5)
"""What was answered so shortly before a kill may not have been kept."""

SHOWN = 2e-6
"""kWh: a total is shown to the millionth, and two of them are compared."""

KILLS = 10
RESTART_SECONDS = 180
SPARE = timedelta(seconds=15)
FIRST_KILL = timedelta(seconds=15)
BETWEEN_KILLS = timedelta(seconds=28)
ALL_READ = timedelta(seconds=45)
"""Until then every meter has been read."""


@dataclass
class Watch:
    """Every energy total that was seen, home by home."""

    api: Api
    homes: list[HomeEntities]
    clock: WallClock
    seen: dict[str, list[float]] = field(default_factory=dict)
    kills: list[datetime] = field(default_factory=list)

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
            return totals if self.clock.now >= instant else None

        wait = (instant - self.clock.now).total_seconds()
        return await until(reached, f"{instant}", seconds=max(wait, 0) + 180, every=1)

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
    folder: DemoFolder, clock: WallClock
) -> AsyncIterator[tuple[HassProcess, SimulatorClient, Watch]]:
    """Run the simulator and a Home Assistant with both homes."""
    environment = clock.environment
    with held_port() as port, folder.hold():
        async with SimulatorProcess(folder, 7, environment) as simulator:
            folder.prepare(port)
            async with (
                HassProcess(folder, simulator.url, environment) as hass,
                Api(url_of(port)) as api,
            ):
                await bring_up(api, folder)
                entries = await ensure_homes(api, plans())
                homes = await find_entities(
                    api, {label: entries[label] for label in HOMES}
                )
                yield hass, SimulatorClient(simulator.url), Watch(api, homes, clock)


async def test_ten_kills_inside_a_slot_neither_lose_nor_double_energy(
    tmp_path: Path, clock: WallClock
) -> None:
    """After ten kills the slot has the energy of all readings that came, to 0.1 %.

    What the meters published while nobody asked never came, and a reading whose answer was
    under way at the kill may have come or not; all others count, and none counts twice.
    """
    folder = DemoFolder(tmp_path / "demo")
    async with two_homes(folder, clock) as (hass, simulator, watch):
        before = await until(watch.look, "the totals", seconds=180)
        start = await clock.near_next_slot(simulator, ALL_READ)
        for number in range(KILLS):
            await watch.until(start + FIRST_KILL + number * BETWEEN_KILLS)
            await power_cut(hass, watch)
        # On a slow machine the last ones are in the next slot, which then counts as well.
        slots = [start]
        while slots[-1] < slot_start(clock.now):
            slots.append(slots[-1] + SLOT)
        settled = await watch.until(slots[-1] + SLOT + SETTLE_DELAY + SPARE)
        await power_cut(hass, watch)
        after = await watch.until(clock.now + timedelta(seconds=5))

        for label in HOMES:
            expected = [
                sum(slot_energy(readings, slot) for slot in slots)
                for readings in heard(simulator, label, start - AROUND, watch.kills)
            ]
            grown = pytest.approx(settled[label] - before[label], rel=1e-3, abs=SHOWN)
            assert grown in expected, label
        assert after == settled
        assert watch.falls() == []


def heard(
    simulator: SimulatorClient, label: str, since: datetime, kills: list[datetime]
) -> Iterator[list[tuple[int, int]]]:
    """Yield what Home Assistant may know of a home's meter: all readings that came.

    Then the same without some of those, or all, whose only answers were under way at a kill.
    """
    published = simulator.published(GRID_METERS[label], since)
    certain: set[tuple[int, int]] = set()
    doubtful: set[tuple[int, int]] = set()
    for asked_ms, token, command in simulator.call_log():
        known = [reading for reading in published if reading[0] <= asked_ms]
        if (token, command) == (TOKENS[label], LIVE) and known:
            in_doubt = any(
                to_ms(kill - IN_DOUBT) <= asked_ms <= to_ms(kill) for kill in kills
            )
            (doubtful if in_doubt else certain).add(known[-1])
    doubtful -= certain
    for lost in range(len(doubtful) + 1):
        for kept in combinations(doubtful, len(doubtful) - lost):
            yield sorted(certain | set(kept))


async def power_cut(hass: HassProcess, watch: Watch) -> None:
    """Kill Home Assistant, start it again at once and wait until both totals are back."""
    await hass.kill()
    watch.kills.append(watch.clock.now)
    await watch.api.disconnect()
    await hass.start()
    await until(watch.look, "the totals", seconds=RESTART_SECONDS, every=0.5)
