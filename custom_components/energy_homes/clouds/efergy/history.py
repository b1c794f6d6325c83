"""What Efergy's history says of a meter's energy, as answers for slots. Pure."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

from ...metering.counter import UNITS_PER_KWH
from ...metering.gap_fill import Answer
from ...metering.gap_plan import HOUR_S, Call
from ...metering.model import MAX_POWER
from ..errors import CloudNonsenseError
from .models import WATT_MINUTES_PER_KWH, EnergySum, MeterHistory, SeriesPoint

MINUTE_S: Final = 60
LONGEST_SERIES_S: Final = 86_400
"""A day of minutes is what one call is asked for."""

SUM_HALF_UNIT: Final = UNITS_PER_KWH // 200
"""Sums are rounded to a hundredth of a kWh: half of one in micro-Wh."""


def instants(call: Call) -> tuple[datetime, datetime]:
    """Return the span of a call."""
    start, end = (
        datetime.fromtimestamp(at_s, UTC) for at_s in (call.start_s, call.end_s)
    )
    return start, end


def series_answers(
    meters: Iterable[MeterHistory], sid: str, call: Call
) -> list[Answer]:
    """Return a meter's buckets in the span of a call, in micro-Wh.

    Buckets are as long as the shortest time between two stamps, whatever was asked for; a
    single stamp does not say how long its bucket is. Raises CloudNonsenseError where the
    numbers are no watt-minutes of a home.
    """
    history = next((meter for meter in meters if meter.sid == sid), None)
    if history is None or len(history.points) < 2:
        return []
    if (history.units or "").lower() != "wm":
        raise CloudNonsenseError("history in another unit than watt-minutes")
    return _answers(history.points, call, WATT_MINUTES_PER_KWH)


def household_answers(points: Sequence[SeriesPoint], call: Call) -> list[Answer]:
    """Return the household's buckets of kWh in the span of a call, in micro-Wh.

    Their length is as in `series_answers`. Raises CloudNonsenseError where the numbers are
    none of a home.
    """
    return _answers(points, call, 1) if len(points) >= 2 else []


def _answers(points: Sequence[SeriesPoint], call: Call, per_kwh: int) -> list[Answer]:
    """Return two buckets or more that lie in the span of a call; so many units are a kWh."""
    bucket_s = min(
        (after.at - before.at) // timedelta(seconds=1)
        for before, after in pairwise(points)
    )
    if bucket_s < 1:
        raise CloudNonsenseError("history with the same stamp twice")
    most = MAX_POWER / 1000 * bucket_s / HOUR_S * per_kwh
    answers: list[Answer] = []
    for point in points:
        start_s = int(point.at.timestamp())
        if not call.start_s <= start_s <= call.end_s - bucket_s:
            continue
        energy = None
        if point.value is not None:
            if not 0 <= point.value <= most:
                raise CloudNonsenseError("history that no home has")
            energy = round(point.value * UNITS_PER_KWH / per_kwh)
        answers.append(Answer(start_s, start_s + bucket_s, energy))
    return answers


def sum_answer(found: EnergySum, call: Call) -> Answer:
    """Return the household's energy in the span of a call, in micro-Wh.

    A sum of nothing is not known: the vendor says 0.00 also where it knows nothing. Nor is
    one of another span. Raises CloudNonsenseError where no home used so much.
    """
    length_s = call.end_s - call.start_s
    energy = None
    if found.energy and found.duration in {None, timedelta(seconds=length_s)}:
        if not 0 < found.energy <= MAX_POWER / 1000 * length_s / HOUR_S:
            raise CloudNonsenseError("a sum that no home has")
        energy = round(found.energy * UNITS_PER_KWH)
    return Answer(call.start_s, call.end_s, energy)
