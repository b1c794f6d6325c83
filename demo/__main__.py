"""Run the demo: `python -m demo`."""

import argparse
import asyncio
from contextlib import suppress
from pathlib import Path
import signal
import sys

from .errors import DemoError
from .folder import ROOT
from .run import Options, run
from .say import say


def options() -> Options:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(
        prog="scripts/demo",
        description="A real Home Assistant with three simulated homes, on this machine only.",
    )
    parser.add_argument("--port", type=int, default=8123, help="of Home Assistant")
    parser.add_argument(
        "--data",
        type=Path,
        default=ROOT / ".demo",
        metavar="DIR",
        help="where everything is kept for the next start",
    )
    parser.add_argument(
        "--exit-after",
        type=float,
        metavar="SECONDS",
        help="stop so long after everything stands",
    )
    parser.add_argument(
        "--seed", type=int, default=1, metavar="N", help="of what the homes do"
    )
    given = parser.parse_args()
    return Options(
        data=given.data,
        port=given.port,
        seed=given.seed,
        exit_after=given.exit_after,
    )


async def main() -> int:
    """Run the demo until its end, or until it is told to stop, and return the exit code."""
    task = asyncio.create_task(run(options()))
    stopping = False

    def stop() -> None:
        """Begin to stop; asking again does not cut the stopping short."""
        nonlocal stopping
        if not stopping:
            stopping = True
            task.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop)
    code = 0
    try:
        with suppress(asyncio.CancelledError):
            await task
    except* DemoError as errors:
        code = 1
        for line in _lines(errors):
            say(line)
    return code


def _lines(errors: BaseExceptionGroup[DemoError]) -> list[str]:
    """Return the messages of all errors in a group, however deep."""
    lines: list[str] = []
    for error in errors.exceptions:
        if isinstance(error, BaseExceptionGroup):
            lines += _lines(error)
        else:
            lines.append(str(error))
    return lines


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
