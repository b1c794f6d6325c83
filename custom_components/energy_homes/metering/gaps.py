"""What is missing of a source's slots: compared with what is expected, in spans.

A gap is the range of the starts of its slots, in Unix seconds: `gap.start` is its first
instant and `gap.stop` the first one after it. Lists of gaps are newest first, because
that is what people look at first.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from .periods import SLOT_S

DAY_S: Final = 86_400

type Gap = range


def gap(begin_s: int, end_s: int) -> Gap:
    """Return the gap of the slots in `[begin_s, end_s)`, which are bounds of slots.

    Raises ValueError for what is none.
    """
    if begin_s >= end_s or begin_s % SLOT_S or end_s % SLOT_S:
        raise ValueError(f"No slots are in [{begin_s}, {end_s})")
    return range(begin_s, end_s, SLOT_S)


def find_gaps(
    known_s: Iterable[int], begin_s: int, end_s: int, *, cuts_s: Iterable[int] = ()
) -> list[Gap]:
    """Return the spans of `[begin_s, end_s)` that have no known slot, newest first.

    `known_s` are the starts of the known slots, in order. A gap ends at each of `cuts_s`,
    such as the instant of a new meter: what was asked of one cannot be asked of the other.
    A slot that a cut falls into belongs to what comes after it.
    """
    edges = [*(start for start in known_s if begin_s <= start < end_s), end_s]
    found: list[Gap] = []
    after = begin_s
    for edge in edges:
        if after < edge:
            found.append(gap(after, edge))
        after = edge + SLOT_S
    return cut(reversed(found), cuts_s)


def cut(gaps: Iterable[Gap], cuts_s: Iterable[int]) -> list[Gap]:
    """Return gaps that end at each of some instants, newest first as they came."""
    instants = sorted({instant // SLOT_S * SLOT_S for instant in cuts_s}, reverse=True)
    return [part for one in gaps for part in _parts(one, instants)]


def _parts(one: Gap, instants: Iterable[int]) -> Iterator[Gap]:
    """Yield the parts of a gap, newest first, as the instants newest first."""
    end_s = one.stop
    for instant in instants:
        if one.start < instant < end_s:
            yield gap(instant, end_s)
            end_s = instant
    yield gap(one.start, end_s)


def within(gaps: Iterable[Gap], begin_s: int, end_s: int) -> list[Gap]:
    """Return the parts of gaps that lie in a span, newest first as they came."""
    return [
        gap(max(one.start, begin_s), min(one.stop, end_s))
        for one in gaps
        if one.start < end_s and one.stop > begin_s
    ]


def without(gaps: Iterable[Gap], asked: Iterable[Gap]) -> list[Gap]:
    """Return what is left of gaps without spans that were asked for, newest first."""
    spans = joined(asked)
    left: list[Gap] = []
    for one in gaps:
        end_s = one.stop
        for span in spans:
            if span.start < end_s and span.stop > one.start:
                if span.stop < end_s:
                    left.append(gap(span.stop, end_s))
                end_s = min(end_s, span.start)
        if one.start < end_s:
            left.append(gap(one.start, end_s))
    return left


def joined(spans: Iterable[Gap]) -> list[Gap]:
    """Return spans that touch or overlap as one, newest first."""
    found: list[Gap] = []
    for span in sorted(spans, key=lambda span: span.start):
        if found and span.start <= found[-1].stop:
            found[-1] = gap(found[-1].start, max(found[-1].stop, span.stop))
        else:
            found.append(span)
    return found[::-1]


def days_of(gaps: Sequence[Gap]) -> range:
    """Return the beginnings of the UTC days that gaps are in; they are newest first."""
    return range(gaps[-1].start // DAY_S * DAY_S, gaps[0].stop, DAY_S)


def slots_in(gaps: Iterable[Gap]) -> int:
    """Return how many slots are missing."""
    return sum(map(len, gaps))
