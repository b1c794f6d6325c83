"""Base addresses of the vendor clouds: the one place that knows them."""

import os
from typing import Final

from ..const import EfergyServer

EFERGY_URL_VARIABLE: Final = "ENERGY_HOMES_EFERGY_URL"
NETATMO_URL_VARIABLE: Final = "ENERGY_HOMES_NETATMO_URL"
PARTICLE_URL_VARIABLE: Final = "ENERGY_HOMES_PARTICLE_URL"

_EFERGY: Final = {
    EfergyServer.ENGAGE: "https://engage.efergy.com",
    EfergyServer.ENERGYHIVE: "https://www.energyhive.com",
}
_NETATMO: Final = "https://api.netatmo.com"
_PARTICLE: Final = "https://api.particle.io"


def base_url(server: EfergyServer, url: str | None = None) -> str:
    """Return an Efergy server's scheme, host and port.

    `url` is the address of the server "other". The environment stands in for the vendor's
    own addresses only. Raises ValueError where "other" comes without an address.
    """
    if server is EfergyServer.OTHER:
        if not url:
            raise ValueError("the server 'other' needs an address")
        return url.rstrip("/")
    return (os.environ.get(EFERGY_URL_VARIABLE) or _EFERGY[server]).rstrip("/")


def netatmo_url() -> str:
    """Return the Netatmo cloud's scheme, host and port; the environment may stand in."""
    return (os.environ.get(NETATMO_URL_VARIABLE) or _NETATMO).rstrip("/")


def particle_url(url: str | None = None) -> str:
    """Return a Particle cloud's scheme, host and port: an account's own, or the vendor's.

    The environment stands in for the vendor's own address only.
    """
    return (url or os.environ.get(PARTICLE_URL_VARIABLE) or _PARTICLE).rstrip("/")
