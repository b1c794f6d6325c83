"""A stream of server-sent events over HTTP, from its opening to its end."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Final

import aiohttp

from ..errors import CloudError, CloudOutageError
from ..exchange import REQUEST_ERRORS, Reply, request_failure
from .event_reader import EventReader, ServerEvent

IDLE_S: Final = 35.0
"""A stream that says nothing for so long is dead, whatever TCP believes.

Particle keeps streams alive every 9 to 13 s, so that nearly three have not come by then.
"""

_CONNECT_S: Final = 10.0
_LONGEST_REFUSAL: Final = 65_536
_SLICE: Final = 2048
"""So much of what has come is read at once, of a hundred boards a dozen events."""

_MEDIA_TYPE: Final = "text/event-stream"


def stream_timeout(idle_s: float = IDLE_S) -> aiohttp.ClientTimeout:
    """Return the timeouts of a request for a stream: none for the whole."""
    return aiohttp.ClientTimeout(
        total=None, connect=None, sock_connect=_CONNECT_S, sock_read=idle_s
    )


async def event_stream(
    name: str,
    request: Callable[[], AbstractAsyncContextManager[aiohttp.ClientResponse]],
    check: Callable[[Reply], None],
) -> AsyncGenerator[tuple[ServerEvent, ...]]:
    """Yield what each chunk of a stream brings; `name` is what an error calls the stream.

    The first is empty and says that the stream is open; later ones are empty where only a
    keep-alive came. Ends when the server ends the stream. `check` is handed a reply with
    another status than 200, and raises what it means. Raises CloudRequestError for an
    impossible address, and CloudOutageError where no stream comes, where it breaks and
    where it falls silent. No exception holds a URL.
    """
    reader = EventReader()
    failure: CloudError
    try:
        async with request() as response:
            if response.status != 200:
                body = bytearray()
                async for chunk in response.content.iter_any():
                    body += chunk
                    if len(body) > _LONGEST_REFUSAL:
                        break
                check(Reply(response.status, response.headers, bytes(body)))
                raise CloudOutageError(f"{name}: HTTP status {response.status}")
            if response.content_type != _MEDIA_TYPE:
                raise CloudOutageError(f"{name}: not a stream")
            yield ()
            async for chunk in response.content.iter_chunked(_SLICE):
                yield tuple(reader.feed(chunk))
                if len(chunk) == _SLICE:
                    # More may have gathered: the loop is not held for all of it.
                    await asyncio.sleep(0)
            return
    except REQUEST_ERRORS as error:
        failure = request_failure(name, error)
    raise failure
