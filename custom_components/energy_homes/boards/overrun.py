"""Whether a board's buffer was full, so that pulses may be missing. Pure."""

from collections import deque
from datetime import datetime
from typing import Final

from ..metering.pulses import PulseChannel, PulseKind, PulseResult

BUFFER: Final = 5
"""So many pulses of a channel wait in a board; what comes then is lost."""


class BufferWatch:
    """Follows which pulses of one channel were in its board's buffer, and until when.

    A pulse leaves the buffer when it is acknowledged. Where the oldest of five was, later
    than the newest of them happened, pulses between that and the next may be lost. A watch
    begins anew with Home Assistant: the five that waited meanwhile are the first it sees.
    """

    def __init__(self) -> None:
        """Begin with an empty buffer."""
        self._left: deque[tuple[int, datetime]] = deque(maxlen=BUFFER)

    def may_have_lost(
        self, before: PulseChannel, stamp: int, result: PulseResult, arrival: datetime
    ) -> bool:
        """Note a pulse that arrived; return whether others may be missing before it.

        `before` is the channel without it, `arrival` is aware.
        """
        waited = [entry for entry in self._left if entry[0] != stamp]
        if result.kind is PulseKind.DUPLICATE:
            if len(waited) < len(self._left):
                self._left = deque((*waited, (stamp, arrival)), BUFFER)
            return False
        if result.kind in {PulseKind.FIRST, PulseKind.RESTART}:
            waited = []
        # What could not be kept before was not acknowledged then.
        self._left = deque((*waited, (stamp, arrival)), BUFFER)
        oldest = min(at for _, at in waited) if len(waited) == BUFFER else None
        if result.kind is not PulseKind.NEXT or oldest is None or before.at is None:
            return False
        full = oldest - before.at
        return full.total_seconds() * 1000 > (before.period or 0)
