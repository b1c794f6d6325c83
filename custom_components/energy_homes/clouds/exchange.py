"""One request and its reply, with what goes wrong on the way raised as the cloud's errors."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Final, NamedTuple

import aiohttp

from .errors import CloudError, CloudOutageError, CloudRequestError

REQUEST_ERRORS: Final = (aiohttp.ClientError, OSError, ValueError, TypeError)
"""What aiohttp raises for a request; a TimeoutError is an OSError."""

_NO_ADDRESS: Final = (
    aiohttp.InvalidURL,
    aiohttp.NonHttpUrlClientError,
    ValueError,
    TypeError,
)


class Reply(NamedTuple):
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def exchange(
    name: str,
    request: Callable[[], AbstractAsyncContextManager[aiohttp.ClientResponse]],
    *,
    body: bool = True,
) -> Reply:
    """Make a request and return its whole reply; `name` is what an error calls it.

    Without `body` nothing of that is read.

    Raises CloudRequestError for an impossible address and CloudOutageError where no reply
    comes. No exception with a URL, which may hold a credential, is a cause or a context.
    """
    failure: CloudError
    try:
        async with request() as response:
            content = await response.read() if body else b""
            return Reply(response.status, response.headers, content)
    except REQUEST_ERRORS as error:
        failure = request_failure(name, error)
    raise failure


def request_failure(name: str, error: Exception) -> CloudError:
    """Return what one of REQUEST_ERRORS says, without what it holds.

    It is to be raised where no exception is handled, so that none becomes its context.
    """
    if isinstance(error, _NO_ADDRESS):
        return CloudRequestError(f"{name}: not a server address")
    if isinstance(error, TimeoutError):
        return CloudOutageError(f"{name}: no reply in time")
    if isinstance(error, aiohttp.TooManyRedirects):
        return CloudOutageError(f"{name}: redirected again and again")
    if isinstance(error, aiohttp.ClientPayloadError):
        return CloudOutageError(f"{name}: reply cut off")
    return CloudOutageError(f"{name}: no connection")
