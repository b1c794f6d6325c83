"""How long a sensor that reports by itself may be silent. Pure."""

from collections import deque
from datetime import datetime, timedelta
from typing import Final

USUAL_SPACING: Final = timedelta(minutes=1)
"""How often sensor daemons report, for as long as nothing else is learned."""

LEARNED_GAPS: Final = 8
"""How many gaps between reports the usual spacing is learned from."""

MISSED_REPORTS: Final = 5
"""A sensor that missed so many reports is not there."""

LEAST_SILENCE: Final = timedelta(minutes=2)
MOST_SILENCE: Final = timedelta(hours=1)
"""A sensor is never given up before the one, and never waited for beyond the other."""


class Silence:
    """Learns from when a sensor is heard how long it may be silent."""

    __slots__ = ("_gaps", "at")

    def __init__(self, at: datetime) -> None:
        """Begin with the first report, aware."""
        self.at = at
        self._gaps: deque[timedelta] = deque(maxlen=LEARNED_GAPS)

    def heard(self, at: datetime) -> None:
        """Note a report; of a clock that was set back nothing is learned."""
        if at > self.at:
            self._gaps.append(at - self.at)
        self.at = at

    @property
    def spacing(self) -> timedelta:
        """Return the usual time between reports: the middle one of the last gaps."""
        if not self._gaps:
            return USUAL_SPACING
        return sorted(self._gaps)[len(self._gaps) // 2]

    @property
    def silent_at(self) -> datetime:
        """Return from when on the sensor is silent, unless it is heard before."""
        longest = MISSED_REPORTS * self.spacing
        return self.at + min(max(longest, LEAST_SILENCE), MOST_SILENCE)
