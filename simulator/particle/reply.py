"""The vendor's replies, and how a fault spoils them."""

import json
from typing import Any

from simulator.faults import Fault
from simulator.particle import errors
from simulator.particle.device import Device, iso
from simulator.particle.errors import ApiError
from simulator.particle.plan import PHOTON
from simulator.particle.tokens import Token

type Json = dict[str, Any]

FIRMWARE = "3.3.1"
HTML_PAGE = b"<!DOCTYPE html><html><body>We will be back soon.</body></html>"
ERRORS: dict[Fault, ApiError] = {
    Fault.HTTP_401: errors.unknown_token(),
    Fault.HTTP_403: errors.denied(),
    Fault.HTTP_404: errors.no_variable(),
    Fault.HTTP_408: errors.timed_out(),
    Fault.HTTP_429: errors.too_many(),
}
RAW: dict[Fault, tuple[int, bytes]] = {
    Fault.HTML: (200, HTML_PAGE),
    Fault.EMPTY_BODY: (200, b""),
    Fault.GARBAGE: (200, b'[{"id":"0123456789ab'),
    Fault.HTTP_500: (500, b'{"ok":false,"error":"Internal error"}'),
    Fault.HTTP_502: (502, b"<html><body>502 Bad Gateway</body></html>"),
    Fault.HTTP_503: (503, b"<html><body>Service Unavailable</body></html>"),
}


def before(fault: Fault | None) -> tuple[int, bytes] | None:
    """Return what is answered instead of what was asked for."""
    if fault is None:
        return None
    if (error := ERRORS.get(fault)) is not None:
        return error.status, json.dumps(error.body).encode()
    return RAW.get(fault)


def distorted(content: Any, fault: Fault | None) -> Any:
    """Return a list where an object is due, and the reverse, where that is ordered."""
    if fault is not Fault.WRONG_TYPE:
        return content
    return {"devices": content} if isinstance(content, list) else [content]


def token(known: Token) -> Json:
    """Return what there is to know of a token."""
    return {
        "expires_at": None if known.end_ms is None else iso(known.end_ms),
        "client": "particle",
        "scopes": sorted(known.scopes),
        "orgs": [],
    }


def listed(device: Device, now_ms: int) -> Json:
    """Return a board as the lists show it."""
    online = device.believed_online(now_ms)
    return {
        "id": device.id,
        "name": device.name,
        "last_app": None,
        "last_ip_address": "203.0.113.7",
        "last_heard": iso(device.last_heard_ms(now_ms)),
        "last_handshake_at": iso(device.last_handshake_ms(now_ms)),
        "product_id": device.plan.product or PHOTON,
        "connected": online,
        "online": online,
        "platform_id": PHOTON,
        "cellular": False,
        "notes": None,
        "status": "normal",
        "current_build_target": FIRMWARE,
        "system_firmware_version": FIRMWARE,
        "default_build_target": FIRMWARE,
    }


def described(device: Device, now_ms: int) -> Json:
    """Return a board with its variables, which nobody knows while it is offline."""
    online = device.online(now_ms)
    return listed(device, now_ms) | {
        "variables": device.variable_types() if online else None,
        "functions": [] if online else None,
    }


def variable(device: Device, name: str, now_ms: int) -> Json:
    """Return what a variable is."""
    return {
        "cmd": "VarReturn",
        "name": name,
        "result": device.variable(name, now_ms),
        "coreInfo": {
            "last_app": "",
            "last_heard": iso(now_ms),
            "connected": True,
            "last_handshake_at": iso(device.last_handshake_ms(now_ms)),
            "deviceID": device.id,
            "product_id": device.plan.product or PHOTON,
        },
    }
