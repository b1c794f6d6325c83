"""Fixtures for the simulator's own tests."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

from aiohttp import ClientSession
import pytest

from simulator.clock import Clock
from simulator.world import World
from tests.netatmo_control import NetatmoControl
from tests.particle_control import ParticleControl
from tests.simulator.netatmo_kit import App
from tests.simulator.particle_kit import Person
from tests.simulator_client import SimulatorClient, to_ms

NOON = datetime(2026, 11, 18, 12, 0, 10, tzinfo=UTC)


@pytest.fixture
def world() -> World:
    """Return a world that stands still at noon, without a server."""
    return World(seed=1, clock=Clock(to_ms(NOON)))


@pytest.fixture
def noon(simulator: SimulatorClient) -> SimulatorClient:
    """Return a simulator that stands still at noon of a working day."""
    simulator.reset(NOON)
    return simulator


@pytest.fixture
async def session(socket_enabled: None) -> AsyncIterator[ClientSession]:
    """Return a plain HTTP client."""
    async with ClientSession() as session:
        yield session


@pytest.fixture
def control(noon: SimulatorClient) -> NetatmoControl:
    """Return the knobs of the heated homes, at noon of a working day."""
    return NetatmoControl(noon)


@pytest.fixture
async def app(
    noon: SimulatorClient, control: NetatmoControl, session: ClientSession
) -> App:
    """Return an application that acts for the keeper of both homes."""
    app = App(noon, control, session, "")
    app.sign_in()
    return app


@pytest.fixture
def person(noon: SimulatorClient, session: ClientSession) -> Person:
    """Return somebody who looks after boards, at noon of a working day."""
    return Person(ParticleControl(noon), session)
