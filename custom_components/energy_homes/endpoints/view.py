"""The endpoint of pulse boards and sensor daemons: it says the truth, with little to give.

Whoever does not know a secret, or is not local where that is asked for, learns nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
import logging
from typing import Final, override

from aiohttp import web
from aiohttp.hdrs import CONTENT_ENCODING, METH_ANY, METH_GET, METH_POST, METH_PUT
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.http import HomeAssistantView
from homeassistant.helpers.network import is_cloud_connection
from homeassistant.util import dt as dt_util
from homeassistant.util.network import is_local

from ..accounts.pulse_board.hub import PulseBoardHub
from ..accounts.pulse_board.known import Boards, boards_of
from ..boards.fields import MAX_BODY, read_fields
from ..boards.message import BUSY, FAILED, TOO_MANY, BoardReply, read_message, refusal
from ..boards.rate import parsed_address
from ..boards.refused import BoardMessageError, BoardProblem
from ..boards.remote import MAX_UPDATE, RemoteReply, RemoteUpdateError, read_update
from .log import keep_secrets_out_of_logs

_LOGGER = logging.getLogger(__name__)

BOARD_URL: Final = "/api/energy_homes/board/{secret}"
SENSORS_URL: Final = f"{BOARD_URL}/v1/sensors/update"

WEBHOOK_URL: Final = "/webhook.php"
"""What boards with burnt-in firmware call; it answers where somebody has switched it on."""

_BOARD_METHODS: Final = (METH_GET, METH_POST)

BODY_WITHIN_S: Final = 10.0
"""A body that takes longer to arrive is not waited for."""

_TOO_SLOW: Final = "the body did not arrive in time"
_BROKEN: Final = "the body did not arrive whole"
_COMPRESSED: Final = "a compressed body"

type Answer = Callable[[web.Request, PulseBoardHub], Awaitable[web.Response]]


class BoardView(HomeAssistantView):
    """What boards and sensor daemons call."""

    url = BOARD_URL
    name = "api:energy_homes:board"
    requires_auth = False

    def __init__(self, hass: HomeAssistant, boards: Boards) -> None:
        """Serve the boards that are loaded."""
        self._hass = hass
        self._boards = boards

    @override
    def register(
        self, hass: HomeAssistant, app: web.Application, router: web.UrlDispatcher
    ) -> None:
        """Register without Home Assistant's own wrapper, which logs paths: ours are secret."""
        router.add_route(METH_GET, BOARD_URL, self._hear)
        router.add_route(METH_POST, BOARD_URL, self._hear)
        router.add_route(METH_PUT, SENSORS_URL, self._take_report)
        router.add_route(METH_ANY, WEBHOOK_URL, self._hear_by_address)

    async def _hear(self, request: web.Request) -> web.Response:
        """Answer a board."""
        return await self._answered(request, self._board_answer)

    async def _take_report(self, request: web.Request) -> web.Response:
        """Answer a sensor daemon."""
        return await self._answered(request, self._daemon_answer)

    async def _answered(self, request: web.Request, answer: Answer) -> web.Response:
        """Answer who knows a secret and may ask."""
        hub = self._boards.find(request.match_info["secret"])
        if hub is not None and not hub.config.open_to_all:
            hub = hub if _is_local(self._hass, request) else None
        return await self._answer(request, hub, answer)

    async def _hear_by_address(self, request: web.Request) -> web.Response:
        """Answer a board that knows no secret, by the address that it has."""
        hub = None
        if request.method in _BOARD_METHODS and _is_local(self._hass, request):
            hub = self._boards.at(request.remote)
        return await self._answer(request, hub, self._board_answer)

    async def _answer(
        self, request: web.Request, hub: PulseBoardHub | None, answer: Answer
    ) -> web.Response:
        """Answer a board; nothing that goes wrong gets into a log with the path."""
        if hub is None:
            may_ask = self._boards.stranger_may_ask(
                request.remote, self._hass.loop.time()
            )
            return web.Response(
                status=HTTPStatus.NOT_FOUND if may_ask else HTTPStatus.TOO_MANY_REQUESTS
            )
        if not hub.requests.admit():
            return _line(TOO_MANY)
        if self._hass.is_stopping:
            return _line(BUSY)
        try:
            return await answer(request, hub)
        except Exception:
            _LOGGER.exception("%s could not be answered", hub.title)
            return _line(FAILED)

    async def _board_answer(
        self, request: web.Request, hub: PulseBoardHub
    ) -> web.Response:
        """Take a message of a board."""
        arrival = dt_util.utcnow()
        try:
            body = await _body(request, MAX_BODY)
            fields = read_fields(
                request.rel_url.raw_query_string, body, request.content_type
            )
            message = read_message(fields)
        except BoardMessageError as err:
            hub.hearing.refused(err.problem)
            return _line(refusal(err))
        return _line(await hub.async_hear(message, arrival))

    async def _daemon_answer(
        self, request: web.Request, hub: PulseBoardHub
    ) -> web.Response:
        """Take a report of a sensor daemon."""
        arrival = dt_util.utcnow()
        try:
            update = read_update(await _body(request, MAX_UPDATE))
        except BoardMessageError as err:
            status = refusal(err).status
            hub.hearing.refused("report")
            return _json(RemoteReply(status, {"status": "error", "error": str(err)}))
        except RemoteUpdateError as err:
            hub.hearing.refused("report")
            return _json(err.reply)
        return _json(hub.sensing.take(update, arrival))


@callback
def async_register_board_view(hass: HomeAssistant) -> None:
    """Let boards call; needs the http integration."""
    keep_secrets_out_of_logs()
    hass.http.register_view(BoardView(hass, boards_of(hass)))


async def _body(request: web.Request, limit: int) -> bytes:
    """Return a body of at most `limit` bytes; nothing beyond that is read.

    Raises BoardMessageError where it is larger, compressed, broken or too slow.
    """
    if request.headers.get(CONTENT_ENCODING, "identity").lower() != "identity":
        raise BoardMessageError(BoardProblem.UNREADABLE, _COMPRESSED)
    too_large = BoardMessageError(
        BoardProblem.TOO_LARGE, f"a body of more than {limit} bytes"
    )
    if (request.content_length or 0) > limit:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            while chunk := await request.content.read(limit + 1):
                body += chunk
                if len(body) > limit:
                    raise too_large
    except TimeoutError:
        problem = _TOO_SLOW
    except web.RequestPayloadError:
        problem = _BROKEN
    else:
        return bytes(body)
    raise BoardMessageError(BoardProblem.UNREADABLE, problem)


def _is_local(hass: HomeAssistant, request: web.Request) -> bool:
    """Return whether a request comes from the same network.

    Home Assistant has put the address that its trusted proxies tell into `remote`, and
    refused what others tell.
    """
    if is_cloud_connection(hass):
        return False
    address = parsed_address(request.remote)
    return address is not None and is_local(address)


def _line(reply: BoardReply) -> web.Response:
    """Return a reply to a board."""
    return web.Response(status=reply.status, text=reply.text)


def _json(reply: RemoteReply) -> web.Response:
    """Return a reply to a sensor daemon."""
    return web.json_response(reply.body, status=reply.status)
