"""A Home Assistant that boards and sensor daemons call: the board, the clock and the wire."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

from aiohttp.test_utils import TestServer
from homeassistant.core import HomeAssistant

from custom_components.energy_homes.accounts.pulse_board.hub import PulseBoardHub
from custom_components.energy_homes.accounts.registry import DATA_ACCOUNTS

from .board_control import HARBOUR_DAEMON, BoardControl
from .board_kit import KEY, SECRET
from .simulator_client import SimulatorClient
from .virtual import VirtualTime

BOARD_PATH: Final = f"/api/energy_homes/board/{SECRET}"
SENSORS_PATH: Final = f"{BOARD_PATH}/v1/sensors/update"
HALL: Final = "28-000004011a2b"
NAMELESS: Final = "28-000004013c4d"
MINUTE: Final = timedelta(minutes=1)


class BoardWorld:
    """A board that is set up, and whoever reports to it."""

    def __init__(
        self,
        hass: HomeAssistant,
        virtual: VirtualTime,
        simulator: SimulatorClient,
        server: TestServer,
    ) -> None:
        """Begin with nobody who reports."""
        self.hass = hass
        self.virtual = virtual
        self.control = BoardControl(simulator)
        self._server = server

    @property
    def hub(self) -> PulseBoardHub:
        """Return the board that is loaded now."""
        hub = self.hass.data[DATA_ACCOUNTS].hubs[KEY]
        assert isinstance(hub, PulseBoardHub)
        return hub

    def url(self, path: str) -> str:
        """Return an address of Home Assistant."""
        return str(self._server.make_url(path))

    async def report(self, **order: Any) -> None:
        """Let the daemon report from now on, and turn its knobs."""
        self.control.daemon(HARBOUR_DAEMON, url=self.url(SENSORS_PATH), **order)
        await self.settle()

    async def fall_silent(self) -> None:
        """Stop the daemon."""
        self.control.daemon(HARBOUR_DAEMON, url=None)
        await self.settle()

    async def settle(self) -> None:
        """Let everything happen that is due."""
        await self.control.settle()
        await self.virtual.settle()

    async def run(self, time: timedelta) -> None:
        """Let time pass for all."""
        await self.control.run(time, self.virtual.run)


@asynccontextmanager
async def board_world(
    hass: HomeAssistant, virtual: VirtualTime, simulator: SimulatorClient
) -> AsyncIterator[BoardWorld]:
    """Serve Home Assistant on loopback; homes and boards are set up before."""
    server = TestServer(hass.http.app)
    # Its log asks a frozen clock for a time zone.
    await server.start_server(access_log=None)
    world = BoardWorld(hass, virtual, simulator, server)
    yield world
    await world.fall_silent()
    await server.close()
