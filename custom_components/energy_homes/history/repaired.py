"""What came of the repair of a meter or a room."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..metering.gaps import Gap
from ..models import Problem


@dataclass(slots=True)
class Repaired:
    """What was found of a meter or room and what became of it, in slots.

    `problem` says why it does not go on for now: the vendor is asked again later.
    `room_id` is our own id of a room, None for a meter.
    """

    name: str
    found: int = 0
    vendor: int = 0
    interpolated: int = 0
    calls: int = 0
    left: Sequence[Gap] = ()
    problem: Problem | None = None
    room_id: str | None = None
