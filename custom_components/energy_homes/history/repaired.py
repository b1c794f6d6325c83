"""What comes of a look for holes, of meters and of rooms alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from ..metering.gaps import Hole
from .problem import Problem

RIPE: Final = timedelta(minutes=10)
"""How long a hole is over before the vendor is asked: its own history has to come in."""

LATE_OVER: Final = timedelta(hours=1)
"""How long a hole is over before it is interpolated: a late reading would be better."""


@dataclass(slots=True)
class Repair:
    """What was found of a meter or room and what became of it, in slots.

    `problem` says why it does not go on for now: the vendor is asked again later.
    `room_id` is our own id of a room, None for a meter.
    """

    name: str
    found: int = 0
    vendor: int = 0
    interpolated: int = 0
    calls: int = 0
    left: Sequence[Hole] = ()
    problem: Problem | None = None
    room_id: str | None = None
