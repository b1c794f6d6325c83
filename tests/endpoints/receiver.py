"""A spreadsheet's script that takes readings, as the vendor's endpoint does: by a redirect."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web
from aiohttp.test_utils import TestServer

SCRIPT: Final = "AKfycb-the-script-of-the-owner"


class Receiver:
    """Remembers what came; `status` and `location` are what it answers."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.queries: list[str] = []
        self.status = 200
        self.location: str | None = "/output"
        self._server: TestServer | None = None

    @property
    def url(self) -> str:
        """Return the address, which is a secret."""
        assert self._server is not None
        return str(self._server.make_url(f"/macros/s/{SCRIPT}/exec"))

    @property
    def values(self) -> list[str]:
        """Return the data strings that came."""
        return [query.rpartition("dataString=")[2] for query in self.queries]

    async def _execute(self, request: web.Request) -> web.Response:
        """Take readings."""
        self.queries.append(request.rel_url.raw_query_string)
        if self.status == 200 and self.location is not None:
            return web.Response(status=302, headers={"Location": self.location})
        return web.Response(status=self.status, text=f"of {SCRIPT}")

    async def _output(self, request: web.Request) -> web.Response:
        """Tell what the script has said."""
        return web.Response(text="Success")

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[None]:
        """Serve on loopback."""
        app = web.Application()
        app.router.add_get("/macros/s/{script}/exec", self._execute)
        app.router.add_get("/output", self._output)
        self._server = TestServer(app)
        # Its log asks a clock for a time zone, which may be frozen.
        await self._server.start_server(access_log=None)
        yield
        await self._server.close()
