"""The vendor's replies, and how a fault spoils them."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
import json
from typing import Any

from aiohttp import web

from simulator.faults import Fault
from simulator.netatmo.call import Json
from simulator.netatmo.errors import Code, VendorError
from simulator.wire import send

CONTENT_TYPE = "application/json; charset=utf-8"
HTML_TYPE = "text/html"
EXEC_S = 0.020781993865967
BAD_GATEWAY = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    b"<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n"
)
HTML_PAGE = b"<!DOCTYPE html><html><body>We will be back soon.</body></html>"


@dataclass(frozen=True)
class Reply:
    """What is sent: status, content, and headers beside the usual ones."""

    content: Any
    status: int = 200
    headers: dict[str, str] | None = None


VENDOR_ERRORS: dict[Fault, VendorError] = {
    Fault.TOKEN_MISSING: VendorError(
        Code.TOKEN_MISSING, "Access token is missing", 401
    ),
    Fault.TOKEN_INVALID: VendorError(Code.TOKEN_INVALID, "Invalid access token", 403),
    Fault.TOKEN_EXPIRED: VendorError(Code.TOKEN_EXPIRED, "Access token expired", 403),
    Fault.APP_DEACTIVATED: VendorError(
        Code.APP_DEACTIVATED, "Application is deactivated", 403
    ),
    Fault.NOTHING_TO_MODIFY: VendorError(
        Code.NOTHING_TO_MODIFY, "Nothing to modify", 400
    ),
    Fault.DEVICE_NOT_FOUND: VendorError(Code.DEVICE_NOT_FOUND, "Device not found", 404),
    Fault.MISSING_ARGUMENT: VendorError(Code.MISSING_ARGUMENT, "Missing home_id", 400),
    Fault.CONCURRENCY: VendorError(
        Code.BUSY, "Failed to enter concurrency limited section", 429
    ),
    Fault.INTERNAL: VendorError(Code.BUSY, "Internal error", 500),
    Fault.SCOPE: VendorError(
        Code.FORBIDDEN, "Application does not have the good scope rights", 403
    ),
    Fault.COULD_NOT_APPLY: VendorError(Code.FORBIDDEN, "Couldn't apply setpoint", 403),
    Fault.INVALID_ARGUMENT: VendorError(Code.INVALID_ARGUMENT, "Invalid id", 400),
    Fault.USAGE_403: VendorError(Code.USAGE, "User usage reached", 403),
    Fault.USAGE_429: VendorError(Code.USAGE, "Maximum api usage reached", 429),
    Fault.UNREACHABLE: VendorError(Code.UNREACHABLE, "Device is unreachable", 400),
}
OAUTH_ERRORS: dict[Fault, tuple[int, str]] = {
    Fault.INVALID_GRANT: (400, "invalid_grant"),
    Fault.INVALID_CLIENT: (400, "invalid_client"),
    Fault.TOO_MANY_CONNECTIONS: (400, "too_many_connections"),
}
RAW: dict[Fault, tuple[int, bytes, str]] = {
    Fault.HTML: (200, HTML_PAGE, HTML_TYPE),
    Fault.HTTP_406: (406, b"", HTML_TYPE),
    Fault.HTTP_500: (500, b"", HTML_TYPE),
    Fault.HTTP_502: (502, BAD_GATEWAY, HTML_TYPE),
    Fault.HTTP_503: (503, HTML_PAGE, HTML_TYPE),
    Fault.EMPTY_403: (403, b"", CONTENT_TYPE),
}
LATE_RAW: dict[Fault, tuple[int, bytes, str]] = {
    Fault.EMPTY_BODY: (200, b"", CONTENT_TYPE),
    Fault.GARBAGE: (200, b'{"status":"ok","time_ser', CONTENT_TYPE),
}
"""Replies that come after the call has done its work."""


def before(fault: Fault | None) -> Reply | VendorError | None:
    """Return what a call is answered with before it does anything."""
    if fault is None:
        return None
    if (error := VENDOR_ERRORS.get(fault)) is not None:
        return error
    if (refusal := OAUTH_ERRORS.get(fault)) is not None:
        return Reply({"error": refusal[1]}, refusal[0])
    if fault in RAW:
        return Reply({}, RAW[fault][0])
    if fault is Fault.CONNECTION_RESET:
        return Reply({}, 0)
    return None


def success(content: Json | list[Json] | None, now_ms: int) -> Json:
    """Return a good reply around its content."""
    fields: Json = {"status": "ok"}
    if content is not None:
        fields["body"] = content
    return fields | {"time_exec": EXEC_S, "time_server": now_ms // 1000}


def refusal(error: VendorError) -> Reply:
    """Return an error as a reply."""
    headers = None
    if error.retry_after_s is not None:
        headers = {"Retry-After": str(error.retry_after_s)}
    return Reply(error.as_json(), error.status, headers)


async def respond(
    request: web.Request, reply: Reply, fault: Fault | None
) -> web.StreamResponse:
    """Send a reply, spoilt by the fault."""
    content = reply.content
    if fault in DISTORTIONS and reply.status == 200:
        content = DISTORTIONS[fault](deepcopy(content))
    status, body, content_type = (
        reply.status,
        json.dumps(content, separators=(",", ":")).encode(),
        CONTENT_TYPE,
    )
    raw = RAW | LATE_RAW
    if fault in raw:
        status, body, content_type = raw[fault]
    return await send(
        request,
        body,
        content_type,
        status=status or 200,
        fault=fault,
        headers=reply.headers,
    )


def _home(content: Json) -> Json:
    """Return the home of a status reply, an empty one where there is none."""
    body = content.get("body")
    home: Json = body.get("home", {}) if isinstance(body, dict) else {}
    return home


def _gateway_error(content: Json) -> Json:
    """Return a status that knows only that the gateway is not reached."""
    home = _home(content)
    relay = next(
        (m["id"] for m in home.get("modules", ()) if "bridge" not in m),
        "aa:aa:aa:aa:aa:aa",
    )
    body = {"errors": [{"code": 6, "id": relay}], "home": {"id": home.get("id")}}
    return content | {"body": body}


def _with_body(body: object) -> Callable[[Json], Json]:
    """Return what puts another body into a reply."""
    return lambda content: content | {"body": body}


def _no_body(content: Json) -> Json:
    """Return a reply without its body."""
    return {name: value for name, value in content.items() if name != "body"}


def _no_modules(content: Json) -> Json:
    """Return a status without modules."""
    _home(content).pop("modules", None)
    return content


def _status_failed(content: Json) -> Json:
    """Return a reply that is no success though its HTTP status is."""
    return _no_body(content) | {"status": "failed"}


def _wrong_type(content: Json) -> list[Json]:
    """Return a list where a dict is due."""
    return [content]


def _bare(room: Json) -> None:
    """Leave only that a room is not reached."""
    room_id = room["id"]
    room.clear()
    room |= {"id": room_id, "reachable": False}


def _mode_home(room: Json) -> None:
    """Let a room on schedule say so in the other word."""
    if room.get("therm_setpoint_mode") == "schedule":
        room["therm_setpoint_mode"] = "home"


def _end_null(room: Json) -> None:
    """Let a room without an end say null instead of 0."""
    if not room.get("therm_setpoint_end_time"):
        room["therm_setpoint_end_time"] = None


def _end_absent(room: Json) -> None:
    """Let a room without an end say nothing of it."""
    if not room.get("therm_setpoint_end_time"):
        room.pop("therm_setpoint_end_time", None)


def _each_room(change: Callable[[Json], None]) -> Callable[[Json], Json]:
    """Return what changes every room of a status."""

    def distort(content: Json) -> Json:
        """Change every room of one reply."""
        for room in _home(content).get("rooms", ()):
            change(room)
        return content

    return distort


DISTORTIONS: dict[Fault | None, Callable[[Json], Any]] = {
    Fault.GATEWAY_ERROR: _gateway_error,
    Fault.BODY_LIST: _with_body([]),
    Fault.BODY_EMPTY: _with_body({}),
    Fault.NO_BODY: _no_body,
    Fault.BARE_ROOMS: _each_room(_bare),
    Fault.END_NULL: _each_room(_end_null),
    Fault.END_ABSENT: _each_room(_end_absent),
    Fault.MODE_HOME: _each_room(_mode_home),
    Fault.NO_MODULES: _no_modules,
    Fault.STATUS_FAILED: _status_failed,
    Fault.WRONG_TYPE: _wrong_type,
}
