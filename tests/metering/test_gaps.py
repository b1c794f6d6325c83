"""Gaps: found, planned for with few questions, filled by what answers resolve."""

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given, strategies as st
import pytest

from custom_components.energy_homes.metering.gap_fill import (
    Answer,
    corrected,
    fill,
    interpolated,
    trusted,
)
from custom_components.energy_homes.metering.gap_plan import (
    Call,
    SumCalls,
    series_calls,
    sum_calls,
)
from custom_components.energy_homes.metering.gaps import (
    cut,
    find_gaps,
    gap,
    joined,
    slots_in,
    without,
)
from custom_components.energy_homes.metering.model import Provenance
from custom_components.energy_homes.metering.periods import SLOT_S, SlotRow

T0_S = 1_772_323_200
HOUR_S = 3600
DAY_S = 86_400
CENT = 10_000_000
"""A hundredth of a kWh in micro-Wh: what the vendor rounds sums to."""


def at(number: float) -> int:
    """Return the start of a slot, or an instant in it, so many slots after T0."""
    return T0_S + round(number * SLOT_S)


def span(first: int, stop: int) -> range:
    """Return the gap of the slots `[first, stop)` after T0."""
    return gap(at(first), at(stop))


def row(number: int, energy: int, origin: Provenance = Provenance.MEASURED) -> SlotRow:
    """Return a known slot, so many slots after T0, in micro-Wh."""
    return SlotRow(at(number), origin, energy, energy // 10)


def vendor(number: int, energy: int, returned: int = 0) -> SlotRow:
    """Return a slot that the vendor's history knows."""
    return SlotRow(at(number), Provenance.VENDOR, energy, returned)


def by_start(rows: Sequence[SlotRow]) -> dict[int, SlotRow]:
    """Return slots by their starts."""
    return {one.start_s: one for one in rows}


def test_gaps_are_what_is_not_known() -> None:
    """Newest first, merged into spans, also where nothing at all is known."""
    known = [at(number) for number in (0, 1, 4, 5, 9)]
    assert find_gaps(known, at(0), at(12)) == [span(10, 12), span(6, 9), span(2, 4)]
    assert find_gaps(known, at(-2), at(10)) == [span(6, 9), span(2, 4), span(-2, 0)]
    assert find_gaps(known, at(4), at(6)) == []
    assert find_gaps([], at(0), at(3)) == [span(0, 3)]
    assert find_gaps([], at(0), at(0)) == []


def test_gaps_end_where_a_meter_was_replaced() -> None:
    """A slot in which the new meter began is the new one's."""
    assert find_gaps([], at(0), at(9), cuts_s=[at(3), at(6.5), at(0), at(9)]) == [
        span(6, 9),
        span(3, 6),
        span(0, 3),
    ]
    assert cut([span(4, 9), span(0, 2)], [at(1)]) == [
        span(4, 9),
        span(1, 2),
        span(0, 1),
    ]


def test_what_is_no_gap_is_refused() -> None:
    """A gap has slots, and slots have bounds."""
    for begin, end in ((at(1), at(1)), (at(2), at(1)), (at(0) + 1, at(1))):
        with pytest.raises(ValueError):
            gap(begin, end)


def test_what_was_asked_is_left_out() -> None:
    """The rest of a gap stays, newest first."""
    gaps = [span(20, 30), span(0, 10)]
    assert without(gaps, []) == gaps
    assert without(gaps, [span(25, 40), span(3, 5), span(4, 6)]) == [
        span(20, 25),
        span(6, 10),
        span(0, 3),
    ]
    assert without(gaps, [span(0, 30)]) == []
    assert without(gaps, [span(10, 20)]) == gaps


def test_spans_that_touch_are_one() -> None:
    """Joined spans are newest first."""
    assert joined([span(0, 2), span(4, 6), span(2, 3), span(5, 9)]) == [
        span(4, 9),
        span(0, 3),
    ]


NUMBERS = st.integers(0, 60)
SPANS = st.lists(
    st.tuples(NUMBERS, st.integers(1, 12)).map(lambda pair: span(pair[0], sum(pair))),
    max_size=6,
)


@given(st.sets(NUMBERS), st.lists(st.floats(0, 60), max_size=4), SPANS)
def test_gaps_and_known_slots_are_all_slots(
    known: set[int], cuts: list[float], asked: list[range]
) -> None:
    """Every expected slot is known or in one gap, whatever is cut or left out."""
    gaps = find_gaps(
        sorted(map(at, known)), at(0), at(61), cuts_s=[at(number) for number in cuts]
    )
    missing = [start for one in gaps for start in one]
    assert sorted([*missing, *map(at, known)]) == [at(number) for number in range(61)]
    assert slots_in(gaps) == len(missing)
    assert all(a.start >= b.stop for a, b in pairwise(gaps))
    left = without(gaps, asked)
    out = {start for one in asked for start in one}
    assert {start for one in left for start in one} == set(missing) - out
    assert all(a.start >= b.stop for a, b in pairwise(left))
    assert without(left, asked) == left


def test_one_question_covers_gaps_that_are_near() -> None:
    """Two gaps of a day are one question; a long gap is several, the newest first."""
    near = [span(40, 42), span(10, 13)]
    assert series_calls(near, bucket_s=60, longest_s=DAY_S) == [Call(at(10), at(42))]
    assert series_calls(near, bucket_s=60, longest_s=2 * HOUR_S) == [
        Call(at(40), at(42)),
        Call(at(10), at(13)),
    ]
    assert series_calls([span(0, 100)], bucket_s=60, longest_s=4 * HOUR_S) == [
        Call(at(52), at(100)),
        Call(at(4), at(52)),
        Call(at(0), at(4)),
    ]
    assert series_calls([], bucket_s=60, longest_s=DAY_S) == []


def test_long_buckets_are_asked_for_whole() -> None:
    """A question for hours begins and ends with an hour."""
    assert series_calls([span(14, 25)], bucket_s=HOUR_S, longest_s=1024 * HOUR_S) == [
        Call(at(12), at(36))
    ]
    assert series_calls(
        [span(14, 15), span(12, 13)], bucket_s=HOUR_S, longest_s=HOUR_S
    ) == [Call(at(12), at(24))]


@pytest.mark.parametrize(("bucket", "longest"), [(0, 900), (60, 240), (420, 4200)])
def test_buckets_fit_into_slots_or_slots_into_them(bucket: int, longest: int) -> None:
    """What no slot could be filled from is refused."""
    with pytest.raises(ValueError):
        series_calls([span(0, 1)], bucket_s=bucket, longest_s=longest)


@given(SPANS, st.sampled_from([60, 300, 1800, 3600]), st.integers(1, 40))
def test_questions_are_the_fewest_that_cover_everything(
    gaps: list[range], bucket_s: int, buckets: int
) -> None:
    """Every slot is in one question, none is too long, and no fewer could do."""
    grain_s = max(bucket_s, SLOT_S)
    longest_s = buckets * grain_s
    calls = series_calls(gaps, bucket_s=bucket_s, longest_s=longest_s)
    starts = sorted({start for one in gaps for start in one})
    for start in starts:
        assert sum(call.start_s <= start < call.end_s for call in calls) == 1
    for call in calls:
        assert 0 < call.end_s - call.start_s <= longest_s
        assert call.start_s % grain_s == call.end_s % grain_s == 0
    assert all(a.start_s >= b.end_s for a, b in pairwise(calls))
    # The newest slots of the questions: no question could have two of them.
    newest = [
        max(start for start in starts if call.start_s <= start < call.end_s)
        for call in calls
    ]
    for one, other in pairwise(newest):
        end_s = -(-(one + SLOT_S) // grain_s) * grain_s
        assert other // grain_s * grain_s < end_s - longest_s


def test_sums_are_asked_hour_by_hour_and_once_for_all() -> None:
    """An hour's number is for an hour's part of the gap; the whole corrects their sum."""
    assert sum_calls(span(10, 30)) == SumCalls(
        pieces=(Call(at(24), at(30)), Call(at(12), at(24)), Call(at(10), at(12))),
        whole=Call(at(10), at(30)),
    )
    assert len(sum_calls(span(10, 30)).calls) == 4
    assert sum_calls(span(13, 20)) == SumCalls((Call(at(13), at(20)),), None)
    assert len(sum_calls(span(12, 24)).calls) == 1


def test_minutes_fill_the_slots_that_they_cover() -> None:
    """A slot of which one minute is missing stays unknown."""
    minutes = [
        Answer(at(0) + 60 * number, at(0) + 60 * (number + 1), 10 + number, number)
        for number in range(15)
        if number != 7
    ]
    assert fill({}, [span(0, 3)], minutes) == [vendor(0, 60, 10), vendor(2, 110, 60)]


def test_bucket_that_is_half_silence_is_not_believed() -> None:
    """The minutes beside one that the vendor does not know may be half of one."""
    energies = [5, 5, None, None, 5, 5, 5]
    answers = [
        Answer(at(number), at(number + 1), energy)
        for number, energy in enumerate(energies)
    ]
    assert [answer.energy for answer in trusted(reversed(answers))] == [
        *(5, None, None, None, None, 5, 5)
    ]
    apart = [Answer(at(0), at(1), 5), Answer(at(2), at(3), None)]
    assert trusted(apart) == apart


def test_hours_are_spread_over_what_is_missing_of_them() -> None:
    """What is known of an hour is taken off; the rest is spread evenly, to the last unit."""
    known = by_start([row(number, 100) for number in range(9)])
    found = fill(known, [span(9, 12)], [Answer(at(0), at(12), 1301, 92)])
    assert found == [vendor(9, 134, 1), vendor(10, 134, 1), vendor(11, 133, 0)]


def test_slots_outside_the_gaps_are_left_alone() -> None:
    """Slots of an answer that are not asked for have their part of it and stay as they are."""
    assert fill({}, [span(0, 2)], [Answer(at(0), at(4), 400)]) == [
        vendor(0, 100),
        vendor(1, 100),
    ]


def test_answer_that_contradicts_what_is_known_says_nothing() -> None:
    """Where more was measured than the vendor says, only rounding is overlooked."""
    known = by_start([row(0, 1000), row(1, 1000)])
    answer = Answer(at(0), at(3), 1990, 200)
    assert fill(known, [span(2, 3)], [answer]) == []
    assert fill(known, [span(2, 3)], [answer], half_unit=10) == [vendor(2, 0)]


def test_answers_that_resolve_no_slot_fill_none() -> None:
    """Unknown energies, spans of parts of slots, minutes told twice."""
    gaps = [span(0, 4)]
    assert fill({}, gaps, [Answer(at(0), at(2), None)]) == []
    assert fill({}, gaps, [Answer(at(0) + 60, at(1) + 60, 5)]) == []
    assert fill({}, gaps, [Answer(at(0) + 60, at(2) + 60, None)]) == []
    assert fill({}, gaps, [Answer(at(0), at(1), 5), Answer(at(0), at(1), 5)]) == []
    assert fill({}, gaps, [Answer(at(0), at(1) - 60, 5)]) == []
    assert fill(by_start([row(5, 1)]), gaps, [Answer(at(5), at(7), 9)]) == []
    assert fill(by_start([row(0, 1), row(1, 2)]), gaps, [Answer(at(0), at(2), 9)]) == []


def test_readings_at_odd_minutes_fill_what_they_reach_over() -> None:
    """A slot that a reading cuts has a part of both; the ends stay unknown."""
    answers = [Answer(at(0.4), at(2.4), 1000, 10), Answer(at(2.4), at(4.8), 480)]
    assert fill({}, [span(0, 6)], answers) == [
        vendor(1, 500, 5),
        vendor(2, 200 + 120, 2),
        vendor(3, 200),
    ]
    # What is known has its part, also of a slot that is cut; and may contradict.
    known = by_start([vendor(2, 500)])
    assert fill(known, [span(0, 6)], answers) == [
        vendor(1, 500, 7),
        vendor(3, 100),
    ]
    assert fill(by_start([row(1, 1001)]), [span(0, 6)], answers) == [vendor(3, 200)]
    assert fill(by_start([row(1, 1), row(2, 1)]), [span(0, 1)], answers) == []


@given(
    st.lists(st.tuples(st.integers(1, 4000), st.integers(0, 10**12)), min_size=1),
    st.integers(0, SLOT_S - 1),
    st.integers(0, 10**12),
)
def test_no_energy_between_readings_is_lost(
    steps: list[tuple[int, int]], offset_s: int, shown: int
) -> None:
    """The slots have what a line between the readings rises by over them, to the last unit."""
    line = [(T0_S + offset_s, shown)]
    for gap_s, used in steps:
        line.append((line[-1][0] + gap_s, line[-1][1] + used))
    answers = [
        Answer(one_s, other_s, after - before)
        for (one_s, before), (other_s, after) in pairwise(line)
    ]
    found = fill({}, [span(0, 2000)], answers)
    first_s = -(-line[0][0] // SLOT_S) * SLOT_S
    stop_s = line[-1][0] // SLOT_S * SLOT_S
    assert [one.start_s for one in found] == list(range(first_s, stop_s, SLOT_S))
    if found:
        used = _on_line(line, stop_s) - _on_line(line, first_s)
        assert abs(sum(one.energy or 0 for one in found) - used) <= 2
        for one in found:
            expected = _on_line(line, one.start_s + SLOT_S) - _on_line(
                line, one.start_s
            )
            assert abs((one.energy or 0) - expected) <= len(line) + 1
    whole = [fill({}, [span(0, 2000)], [answer]) for answer in answers]
    assert sum(map(len, whole)) <= len(found)


def _on_line(line: list[tuple[int, int]], at_s: int) -> int:
    """Return the height of a line at an instant, rounded down."""
    for (one_s, before), (other_s, after) in pairwise(line):
        if one_s <= at_s <= other_s:
            return before + (after - before) * (at_s - one_s) // (other_s - one_s)
    raise AssertionError(at_s)


def test_the_finest_answer_counts() -> None:
    """An hour fills what its minutes leave, and counts them as known."""
    answers = [
        Answer(at(0), at(12), 1200),
        Answer(at(3), at(4), 650),
        Answer(at(0), at(4), 1090),
    ]
    found = fill({}, [span(0, 12)], answers)
    assert [one.energy for one in found[:4]] == [147, 147, 146, 650]
    assert sum(one.energy or 0 for one in found) == 1200


def test_rounded_hours_are_corrected_by_the_whole() -> None:
    """The hours' roundings do not add up to more than the whole's own."""
    pieces = [Answer(at(12 * n), at(12 * n + 12), 5 * CENT) for n in range(4)]
    whole = Answer(at(0), at(48), 21 * CENT)
    found = corrected(pieces, whole, CENT // 2)
    assert found is not None
    assert [piece.energy for piece in found] == [52_500_000] * 4
    assert [piece.start_s for piece in found] == [piece.start_s for piece in pieces]


def test_correction_takes_nothing_below_zero() -> None:
    """An hour of nothing stays one; the others give what is too much."""
    pieces = [Answer(at(0), at(12), 0), Answer(at(12), at(24), CENT)]
    found = corrected(pieces, Answer(at(0), at(24), CENT // 2), CENT // 2)
    assert found is not None
    assert [piece.energy for piece in found] == [0, CENT // 2]


def test_sums_that_do_not_agree_are_not_believed() -> None:
    """What rounding cannot explain is a cloud that is still catching up."""
    pieces = [Answer(at(0), at(12), 5 * CENT), Answer(at(12), at(24), 5 * CENT)]
    for energy in (12 * CENT, 8 * CENT, None):
        assert corrected(pieces, Answer(at(0), at(24), energy), CENT // 2) is None
    pieces[1] = Answer(at(12), at(24), None)
    assert corrected(pieces, Answer(at(0), at(24), 5 * CENT), CENT // 2) is None


def rounded(energy: int) -> int:
    """Return an energy as the vendor rounds it."""
    return (energy + CENT // 2) // CENT * CENT


@given(st.lists(st.integers(0, 30 * CENT), min_size=2, max_size=50))
def test_corrected_hours_are_nearly_the_truth(truth: list[int]) -> None:
    """However many hours: the sum is off by one rounding, each hour by at most one more."""
    pieces = [
        Answer(at(12 * number), at(12 * number + 12), rounded(energy))
        for number, energy in enumerate(truth)
    ]
    whole = Answer(at(0), at(12 * len(truth)), rounded(sum(truth)))
    found = corrected(pieces, whole, CENT // 2)
    assert found is not None
    energies = [piece.energy or 0 for piece in found]
    assert min(energies) >= 0
    assert abs(sum(energies) - sum(truth)) <= CENT
    for energy, piece in zip(energies, pieces, strict=True):
        assert abs(energy - (piece.energy or 0)) <= CENT // 2
    within = [
        CENT // 2 if sum(energies) > sum(map(rounded, truth)) else min(CENT // 2, e)
        for e in map(rounded, truth)
    ]
    if abs((whole.energy or 0) - sum(map(rounded, truth))) <= sum(within):
        assert sum(energies) == whole.energy


ENERGIES = st.integers(0, 10**9)


@st.composite
def answer_lists(draw: st.DrawFn) -> list[Answer]:
    """Draw answers that do not overlap, of any length, some of them not known."""
    answers = []
    instant = at(0)
    for length in draw(
        st.lists(
            st.sampled_from([60, 120, 300, 300, 600, 900, 1800, 3600]), max_size=30
        )
    ):
        if draw(st.integers(0, 9)):
            energy = draw(st.one_of(st.none(), ENERGIES, ENERGIES))
            answers.append(Answer(instant, instant + length, energy, draw(ENERGIES)))
        instant += length
    return answers


@st.composite
def known_slots(draw: st.DrawFn) -> list[SlotRow]:
    """Draw known slots in order."""
    return [row(number, draw(ENERGIES)) for number in sorted(draw(st.sets(NUMBERS)))]


@given(known_slots(), SPANS, answer_lists())
def test_filling_gives_no_more_than_was_answered(
    known: list[SlotRow], spans: list[range], answers: list[Answer]
) -> None:
    """Of no answer more than it has; no known slot changes; a second time changes nothing."""
    kept = by_start(known)
    found = fill(kept, spans, answers)
    wanted = {start for one in spans for start in one}
    assert all(one.start_s in wanted and one.start_s not in kept for one in found)
    assert all(one.provenance is Provenance.VENDOR for one in found)
    assert all(one.energy is not None and one.energy >= 0 for one in found)
    for answer in answers:
        touched = [
            one
            for one in found
            if answer.start_s <= one.start_s and one.start_s + SLOT_S <= answer.end_s
        ]
        if touched:
            assert answer.energy is not None
            assert sum(one.energy or 0 for one in touched) <= answer.energy
            assert sum(one.returned or 0 for one in touched) <= answer.returned
    assert sum(one.energy or 0 for one in found) <= sum(
        answer.energy or 0 for answer in answers
    )
    assert fill({**kept, **by_start(found)}, spans, answers) == []


@given(st.lists(ENERGIES, min_size=1, max_size=40))
def test_answers_of_slots_are_the_slots(energies: list[int]) -> None:
    """What the vendor resolves is what the slots get."""
    answers = [
        Answer(at(number), at(number + 1), energy, 3)
        for number, energy in enumerate(energies)
    ]
    assert fill({}, [span(0, len(energies))], answers) == [
        vendor(number, energy, 3) for number, energy in enumerate(energies)
    ]


def test_two_slots_lie_on_a_line_between_their_neighbours() -> None:
    """One slot is the mean; three in a row stay unknown."""
    known = [row(0, 100), row(2, 200), row(5, 500), row(9, 900)]
    gaps = [span(6, 9), span(3, 5), span(1, 2)]
    assert interpolated(known, gaps) == [
        SlotRow(at(1), Provenance.INTERPOLATED, 150, 15),
        SlotRow(at(3), Provenance.INTERPOLATED, 300, 30),
        SlotRow(at(4), Provenance.INTERPOLATED, 400, 40),
    ]


def test_nothing_is_interpolated_over_a_change_of_meters() -> None:
    """Slots of two gaps, or of none, stay as they are."""
    known = [row(0, 100), row(3, 200)]
    assert interpolated(known, cut([span(1, 3)], [at(2)])) == []
    assert interpolated(known, [span(1, 2)]) == []
    assert interpolated(known, []) == []
    assert len(interpolated(known, [span(0, 9)])) == 2


@given(known_slots(), SPANS)
def test_interpolation_is_the_last_resort(
    known: list[SlotRow], spans: list[range]
) -> None:
    """Two slots at most, between known ones, flagged, within their energies, once."""
    found = interpolated(known, spans)
    kept = by_start(known)
    assert not kept.keys() & by_start(found).keys()
    for one in found:
        before = max(start for start in kept if start < one.start_s)
        after = min(start for start in kept if start > one.start_s)
        assert after - before <= 3 * SLOT_S
        assert one.provenance is Provenance.INTERPOLATED
        assert any(one.start_s in span for span in spans)
        ends = [kept[before].energy or 0, kept[after].energy or 0]
        assert min(ends) <= (one.energy or 0) <= max(ends)
    again = sorted([*known, *found], key=lambda one: one.start_s)
    assert interpolated(again, spans) == []
