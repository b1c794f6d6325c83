"""The server: control and vendors on one address of loopback."""

from collections.abc import Sequence
from typing import Protocol

from aiohttp import web
from aiohttp.typedefs import Handler

from simulator.control import Control
from simulator.efergy import EfergyCloud
from simulator.netatmo.cloud import NetatmoCloud
from simulator.netatmo.control import NetatmoControl
from simulator.world import World

HOST = "127.0.0.1"


class Served(Protocol):
    """A vendor's cloud, or whatever else has addresses."""

    def routes(self) -> list[web.RouteDef]:
        """Return the addresses it serves."""


def vendors(world: World) -> Sequence[Served]:
    """Return the clouds of the world."""
    return (EfergyCloud(world), NetatmoCloud(world), NetatmoControl(world))


@web.middleware
async def refuse_bad_orders(
    request: web.Request, handler: Handler
) -> web.StreamResponse:
    """Answer an order that cannot be understood as the client's error."""
    try:
        return await handler(request)
    except (KeyError, TypeError, ValueError) as err:
        raise web.HTTPBadRequest(text=f"not understood: {err!r}") from err


def make_app(world: World) -> web.Application:
    """Return the application with everything that is served."""
    app = web.Application(middlewares=[refuse_bad_orders])
    for served in (Control(world), *vendors(world)):
        app.router.add_routes(served.routes())
    return app


async def serve(world: World, port: int) -> tuple[web.AppRunner, str]:
    """Serve on loopback; return the runner and the address."""
    # A client that has given up must not leave a held call behind.
    runner = web.AppRunner(
        make_app(world),
        access_log=None,
        handler_cancellation=True,
        keepalive_timeout=3600,
        shutdown_timeout=1,
    )
    await runner.setup()
    site = web.TCPSite(runner, HOST, port)
    await site.start()
    return runner, f"http://{HOST}:{runner.addresses[0][1]}"
