"""Pushes readings to a spreadsheet's script, as the boards' old server did."""

from collections.abc import Iterable
from typing import Final

import aiohttp
from yarl import URL

from .errors import CloudError, CloudRequestError
from .exchange import exchange

TIMEOUT: Final = aiohttp.ClientTimeout(total=60, connect=15)
"""A script may take half a minute."""

MAX_REDIRECTS: Final = 5
"""A script's endpoint answers with a redirect to its output."""

_NAMES: Final = ("function", "dataString")
_WHO: Final = "The address for readings"


class PushRefusedError(CloudError):
    """The receiver does not take the readings: it answered with `status`."""

    def __init__(self, status: int) -> None:
        """Store what was answered."""
        super().__init__(f"status {status}")
        self.status = status


def is_push_url(text: str) -> bool:
    """Return whether readings can be pushed to an address."""
    try:
        url = URL(text.strip())
    except ValueError:
        return False
    return url.scheme in {"http", "https"} and bool(url.host)


def push_url(address: str, readings: Iterable[float]) -> URL:
    """Return what is called for readings in kWh; the address keeps the query it has.

    Raises CloudRequestError where there is no such address.
    """
    if not is_push_url(address):
        raise CloudRequestError(f"{_WHO}: not a server address")
    url = URL(address.strip()).with_fragment(None)
    kept = [
        part
        for part in url.raw_query_string.split("&")
        if part and part.partition("=")[0] not in _NAMES
    ]
    values = ",".join(f"{reading:.2f}" for reading in readings)
    kept += ["function=updateSheet", f"dataString={values}"]
    return URL(f"{url.with_query(None)}?{'&'.join(kept)}", encoded=True)


async def push(
    session: aiohttp.ClientSession, address: str, readings: Iterable[float]
) -> int:
    """Push readings in kWh by GET; return the status that the receiver answered.

    Raises CloudRequestError for an impossible address, PushRefusedError for a status that is
    no success and CloudOutageError where none came. None of them holds the address.
    """
    url = push_url(address, readings)
    reply = await exchange(
        _WHO,
        lambda: session.get(url, timeout=TIMEOUT, max_redirects=MAX_REDIRECTS),
        body=False,
    )
    if not 200 <= reply.status < 300:
        raise PushRefusedError(reply.status)
    return reply.status
