"""What Netatmo's history says of a room's temperature, as answers for slots. Pure."""

from collections.abc import Iterable, Sequence
from typing import Final

from ...metering.gap_plan import HOUR_S
from ...metering.room_history import HALF_HOUR_S, RoomAnswer, RoomCall
from ..errors import CloudNonsenseError
from .models import MeasurePoint, MeasureScale
from .parse import COLDEST, HOTTEST

ROOM_TYPES: Final = ("temperature", "min_temp", "max_temp")
"""What a room's history is asked for: mean, lowest and highest of each bucket, in °C."""

SCALES: Final = {HALF_HOUR_S: MeasureScale.HALF_HOUR, HOUR_S: MeasureScale.HOUR}
"""The vendor's names of the buckets that are asked for, by their length in seconds."""

ROUNDING: Final = 0.1
"""A rounded mean may be so far beyond the lowest and highest temperature, in °C."""


def room_answers(points: Iterable[MeasurePoint], call: RoomCall) -> list[RoomAnswer]:
    """Return the buckets in the span of a call that the vendor knows, in time order.

    A bucket that contradicts itself, or has what no room has, is not known. Raises
    CloudNonsenseError where that is all of them, and where stamps are not those of the
    buckets that were asked for.
    """
    answers: list[RoomAnswer] = []
    nonsense = 0
    for point in points:
        start_s = int(point.at.timestamp())
        if (start_s - call.start_s) % call.bucket_s:
            raise CloudNonsenseError("history of other spans than was asked for")
        if not call.start_s <= start_s < call.end_s:
            continue
        mean, low, high = (*point.values, None, None, None)[:3]
        if mean is None:
            continue
        low, high = mean if low is None else low, mean if high is None else high
        if not _possible(mean, low, high):
            nonsense += 1
            continue
        answers.append(
            RoomAnswer(
                start_s,
                start_s + call.bucket_s,
                mean,
                min(low, mean),
                max(high, mean),
            )
        )
    if nonsense and not answers:
        raise CloudNonsenseError("temperatures that no room has")
    return answers


def _possible(mean: float, low: float, high: float) -> bool:
    """Return whether a bucket's temperatures are those of a room, and in order."""
    values: Sequence[float] = (low, mean, high)
    return (
        all(COLDEST <= value <= HOTTEST for value in values)
        and low <= high
        and low - ROUNDING <= mean <= high + ROUNDING
    )
