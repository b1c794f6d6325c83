"""A cloud on loopback that answers whatever a test wants."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, tzinfo

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
import pytest

from custom_components.energy_homes.clouds.efergy.client import EfergyClient
from tests.patience import PATIENCE_S

TOKEN = "secret-token-of-a-test"


class Cloud:
    """Answers every call with the same reply and remembers what was asked."""

    def __init__(self) -> None:
        """Start with an empty list."""
        self.reply(b"[]")
        self.url = ""
        self.asked: list[tuple[str, dict[str, str]]] = []

    def reply(
        self, body: bytes, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        """Answer with this from now on."""
        self._body, self._status, self._headers = body, status, headers or {}

    async def handle(self, request: web.Request) -> web.Response:
        """Answer a call as the vendor does: JSON that calls itself a page."""
        self.asked.append((request.path, dict(request.query)))
        return web.Response(
            body=self._body,
            status=self._status,
            headers={"Content-Type": "text/html", **self._headers},
        )


@pytest.fixture
async def cloud(socket_enabled: None) -> AsyncIterator[Cloud]:
    """Return a cloud that is listening."""
    cloud = Cloud()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", cloud.handle)
    async with TestServer(app) as server:
        cloud.url = str(server.make_url("/"))
        yield cloud


@pytest.fixture
async def session(socket_enabled: None) -> AsyncIterator[aiohttp.ClientSession]:
    """Return a session of the test's own."""
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def time_zone() -> tzinfo:
    """Return the zone of the client; parametrize to change it."""
    return UTC


@pytest.fixture
def client(
    cloud: Cloud, session: aiohttp.ClientSession, time_zone: tzinfo
) -> EfergyClient:
    """Return a client of the cloud."""
    return EfergyClient(
        session, TOKEN, cloud.url, time_zone=lambda: time_zone, timeout_s=PATIENCE_S
    )
