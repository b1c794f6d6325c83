"""Particle's call limit, which counts by public address and so for all accounts together."""

from homeassistant.core import HomeAssistant, callback
from homeassistant.util.hass_dict import HassKey

from ...const import DOMAIN
from .budget import ParticleBudget

DATA_PARTICLE_BUDGET: HassKey[ParticleBudget] = HassKey(f"{DOMAIN}_particle_budget")


@callback
def address_budget(hass: HomeAssistant) -> ParticleBudget:
    """Return the calls of our address, kept for as long as Home Assistant runs."""
    if (budget := hass.data.get(DATA_PARTICLE_BUDGET)) is None:
        budget = hass.data[DATA_PARTICLE_BUDGET] = ParticleBudget()
    return budget
