"""Which server an Efergy account talks to."""

import os
from typing import Final

from ...const import EfergyServer

EFERGY_URL_VARIABLE: Final = "ENERGY_HOMES_EFERGY_URL"

_SERVERS: Final = {
    EfergyServer.ENGAGE: "https://engage.efergy.com",
    EfergyServer.ENERGYHIVE: "https://www.energyhive.com",
}


def base_url(server: EfergyServer, url: str | None = None) -> str:
    """Return an Efergy server's scheme, host and port.

    `url` is the address of the server "other". The environment stands in for the vendor's
    own addresses only. Raises ValueError where "other" comes without an address.
    """
    if server is EfergyServer.OTHER:
        if not url:
            raise ValueError("the server 'other' needs an address")
        return url.rstrip("/")
    return (os.environ.get(EFERGY_URL_VARIABLE) or _SERVERS[server]).rstrip("/")
