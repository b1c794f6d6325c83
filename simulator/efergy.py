"""Efergy's cloud: its commands, and its manners of answering."""

from collections.abc import Callable
import json
from typing import Any

from aiohttp import web

from simulator.efergy_commands import COMMANDS, BadParameterError, Call
from simulator.faults import ActiveFault, Fault
from simulator.wire import send
from simulator.world import World

CONTENT_TYPE = "text/html; charset=UTF-8"
STALE_MS = 6 * 3600 * 1000

type Body = dict[str, Any] | list[Any]

BAD_TOKEN: Body = {"status": "error", "description": "bad token"}
METHOD_FAILED: Body = {"status": "error", "desc": "Method call failed"}

ERROR_BODIES: dict[Fault, Body] = {
    Fault.BAD_TOKEN: BAD_TOKEN,
    Fault.BAD_TOKEN_CAPITAL: {"status": "error", "desc": "Bad token"},
    Fault.DAILY_LIMIT: {"error": {"id": 404, "desc": "Daily limit reached"}},
    Fault.METHOD_FAILED: METHOD_FAILED,
    Fault.BAD_REQUEST: {
        "error": {"id": 400, "desc": "Bad request", "more": "Unknown error"}
    },
    Fault.NO_HOUSEHOLD: {
        "error": {"desc": "Bad request", "more": "HID does not exist", "id": 400}
    },
    Fault.ERROR_500_BODY: {"error": {"id": 500, "desc": "Internal error"}},
    Fault.EMPTY_LIST: [],
}

HTML_PAGE = (
    b"<!DOCTYPE html><html><head><title>Please wait</title></head>"
    b"<body><p>Press the button to <a href='#'>continue to your account</a>.</p>"
    b"</body></html>"
)

RAW_BODIES: dict[Fault, tuple[int, bytes]] = {
    Fault.HTML: (200, HTML_PAGE),
    Fault.EMPTY_BODY: (200, b""),
    Fault.HTTP_500: (500, b'{"error": {"id": 500, "desc": "Internal error"}}'),
    Fault.HTTP_503: (503, b"<html><body>Service Unavailable</body></html>"),
    Fault.GARBAGE: (200, b'{"age": 3, "reading": 12, "last_read'),
}


class EfergyCloud:
    """Answer Efergy's commands for the accounts of the world."""

    def __init__(self, world: World) -> None:
        """Take the world whose meters are asked for."""
        self._world = world

    def routes(self) -> list[web.RouteDef]:
        """Return the addresses the vendor serves."""
        return [web.get("/mobile_proxy/{command}", self._handle)]

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one call, well or as the ordered fault says."""
        command = request.match_info["command"]
        token = request.query.get("token", "")
        self._world.calls.note(self._world.clock.now_ms, token, command)
        fault = self._world.faults.take(command, token)
        if fault is not None and fault.fault is Fault.TIMEOUT:
            await self._world.faults.hold(fault.seconds)
        reply = self._reply(command, token, request)
        return await _respond(request, reply, fault)

    def _reply(self, command: str, token: str, request: web.Request) -> Body:
        """Return what the vendor would say."""
        if (account := self._world.accounts.get(token)) is None:
            return BAD_TOKEN
        if (answer := COMMANDS.get(command)) is None:
            return METHOD_FAILED
        try:
            reply = answer(Call(account, self._world.clock.now_ms, request.query))
        except BadParameterError as err:
            return {"error": {"id": 400, "desc": "Bad request", "more": str(err)}}
        return METHOD_FAILED if reply is None else reply


async def _respond(
    request: web.Request, reply: Body, fault: ActiveFault | None
) -> web.StreamResponse:
    """Send a reply, spoilt by the fault."""
    status, kind = 200, None if fault is None else fault.fault
    if kind in ERROR_BODIES:
        reply = ERROR_BODIES[kind]
    elif kind in DISTORTIONS:
        reply = DISTORTIONS[kind](reply)
    body = json.dumps(reply).encode()
    if kind in RAW_BODIES:
        status, body = RAW_BODIES[kind]
    return await send(request, body, CONTENT_TYPE, status=status, fault=kind)


def _without_data(reply: Body) -> Body:
    """Empty every `data` of a reply."""
    if isinstance(reply, list):
        return [{**item, "data": []} for item in reply]
    return {"status": "ok", "data": []}


def _other_type(reply: Body) -> Body:
    """Return a dict where a list is due, and the reverse."""
    if isinstance(reply, list):
        return reply[0] if reply else {}
    return [reply]


def _stale(reply: Body) -> Body:
    """Return the reply as if the meter had been silent for hours."""
    if isinstance(reply, list):
        return [_stale_item(item) for item in reply]
    if "last_reading_time" not in reply:
        return reply
    return {
        **reply,
        "age": reply["age"] + STALE_MS // 1000,
        "last_reading_time": reply["last_reading_time"] - STALE_MS,
    }


def _stale_item(item: dict[str, Any]) -> dict[str, Any]:
    """Return one meter of the summary with an old stamp."""
    if "age" not in item:
        return item
    data = [
        {str(int(stamp) - STALE_MS): watts for stamp, watts in point.items()}
        for point in item["data"]
    ]
    return {**item, "data": data, "age": item["age"] + STALE_MS // 1000}


DISTORTIONS: dict[Fault, Callable[[Body], Body]] = {
    Fault.NO_DATA: _without_data,
    Fault.WRONG_TYPE: _other_type,
    Fault.STALE: _stale,
}
