"""The address of a server, as somebody types it."""

from typing import Final

from homeassistant.const import CONF_URL
from yarl import URL

from .refused import Refused

SCHEMES: Final = ("http", "https")


def server_address(text: str) -> str:
    """Return a server's address without outer blanks and slashes.

    Raises Refused where it is missing or none.
    """
    if not (text := text.strip()):
        raise Refused("url_needed", CONF_URL)
    try:
        url = URL(text)
    except ValueError:
        url = URL()
    # A user name, a password or a query would be shown wherever the address is.
    if (
        url.scheme not in SCHEMES
        or not url.host
        or url.user is not None
        or url.password is not None
        or url.query_string
        or url.fragment
    ):
        raise Refused("invalid_url", CONF_URL)
    return str(url).rstrip("/")
