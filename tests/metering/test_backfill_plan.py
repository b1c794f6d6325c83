"""How a past is asked for: as few spans as there can be, none of them twice."""

from itertools import pairwise

from hypothesis import given, strategies as st
import pytest

from custom_components.energy_homes.metering.backfill_plan import (
    COARSE_S,
    FINE_S,
    HOUR_S,
    Chunk,
    next_chunk,
    share_done,
)
from custom_components.energy_homes.metering.periods import SLOT_S

DAY_S = 86_400
END_S = 20_000 * DAY_S + 9 * HOUR_S + 50 * 60
"""Ten minutes to ten."""


def chunks(floor_s: int, end_s: int) -> list[Chunk]:
    """Return all spans from the newest down."""
    found: list[Chunk] = []
    down_to_s = end_s
    while down_to_s > floor_s:
        found.append(next_chunk(floor_s, down_to_s, end_s))
        down_to_s = found[-1].start_s
    return found


def test_a_year() -> None:
    """The minutes of less than a day, then hours, a month at a time: a dozen and one."""
    found = chunks(END_S - 365 * DAY_S, END_S)
    assert len(found) == 13
    assert found[0] == Chunk(END_S + 10 * 60 - FINE_S, END_S, fine=True)
    assert not any(chunk.fine for chunk in found[1:])
    assert found[1].end_s - found[1].start_s == COARSE_S
    assert found[-1].start_s == END_S - 365 * DAY_S


def test_an_hour() -> None:
    """What is wanted is the bound, also inside an hour."""
    assert chunks(END_S - HOUR_S, END_S) == [Chunk(END_S - HOUR_S, END_S, fine=True)]


@given(st.integers(1, 40_000), st.integers(0, 40_000))
def test_spans_cover_everything_once(length: int, offset: int) -> None:
    """Each begins where the next one ends, on the hour but for the last."""
    end_s = END_S + offset * SLOT_S
    floor_s = end_s - length * SLOT_S
    found = chunks(floor_s, end_s)
    assert found[0].end_s == end_s
    assert found[-1].start_s == floor_s
    for newer, older in pairwise(found):
        assert newer.start_s == older.end_s
        assert newer.start_s % HOUR_S == 0
    for chunk in found:
        assert 0 < chunk.end_s - chunk.start_s <= (FINE_S if chunk.fine else COARSE_S)


@pytest.mark.parametrize(
    "bounds", [(0, 0, 0), (600, 300, 900), (1, 300, 300), (0, 301, 900), (0, 300, 901)]
)
def test_no_span(bounds: tuple[int, int, int]) -> None:
    """Nothing is left, or it is no slot's bound."""
    with pytest.raises(ValueError, match="No slots"):
        next_chunk(*bounds)


@pytest.mark.parametrize(
    ("floor", "down_to", "end", "share"),
    [
        (0, 100, 100, 0),
        (0, 50, 100, 0.5),
        (0, 0, 100, 1),
        (0, -9, 100, 1),
        (9, 9, 9, 1),
    ],
)
def test_share(floor: int, down_to: int, end: int, share: float) -> None:
    """From the newest instant down."""
    assert share_done(floor, down_to, end) == share
