"""The control endpoints of Particle's cloud: `/_control/particle...`.

`GET /_control/particle/streams` is what virtual time waits by: each open stream by the port
of its client, with the bytes that were sent on it and whether more is due by now. With a
frozen clock a stream's client has seen all that there is to see as soon as nothing is due
and it has read that many bytes; `next_ms` is when something is sent again.
"""

from dataclasses import asdict, replace
from typing import Any

from aiohttp import web

from simulator.boards.plan import Load
from simulator.particle.device import OFFLINE_LATE_MS, Device
from simulator.particle.plan import (
    ALL_SCOPES,
    ASSUMED_VOLTS,
    PERIOD_MS,
    PHOTON_EVENTS,
    DevicePlan,
    Quantity,
)
from simulator.particle.state import ParticleState
from simulator.particle.stream import End, Silence, Stream
from simulator.particle.tokens import Token
from simulator.wire import read_order
from simulator.world import World

type Json = dict[str, Any]

LOOPBACK = "127.0.0.1"


class ParticleControl:
    """Let a test or a person switch boards, void tokens, and let streams fail."""

    def __init__(self, world: World) -> None:
        """Take the world to control."""
        self._world = world

    def routes(self) -> list[web.RouteDef]:
        """Return the control endpoints."""
        return [
            web.get("/_control/particle", self._show),
            web.get("/_control/particle/streams", self._show_streams),
            web.post("/_control/particle/settings", self._change_settings),
            web.post("/_control/particle/devices", self._change_device),
            web.post("/_control/particle/tokens", self._change_token),
            web.post("/_control/particle/streams", self._change_streams),
        ]

    async def _show(self, _request: web.Request) -> web.Response:
        """Tell what there is."""
        state, now_ms = self._state, self._now_ms
        return web.json_response(
            {
                "now_ms": now_ms,
                "quotas": asdict(state.limits.quotas),
                "used": state.limits.as_json(now_ms),
                "style": asdict(state.style),
                "pauses_ms": state.pauses_ms,
                "devices": {d.name: _device(d, now_ms) for d in state.devices.values()},
                "tokens": {
                    token.text: {
                        "owner": token.owner,
                        "product": token.product,
                        "scopes": sorted(token.scopes),
                        "end_ms": token.end_ms,
                    }
                    for token in state.tokens.known.values()
                },
                "streams": [_stream(stream) for stream in state.streams],
            }
        )

    async def _show_streams(self, _request: web.Request) -> web.Response:
        """Tell what was sent, whether more is due, and when more will be: cheap."""
        now_ms = self._now_ms
        return web.json_response(
            {
                "now_ms": now_ms,
                "held": self._world.faults.held,
                "next_ms": self._state.next_ms(),
                "streams": {
                    stream.port: {
                        "written": stream.written,
                        "busy": stream.writing or stream.due(now_ms),
                    }
                    for stream in self._state.streams
                },
            }
        )

    async def _change_settings(self, request: web.Request) -> web.Response:
        """Change limits and manners.

        Fields: `quotas` (see `Quotas`); `spend` (`calls` and `opens` that somebody else made
        from this address); `style` (see `Style`); `pauses_ms` (the least and the most
        between two keep-alives).
        """
        order = await read_order(request)
        state = self._state
        if (quotas := order.get("quotas")) is not None:
            state.limits.quotas = replace(state.limits.quotas, **quotas)
        if (spent := order.get("spend")) is not None:
            calls, opens = int(spent.get("calls", 0)), int(spent.get("opens", 0))
            state.limits.spend(self._now_ms, LOOPBACK, calls, opens)
        if (style := order.get("style")) is not None:
            state.style = replace(state.style, **style)
        if (pauses_ms := order.get("pauses_ms")) is not None:
            least_ms, most_ms = pauses_ms
            state.pauses_ms = (int(least_ms), int(most_ms))
        return self._done()

    async def _change_device(self, request: web.Request) -> web.Response:
        """Add, remove, rename or switch a board, or let it publish something.

        Fields: `device` (id or name) or `add` (a plan) with `owner`; `remove`; `name`;
        `online`, with `late_ms` (when the cloud tells that it has gone; null for only when
        it is back); `publish`, a list of `{"name", "data", "at_ms"?, "coreid"?, "ttl"?}`.
        """
        order = await read_order(request)
        state = self._state
        if (plan := order.get("add")) is not None:
            device = state.add_device(_device_plan(plan), str(order["owner"]))
        elif (found := state.find(str(order["device"]))) is None:
            raise web.HTTPNotFound(text="no such board")
        else:
            device = found
        if order.get("remove"):
            del state.devices[device.id]
        if "name" in order:
            device.name = str(order["name"])
        if "online" in order:
            late_ms = order.get("late_ms", OFFLINE_LATE_MS)
            device.switch(bool(order["online"]), self._now_ms, late_ms)
        for event in order.get("publish", ()):
            device.publish(
                str(event["name"]),
                event.get("data"),
                int(event.get("at_ms", self._now_ms + 1)),
                event.get("coreid"),
                int(event.get("ttl", 60)),
            )
        state.wake()
        return self._done()

    async def _change_token(self, request: web.Request) -> web.Response:
        """Add a token, or let one end: `token`, `owner`, `product`, `scopes`, `end_ms`.

        What is left out stays as it is; `end_ms` is null for never.
        """
        order = await read_order(request)
        text, tokens = str(order["token"]), self._state.tokens
        if (token := tokens.known.get(text)) is None:
            token = Token(text, str(order["owner"]))
            tokens.add(token)
        if "product" in order:
            token.product = order["product"]
        if "scopes" in order:
            token.scopes = frozenset(order["scopes"]) & ALL_SCOPES
        if "end_ms" in order:
            token.end_ms = order["end_ms"]
        self._state.wake()
        return self._done()

    async def _change_streams(self, request: web.Request) -> web.Response:
        """Let the open streams of `token`, or all of them, fail.

        Fields: `end` (`closed` or `reset` at once, `cut` in the middle of the next event);
        `duplicates` and `disorder` (so many events come twice, or after the next one); `raw`
        (bytes as text that are sent at once); `silent` (nothing comes any more, on streams
        that are opened later either, for `silent_ms` or until `silent` is false).
        """
        order = await read_order(request)
        state, token = self._state, order.get("token")
        for stream in state.streams:
            if token not in {None, stream.token.text}:
                continue
            troubles = stream.troubles
            if "end" in order:
                troubles.end = End(order["end"])
            troubles.duplicates += int(order.get("duplicates", 0))
            troubles.disorder += int(order.get("disorder", 0))
            troubles.raw += str(order.get("raw", "")).encode()
        if (silent := order.get("silent")) is not None:
            self._silence(bool(silent), token, order.get("silent_ms"))
        state.wake()
        return self._done()

    def _silence(self, silent: bool, token: str | None, for_ms: int | None) -> None:
        """Let nothing come any more, or let it come again."""
        now_ms, silences = self._now_ms, self._state.silences
        if silent:
            until_ms = None if for_ms is None else now_ms + for_ms
            silences.append(Silence(now_ms + 1, until_ms, token))
            return
        for place, silence in enumerate(silences):
            if silence.to_ms is None and token in {None, silence.token}:
                silences[place] = replace(silence, to_ms=now_ms + 1)

    def _done(self) -> web.Response:
        """Return what an order is answered with."""
        return web.json_response({"now_ms": self._now_ms})

    @property
    def _now_ms(self) -> int:
        """Return the simulated instant."""
        return self._world.clock.now_ms

    @property
    def _state(self) -> ParticleState:
        """Return the vendor's state, a new one after each reset."""
        return self._world.particle


def _device(device: Device, now_ms: int) -> Json:
    """Return a board as the overview shows it."""
    return {
        "id": device.id,
        "home": device.plan.home,
        "owner": device.owner,
        "product": device.plan.product,
        "online": device.online(now_ms),
        "events": [name for name, _ in device.plan.events],
        "variables": device.variable_types(),
    }


def _stream(stream: Stream) -> Json:
    """Return a stream as the overview shows it."""
    return {
        "token": stream.token.text,
        "path": stream.watched.path,
        "port": stream.port,
        "opened_ms": stream.opened_ms,
        "events": stream.events,
        "written": stream.written,
    }


def _device_plan(order: Json) -> DevicePlan:
    """Return the board that an order describes; events and variables are pairs."""
    load = order.get("load")
    return DevicePlan(
        name=str(order["name"]),
        home=str(order.get("home", order["name"])),
        seed=int(order.get("seed", 1)),
        load=None if load is None else Load(load),
        watts=float(order.get("watts", 0.0)),
        volts=float(order.get("volts", ASSUMED_VOLTS)),
        power_factor=float(order.get("power_factor", 1.0)),
        events=tuple(
            (str(name), Quantity(quantity))
            for name, quantity in order.get("events", PHOTON_EVENTS)
        ),
        variables={
            str(name): Quantity(quantity)
            for name, quantity in order.get("variables", {}).items()
        },
        period_ms=int(order.get("period_ms", PERIOD_MS)),
        product=order.get("product"),
        online=bool(order.get("online", True)),
    )
