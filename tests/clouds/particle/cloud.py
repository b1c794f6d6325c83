"""A Particle cloud on loopback that answers whatever a test wants, streams too."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.test_utils import TestServer
import orjson

END = b""
"""What a script ends a stream with; without it the stream stays open."""


class ParticleCloud:
    """Answers by path; a stream plays its script."""

    def __init__(self) -> None:
        """Begin without any answer."""
        self.url = ""
        self.asked: list[tuple[str, dict[str, str], str | None]] = []
        self.replies: dict[str, tuple[int, bytes, Mapping[str, str]]] = {}
        self.script: list[bytes] = []
        self.cut = False
        self._over = asyncio.Event()

    def reply(
        self, path: str, document: object, status: int = 200, **headers: str
    ) -> None:
        """Answer a path with this from now on."""
        body = document if isinstance(document, bytes) else orjson.dumps(document)
        self.replies[path] = (status, body, headers)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer a request."""
        token = request.headers.get("Authorization")
        self.asked.append((request.path, dict(request.query), token))
        page = request.query.get("page")
        known = self.replies.get(request.path)
        if page is not None:
            known = self.replies.get(f"{request.path}?{page}", known)
        if known is not None:
            status, body, headers = known
            return web.Response(status=status, body=body, headers=headers)
        if request.path.endswith("/events"):
            return await self._stream(request)
        return web.json_response({"error": "not found"}, status=404)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        """Play the script."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for chunk in self.script:
            if chunk == END:
                return response
            await response.write(chunk)
            await asyncio.sleep(0)
        if self.cut:
            assert request.transport is not None
            request.transport.abort()
        await self._over.wait()
        return response

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[None]:
        """Listen."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.handle)
        async with TestServer(app) as server:
            self.url = str(server.make_url("/"))
            try:
                yield
            finally:
                self._over.set()
