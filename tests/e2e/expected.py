"""What the energy must be, from what the simulated meters published."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

SLOT = timedelta(minutes=5)
SETTLE_DELAY = timedelta(seconds=90)
MS_WATTS_PER_KWH = 3.6e9

SENSOR_STEP = 0.1001
"""°C that a room's sensor tells apart."""

NEAR = 1.5
"""°C that a room may move between two readings, with its window open and its valve too."""

# Long enough for the reading before a slot and the one after it.
AROUND = timedelta(minutes=2)


def slot_start(instant: datetime) -> datetime:
    """Return the start of the slot that an instant is in."""
    return datetime.fromtimestamp(instant.timestamp() // 300 * 300, UTC)


def slot_energy(published: Sequence[tuple[int, int]], start: datetime) -> float:
    """Return the kWh of a slot from readings as epoch milliseconds and watts.

    A reading holds from the reading before it up to its own stamp.
    """
    begin = start.timestamp() * 1000
    end = (start + SLOT).timestamp() * 1000
    assert published[0][0] <= begin, "no reading before the slot"
    assert published[-1][0] >= end, "no reading after the slot"
    return (
        sum(
            watts * max(0, min(stamp, end) - max(before, begin))
            for (before, _), (stamp, watts) in pairwise(published)
        )
        / MS_WATTS_PER_KWH
    )
