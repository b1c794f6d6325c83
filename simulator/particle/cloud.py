"""Particle's interface: who calls, may they, and what they are answered."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
import json
from math import ceil
from typing import Any

from aiohttp import web

from simulator.faults import NOT_PARTICLE, ActiveFault, Fault
from simulator.particle import errors, reply
from simulator.particle.device import Device
from simulator.particle.errors import ApiError
from simulator.particle.framing import Source
from simulator.particle.plan import EVENTS, GET, LIST, VARIABLE
from simulator.particle.state import ParticleState
from simulator.particle.stream import End, Stream, Watched
from simulator.particle.tokens import Token
from simulator.wire import abort, reset, send
from simulator.world import World

CONTENT_TYPE = "application/json; charset=utf-8"
PER_PAGE = 25
MS_PER_SECOND = 1000

type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
type Answer = Callable[[web.Request, Token], Any]


class ParticleCloud:
    """Answer the vendor's calls, and keep its streams, for the boards of the world."""

    def __init__(self, world: World) -> None:
        """Take the world whose boards are asked for."""
        self._world = world
        world.clock.watchers.append(self._wake)

    def routes(self) -> list[web.RouteDef]:
        """Return the addresses the vendor serves."""
        product = "/v1/products/{product}"
        calls: dict[str, Handler] = {
            "/v1/access_tokens/current": self._call("token", self._token),
            "/v1/devices": self._call("devices", self._devices),
            "/v1/devices/events": self._own_events,
            "/v1/devices/events/{prefix:.+}": self._own_events,
            "/v1/devices/{device}/events": self._own_events,
            "/v1/devices/{device}/events/{prefix:.+}": self._own_events,
            "/v1/devices/{device}": self._call("device", self._device),
            "/v1/devices/{device}/{variable}": self._call("variable", self._variable),
            f"{product}/devices": self._call("product_devices", self._product_devices),
            f"{product}/events": self._product_events,
            f"{product}/events/{{prefix:.+}}": self._product_events,
            f"{product}/devices/{{device}}/events": self._product_events,
            f"{product}/devices/{{device}}/events/{{prefix:.+}}": self._product_events,
            f"{product}/devices/{{device}}": self._call("device", self._device),
            f"{product}/devices/{{device}}/{{variable}}": self._call(
                "variable", self._variable
            ),
        }
        # HEAD would open a stream.
        return [
            web.get(path, handler, allow_head=False) for path, handler in calls.items()
        ]

    def _call(self, command: str, answer: Answer) -> Handler:
        """Return what answers one kind of call, well or as the ordered fault says."""

        async def handle(request: web.Request) -> web.StreamResponse:
            """Answer one call."""
            fault = await self._begin(request, command)
            try:
                spoilt = reply.before(fault)
                content = answer(request, self._admit(request)) if not spoilt else None
                status, body = 200, json.dumps(reply.distorted(content, fault)).encode()
            except ApiError as err:
                spoilt, status, body = None, err.status, json.dumps(err.body).encode()
            if spoilt is not None:
                status, body = spoilt
            return await send(request, body, CONTENT_TYPE, status=status, fault=fault)

        return handle

    async def _begin(self, request: web.Request, command: str) -> Fault | None:
        """Note a call and return the fault that it suffers from."""
        text = _bearer(request) or "?"
        self._world.calls.note(self._world.clock.now_ms, text, command)
        active: ActiveFault | None = self._world.faults.take(
            command, text, NOT_PARTICLE
        )
        if active is None:
            return None
        if active.fault is Fault.TIMEOUT:
            await self._world.faults.hold(active.seconds)
        return active.fault

    def _admit(self, request: web.Request, scope: str | None = None) -> Token:
        """Return the token of a call that is within the limits.

        Raises:
            ApiError: where it is not, or has no token that is good.
        """
        now_ms = self._world.clock.now_ms
        if not self._state.limits.call(now_ms, request.remote or ""):
            raise errors.too_many()
        if (text := _bearer(request)) is None:
            raise errors.no_token()
        token = self._state.tokens.check(text, now_ms)
        if scope is not None:
            _need(token, scope)
        return token

    def _token(self, _request: web.Request, token: Token) -> Any:
        """Tell what a token is worth."""
        return reply.token(token)

    def _devices(self, _request: web.Request, token: Token) -> Any:
        """List the boards of a user."""
        _need(token, LIST)
        if token.product is not None:
            raise errors.denied()
        now_ms = self._world.clock.now_ms
        return [reply.listed(d, now_ms) for d in self._state.owned(token.owner)]

    def _product_devices(self, request: web.Request, token: Token) -> Any:
        """List the boards of a product, a page of them."""
        _need(token, LIST)
        found = self._state.of_product(self._product(request, token))
        page = max(int(request.query.get("page", 1)), 1)
        per_page = max(int(request.query.get("perPage", PER_PAGE)), 1)
        now_ms = self._world.clock.now_ms
        first = (page - 1) * per_page
        return {
            "devices": [
                reply.listed(device, now_ms)
                for device in found[first : first + per_page]
            ],
            "meta": {
                "page": page,
                "per_page": per_page,
                "total_pages": max(ceil(len(found) / per_page), 1),
                "total_records": len(found),
            },
        }

    def _device(self, request: web.Request, token: Token) -> Any:
        """Tell of one board."""
        _need(token, GET)
        device = self._find(request, token)
        return reply.described(device, self._world.clock.now_ms)

    def _variable(self, request: web.Request, token: Token) -> Any:
        """Read a variable of a board."""
        _need(token, VARIABLE)
        device = self._find(request, token)
        now_ms = self._world.clock.now_ms
        if not device.online(now_ms):
            raise errors.timed_out()
        name = request.match_info["variable"]
        if name not in device.plan.variables:
            raise errors.no_variable()
        return reply.variable(device, name, now_ms)

    async def _own_events(self, request: web.Request) -> web.StreamResponse:
        """Open a stream of a user's boards, or of one of them."""

        def watched(token: Token) -> Watched:
            """Return what the stream tells of."""
            prefix = request.match_info.get("prefix", "")
            if "device" in request.match_info:
                device = self._find(request, token)
                return Watched(request.path, lambda: [device], prefix)
            if token.product is not None:
                raise errors.denied()
            state = self._state
            return Watched(request.path, lambda: state.owned(token.owner), prefix)

        return await self._stream(request, watched)

    async def _product_events(self, request: web.Request) -> web.StreamResponse:
        """Open a stream of a product's boards, or of one of them."""

        def watched(token: Token) -> Watched:
            """Return what the stream tells of."""
            state, prefix = self._state, request.match_info.get("prefix", "")
            product = self._product(request, token)
            userid = state.user_id(state.product_owners[product])
            source = Source(product, userid)
            if "device" in request.match_info:
                device = self._find(request, token)
                return Watched(request.path, lambda: [device], prefix, source)
            return Watched(
                request.path, lambda: state.of_product(product), prefix, source
            )

        return await self._stream(request, watched)

    async def _stream(
        self, request: web.Request, watched: Callable[[Token], Watched]
    ) -> web.StreamResponse:
        """Open a stream and keep it, or refuse it as any other call."""
        fault = await self._begin(request, "events")
        spoilt = reply.before(fault)
        try:
            if spoilt is None:
                token = self._admit(request, EVENTS)
                now_ms = self._world.clock.now_ms
                if not self._state.limits.open(
                    now_ms, request.remote or "", len(self._state.streams)
                ):
                    raise errors.too_many()
                what = watched(token)
        except ApiError as err:
            spoilt = err.status, json.dumps(err.body).encode()
        if spoilt is not None or fault in {Fault.CONNECTION_RESET, Fault.CUT}:
            status, body = spoilt or (200, b":ok\n\n")
            return await send(request, body, CONTENT_TYPE, status=status, fault=fault)
        return await self._keep(request, token, what)

    async def _keep(
        self, request: web.Request, token: Token, watched: Watched
    ) -> web.StreamResponse:
        """Send on a stream until it ends."""
        state = self._state
        assert request.transport is not None, "The client is there"
        port = int(request.transport.get_extra_info("peername")[1])
        response = web.StreamResponse()
        response.headers["Content-Type"] = "text/event-stream; charset=utf-8"
        response.headers["Cache-Control"] = "no-cache, no-store, must-revalidate"
        stream = state.open(token, watched, port)
        self._world.clock.watch()
        try:
            await response.prepare(request)
            if not stream.silent(stream.opened_ms):
                await self._write(response, stream, state.style.hello())
            end = await self._pump(response, stream)
        finally:
            state.closed(stream)
        if end is End.CUT:
            return abort(request, response)
        if end is End.RESET:
            return reset(request, response)
        await response.write_eof()
        return response

    async def _pump(self, response: web.StreamResponse, stream: Stream) -> End:
        """Send what is due whenever time has moved; return how the stream ends."""
        clock = self._world.clock
        while True:
            stream.woken.clear()
            while stream.due(clock.now_ms):
                stream.writing = True
                chunk, end = stream.take(clock.now_ms)
                await self._write(response, stream, chunk)
                if end is not None:
                    return end
            stream.writing = False
            with suppress(TimeoutError):
                await asyncio.wait_for(stream.woken.wait(), self._wait_s(stream))

    def _wait_s(self, stream: Stream) -> float | None:
        """Return how long nothing is due, in real seconds; None where time stands still."""
        clock = self._world.clock
        next_ms = stream.next_ms()
        if not clock.running or next_ms is None:
            return None
        return max(next_ms - clock.now_ms, 1) / MS_PER_SECOND

    async def _write(
        self, response: web.StreamResponse, stream: Stream, chunk: bytes
    ) -> None:
        """Send some bytes, in one piece or in many."""
        stream.written += len(chunk)
        size = 1 if self._state.style.piecemeal else max(len(chunk), 1)
        for first in range(0, len(chunk), size):
            await response.write(chunk[first : first + size])
            await asyncio.sleep(0)

    def _product(self, request: web.Request, token: Token) -> int:
        """Return the product that is asked for.

        Raises:
            ApiError: where there is none, or it is not the token's.
        """
        text = request.match_info["product"]
        product = int(text) if text.isdecimal() else -1
        if (owner := self._state.product_owners.get(product)) is None:
            raise errors.no_product()
        if owner != token.owner or token.product not in {None, product}:
            raise errors.denied()
        return product

    def _find(self, request: web.Request, token: Token) -> Device:
        """Return the board that is asked for.

        Raises:
            ApiError: where there is none, or it is not the token's.
        """
        device = self._state.devices.get(request.match_info["device"])
        if "product" in request.match_info:
            product = self._product(request, token)
            if device is None or device.plan.product != product:
                raise errors.no_device()
            return device
        if device is None or device.owner != token.owner or token.product is not None:
            raise errors.denied()
        return device

    def _wake(self) -> None:
        """Let the streams see that time has moved."""
        self._state.wake()

    @property
    def _state(self) -> ParticleState:
        """Return the vendor's state, a new one after each reset."""
        return self._world.particle


def _bearer(request: web.Request) -> str | None:
    """Return the token of the header: one in the query is not looked at."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    return text if scheme.lower() == "bearer" and text else None


def _need(token: Token, scope: str) -> None:
    """Check that a token is good for something.

    Raises:
        ApiError: where it is not.
    """
    if scope not in token.scopes:
        raise errors.out_of_scope(scope)
