"""How many calls Particle takes from one public address, over all accounts. Pure.

The cloud counts what comes from an address, whoever asks. So one budget serves all accounts
of Home Assistant; a part of it is left to people's own doing, and to other programs.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from ...clouds.errors import CloudQuotaError
from ...clouds.particle.client import ParticleCall
from ..quota import CallPriority, QuotaLog, QuotaWindow

SPAN: Final = timedelta(minutes=5)

LIMITS: Final = {
    ParticleCall.REQUEST: QuotaWindow(10_000, SPAN),
    ParticleCall.STREAM: QuotaWindow(100, SPAN),
}
"""So many requests, and so many openings of streams, does the cloud take."""

OPEN_STREAMS: Final = 100
"""So many streams may be open at once."""

_FULL_WAIT: Final = timedelta(minutes=1)


class ParticleBudget:
    """The calls of all accounts together. Instants are aware."""

    def __init__(
        self,
        limits: Mapping[ParticleCall, QuotaWindow] = LIMITS,
        open_streams: int = OPEN_STREAMS,
    ) -> None:
        """Start without a call."""
        self._logs = {call: QuotaLog((limit,)) for call, limit in limits.items()}
        self._most_open = open_streams
        self._open = 0

    @property
    def open_streams(self) -> int:
        """Return how many streams are open, or being opened, now."""
        return self._open

    def wait(
        self,
        call: ParticleCall,
        now: datetime,
        priority: CallPriority = CallPriority.POLL,
    ) -> timedelta:
        """Return how long to wait until a call may be made; zero where it may be now."""
        wait = self._logs[call].wait(priority, now)
        if call is ParticleCall.STREAM and self._open >= self._most_open:
            return max(wait, _FULL_WAIT)
        return wait

    def take(
        self,
        call: ParticleCall,
        now: datetime,
        priority: CallPriority = CallPriority.POLL,
    ) -> None:
        """Count a call that is about to be made.

        Raises CloudQuotaError, and counts nothing, where the budget is spent.
        """
        if (wait := self.wait(call, now, priority)) > timedelta():
            raise CloudQuotaError("our own limit of calls is reached", wait)
        self._logs[call].record(now)

    @contextmanager
    def streaming(self) -> Iterator[None]:
        """Count a stream as open for as long as this is."""
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1
