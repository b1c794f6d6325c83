"""A Particle account's calls: within what the cloud takes from our address, and counted."""

from typing import Final

from homeassistant.util import dt as dt_util

from ...clouds.particle.client import ParticleCall
from ..budget import DAY, HOUR, CallBudget, CallKind
from .budget import ParticleBudget

_COUNTED: Final = {
    ParticleCall.REQUEST: CallKind.LIVE,
    ParticleCall.STREAM: CallKind.HISTORY,
}
"""How the account's calls are told apart where nothing limits them: only for its sensors."""


class ParticleCalls:
    """The calls of one account, which shares the address's budget with others."""

    def __init__(self, address: ParticleBudget) -> None:
        """Begin without a call."""
        self._address = address
        self._made = CallBudget({})

    @property
    def last_hour(self) -> int:
        """Return how many calls were made in the last hour, streams too."""
        return self._made.count(HOUR, dt_util.utcnow())

    @property
    def last_day(self) -> int:
        """Return how many calls were made in the last day, streams too."""
        return self._made.count(DAY, dt_util.utcnow())

    @property
    def stream_opens_last_hour(self) -> int:
        """Return how many times the stream was opened in the last hour."""
        return self._made.count(HOUR, dt_util.utcnow(), _COUNTED[ParticleCall.STREAM])

    def take(self, call: ParticleCall) -> None:
        """Count a call that is about to be made; raises CloudQuotaError at our limit."""
        now = dt_util.utcnow()
        self._address.take(call, now)
        self._made.record(_COUNTED[call], now)
