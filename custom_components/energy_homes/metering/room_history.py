"""Which questions fill the gaps of a room's temperature, and what their answers make known.

A vendor tells a room's past in buckets: the mean, lowest and highest temperature of half an
hour, or of an hour. A temperature is a state, not a sum: all slots that are missing in a
bucket get what the bucket says, and no known slot is changed.

Temperatures are in °C, instants Unix seconds.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final

from .gap_fill import slots_between
from .gap_plan import HOUR_S, Call, series_calls
from .gaps import Gap
from .model import SLOT, Provenance
from .periods import SLOT_S
from .temperature import RoomSlot

HALF_HOUR_S: Final = 1800
MOST_BUCKETS: Final = 1024
"""So many buckets one question is answered with at most."""


@dataclass(frozen=True, slots=True)
class RoomCall(Call):
    """A question for buckets of `bucket_s` that begin at `start_s`."""

    bucket_s: int


@dataclass(frozen=True, slots=True)
class RoomAnswer:
    """What a vendor knows of a room in `[start_s, end_s)`; `low <= mean <= high`."""

    start_s: int
    end_s: int
    mean: float
    low: float
    high: float


def room_calls(gaps: Iterable[Gap]) -> list[RoomCall]:
    """Return the fewest questions that cover all gaps, newest first.

    They begin and end on the hour, so that an hour's lowest and highest temperature are
    its own. Half hours where one question has room for them, else hours.
    """
    return [
        RoomCall(
            call.start_s,
            call.end_s,
            HALF_HOUR_S
            if call.end_s - call.start_s <= MOST_BUCKETS * HALF_HOUR_S
            else HOUR_S,
        )
        for call in series_calls(gaps, bucket_s=HOUR_S, longest_s=MOST_BUCKETS * HOUR_S)
    ]


def ripe(gaps: Iterable[Gap], now_s: int) -> list[Gap]:
    """Return the gaps whose last hour is over, so that its buckets are whole."""
    return [one for one in gaps if -(-one.stop // HOUR_S) * HOUR_S <= now_s]


def fill_room(gaps: Iterable[Gap], answers: Iterable[RoomAnswer]) -> list[RoomSlot]:
    """Return the slots of gaps that answers make known, in order.

    A slot that is not whole within a bucket stays unknown. Of two answers for one slot the
    first counts.
    """
    wanted = {start_s for one in gaps for start_s in one}
    filled: dict[int, RoomSlot] = {}
    for answer in answers:
        first_s = -(-answer.start_s // SLOT_S) * SLOT_S
        for start_s in range(first_s, answer.end_s - SLOT_S + 1, SLOT_S):
            if start_s in wanted:
                wanted.remove(start_s)
                filled[start_s] = RoomSlot(
                    start=datetime.fromtimestamp(start_s, UTC),
                    mean=answer.mean,
                    low=answer.low,
                    high=answer.high,
                    provenance=Provenance.VENDOR,
                )
    return [slot for _, slot in sorted(filled.items())]


def interpolated_room(known: Iterable[RoomSlot], gaps: Iterable[Gap]) -> list[RoomSlot]:
    """Return the slots of gaps that lie between known slots, two in a row at most.

    Each leads in a straight line from the mean before it to the one after it. Known slots
    are in order. A run that is not within one gap stays as it is.
    """
    spans = list(gaps)
    found: list[RoomSlot] = []
    for one, other in pairwise(known):
        count = slots_between(
            int(one.start.timestamp()), int(other.start.timestamp()), spans
        )
        if not count:
            continue
        assert one.mean is not None
        assert other.mean is not None
        for number in range(1, count + 1):
            mean = one.mean + (other.mean - one.mean) * number / (count + 1)
            found.append(
                RoomSlot(
                    start=one.start + number * SLOT,
                    mean=mean,
                    low=mean,
                    high=mean,
                    provenance=Provenance.INTERPOLATED,
                )
            )
    return found
