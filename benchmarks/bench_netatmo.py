"""What five heated homes of four rooms cost: requests, CPU time and set-up time.

`python -m benchmarks.bench_netatmo` prints JSON. A real Home Assistant with its recorder talks
over HTTP to the simulator, which is another process; both are in virtual time. Three loads in
one run: nothing, a plain loop over the same client that asks for each home every two minutes
and drops the answers, and the integration. CPU time is this process's alone, without what
moving the clocks costs; the loads' without what an empty Home Assistant uses.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
import json
import logging
import os
from pathlib import Path
from statistics import median
import sys
from tempfile import TemporaryDirectory
import time
from typing import Any, Final, Self, cast, override

# First Home Assistant, which renames voluptuous; then the plugin, before what it patches.
import homeassistant as homeassistant  # noqa: PLC0414  # isort: skip
from pytest_homeassistant_custom_component import patch_time  # noqa: F401  # isort: skip
from pytest_homeassistant_custom_component.common import (  # isort: skip
    async_test_home_assistant,
)

from aiohttp import ThreadedResolver
from freezegun import freeze_time
from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import get_instance
from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers.aiohttp_client import (
    DATA_RESOLVER,
    HassAsyncDNSResolver,
    async_get_clientsession,
)
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.helpers.recorder import async_initialize_recorder
from homeassistant.loader import DATA_CUSTOM_COMPONENTS
from homeassistant.setup import async_setup_component

from custom_components.energy_homes.clouds.netatmo.client import (
    NetatmoClient,
    TokenProvider,
)
from tests.builders import (
    heating_source,
    heating_subentry,
    home_entry,
    netatmo_account_entry,
    netatmo_credential,
    set_up,
)
from tests.netatmo_control import NetatmoControl
from tests.simulator_client import SimulatorClient, start_simulator
from tests.virtual import LONGEST_JUMP, VirtualTime

START: Final = datetime(2026, 11, 18, 6, 0, 0, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)
SETTLING: Final = timedelta(minutes=2)
HOURS: Final = 3
HOMES: Final = 5
ROOMS: Final = ("Living room", "Kitchen", "Bedroom", "Office")
COMMANDS: Final = 12
USER: Final = "five@example.com"
USUAL_INTERVAL: Final = timedelta(minutes=2)
IDLE_S: Final = 0.0002

PEER_PER_HOUR: Final = 302
PEER_CPU_MS: Final = 7.6
"""Home Assistant's own integration with the same load, measured elsewhere: peers.md 6."""

type Row = dict[str, str | float]
type Load = Callable[[HomeAssistant, NetatmoControl], Coroutine[Any, Any, None]]


@dataclass(kw_only=True)
class Cost:
    """CPU milliseconds: of the whole process, and of the event loop's thread alone."""

    process_ms: float
    loop_ms: float

    @classmethod
    def so_far(cls) -> Self:
        """Return what has been used since the process began."""
        return cls(
            process_ms=time.clock_gettime(time.CLOCK_PROCESS_CPUTIME_ID) * 1000,
            loop_ms=time.clock_gettime(time.CLOCK_THREAD_CPUTIME_ID) * 1000,
        )

    def __add__(self, other: Cost) -> Cost:
        """Return both together."""
        return Cost(
            process_ms=self.process_ms + other.process_ms,
            loop_ms=self.loop_ms + other.loop_ms,
        )

    def __sub__(self, other: Cost) -> Cost:
        """Return the difference."""
        return Cost(
            process_ms=self.process_ms - other.process_ms,
            loop_ms=self.loop_ms - other.loop_ms,
        )


FREE: Final = Cost(process_ms=0.0, loop_ms=0.0)


class Clock(VirtualTime):
    """Virtual time that knows what moving it has cost."""

    cost: Cost = FREE

    @override
    async def run(self, total: timedelta) -> None:
        """Move from one timer to the next; the loop itself finds what is due."""
        end = self.now + total
        while (now := self.now) < end:
            self._move(min(self._next_timer(now), now + LONGEST_JUMP, end))
            await self.settle()

    @override
    def _move(self, instant: datetime) -> None:
        """Set both clocks, and count what it costs."""
        begin = Cost.so_far()
        super()._move(instant)
        self.cost += Cost.so_far() - begin


class OneToken(TokenProvider):
    """An access token that is good for the whole run."""

    def __init__(self, token: str) -> None:
        """Take the token."""
        self._token = token

    @override
    async def __call__(self) -> str:
        """Return the token."""
        return self._token

    @override
    async def force_refresh(self, refused: str) -> str:
        """Return the token again."""
        return self._token


@dataclass(kw_only=True)
class Measured:
    """What one load cost."""

    setup_ms: float
    setup_calls: int
    entities: int
    calls: list[int] = field(default_factory=list)
    """Of each hour."""

    costs: list[Cost] = field(default_factory=list)
    """Of each hour."""

    command_ms: list[float] = field(default_factory=list)

    @property
    def hourly_calls(self) -> float:
        """Return the calls of the hour in the middle."""
        return median(self.calls)

    @property
    def hourly_cost(self) -> Cost:
        """Return the cost of the hour in the middle."""
        return Cost(
            process_ms=median(cost.process_ms for cost in self.costs),
            loop_ms=median(cost.loop_ms for cost in self.costs),
        )


def wall_s() -> float:
    """Return real seconds; no freezer touches this clock."""
    return time.clock_gettime(time.CLOCK_MONOTONIC)


def rest() -> None:
    """Wait for the simulator without using the processor."""
    time.sleep(IDLE_S)


def calls(netatmo: NetatmoControl) -> int:
    """Return how many calls have been made."""
    return sum(netatmo.calls(USER).values())


def home_name(number: int) -> str:
    """Return the name of a home."""
    return f"House {number + 1}"


@asynccontextmanager
async def fresh(
    simulator: SimulatorClient, freezer: FrozenDateTimeFactory
) -> AsyncIterator[tuple[HomeAssistant, NetatmoControl, Clock]]:
    """Run a new Home Assistant with a new account of five homes at the simulator."""
    freezer.move_to(START)
    simulator.reset(START)
    netatmo = NetatmoControl(simulator)
    rooms = [
        {"name": name, "modules": ["NATherm1" if name == ROOMS[0] else "NRV"]}
        for name in ROOMS
    ]
    homes = [
        {"name": home_name(number), "rooms": rooms, "history_days": 2}
        for number in range(HOMES)
    ]
    netatmo.settings(access_s=86_400)
    netatmo.add_account(USER, "five-refresh-token", homes)
    # The rooms' past is computed once, before anybody measures.
    simulator.truth(temperatures=True)
    with TemporaryDirectory() as folder:
        async with async_test_home_assistant(config_dir=folder) as hass:
            hass.data.pop(DATA_CUSTOM_COMPONENTS)
            # Nothing has to be resolved, and Home Assistant's own resolver wants a network.
            hass.data[DATA_RESOLVER] = cast(HassAsyncDNSResolver, ThreadedResolver())
            await start_recorder(hass, Path(folder))
            yield hass, netatmo, Clock(hass, freezer, simulator, rest)
            await hass.async_stop(force=True)


async def start_recorder(hass: HomeAssistant, folder: Path) -> None:
    """Record what happens, as every Home Assistant does."""
    async_initialize_recorder(hass)
    url = f"sqlite:///{folder / 'recorder.db'}"
    assert await async_setup_component(hass, "recorder", {"recorder": {"db_url": url}})
    await hass.async_block_till_done()
    await get_instance(hass).async_recorder_ready.wait()


async def nothing(hass: HomeAssistant, netatmo: NetatmoControl) -> None:
    """Do nothing."""


async def plain_loop(hass: HomeAssistant, netatmo: NetatmoControl) -> None:
    """Ask for every home every two minutes and for the topology every hour."""
    tokens = OneToken(netatmo.tokens(USER)["access_token"])
    client = NetatmoClient(async_get_clientsession(hass), tokens, netatmo.simulator.url)
    home_ids = [home.home_id for home in (await client.homes()).homes]

    async def statuses(_now: datetime) -> None:
        """Ask for every home."""
        for home_id in home_ids:
            await client.status(home_id)

    async def topology(_now: datetime) -> None:
        """Ask for the topology."""
        await client.homes()

    await statuses(START)
    stops = (
        async_track_time_interval(hass, statuses, USUAL_INTERVAL),
        async_track_time_interval(hass, topology, HOUR),
    )

    @callback
    def stop(_event: Event) -> None:
        """Ask no more."""
        for stop_one in stops:
            stop_one()

    hass.bus.async_listen_once(EVENT_HOMEASSISTANT_STOP, stop)


async def integration(hass: HomeAssistant, netatmo: NetatmoControl) -> None:
    """Set up the account and five homes."""
    await netatmo_credential(hass)
    homes = [
        home_entry(
            home_name(number),
            heating_subentry(heating_source(netatmo, home_name(number))),
        )
        for number in range(HOMES)
    ]
    await set_up(hass, netatmo_account_entry(netatmo, USER), *homes)


async def set_temperatures(hass: HomeAssistant, clock: Clock) -> list[float]:
    """Turn rooms by hand; return how long each took until its state was there, in ms."""
    rooms = hass.states.async_entity_ids("climate")
    times = []
    for number in range(COMMANDS):
        room = rooms[number % len(rooms)]
        begin = wall_s()
        await hass.services.async_call(
            "climate",
            "set_temperature",
            {"entity_id": room, "temperature": 18 + number / 2},
            blocking=True,
        )
        times.append((wall_s() - begin) * 1000)
        state = hass.states.get(room)
        assert state is not None
        assert state.attributes["temperature"] == 18 + number / 2
        await clock.step(timedelta(seconds=15))
    return times


async def measure(
    load: Load, simulator: SimulatorClient, freezer: FrozenDateTimeFactory
) -> Measured:
    """Measure one load: its set-up, then hour by hour."""
    async with fresh(simulator, freezer) as (hass, netatmo, clock):
        begin = wall_s()
        await load(hass, netatmo)
        await clock.settle()
        setup_ms = (wall_s() - begin) * 1000
        # The first polls are spread.
        await clock.run(SETTLING)
        measured = Measured(
            setup_ms=setup_ms,
            setup_calls=calls(netatmo),
            entities=len(hass.states.async_entity_ids()),
        )
        for _ in range(HOURS):
            before, clock.cost, begin_cost = calls(netatmo), FREE, Cost.so_far()
            await clock.run(HOUR)
            measured.costs.append(Cost.so_far() - begin_cost - clock.cost)
            measured.calls.append(calls(netatmo) - before)
        if load is integration:
            measured.command_ms = await set_temperatures(hass, clock)
        return measured


def hourly(name: str, measured: Measured, empty: Cost) -> Row:
    """Return what the hours of a load cost, beyond what an empty Home Assistant does."""
    cost = measured.hourly_cost - empty
    made = measured.hourly_calls
    return {
        "name": name,
        "calls_per_hour": made,
        "most_calls": max(measured.calls),
        "cpu_ms_per_hour": cost.process_ms,
        "cpu_ms_per_call": cost.process_ms / made,
        "loop_ms_per_call": cost.loop_ms / made,
    }


def rows(empty: Measured, plain: Measured, ours: Measured) -> dict[str, list[Row]]:
    """Return the tables."""
    free = empty.hourly_cost
    plain_row = hourly("plain loop", plain, free)
    our_row = hourly("Energy Homes", ours, free)
    homes = f"{HOMES} homes of {len(ROOMS)} rooms"
    return {
        f"Netatmo: {homes}, an hour": [
            {"name": "empty Home Assistant", "cpu_ms_per_hour": free.process_ms},
            plain_row,
            our_row,
            {
                "name": "Energy Homes / plain loop",
                "calls": ratio(our_row, plain_row, "calls_per_hour"),
                "cpu": ratio(our_row, plain_row, "cpu_ms_per_hour"),
            },
            {
                "name": "Home Assistant's own integration*",
                "calls_per_hour": PEER_PER_HOUR,
                "cpu_ms_per_call": PEER_CPU_MS,
            },
        ],
        f"Netatmo: {homes}, set-up and commands": [
            {
                "name": "account and homes, imports warm",
                "ms": ours.setup_ms,
                "calls": ours.setup_calls,
                "entities": ours.entities,
            },
            {
                "name": "climate.set_temperature until it is done",
                "median_ms": median(ours.command_ms),
                "most_ms": max(ours.command_ms),
            },
        ],
        "* measured once, elsewhere, without a recorder; not in this run": [],
    }


def ratio(one: Row, other: Row, key: str) -> float:
    """Return how many times as much one is."""
    return float(one[key]) / float(other[key])


async def main(freezer: FrozenDateTimeFactory) -> None:
    """Measure everything against one simulator and print the result."""
    logging.disable(logging.WARNING)
    process, url = start_simulator("--frozen", "0", parent_pid=os.getpid())
    os.environ["ENERGY_HOMES_NETATMO_URL"] = url
    simulator = SimulatorClient(url)
    with process:
        try:
            # Once for the imports.
            await measure(integration, simulator, freezer)
            empty = await measure(nothing, simulator, freezer)
            plain = await measure(plain_loop, simulator, freezer)
            ours = await measure(integration, simulator, freezer)
        finally:
            simulator.close()
            process.terminate()
    sys.stdout.write(json.dumps(rows(empty, plain, ours)) + "\n")


if __name__ == "__main__":
    with freeze_time(START) as frozen:
        assert isinstance(frozen, FrozenDateTimeFactory)
        asyncio.run(main(frozen))
