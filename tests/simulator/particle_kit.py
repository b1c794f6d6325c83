"""What the tests of the simulated Particle cloud have in common."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
import json
import time
from typing import Any

from aiohttp import ClientError, ClientResponse, ClientSession

from tests.particle_control import PARTICLE_TOKEN, ParticleControl
from tests.patience import PATIENCE_S
from tests.simulator.netatmo_kit import Answer

PASSES = 20


@dataclass
class Listener:
    """Who has opened a stream and reads all of it."""

    control: ParticleControl
    response: ClientResponse
    body: bytearray = field(default_factory=bytearray)
    ended: str | None = None

    async def read(self) -> None:
        """Read until the stream ends."""
        try:
            async for chunk in self.response.content.iter_any():
                self.body += chunk
        except ClientError, OSError:
            self.ended = "broken"
        else:
            self.ended = "closed"

    async def settle(self) -> None:
        """Wait until all that is due has come, or the stream has ended."""
        begin_s = time.clock_gettime(time.CLOCK_MONOTONIC)
        while self.ended is None and not self._up_to_date():
            for _ in range(PASSES):
                await asyncio.sleep(0)
            waited_s = time.clock_gettime(time.CLOCK_MONOTONIC) - begin_s
            assert waited_s < PATIENCE_S, "The stream does not come to rest"

    async def step(self, delta: timedelta) -> None:
        """Move time and wait for what is due by then."""
        self.control.simulator.step(delta)
        await self.settle()

    @property
    def port(self) -> int:
        """Return the port that the stream goes to."""
        connection = self.response.connection
        assert connection is not None and connection.transport is not None
        return int(connection.transport.get_extra_info("sockname")[1])

    @property
    def text(self) -> str:
        """Return all that has come, and forget it."""
        text = self.body.decode()
        self.body.clear()
        return text

    @property
    def events(self) -> list[tuple[str, dict[str, Any]]]:
        """Return the events that have come in the plain framing, and forget them."""
        found = []
        for block in self.text.split("\n\n"):
            lines = [line for line in block.split("\n") if line[:1] not in {"", ":"}]
            if lines:
                name, data = lines
                assert name.startswith("event: ") and data.startswith("data: ")
                found.append((name[7:], json.loads(data[6:])))
        return found

    def _up_to_date(self) -> bool:
        """Tell whether all that is due has come."""
        state = self.control.simulator.request("GET", "/_control/particle/streams")
        stream = state["streams"].get(str(self.port)) if self.ended is None else None
        if stream is None:
            return False
        total = self.response.content.total_bytes
        return (
            not stream["busy"]
            and total == stream["written"]
            and not self.response.content._size
        )


@dataclass
class Person:
    """Somebody with a token."""

    control: ParticleControl
    session: ClientSession
    token: str | None = PARTICLE_TOKEN

    async def get(self, path: str, **query: object) -> Answer:
        """Make a call."""
        async with self._open(path, query) as response:
            return Answer(
                response.status, await response.read(), dict(response.headers)
            )

    async def board(self, path: str = "", board: str | None = None) -> Answer:
        """Ask for a board, or for a variable of it."""
        device = self.control.device_id(*([] if board is None else [board]))
        return await self.get(f"devices/{device}{path}")

    @asynccontextmanager
    async def listen(self, path: str = "devices/events") -> AsyncIterator[Listener]:
        """Open a stream."""
        async with self._open(path, {}) as response:
            assert response.status == 200, await response.read()
            listener = Listener(self.control, response)
            reading = asyncio.create_task(listener.read())
            await listener.settle()
            try:
                yield listener
            finally:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)

    @asynccontextmanager
    async def _open(
        self, path: str, query: dict[str, object]
    ) -> AsyncIterator[ClientResponse]:
        """Make a call with the token in its header."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        url = f"{self.control.simulator.url}/v1/{path}"
        parameters = {name: str(value) for name, value in query.items()}
        async with self.session.get(
            url, headers=headers, params=parameters
        ) as response:
            yield response
