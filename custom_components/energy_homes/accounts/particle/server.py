"""Which server a Particle account talks to."""

import os
from typing import Final

PARTICLE_URL_VARIABLE: Final = "ENERGY_HOMES_PARTICLE_URL"

_SERVER: Final = "https://api.particle.io"


def particle_url(url: str | None = None) -> str:
    """Return a Particle cloud's scheme, host and port: an account's own, or the vendor's.

    The environment stands in for the vendor's own address only.
    """
    return (url or os.environ.get(PARTICLE_URL_VARIABLE) or _SERVER).rstrip("/")
