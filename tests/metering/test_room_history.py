"""Questions for a room's past, and what answers make known of it."""

from datetime import UTC, datetime
from itertools import pairwise

from hypothesis import given, strategies as st
import pytest

from custom_components.energy_homes.metering.gap_plan import HOUR_S
from custom_components.energy_homes.metering.gaps import gap, joined, within
from custom_components.energy_homes.metering.model import SLOT, Provenance
from custom_components.energy_homes.metering.periods import SLOT_S
from custom_components.energy_homes.metering.room_history import (
    HALF_HOUR_S,
    MOST_BUCKETS,
    RoomAnswer,
    RoomCall,
    fill_room,
    interpolated_room,
    ripe,
    room_calls,
)
from custom_components.energy_homes.metering.temperature import RoomSlot

T0 = datetime(2026, 11, 18, 10, 0, tzinfo=UTC)
T0_S = int(T0.timestamp())
DAY = 24 * HOUR_S // SLOT_S

gaps_of_years = st.lists(
    st.tuples(st.integers(0, 800 * DAY), st.integers(1, 60 * DAY)), max_size=8
).map(
    lambda spans: joined(
        gap(T0_S + first * SLOT_S, T0_S + (first + count) * SLOT_S)
        for first, count in spans
    )
)
gaps_of_hours = st.lists(
    st.tuples(st.integers(0, 60), st.integers(1, 8)), max_size=6
).map(
    lambda spans: joined(
        gap(T0_S + first * SLOT_S, T0_S + (first + count) * SLOT_S)
        for first, count in spans
    )
)
temperatures = st.lists(st.floats(-20, 40), min_size=3, max_size=3).map(sorted)


def span(first: int, stop: int) -> range:
    """Return the gap of the slots `[first, stop)` after T0."""
    return gap(T0_S + first * SLOT_S, T0_S + stop * SLOT_S)


def answer(first: int, stop: int, mean: float = 20.0, by: float = 1.0) -> RoomAnswer:
    """Return what a vendor says of the slots `[first, stop)` after T0."""
    return RoomAnswer(
        T0_S + first * SLOT_S, T0_S + stop * SLOT_S, mean, mean - by, mean + by
    )


def known(number: int, mean: float) -> RoomSlot:
    """Return the known slot that starts so many slots after T0."""
    return RoomSlot(
        start=T0 + number * SLOT,
        mean=mean,
        low=mean,
        high=mean,
        provenance=Provenance.MEASURED,
    )


@given(gaps_of_years)
def test_calls_cover_all_gaps_on_the_hour(gaps: list[range]) -> None:
    """Every gap is asked for, newest first, none twice, within the vendor's limit."""
    calls = room_calls(gaps)
    for call in calls:
        assert call.bucket_s in {HALF_HOUR_S, HOUR_S}
        assert call.start_s % HOUR_S == call.end_s % HOUR_S == 0
        assert 0 < (call.end_s - call.start_s) // call.bucket_s <= MOST_BUCKETS
        assert within(gaps, call.start_s, call.end_s)
    for newer, older in pairwise(calls):
        assert older.end_s <= newer.start_s
    covered = joined(gap(call.start_s, call.end_s) for call in calls)
    for one in gaps:
        assert any(one.start in each and one[-1] in each for each in covered)
    # No plan has fewer: the newest hour that no call has yet needs another one.
    fewest, reached = 0, None
    for one in gaps:
        for hour in range((one.stop - 1) // HOUR_S, one.start // HOUR_S - 1, -1):
            if reached is None or hour < reached:
                fewest, reached = fewest + 1, hour + 1 - MOST_BUCKETS
    assert len(calls) == fewest


def test_half_hours_where_they_fit_and_hours_where_they_save_a_call() -> None:
    """A day is asked in half hours, a month in hours, a year in nine calls."""
    assert room_calls([span(1, 20)]) == [RoomCall(T0_S, T0_S + 2 * HOUR_S, HALF_HOUR_S)]
    month = room_calls([span(0, 30 * DAY)])
    assert month == [RoomCall(T0_S, T0_S + 30 * 24 * HOUR_S, HOUR_S)]
    year = room_calls([span(0, 365 * DAY)])
    assert len(year) == 9
    assert [call.bucket_s for call in year] == [HOUR_S] * 9
    both = room_calls([span(25 * DAY, 25 * DAY + 1), span(0, 2)])
    assert [(call.end_s - call.start_s, call.bucket_s) for call in both] == [
        (25 * 24 * HOUR_S + HOUR_S, HOUR_S)
    ]
    assert room_calls([]) == []


def test_a_gap_is_ripe_when_its_last_hour_is_over() -> None:
    """Half a bucket would be told as if it were whole."""
    gaps = [span(13, 14), span(3, 12), span(0, 1)]
    assert ripe(gaps, T0_S + 2 * HOUR_S) == gaps
    assert ripe(gaps, T0_S + 2 * HOUR_S - 1) == gaps[1:]
    assert ripe(gaps, T0_S + HOUR_S - 1) == []


@given(
    gaps_of_hours,
    st.lists(
        st.tuples(
            st.integers(0, 12),
            temperatures,
        ),
        max_size=12,
    ),
)
def test_answers_fill_gaps_and_nothing_else(
    gaps: list[range], told: list[tuple[int, list[float]]]
) -> None:
    """Each slot of a gap that a bucket covers is as the bucket says, once."""
    answers = [
        RoomAnswer(
            T0_S + number * HALF_HOUR_S,
            T0_S + (number + 1) * HALF_HOUR_S,
            mean,
            low,
            high,
        )
        for number, (low, mean, high) in told
    ]
    slots = fill_room(gaps, answers)
    starts = [int(slot.start.timestamp()) for slot in slots]
    assert starts == sorted(set(starts))
    wanted = {
        start
        for one in gaps
        for start in one
        if any(each.start_s <= start < each.end_s for each in answers)
    }
    assert set(starts) == wanted
    for slot, start in zip(slots, starts, strict=True):
        said = next(each for each in answers if each.start_s <= start < each.end_s)
        assert (slot.mean, slot.low, slot.high) == (said.mean, said.low, said.high)
        assert slot.provenance is Provenance.VENDOR


def test_a_bucket_between_slots_fills_what_is_whole_in_it() -> None:
    """The slots that it begins and ends in stay unknown."""
    off = RoomAnswer(T0_S + 60, T0_S + 60 + HALF_HOUR_S, 20.0, 19.0, 21.0)
    slots = fill_room([span(0, 12)], [off])
    assert [(slot.start - T0) // SLOT for slot in slots] == [1, 2, 3, 4, 5]
    assert fill_room([span(0, 12)], []) == []
    assert fill_room([], [answer(0, 12)]) == []


def test_short_runs_are_interpolated() -> None:
    """Two slots in a row at most, in a straight line, within one gap."""
    slots = [known(0, 19.0), known(3, 22.0), known(4, 22.0), known(6, 21.0)]
    found = interpolated_room(slots, [span(5, 6), span(1, 3)])
    assert [(slot.start - T0) // SLOT for slot in found] == [1, 2, 5]
    assert [slot.mean for slot in found] == pytest.approx([20.0, 21.0, 21.5])
    assert {slot.provenance for slot in found} == {Provenance.INTERPOLATED}
    assert all(slot.low == slot.mean == slot.high for slot in found)
    # Three in a row, and two of which a gap has only one: the room was elsewhere between.
    assert interpolated_room([known(0, 19.0), known(4, 19.0)], [span(1, 4)]) == []
    assert (
        interpolated_room([known(0, 19.0), known(3, 19.0)], [span(2, 3), span(1, 2)])
        == []
    )
    assert interpolated_room([], [span(0, 2)]) == []


@given(st.floats(-20, 40), st.floats(-20, 40), st.integers(1, 2))
def test_what_is_interpolated_is_between(
    before: float, after: float, count: int
) -> None:
    """No slot is warmer or colder than both of its neighbours."""
    found = interpolated_room(
        [known(0, before), known(count + 1, after)], [span(1, count + 1)]
    )
    assert len(found) == count
    for slot in found:
        assert slot.mean is not None
        assert min(before, after) - 1e-9 <= slot.mean <= max(before, after) + 1e-9
