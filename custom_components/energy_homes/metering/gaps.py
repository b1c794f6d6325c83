"""What is missing of a source's slots: compared with what is expected, in spans.

A hole is the range of the starts of its slots, in Unix seconds: `hole.start` is its first
instant and `hole.stop` the first one after it. Lists of holes are newest first, because
that is what people look at first.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from .periods import SLOT_S

DAY_S: Final = 86_400

type Hole = range


def hole(begin_s: int, end_s: int) -> Hole:
    """Return the hole of the slots in `[begin_s, end_s)`, which are bounds of slots.

    Raises ValueError for what is none.
    """
    if begin_s >= end_s or begin_s % SLOT_S or end_s % SLOT_S:
        raise ValueError(f"No slots are in [{begin_s}, {end_s})")
    return range(begin_s, end_s, SLOT_S)


def find_holes(
    known_s: Iterable[int], begin_s: int, end_s: int, *, cuts_s: Iterable[int] = ()
) -> list[Hole]:
    """Return the spans of `[begin_s, end_s)` that have no known slot, newest first.

    `known_s` are the starts of the known slots, in order. A hole ends at each of `cuts_s`,
    such as the instant of a new meter: what was asked of one cannot be asked of the other.
    A slot that a cut falls into belongs to what comes after it.
    """
    edges = [*(start for start in known_s if begin_s <= start < end_s), end_s]
    found: list[Hole] = []
    after = begin_s
    for edge in edges:
        if after < edge:
            found.append(hole(after, edge))
        after = edge + SLOT_S
    return cut(reversed(found), cuts_s)


def cut(holes: Iterable[Hole], cuts_s: Iterable[int]) -> list[Hole]:
    """Return holes that end at each of some instants, newest first as they came."""
    instants = sorted({instant // SLOT_S * SLOT_S for instant in cuts_s}, reverse=True)
    return [part for one in holes for part in _parts(one, instants)]


def _parts(one: Hole, instants: Iterable[int]) -> Iterator[Hole]:
    """Yield the parts of a hole, newest first, as the instants newest first."""
    end_s = one.stop
    for instant in instants:
        if one.start < instant < end_s:
            yield hole(instant, end_s)
            end_s = instant
    yield hole(one.start, end_s)


def within(holes: Iterable[Hole], begin_s: int, end_s: int) -> list[Hole]:
    """Return the parts of holes that lie in a span, newest first as they came."""
    return [
        hole(max(one.start, begin_s), min(one.stop, end_s))
        for one in holes
        if one.start < end_s and one.stop > begin_s
    ]


def without(holes: Iterable[Hole], asked: Iterable[Hole]) -> list[Hole]:
    """Return what is left of holes without spans that were asked for, newest first."""
    spans = joined(asked)
    left: list[Hole] = []
    for one in holes:
        end_s = one.stop
        for span in spans:
            if span.start < end_s and span.stop > one.start:
                if span.stop < end_s:
                    left.append(hole(span.stop, end_s))
                end_s = min(end_s, span.start)
        if one.start < end_s:
            left.append(hole(one.start, end_s))
    return left


def joined(spans: Iterable[Hole]) -> list[Hole]:
    """Return spans that touch or overlap as one, newest first."""
    found: list[Hole] = []
    for span in sorted(spans, key=lambda span: span.start):
        if found and span.start <= found[-1].stop:
            found[-1] = hole(found[-1].start, max(found[-1].stop, span.stop))
        else:
            found.append(span)
    return found[::-1]


def days_of(holes: Sequence[Hole]) -> range:
    """Return the beginnings of the UTC days that holes are in; they are newest first."""
    return range(holes[-1].start // DAY_S * DAY_S, holes[0].stop, DAY_S)


def slots_in(holes: Iterable[Hole]) -> int:
    """Return how many slots are missing."""
    return sum(map(len, holes))
