"""What a hundred Particle boards at an event a second cost, and how long they hold the loop.

`python -m benchmarks.bench_particle` prints a table, with `--json` JSON. A real Home Assistant
with its recorder listens to the simulator, which is another process, in real time: ten homes
with ten boards each as meters, so that every reading also goes to the ledger and to entities.
Three rows: without the account, with it, and what has gathered in the network meanwhile
arriving at once.
"""

import argparse
import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
import json
import logging
import os
from pathlib import Path
from tempfile import TemporaryDirectory
import time
from typing import Any, Final, cast

# First Home Assistant, which renames voluptuous; then the plugin, before what it patches.
import homeassistant as homeassistant  # noqa: PLC0414  # isort: skip
from pytest_homeassistant_custom_component import patch_time  # noqa: F401  # isort: skip
from pytest_homeassistant_custom_component.common import (  # isort: skip
    async_test_home_assistant,
)

from aiohttp import ThreadedResolver
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import DATA_RESOLVER, HassAsyncDNSResolver
from homeassistant.loader import DATA_CUSTOM_COMPONENTS
from homeassistant.util import dt as dt_util

from benchmarks.bench_boards import Heart
from benchmarks.bench_netatmo import Cost, start_recorder
from custom_components.energy_homes.metering.model import MeterRole
from tests.accounts.particle.load import Received, add_boards, follow
from tests.builders import (
    home_entry,
    meter_subentry,
    particle_entry,
    particle_revision,
    set_up,
)
from tests.particle_control import PARTICLE_TOKEN, ParticleControl
from tests.simulator_client import SimulatorClient, start_simulator

ACCOUNT: Final = "particle_account"
HOMES: Final = 10
BOARDS: Final = 100
WARM_UP_S: Final = 10
SECONDS: Final = 60
GATHERED: Final = timedelta(seconds=20)
"""So much of what the boards say arrives at once."""

type Row = dict[str, Any]


@asynccontextmanager
async def fresh(simulator: SimulatorClient) -> AsyncIterator[HomeAssistant]:
    """Run a new Home Assistant in real time, as the simulator does."""
    simulator.reset(dt_util.utcnow())
    simulator.request("POST", "/_control/clock", {"running": True})
    with TemporaryDirectory() as folder:
        async with async_test_home_assistant(config_dir=folder) as hass:
            hass.data.pop(DATA_CUSTOM_COMPONENTS)
            # Nothing has to be resolved, and Home Assistant's own resolver wants a network.
            hass.data[DATA_RESOLVER] = cast(HassAsyncDNSResolver, ThreadedResolver())
            # Debugging costs more than what is measured.
            hass.loop.set_debug(False)
            await start_recorder(hass, Path(folder))
            yield hass
            await hass.async_stop(force=True)


async def with_boards(
    hass: HomeAssistant, control: ParticleControl
) -> dict[str, Received]:
    """Set up the account and the homes; return what is heard of each board."""
    board_ids = add_boards(control, BOARDS)
    each = BOARDS // HOMES
    homes = [
        home_entry(
            f"House {number}",
            *(
                meter_subentry(
                    f"meter-{board_id}",
                    particle_revision(board_id, ACCOUNT),
                    name=f"Circuit {place}",
                    role=MeterRole.SUBMETER if place else MeterRole.GRID,
                )
                for place, board_id in enumerate(
                    board_ids[number * each : (number + 1) * each]
                )
            ),
        )
        for number in range(HOMES)
    ]
    await set_up(hass, particle_entry(PARTICLE_TOKEN, ACCOUNT), *homes)
    return follow(hass, ACCOUNT, board_ids)


async def watched(name: str, seconds: float, heard: dict[str, Received]) -> Row:
    """Watch the loop for a while."""
    before = sum(one.count for one in heard.values())
    heart, begin, cost = Heart(), time.monotonic(), Cost.so_far()
    await asyncio.sleep(seconds)
    cost = Cost.so_far() - cost
    passed_s = time.monotonic() - begin
    beats = heart.stop()
    events = sum(one.count for one in heard.values()) - before
    return {
        "name": name,
        "events": events,
        "seconds": passed_s,
        "process_cpu_ms_per_s": cost.process_ms / passed_s,
        "loop_cpu_ms_per_s": cost.loop_ms / passed_s,
        **beats,
    }


async def at_once(control: ParticleControl, heard: dict[str, Received]) -> Row:
    """Let all that the boards say in a while arrive at once."""
    control.simulator.request("POST", "/_control/clock", {"running": False})
    await asyncio.sleep(1)
    control.simulator.step(GATHERED)
    return await watched(
        f"what {GATHERED.seconds} s of them gathered", GATHERED.seconds, heard
    )


async def run() -> list[Row]:
    """Measure with a simulator of its own."""
    process, url = start_simulator(parent_pid=os.getpid())
    with process:
        simulator = SimulatorClient(url)
        os.environ["ENERGY_HOMES_PARTICLE_URL"] = url
        async with fresh(simulator) as hass:
            control = ParticleControl(simulator)
            rows = [await watched("an empty Home Assistant", SECONDS / 4, {})]
            heard = await with_boards(hass, control)
            await asyncio.sleep(WARM_UP_S)
            rows.append(await watched(f"{BOARDS} boards at 1 event/s", SECONDS, heard))
            rows.append(await at_once(control, heard))
        simulator.close()
        process.terminate()
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    logging.disable(logging.WARNING)
    rows = asyncio.run(run())
    if as_json:
        print(json.dumps({"particle": rows}))
        return
    for row in rows:
        for key, value in row.items():
            print(
                f"{key:<22} {value:,.3f}"
                if isinstance(value, float)
                else f"{key:<22} {value}"
            )
        print()


if __name__ == "__main__":
    main()
