"""Reading the Particle cloud's replies and events, in every shape that was seen. Pure.

A field that makes no sense is one that is not reported; a reply that makes none is an error.
"""

import codecs
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from math import isfinite
import re
from typing import Any, Final, TypeIs

import orjson

from ..errors import CloudNonsenseError, CloudOutageError
from .event_reader import ServerEvent
from .models import EventBatch, ParticleDevice, ParticleEvent, TokenInfo, VariableValue

_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
_NOT_JSON: Final = object()
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_MAX_WORDS: Final = 255
_MAX_EVENT_NAME: Final = 64
_LONGEST_TTL_S: Final = 16_777_215


def is_id(text: str) -> bool:
    """Return whether a text can be a board, a variable or a product in an address."""
    return _ID.fullmatch(text) is not None


def decode(body: bytes) -> Any:
    """Return the JSON of a reply.

    Raises CloudOutageError where the service sent no reply of its own (nothing, a page),
    CloudNonsenseError for anything else that is not JSON.
    """
    text = body.removeprefix(codecs.BOM_UTF8).strip()
    if not text:
        raise CloudOutageError("empty reply")
    if text.startswith(b"<"):
        raise CloudOutageError("a web page instead of a reply")
    reply = _json(text)
    if reply is _NOT_JSON:
        raise CloudNonsenseError("reply is not JSON")
    return reply


def token_info(reply: Any) -> TokenInfo:
    """Read what the cloud reports of a token. Raises CloudNonsenseError."""
    if not isinstance(reply, dict):
        raise CloudNonsenseError("a token that is no object")
    user = _words(reply.get("user_id")) or _words(reply.get("username"))
    return TokenInfo(expires_at=_instant(reply.get("expires_at")), user=user)


def devices(reply: Any) -> tuple[ParticleDevice, ...]:
    """Read a personal list of boards. Raises CloudNonsenseError where it is none."""
    if not isinstance(reply, list):
        raise CloudNonsenseError("a list of boards that is none")
    return _devices(reply)


def product_devices(reply: Any) -> tuple[tuple[ParticleDevice, ...], int]:
    """Read one page of a product's boards; return them and how many pages there are.

    Raises CloudNonsenseError where it is none.
    """
    if not isinstance(reply, dict) or not isinstance(reply.get("devices"), list):
        raise CloudNonsenseError("a product's list of boards that is none")
    meta = reply.get("meta")
    pages = meta.get("total_pages") if isinstance(meta, dict) else None
    return _devices(reply["devices"]), pages if _is_int(pages) else 1


def device(reply: Any) -> ParticleDevice:
    """Read one board. Raises CloudNonsenseError where it has no id."""
    found = _device(reply)
    if found is None:
        raise CloudNonsenseError("a board without an id")
    return found


def variable(reply: Any, board_id: str, name: str) -> VariableValue:
    """Read a variable's value. Raises CloudNonsenseError where there is none."""
    value = reply.get("result") if isinstance(reply, dict) else None
    if isinstance(value, bool | str):
        return VariableValue(board_id=board_id, name=name, value=value)
    if isinstance(value, int | float) and isfinite(value):
        return VariableValue(board_id=board_id, name=name, value=float(value))
    raise CloudNonsenseError("a variable without a value")


def event_batch(events: Iterable[ServerEvent]) -> EventBatch:
    """Return what a chunk of the stream tells, and how much of it makes no sense."""
    parsed = [event(one) for one in events]
    return EventBatch(
        events=tuple(one for one in parsed if one is not None),
        nonsense=sum(one is None for one in parsed),
    )


def event(received: ServerEvent) -> ParticleEvent | None:
    """Return an event of a board; None for what makes no sense."""
    document = _json(received.data.encode())
    if not isinstance(document, dict) or not 0 < len(received.name) <= _MAX_EVENT_NAME:
        return None
    board_id = document.get("coreid")
    published_at = _instant(document.get("published_at"))
    data = document.get("data")
    if (
        not isinstance(board_id, str)
        or not is_id(board_id)
        or published_at is None
        or isinstance(data, bool | list | dict)
    ):
        return None
    return ParticleEvent(
        name=received.name,
        data=None if data is None else str(data),
        published_at=published_at,
        board_id=board_id,
        ttl=_seconds(document.get("ttl")),
    )


def _devices(listed: list[Any]) -> tuple[ParticleDevice, ...]:
    """Return the boards of a list that have an id, each once.

    Raises CloudNonsenseError where there are entries, and none has one.
    """
    found = [one for one in map(_device, listed) if one is not None]
    if listed and not found:
        raise CloudNonsenseError("no board has an id")
    return tuple({one.board_id: one for one in found}.values())


def _device(value: Any) -> ParticleDevice | None:
    """Read one board of whichever list; None where it has no id."""
    if not isinstance(value, dict):
        return None
    board_id = value.get("id")
    if not isinstance(board_id, str) or not is_id(board_id):
        return None
    # `online` took the place of `connected`.
    online = value.get("online", value.get("connected"))
    product = value.get("product_id")
    platform = value.get("platform_id")
    variables = value.get("variables")
    return ParticleDevice(
        board_id=board_id,
        name=_words(value.get("name")) or board_id,
        online=online if isinstance(online, bool) else None,
        last_heard=_instant(value.get("last_heard")),
        product_id=str(product) if _is_int(product) else _words(product),
        platform=platform if _is_int(platform) else None,
        firmware=_words(value.get("system_firmware_version")),
        owner=_words(value.get("owner")),
        variables=_variables(variables) if isinstance(variables, dict) else None,
    )


def _variables(reported: Mapping[str, Any]) -> dict[str, str]:
    """Return the types of a board's variables that can be asked for."""
    return {
        name: kind
        for name, kind in reported.items()
        if is_id(name) and isinstance(kind, str)
    }


def _json(text: bytes) -> Any:
    """Return decoded JSON, `_NOT_JSON` where it is none."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return _NOT_JSON


def _instant(value: Any) -> datetime | None:
    """Return an ISO instant with a zone, to the millisecond as reported."""
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    if at.tzinfo is None or not _EARLIEST <= at <= _LATEST:
        return None
    return at.astimezone(UTC)


def _seconds(value: Any) -> timedelta | None:
    """Return a duration that is given in seconds, as a number or as a text."""
    if isinstance(value, str) and value.isdecimal() and value.isascii():
        value = int(value[:9])
    if not _is_int(value) or not 0 <= value <= _LONGEST_TTL_S:
        return None
    return timedelta(seconds=value)


def _is_int(value: Any) -> TypeIs[int]:
    """Return whether a JSON value is a whole number."""
    return isinstance(value, int) and not isinstance(value, bool)


def _words(value: Any) -> str | None:
    """Return a text for people, cut; None where there is none."""
    if not isinstance(value, str):
        return None
    words = "".join(filter(str.isprintable, value)).strip()[:_MAX_WORDS]
    return words or None
