"""Fixtures of the tests that drive a real Home Assistant.

They are in four groups (`xdist_group`), side by side with `-n 4 --dist loadgroup`: all that
looks at one shared demo; kills while meters are read; kills while a board calls; demos that
are started again and again. What belongs to none of them is where there is most time left.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from playwright.async_api import expect
import pytest
import pytest_socket

from demo.api import Api
from demo.browser import LOAD_MS
from tests.e2e.clock import WallClock
from tests.e2e.running import RunningDemo, logged_in
from tests.e2e.shared import SharedDemo

expect.set_options(timeout=LOAD_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the tests of the shared demo that take minutes come last.

    The slot for which they wait goes by while the others run.
    """
    items.sort(
        key=lambda item: (
            "demo" in getattr(item, "fixturenames", ())
            and item.get_closest_marker("slow") is not None
        )
    )


@pytest.fixture(autouse=True)
def loopback(socket_enabled: None) -> None:
    """Let every test here use sockets; the test plugin keeps them on loopback."""


@pytest.fixture
def clock(tmp_path: Path) -> Iterator[WallClock]:
    """Return a clock for the processes of one test."""
    clock = WallClock(tmp_path / "clock")
    yield clock
    clock.close()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedDemo]:
    """Return a demo with all homes, shared by all tests that leave it as it is."""
    pytest_socket.enable_socket()
    folder = tmp_path_factory.mktemp("shared")
    clock = WallClock(folder / "clock")
    running = SharedDemo(folder / "demo", clock)
    try:
        running.start()
        asyncio.run(running.begin())
        yield running
        assert running.interrupt() == 0
    finally:
        running.close()
        clock.close()


@pytest.fixture
async def api(demo: SharedDemo) -> AsyncIterator[Api]:
    """Return a client of the shared demo's Home Assistant, logged in."""
    async with Api(demo.url) as client:
        yield await logged_in(client)


@pytest.fixture
def own_demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    """Return a demo that has not been started, for one test alone."""
    running = RunningDemo(tmp_path_factory.mktemp("own") / "demo")
    yield running
    running.close()
