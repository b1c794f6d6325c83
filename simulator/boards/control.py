"""The control endpoints of boards and daemons: `/_control/boards` and `/_control/daemons`.

Boards and daemons are clients: they call the address that they are given, in the
background, and no control call waits for that. A test that serves this address in its own
event loop may therefore make control calls that block; afterwards it lets its loop run
until `busy` is false. With a frozen clock that is:

1. step the clock: all that is due by then is sent, in the order of its own time, as fast as
   the answers come (a retry after 2 s is due 2 s later on the frozen clock),
2. serve, and ask `GET /_control/boards/next` now and then, until `busy` is false,
3. `next_ms` is when something is next sent: who steps to it has each pulse arrive in its
   own millisecond (`tests/board_control.py` does all this).
"""

from typing import Any

from aiohttp import web

from simulator.boards.board import Board
from simulator.boards.daemon import SensorDaemon
from simulator.boards.plan import BoardPlan, ChannelPlan, DaemonPlan, Load, Style
from simulator.boards.runner import BoardRunner
from simulator.boards.state import BoardState
from simulator.home import kwh
from simulator.world import World

type Json = dict[str, Any]


class BoardControl:
    """Let a test or a person switch boards and daemons, and see what they count."""

    def __init__(self, world: World, runner: BoardRunner) -> None:
        """Take the world to control."""
        self._world = world
        self._runner = runner

    def routes(self) -> list[web.RouteDef]:
        """Return the control endpoints."""
        return [
            web.get("/_control/boards", self._show),
            web.get("/_control/boards/next", self._show_next),
            web.post("/_control/boards", self._change_board),
            web.post("/_control/daemons", self._change_daemon),
        ]

    async def _show(self, _request: web.Request) -> web.Response:
        """Tell what there is, what is true, and whether anything is under way."""
        return self._overview()

    async def _show_next(self, _request: web.Request) -> web.Response:
        """Tell whether anything is under way, and when something next is: cheap."""
        return web.json_response(self._next())

    async def _change_board(self, request: web.Request) -> web.Response:
        """Add a board, or turn its knobs.

        Fields: `board`; `add` (a plan); `url`, `style` get|form|json; `power` on|off, where
        on begins anew, with `announced` and `uptime_ms`; `send` (fields to send once);
        `signed`, `drift_ppm`, `overtake` (the newest pulse first); `lose_requests` and
        `lose_answers` (so many of the next are lost).
        """
        order = await _json(request)
        self._world.clock.watch()
        if (plan := order.get("add")) is not None:
            self._state.add([_board_plan(plan)], ())
        if (board := self._state.boards.get(str(order["board"]))) is None:
            raise web.HTTPNotFound(text="no such board")
        for name, kind in (
            ("signed", bool),
            ("drift_ppm", int),
            ("overtake", bool),
            ("lose_requests", int),
            ("lose_answers", int),
        ):
            if name in order:
                setattr(board, name, kind(order[name]))
        if "url" in order or "style" in order:
            url = order.get("url", board.url)
            board.call(str(url), Style(order.get("style", board.style)))
        match order.get("power"):
            case "on":
                board.power_on(
                    announced=bool(order.get("announced", True)),
                    uptime_ms=int(order.get("uptime_ms", 0)),
                )
            case "off":
                board.power_off()
            case None:
                pass
            case _:
                raise web.HTTPBadRequest(text="power must be on or off")
        if (fields := order.get("send")) is not None:
            board.order({str(name): str(value) for name, value in fields.items()})
        self._runner.wake()
        return self._overview()

    async def _change_daemon(self, request: web.Request) -> web.Response:
        """Add a daemon, or turn its knobs.

        Fields: `daemon` (its host id); `add` (a plan); `url`, null to stop it; `broken`
        (sensors without a reading) and `silent` (sensors that are not reported at all).
        """
        order = await _json(request)
        self._world.clock.watch()
        if (plan := order.get("add")) is not None:
            self._state.add((), [_daemon_plan(str(order["daemon"]), plan)])
        if (daemon := self._state.daemons.get(str(order["daemon"]))) is None:
            raise web.HTTPNotFound(text="no such daemon")
        for name in ("broken", "silent"):
            if name in order:
                setattr(daemon, name, set(map(str, order[name])))
        if "url" in order:
            if (url := order["url"]) is None:
                daemon.stop()
            else:
                daemon.start(str(url))
        self._runner.wake()
        return self._overview()

    def _overview(self) -> web.Response:
        """Return what GET boards answers."""
        state = self._state
        return web.json_response(
            {
                **self._next(),
                "boards": {name: _board(b) for name, b in state.boards.items()},
                "daemons": {name: self._daemon(d) for name, d in state.daemons.items()},
            }
        )

    def _next(self) -> Json:
        """Return what GET next answers."""
        return {
            "now_ms": self._world.clock.now_ms,
            "busy": self._runner.busy,
            "next_ms": self._state.next_ms(),
        }

    def _daemon(self, daemon: SensorDaemon) -> Json:
        """Return a daemon as the overview shows it."""
        return {
            "home": daemon.plan.home,
            "url": daemon.url,
            "sensors": daemon.report(self._world.clock.now_ms)["sensors"],
            "answers": list(daemon.answers),
        }

    @property
    def _state(self) -> BoardState:
        """Return the boards, new ones after each reset."""
        return self._world.boards


def board_truth(world: World, from_ms: int, to_ms: int) -> dict[str, Json]:
    """Return what is true of the homes that boards measure in [from_ms, to_ms).

    A board that was never switched on measures nothing.
    """
    homes: dict[str, Json] = {}
    for board in world.boards.boards.values():
        for plan in board.plan.channels:
            if board.channels and plan.load is Load.HOME:
                signal = board.signals[plan.channel]
                homes[board.plan.home] = {
                    "power_w": round(signal.watts(world.clock.now_ms), 3),
                    "energy_kwh": kwh(signal.energy(from_ms, to_ms)),
                }
    return homes


def _board(board: Board) -> Json:
    """Return a board as the overview shows it."""
    return {
        "home": board.plan.home,
        "url": board.url,
        "style": board.style,
        "phase": board.phase,
        "channels": board.truth(),
        "answers": list(board.answers),
    }


def _board_plan(order: Json) -> BoardPlan:
    """Return the board that an order describes."""
    return BoardPlan(
        name=str(order["name"]),
        home=str(order.get("home", order["name"])),
        seed=int(order.get("seed", 1)),
        channels=tuple(_channel_plan(channel) for channel in order["channels"]),
    )


def _channel_plan(order: Json) -> ChannelPlan:
    """Return the channel that an order describes: a load of the home, or `watts`."""
    load = order.get("load")
    return ChannelPlan(
        channel=int(order["channel"]),
        load=None if load is None else Load(load),
        pulses_per_kwh=int(order.get("pulses_per_kwh", 1000)),
        watts=float(order.get("watts", 0.0)),
    )


def _daemon_plan(host_id: str, order: Json) -> DaemonPlan:
    """Return the daemon that an order describes."""
    return DaemonPlan(
        host_id=host_id,
        home=str(order.get("home", host_id)),
        seed=int(order.get("seed", 1)),
        sensors=dict(order["sensors"]),
    )


async def _json(request: web.Request) -> Json:
    """Return the body of an order."""
    order: Json = await request.json()
    return order
