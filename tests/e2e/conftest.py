"""Fixtures of the tests that drive a real Home Assistant."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_socket

from demo.api import Api
from tests.e2e.running import RunningDemo, logged_in


@pytest.fixture(autouse=True)
def loopback(socket_enabled: None) -> None:
    """Let every test here use sockets; the test plugin keeps them on loopback."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    """Return a demo with both homes, shared by the tests of a module."""
    pytest_socket.enable_socket()
    running = RunningDemo(tmp_path_factory.mktemp("shared") / "demo")
    running.start()
    yield running
    assert running.interrupt() == 0


@pytest.fixture
async def api(demo: RunningDemo) -> AsyncIterator[Api]:
    """Return a client of the shared demo's Home Assistant, logged in."""
    async with Api(demo.url) as client:
        yield await logged_in(client)


@pytest.fixture
def own_demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    """Return a demo that has not been started, for one test alone."""
    running = RunningDemo(tmp_path_factory.mktemp("own") / "demo")
    yield running
    running.process.kill()
    running.process.wait()
