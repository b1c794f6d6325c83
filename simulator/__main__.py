"""Run the simulator: `python -m simulator`."""

import argparse
import asyncio
from collections.abc import Sequence
import json
import os
from pathlib import Path
import signal

from simulator.clock import Clock
from simulator.control import account_list
from simulator.memory import Memory
from simulator.server import serve
from simulator.shared_time import SharedTime
from simulator.world import World


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(prog="simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--info", type=Path, help="write address and accounts here")
    parser.add_argument("--frozen", type=float, help="stand still at epoch seconds")
    parser.add_argument("--state", type=Path, help="keep grants and settings here")
    parser.add_argument("--clock", type=Path, help="share a frozen clock in this file")
    parser.add_argument("--parent-pid", type=int, help="end when this process ends")
    return parser.parse_args(arguments)


async def run(options: argparse.Namespace) -> None:
    """Serve until told to stop, or until the parent is gone."""
    frozen_ms = None if options.frozen is None else round(options.frozen * 1000)
    shared = None if options.clock is None else SharedTime(options.clock)
    world = World(options.seed, Clock(frozen_ms, shared))
    memory = None if options.state is None else Memory(world, options.state)
    runner, url = await serve(world, options.port, memory)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    ready = json.dumps(
        {
            "url": url,
            "accounts": account_list(world),
            "netatmo": {
                "clients": world.netatmo.tokens.secrets,
                "users": list(world.netatmo.users),
            },
        }
    )
    if options.info is not None:
        options.info.write_text(ready + "\n", encoding="utf-8")
    print(ready, flush=True)
    while not stop.is_set() and not _gone(options.parent_pid):
        try:
            await asyncio.wait_for(stop.wait(), 1)
        except TimeoutError:
            continue
    world.faults.clear()
    await runner.cleanup()


def _gone(pid: int | None) -> bool:
    """Tell whether the parent has ended."""
    if pid is None:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


if __name__ == "__main__":
    asyncio.run(run(parse()))
