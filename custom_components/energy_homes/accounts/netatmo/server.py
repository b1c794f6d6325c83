"""Which server Netatmo accounts talk to."""

import os
from typing import Final

NETATMO_URL_VARIABLE: Final = "ENERGY_HOMES_NETATMO_URL"

_SERVER: Final = "https://api.netatmo.com"


def netatmo_url() -> str:
    """Return the Netatmo cloud's scheme, host and port; the environment may stand in."""
    return (os.environ.get(NETATMO_URL_VARIABLE) or _SERVER).rstrip("/")
