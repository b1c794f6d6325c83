"""Where the waits of accounts get their chance from."""

from collections.abc import Callable
from random import Random
from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN

DATA_CHANCE: Final[HassKey[Callable[[], Random]]] = HassKey(f"{DOMAIN}_chance")
"""What makes sources of chance, where it is not the machine that seeds them."""


@callback
def async_chance(hass: HomeAssistant) -> Random:
    """Return a source of chance that is its caller's own."""
    return hass.data.get(DATA_CHANCE, Random)()
