"""The server: control and vendors on one address of loopback."""

from collections.abc import Sequence
from typing import Protocol

from aiohttp import web
from aiohttp.typedefs import Handler

from simulator.boards.control import BoardControl
from simulator.boards.runner import BoardRunner
from simulator.control import Control
from simulator.efergy import EfergyCloud
from simulator.memory import Memory
from simulator.netatmo.cloud import NetatmoCloud
from simulator.netatmo.control import NetatmoControl
from simulator.particle.cloud import ParticleCloud
from simulator.particle.control import ParticleControl
from simulator.world import World

HOST = "127.0.0.1"


class Served(Protocol):
    """A vendor's cloud, or whatever else has addresses."""

    def routes(self) -> list[web.RouteDef]:
        """Return the addresses it serves."""


def vendors(world: World) -> Sequence[Served]:
    """Return the clouds of the world."""
    return (
        EfergyCloud(world),
        NetatmoCloud(world),
        NetatmoControl(world),
        ParticleCloud(world),
        ParticleControl(world),
    )


@web.middleware
async def refuse_bad_orders(
    request: web.Request, handler: Handler
) -> web.StreamResponse:
    """Answer an order that cannot be understood as the client's error."""
    try:
        return await handler(request)
    except (KeyError, TypeError, ValueError) as err:
        raise web.HTTPBadRequest(text=f"not understood: {err!r}") from err


def make_app(world: World, memory: Memory | None = None) -> web.Application:
    """Return the application with everything that is served."""
    kept = () if memory is None else (memory.keep,)
    app = web.Application(middlewares=[*kept, refuse_bad_orders])
    runner = BoardRunner(world)
    app.cleanup_ctx.append(runner.serve)

    async def end_streams(_app: web.Application) -> None:
        """Let no stream hold up the end."""
        world.particle.close()

    app.on_shutdown.append(end_streams)
    for served in (Control(world), *vendors(world), BoardControl(world, runner)):
        app.router.add_routes(served.routes())
    return app


async def serve(
    world: World, port: int, memory: Memory | None = None
) -> tuple[web.AppRunner, str]:
    """Serve on loopback; return the runner and the address."""
    # A client that has given up must not leave a held call behind.
    runner = web.AppRunner(
        make_app(world, memory),
        access_log=None,
        handler_cancellation=True,
        keepalive_timeout=3600,
        shutdown_timeout=1,
    )
    await runner.setup()
    site = web.TCPSite(runner, HOST, port)
    await site.start()
    return runner, f"http://{HOST}:{runner.addresses[0][1]}"
