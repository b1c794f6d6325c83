"""What rows of long-term statistics say of energy, as answers for slots.

Instants are Unix seconds, sums in kWh, powers in W; rows are in order of time.
"""

from collections.abc import Iterable, Mapping
from itertools import pairwise

from .counter import UNITS_PER_KWH
from .gap_fill import Answer
from .model import MAX_POWER

type Rows = Mapping[int, float]
"""The value of each row by its start."""


def sum_answers(rows: Rows, length_s: int, *, from_zero: bool = False) -> list[Answer]:
    """Return what was used in the rows of a sum, each of them `length_s` long.

    Over hours that have no row it is what was used in all of them. The first row says how
    much only where its sum began `from_zero`. A sum that falls, or rises by more than any
    home uses, was set: that says nothing.
    """
    answers: list[Answer] = []
    before: tuple[int, float] | None = None
    for start_s, total in rows.items():
        if before is None and from_zero:
            before = start_s, 0.0
        if before is not None:
            answers += _answer(before[0], start_s + length_s, total - before[1])
        before = start_s + length_s, total
    return answers


def mean_answers(rows: Rows, length_s: int) -> list[Answer]:
    """Return the energy of mean powers; a negative mean is what was returned on balance."""
    kwh_per_w = length_s / 3_600_000
    answers: list[Answer] = []
    for start_s, power in rows.items():
        energy = power * kwh_per_w
        answers += _answer(start_s, start_s + length_s, max(energy, 0), max(-energy, 0))
    return answers


def finest(hours: Iterable[Answer], shorter: Iterable[Answer]) -> list[Answer]:
    """Return answers without those that shorter ones tell whole, in order of time."""
    fine = sorted(shorter, key=lambda one: one.start_s)
    gaps = [(one.end_s, other.start_s) for one, other in pairwise(fine)]
    broken = [gap for gap in gaps if gap[0] != gap[1]]
    coarse = [
        one
        for one in hours
        if not fine
        or one.start_s < fine[0].start_s
        or one.end_s > fine[-1].end_s
        or any(one.start_s < gap[1] and gap[0] < one.end_s for gap in broken)
    ]
    return sorted([*coarse, *fine], key=lambda one: (one.start_s, one.end_s))


def _answer(start_s: int, end_s: int, used: float, returned: float = 0) -> list[Answer]:
    """Return an answer, given in kWh, or none where no home uses or returns so much."""
    most = MAX_POWER / 1000 * (end_s - start_s) / 3600
    if used < 0 or max(used, returned) > most:
        return []
    return [
        Answer(
            start_s,
            end_s,
            round(used * UNITS_PER_KWH),
            round(returned * UNITS_PER_KWH),
        )
    ]
