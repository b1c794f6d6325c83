"""A process that takes a board's pulses by HTTP until it is killed.

For each line on its standard input it forks a server, which prints its process id and the
port it listens on; when the server has died the process prints `dead`.
"""

import asyncio
import os
from pathlib import Path
import sys
from typing import NoReturn

from aiohttp import web
from homeassistant.core import HomeAssistant

from custom_components.energy_homes.accounts.pulse_board.known import boards_of
from custom_components.energy_homes.endpoints.view import BoardView
from tests.board_kit import ledger_at, started_hub


def tell(text: str) -> None:
    """Print a line at once and in one piece."""
    os.write(1, f"{text}\n".encode())


async def serve(folder: Path) -> NoReturn:
    """Serve a board, on what its ledger has, for ever."""
    hass = HomeAssistant(str(folder))
    ledger = ledger_at(hass, folder)
    await ledger.async_open()
    await started_hub(hass, ledger)
    app = web.Application()
    BoardView(hass, boards_of(hass)).register(hass, app, app.router)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    tell(f"{os.getpid()} {runner.addresses[0][1]}")
    while True:
        await asyncio.Event().wait()


def main(folder: Path) -> None:
    """Fork one server after the other."""
    for _ in sys.stdin:
        if (pid := os.fork()) == 0:
            asyncio.run(serve(folder))
        os.waitpid(pid, 0)
        tell("dead")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
