"""One request and its reply, with what goes wrong on the way told as the cloud's errors."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple

import aiohttp

from .errors import CloudError, CloudOutageError, CloudRequestError


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
    except aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError, ValueError, TypeError:
        failure = CloudRequestError(f"{name}: not a server address")
    except TimeoutError:
        failure = CloudOutageError(f"{name}: no reply in time")
    except aiohttp.TooManyRedirects:
        failure = CloudOutageError(f"{name}: redirected again and again")
    except aiohttp.ClientPayloadError:
        failure = CloudOutageError(f"{name}: reply cut off")
    except aiohttp.ClientError, OSError:
        failure = CloudOutageError(f"{name}: no connection")
    raise failure
