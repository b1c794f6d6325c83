"""How far each question for a meter's past reaches, newest first, and what is done of it. Pure.

The newest day is asked for in minutes, so that the slots that people look at first are as
they were; what is before it in hours, a month at a time: a year costs about a dozen calls.
Instants are Unix seconds, spans are half-open.
"""

from dataclasses import dataclass
from typing import Final

from .periods import SLOT_S

HOUR_S: Final = 3600
FINE_S: Final = 86_400
"""So much before the newest instant is asked for in minutes."""

COARSE_S: Final = 31 * 86_400
"""So much is asked for in hours at once."""

EMPTY_IS_THE_END: Final = 2
"""After so many answers in a row in which nothing is known there is nothing earlier."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A span to ask for at once, in minutes where it is `fine`, else in hours."""

    start_s: int
    end_s: int
    fine: bool


def next_chunk(floor_s: int, down_to_s: int, end_s: int) -> Chunk:
    """Return the newest span of `[floor_s, down_to_s)` that is to be asked for at once.

    `end_s` is where the past ends. Spans begin on the hour, except for the last of them.
    Raises ValueError where nothing is left, or an instant is not the bound of a slot.
    """
    if floor_s >= down_to_s or floor_s % SLOT_S or down_to_s % SLOT_S or end_s % SLOT_S:
        raise ValueError(f"No slots are in [{floor_s}, {down_to_s})")
    # Of a day that ends within an hour the minutes of 23 hours and that part of one.
    fine_from_s = -(-end_s // HOUR_S) * HOUR_S - FINE_S
    fine = down_to_s > fine_from_s
    start_s = fine_from_s if fine else -(-down_to_s // HOUR_S) * HOUR_S - COARSE_S
    return Chunk(max(start_s, floor_s), down_to_s, fine)


def share_done(floor_s: int, down_to_s: int, end_s: int) -> float:
    """Return the share of a past that is done, 0 ... 1; 1 where there is none."""
    if end_s <= floor_s:
        return 1.0
    return min(max((end_s - down_to_s) / (end_s - floor_s), 0.0), 1.0)
