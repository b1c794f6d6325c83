"""Which questions to a vendor fill gaps, as few as its answers allow.

A *series* answers in buckets of one length over a span of limited length: one question may
cover several gaps. A *sum* answers one number for any span, rounded to two decimals: it is
asked hour by hour, and once over the whole gap, so that the roundings do not add up.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Final

from .gaps import Gap, joined
from .periods import SLOT_S

HOUR_S: Final = 3600

RIPE: Final = timedelta(minutes=10)
"""How long a gap is over before anybody is asked: a vendor's own history has to come in."""

LATE_OVER: Final = timedelta(hours=1)
"""How long a gap is over before it is interpolated: a late reading would be better."""


@dataclass(frozen=True, slots=True)
class Call:
    """A question for `[start_s, end_s)`, in Unix seconds."""

    start_s: int
    end_s: int


@dataclass(frozen=True, slots=True)
class SumCalls:
    """Questions for the sums of one gap: its hours, newest first, and the whole of it.

    `whole` is None where the gap is within one hour and its only piece says it all.
    """

    pieces: tuple[Call, ...]
    whole: Call | None

    @property
    def calls(self) -> tuple[Call, ...]:
        """Return all questions in the order in which they are asked, the whole's last."""
        return self.pieces if self.whole is None else (*self.pieces, self.whole)


def series_calls(gaps: Iterable[Gap], *, bucket_s: int, longest_s: int) -> list[Call]:
    """Return the fewest questions whose buckets cover all gaps, newest first.

    No question is for more than `longest_s`. They begin and end at the bounds of buckets,
    and of slots. Raises ValueError where the one do not fit into the other, or none into
    the longest question.
    """
    grain_s = max(bucket_s, SLOT_S)
    if bucket_s <= 0 or grain_s % min(bucket_s, SLOT_S) or longest_s < grain_s:
        raise ValueError(f"No series has {longest_s} s of {bucket_s} s")
    reach_s = longest_s // grain_s * grain_s
    wanted = [
        (one.start // grain_s * grain_s, -(-one.stop // grain_s) * grain_s)
        for one in joined(gaps)
    ]
    calls: list[Call] = []
    end_s: int | None = None
    start_s = 0
    for first_s, last_s in wanted:
        left_s = last_s if end_s is None else min(last_s, start_s)
        while left_s > first_s:
            if end_s is None or end_s - reach_s >= left_s:
                if end_s is not None:
                    calls.append(Call(start_s, end_s))
                end_s = left_s
            start_s = max(first_s, end_s - reach_s)
            left_s = start_s
    if end_s is not None:
        calls.append(Call(start_s, end_s))
    return calls


def sum_calls(one: Gap) -> SumCalls:
    """Return the questions for the sums of a gap."""
    edges = [
        one.start,
        *range((one.start // HOUR_S + 1) * HOUR_S, one.stop, HOUR_S),
        one.stop,
    ]
    pieces = tuple(Call(*both) for both in pairwise(edges))[::-1]
    whole = Call(one.start, one.stop) if len(pieces) > 1 else None
    return SumCalls(pieces, whole)
