"""What forms do about Particle accounts."""

from types import MappingProxyType
from typing import Final

from ...const import SUBENTRY_PARTICLE_BOARD, EntryKind
from ..kind import AccountFlow
from ..sources.assign import meter_offers
from .account import ParticleSteps
from .board import ParticleBoardSubentryFlow

FLOW: Final = AccountFlow(
    kind=EntryKind.PARTICLE,
    reauth=ParticleSteps.async_step_reauth_particle,
    reconfigure=ParticleSteps.async_step_reconfigure_particle,
    subentries=MappingProxyType({SUBENTRY_PARTICLE_BOARD: ParticleBoardSubentryFlow}),
    offers=meter_offers,
)
