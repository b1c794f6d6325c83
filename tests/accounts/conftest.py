"""Fixtures for tests of accounts."""

from collections.abc import AsyncIterator

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from homeassistant.components.recorder import Recorder
from homeassistant.core import HomeAssistant
import pytest

from tests.accounts.netatmo.world import Front, World
from tests.netatmo_control import NetatmoControl
from tests.simulator_client import SimulatorClient
from tests.virtual import VirtualTime


@pytest.fixture
def world(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    simulator: SimulatorClient,
    netatmo: NetatmoControl,
    virtual: VirtualTime,
) -> World:
    """Return an account to set up."""
    return World(hass, simulator, netatmo, virtual)


@pytest.fixture
async def front(
    world: World, simulator: SimulatorClient, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Front]:
    """Return what stands between the integration and the simulated cloud."""
    async with ClientSession() as session:
        front = Front(simulator.url, session)
        app = web.Application()
        app.router.add_post("/{path:.*}", front.handle)
        async with TestServer(app) as server:
            monkeypatch.setenv("ENERGY_HOMES_NETATMO_URL", str(server.make_url("")))
            yield front
