"""How a reply goes onto the wire, whole or broken as a fault says."""

import asyncio
import math
import socket
import struct
from typing import Any

from aiohttp import web

from simulator.faults import Fault


async def send(
    request: web.Request,
    body: bytes,
    content_type: str,
    *,
    status: int = 200,
    fault: Fault | None = None,
    headers: dict[str, str] | None = None,
) -> web.StreamResponse:
    """Send a reply; the fault may cut, dribble or reset it."""
    response = web.StreamResponse(status=status, headers=headers)
    response.content_length = len(body)
    response.headers["Content-Type"] = content_type
    if fault is Fault.CONNECTION_RESET:
        return reset(request, response)
    await response.prepare(request)
    if fault is Fault.CUT:
        await response.write(body[: math.ceil(len(body) / 2)])
        return abort(request, response)
    dribbles = fault is Fault.BYTE_BY_BYTE
    pieces = [bytes([byte]) for byte in body] if dribbles else [body]
    for piece in pieces:
        await response.write(piece)
        await asyncio.sleep(0)
    await response.write_eof()
    return response


def abort(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """Close the connection after what was written."""
    if request.transport is not None:
        request.transport.close()
    return response


def reset(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """Close the connection with a reset instead of an end."""
    if (transport := request.transport) is not None:
        linger = struct.pack("ii", 1, 0)
        transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, linger
        )
        transport.abort()
    return response


async def read_order(request: web.Request) -> dict[str, Any]:
    """Return the body of an order to the simulator, empty where there is none."""
    if not request.can_read_body:
        return {}
    order: dict[str, Any] = await request.json()
    return order
