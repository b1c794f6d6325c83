"""The Particle cloud, as it answers: boards, their variables, and one stream of events."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from enum import StrEnum
from typing import Any, Final, override

import aiohttp
from yarl import URL

from ..errors import CloudError, CloudRequestError
from ..exchange import Reply, exchange
from ..retry_after import retry_after
from . import parse
from .errors import status_error
from .event_stream import IDLE_S, event_stream, stream_timeout
from .models import EventBatch, ParticleDevice, TokenInfo, VariableValue

MAX_PAGES: Final = 100
"""So many pages of a product's boards are read."""

PER_PAGE: Final = 100


class ParticleCall(StrEnum):
    """Kinds of calls that the cloud counts apart."""

    REQUEST = "request"
    STREAM = "stream"


class ParticleClient:
    """Asks one account of the Particle cloud, or one product in it.

    Every method raises CloudAuthError (token refused, or without the right), CloudQuotaError
    (call limit reached), CloudOutageError (unreachable or out of order), CloudNonsenseError
    (a reply that makes no sense) or CloudRequestError; those about one board raise
    CloudBoardError where it is offline, unknown or not ours, which says nothing of the
    account. The token is in a header of the requests and nowhere else.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        token: str,
        base_url: str,
        *,
        product: str | None = None,
        on_call: Callable[[ParticleCall], None] | None = None,
        timeout_s: float = 10,
        idle_s: float = IDLE_S,
    ) -> None:
        """Talk to `base_url` (scheme, host, port), about all boards or a product's.

        `on_call` hears of each request that is about to be sent, and may refuse it by
        raising CloudQuotaError. A stream that is silent for `idle_s` has broken.
        """
        self._session = session
        self._token = token
        self._base_url = base_url
        self._product = product
        self._on_call = on_call
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._stream_timeout = stream_timeout(idle_s)

    @override
    def __repr__(self) -> str:
        """Return the client without its token."""
        return f"<{type(self).__name__}>"

    async def token_info(self) -> TokenInfo:
        """Return what the cloud tells of the token, so that it is valid."""
        return parse.token_info(await self._get("token", "access_tokens", "current"))

    async def devices(self) -> tuple[ParticleDevice, ...]:
        """Return all boards of the account, or of the product, page by page."""
        if self._product is None:
            return parse.devices(await self._get("boards", "devices"))
        found: dict[str, ParticleDevice] = {}
        page, pages = 1, 1
        while page <= min(pages, MAX_PAGES):
            boards, pages = parse.product_devices(
                await self._get(
                    "boards",
                    *self._scope,
                    "devices",
                    query={"page": str(page), "perPage": str(PER_PAGE)},
                )
            )
            found.update((board.board_id, board) for board in boards)
            page += 1
        return tuple(found.values())

    async def device(self, board_id: str) -> ParticleDevice:
        """Return one board with its variables."""
        return parse.device(
            await self._get("board", *self._scope, "devices", board_id, of_board=True)
        )

    async def variable(self, board_id: str, name: str) -> VariableValue:
        """Ask a board for a variable; it answers while it is online."""
        reply = await self._get(
            "variable", *self._scope, "devices", board_id, name, of_board=True
        )
        return parse.variable(reply, board_id, name)

    async def events(self) -> AsyncGenerator[EventBatch]:
        """Yield what the stream of all boards brings, chunk by chunk.

        The first batch is empty: the stream is open. An empty one later is a keep-alive.
        Ends when the cloud ends the stream, which may be for any reason: an expired token
        is one. Raises what the other methods raise, CloudOutageError when it falls silent.
        """
        scope = self._scope or ("devices",)
        url = self._url(*scope, "events")
        self._count(ParticleCall.STREAM)
        stream = event_stream(
            "events",
            lambda: self._session.get(
                url,
                headers={
                    **self._authorization,
                    "Accept": "text/event-stream",
                    # Who compresses a stream may hold its events back.
                    "Accept-Encoding": "identity",
                },
                timeout=self._stream_timeout,
                allow_redirects=False,
            ),
            lambda reply: _check("events", reply),
        )
        async with aclosing(stream):
            async for events in stream:
                yield parse.event_batch(events)

    @property
    def _scope(self) -> tuple[str, ...]:
        """Return where in the account this client looks."""
        return () if self._product is None else ("products", self._product)

    @property
    def _authorization(self) -> dict[str, str]:
        """Return the header with the token."""
        return {"Authorization": f"Bearer {self._token}"}

    def _url(self, *path: str) -> URL:
        """Return an address of the API; raises CloudRequestError for an odd part."""
        if not all(map(parse.is_id, path)):
            raise CloudRequestError("not an id")
        failure: CloudError | None = None
        try:
            return URL(self._base_url).joinpath("v1", *path)
        except ValueError:
            failure = CloudRequestError("not a server address")
        raise failure

    def _count(self, call: ParticleCall) -> None:
        """Tell that a call is about to be made."""
        if self._on_call is not None:
            self._on_call(call)

    async def _get(
        self,
        name: str,
        *path: str,
        query: dict[str, str] | None = None,
        of_board: bool = False,
    ) -> Any:
        """Return the decoded reply to a request; `name` is what an error calls it."""
        url = self._url(*path).with_query(query or {})
        self._count(ParticleCall.REQUEST)
        # A redirect leads to a page for people, and would carry the token elsewhere.
        reply = await exchange(
            name,
            lambda: self._session.get(
                url,
                headers=self._authorization,
                timeout=self._timeout,
                allow_redirects=False,
            ),
        )
        _check(name, reply, of_board=of_board)
        try:
            return parse.decode(reply.body)
        except CloudError as err:
            failure = type(err)(f"{name}: {err}")
        raise failure


def _check(name: str, reply: Reply, *, of_board: bool = False) -> None:
    """Raise the kind of error that a reply's status stands for."""
    wait = retry_after(reply.headers.get("Retry-After"))
    error = status_error(name, reply.status, reply.body, wait, of_board=of_board)
    if error is not None:
        raise error
