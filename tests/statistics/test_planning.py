"""Which rows are written, and what a changed offset means."""

from datetime import UTC, datetime, timedelta

from hypothesis import assume, given, strategies as st
import pytest

from custom_components.energy_homes.metering.model import SLOT
from custom_components.energy_homes.metering.reconcile import (
    HOUR,
    Rebase,
    Row,
    Shift,
    closed_until,
    differing_rows,
    hour_start,
    judge_offset,
    present_offset,
)

START = datetime(2026, 11, 18, 10, tzinfo=UTC)
KNOWN = Rebase(-100.0, START)

energies = st.lists(st.integers(0, 10**6), min_size=1, max_size=60)


def hours(used: list[int], offset: float) -> list[Row]:
    """Return true hourly rows of a meter that began at 100 kWh; `used` is in mWh."""
    total = 100.0
    rows = []
    for position, energy in enumerate(used):
        total = round(total + energy / 1e6, 6)
        rows.append(Row(START + position * HOUR, total, total + offset))
    return rows


@pytest.mark.parametrize(
    ("latest", "end"),
    [
        (START - SLOT, START),
        (START, START),
        (START + HOUR - 2 * SLOT, START),
        (START + HOUR - SLOT, START + HOUR),
    ],
)
def test_an_hour_is_closed_with_its_last_window(
    latest: datetime, end: datetime
) -> None:
    """The newest 5-minute row says which hours the recorder has compiled."""
    assert closed_until(latest) == end


def test_hours_are_hours_of_utc() -> None:
    """A zone with half an hour does not move the hours."""
    zone = timedelta(hours=5, minutes=30)
    assert hour_start((START + SLOT).astimezone(tz=None)) == START
    assert (START + zone).minute == 30


@given(energies, st.floats(-1e4, 1e4))
def test_what_was_written_is_never_written_again(
    used: list[int], offset: float
) -> None:
    """Writing what differs makes everything right, whatever was there."""
    wanted = hours(used, offset)
    totals = [(row.start, row.state, row.state) for row in wanted]
    written = differing_rows({}, totals, offset)

    assert list(written) == wanted
    assert differing_rows({row.start: row for row in written}, totals, offset) == ()


@given(energies, st.data())
def test_only_what_differs_is_written(used: list[int], data: st.DataObject) -> None:
    """Rows that are right are not among those to write."""
    wanted = hours(used, 0.0)
    there = {row.start: row for row in wanted}
    wrong = data.draw(st.sets(st.sampled_from(sorted(there))))
    for start in wrong:
        there[start] = Row(start, there[start].state, there[start].sum + 0.001)

    totals = [(row.start, row.state, row.state) for row in wanted]
    assert {row.start for row in differing_rows(there, totals, 0.0)} == wrong


@given(energies, energies)
def test_a_recorder_that_counts_anew_is_shifted(
    before: list[int], after: list[int]
) -> None:
    """After a shift the sums go on from the last hour as if nothing had been."""
    old = hours(before, KNOWN.offset)
    total = old[-1].state + 1.0
    begin = old[-1].start + 300 * HOUR
    recent = [
        Row(begin + position * SLOT, total + energy, energy)
        for position, energy in enumerate([0.0, *(e / 1e6 for e in sorted(after))])
    ]
    verdict = judge_offset(KNOWN, recent, old)

    assert isinstance(verdict, Shift)
    assert verdict.start == begin
    assert recent[-1].sum + verdict.amount == pytest.approx(recent[-1].state - 100.0)


@given(energies, st.sampled_from([-3.0, 2.5, 700.0]), st.data())
def test_sums_that_were_moved_by_hand_stay(
    used: list[int], moved: float, data: st.DataObject
) -> None:
    """The new offset holds from the hour on in which it was given, and not before."""
    rows = hours(used, KNOWN.offset)
    since = data.draw(st.integers(0, len(rows) - 1))
    rows = rows[:since] + [Row(r.start, r.state, r.sum + moved) for r in rows[since:]]
    last = rows[-1]
    # A sum within one hour's use of zero looks as if the recorder had begun anew.
    assume(not -0.001 < last.sum < 1.001)
    recent = [Row(last.start + HOUR - SLOT, last.state, last.sum)]

    verdict = judge_offset(KNOWN, recent, rows)
    assert isinstance(verdict, Rebase)
    assert verdict.offset == pytest.approx(KNOWN.offset + moved)
    assert verdict.floor == rows[since].start


def test_a_deleted_statistic_begins_with_its_first_row() -> None:
    """Hours from before the deletion are not written again."""
    recent = [Row(START + 5 * HOUR + n * SLOT, 107.0, 0.0) for n in (7, 8)]

    verdict = judge_offset(KNOWN, recent, [])
    assert verdict == Rebase(-107.0, START + 5 * HOUR)
    assert present_offset(recent) == verdict
