"""Netatmo's interface: who calls, may they, and what they are answered."""

from collections.abc import Callable
from dataclasses import dataclass
import json
from typing import Any

from aiohttp import web

from simulator.faults import NOT_NETATMO, ActiveFault, Fault
from simulator.netatmo import commands, measures, status, topology
from simulator.netatmo.call import Call, Json
from simulator.netatmo.errors import Code, VendorError, forbidden
from simulator.netatmo.oauth import OAuth
from simulator.netatmo.reply import (
    VENDOR_ERRORS,
    Reply,
    before,
    refusal,
    respond,
    success,
)
from simulator.netatmo.state import NetatmoState
from simulator.netatmo.tokens import Grant, TokenState
from simulator.world import World

NOBODY = "?"


@dataclass(frozen=True)
class Method:
    """What answers a method, and the scope it takes."""

    answer: Callable[[Call], Any]
    scope: str


READ, WRITE = "read_thermostat", "write_thermostat"
METHODS = {
    "homesdata": Method(topology.homesdata, READ),
    "homestatus": Method(status.homestatus, READ),
    "getstationsdata": Method(topology.no_stations, READ),
    "gethomecoachsdata": Method(topology.no_stations, READ),
    "getroommeasure": Method(measures.getroommeasure, READ),
    "getmeasure": Method(measures.getmeasure, READ),
    "setthermmode": Method(commands.setthermmode, WRITE),
    "switchhomeschedule": Method(commands.switchhomeschedule, WRITE),
    "setroomthermpoint": Method(commands.setroomthermpoint, WRITE),
    "setstate": Method(commands.setstate, WRITE),
}


class NetatmoCloud:
    """Answer the vendor's methods for the accounts of the world."""

    def __init__(self, world: World) -> None:
        """Take the world whose homes are asked for."""
        self._world = world
        self._oauth = OAuth(world)

    def routes(self) -> list[web.RouteDef]:
        """Return the addresses the vendor serves."""
        return [
            *self._oauth.routes(),
            web.get("/api/{method}", self._handle),
            web.post("/api/{method}", self._handle),
        ]

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one call, well or as the ordered fault says."""
        method = request.match_info["method"]
        arguments, body = await _arguments(request)
        now_ms = self._world.clock.now_ms
        state, grant = self._grant(request, arguments, now_ms)
        user = NOBODY if grant is None else grant.email
        client_id = NOBODY if grant is None else grant.client_id
        self._world.calls.note(now_ms, user, method)
        active = self._world.faults.take(method, user, NOT_NETATMO)
        fault = None if active is None else active.fault
        code = 0
        try:
            await self._hold(active)
            reply = self._reply(method, state, grant, arguments, body, fault)
            code = reply.status
        finally:
            # Also when the caller gave up: then nothing was done.
            self._state.calls.note(now_ms, user, client_id, method, code)
        return await respond(request, reply, fault)

    async def _hold(self, active: ActiveFault | None) -> None:
        """Keep a call waiting where a time-out is ordered."""
        if active is not None and active.fault is Fault.TIMEOUT:
            await self._world.faults.hold(active.seconds)

    def _reply(
        self,
        method: str,
        token: TokenState | None,
        grant: Grant | None,
        arguments: dict[str, str],
        body: Json,
        fault: Fault | None,
    ) -> Reply:
        """Return what the vendor would say, refusals too."""
        try:
            return self._answer(method, token, grant, arguments, body, fault)
        except VendorError as err:
            return refusal(err)

    def _answer(
        self,
        method: str,
        token: TokenState | None,
        grant: Grant | None,
        arguments: dict[str, str],
        body: Json,
        fault: Fault | None,
    ) -> Reply:
        """Return what the vendor would say.

        Raises:
            VendorError: where the vendor would refuse.
        """
        now_ms = self._world.clock.now_ms
        if token is None:
            raise VENDOR_ERRORS[Fault.TOKEN_MISSING]
        if token is TokenState.EXPIRED:
            raise VENDOR_ERRORS[Fault.TOKEN_EXPIRED]
        if grant is None:
            raise VENDOR_ERRORS[Fault.TOKEN_INVALID]
        self._admit(now_ms, grant)
        if (known := METHODS.get(method)) is None:
            raise VendorError(Code.METHOD_NOT_FOUND, "Method not found", 404)
        if known.scope not in grant.scope:
            raise VENDOR_ERRORS[Fault.SCOPE]
        spoilt = before(fault)
        if isinstance(spoilt, VendorError):
            raise spoilt
        if spoilt is not None:
            return spoilt
        if (user := self._state.users.get(grant.email)) is None:
            raise forbidden("Forbidden access to this user")
        call = Call(self._state, user, now_ms, arguments, body)
        return Reply(success(known.answer(call), now_ms))

    def _admit(self, now_ms: int, grant: Grant) -> None:
        """Count the call against the limits.

        Raises:
            VendorError: where a limit is reached.
        """
        limits = self._state.limits
        over = limits.admit(now_ms, grant.email, grant.client_id)
        if over is not None:
            raise VendorError(
                Code.USAGE, over, limits.quotas.status, limits.quotas.retry_after_s
            )

    def _grant(
        self, request: web.Request, arguments: dict[str, str], now_ms: int
    ) -> tuple[TokenState | None, Grant | None]:
        """Return what the call's token is worth, and whose it is."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            token = arguments.get("access_token", "")
        if not token:
            return None, None
        return self._state.tokens.check(token, now_ms)

    @property
    def _state(self) -> NetatmoState:
        """Return the vendor's state, a new one after each reset."""
        return self._world.netatmo


async def _arguments(request: web.Request) -> tuple[dict[str, str], Json]:
    """Return the arguments of query and form, and the body where it is JSON."""
    arguments = {name: str(value) for name, value in request.query.items()}
    if request.method != "POST":
        return arguments, {}
    if request.content_type == "application/json":
        try:
            body = json.loads(await request.read() or b"{}")
        except ValueError:
            body = {}
        return arguments, body if isinstance(body, dict) else {}
    form = await request.post()
    arguments |= {name: str(value) for name, value in form.items()}
    return arguments, {}
