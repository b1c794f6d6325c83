"""Calls are counted, limited in any window, and remembered over a restart."""

from datetime import UTC, datetime, timedelta
import json

from hypothesis import given, strategies as st
import pytest

from custom_components.energy_homes.accounts.budget import (
    DAY,
    HOUR,
    CallBudget,
    CallKind,
    CallLimit,
)

NOW = datetime(2026, 11, 18, 10, 0, 30, tzinfo=UTC)
LIMITS = {
    CallKind.LIVE: CallLimit(5, timedelta(minutes=10)),
    CallKind.HISTORY: CallLimit(3, DAY),
}
gaps = st.lists(
    st.timedeltas(min_value=timedelta(), max_value=timedelta(minutes=6)), max_size=80
)


@given(gaps)
def test_no_window_holds_more_than_its_limit(gaps: list[timedelta]) -> None:
    """However the calls come, those that are allowed keep the limit in every window."""
    budget = CallBudget(LIMITS)
    limit = LIMITS[CallKind.LIVE]
    now = NOW
    made: list[datetime] = []
    for gap in gaps:
        now += gap
        if budget.allow(CallKind.LIVE, now):
            budget.record(CallKind.LIVE, now)
            made.append(now)
            inside = [at for at in made if at > now - limit.window]
            assert len(inside) <= limit.calls
            assert budget.count(limit.window, now) >= len(inside)


@given(gaps)
def test_after_the_wait_a_call_is_allowed(gaps: list[timedelta]) -> None:
    """The wait is long enough, no longer than the window, and zero where allowed."""
    budget = CallBudget(LIMITS)
    now = NOW
    for gap in gaps:
        now += gap
        wait = budget.wait(CallKind.LIVE, now)
        assert wait <= LIMITS[CallKind.LIVE].window + timedelta(minutes=1)
        assert budget.allow(CallKind.LIVE, now) == (wait == timedelta())
        assert budget.allow(CallKind.LIVE, now + wait)
        now += wait
        budget.record(CallKind.LIVE, now)


def test_kinds_have_limits_of_their_own() -> None:
    """History calls that are spent leave live calls alone, and both are counted."""
    budget = CallBudget(LIMITS)
    for _ in range(3):
        budget.record(CallKind.HISTORY, NOW)
    assert not budget.allow(CallKind.HISTORY, NOW)
    assert not budget.allow(CallKind.HISTORY, NOW + timedelta(hours=23))
    assert budget.allow(CallKind.HISTORY, NOW + DAY + timedelta(minutes=1))
    assert budget.allow(CallKind.LIVE, NOW)
    budget.record(CallKind.LIVE, NOW)
    assert budget.count(HOUR, NOW) == 4
    assert budget.count(HOUR, NOW, CallKind.LIVE) == 1
    assert budget.count(HOUR, NOW + timedelta(hours=2)) == 0


def test_defaults() -> None:
    """A hundred history calls a day, and more live calls than polling needs."""
    budget = CallBudget()
    for _ in range(100):
        assert budget.allow(CallKind.HISTORY, NOW)
        budget.record(CallKind.HISTORY, NOW)
    assert not budget.allow(CallKind.HISTORY, NOW)
    for second in range(0, 3600, 15):
        at = NOW + timedelta(seconds=second)
        assert budget.allow(CallKind.LIVE, at)
        budget.record(CallKind.LIVE, at)


def test_a_restart_forgets_nothing() -> None:
    """What is stored as JSON counts as before."""
    budget = CallBudget(LIMITS)
    for minutes in range(3):
        budget.record(CallKind.HISTORY, NOW + timedelta(minutes=minutes))
    later = NOW + timedelta(minutes=5)
    stored = json.loads(json.dumps(budget.as_data(later)))
    again = CallBudget.from_data(stored, LIMITS)
    assert again.count(DAY, later) == 3
    assert again.wait(CallKind.HISTORY, later) == budget.wait(CallKind.HISTORY, later)
    assert CallBudget.from_data(None).count(DAY, later) == 0


def test_a_clock_set_back_does_not_lock() -> None:
    """The newest of calls that lie ahead counts as made now, and ends like all others."""
    budget = CallBudget(LIMITS)
    for _ in range(3):
        budget.record(CallKind.HISTORY, NOW + 30 * DAY)
    assert budget.count(HOUR, NOW) == 3
    assert budget.wait(CallKind.HISTORY, NOW) <= DAY + timedelta(minutes=1)


@pytest.mark.parametrize("back", [HOUR, 7 * HOUR, DAY, 400 * DAY])
def test_steady_polling_goes_on_when_the_clock_is_set_back(back: timedelta) -> None:
    """Calls keep their distances: what was allowed at this pace is allowed further on."""
    budget = CallBudget()
    now = NOW
    for n in range(2 * 2880):
        now = NOW + n * timedelta(seconds=15)
        budget.record(CallKind.LIVE, now)
    for n in range(480):
        at = now - back + n * timedelta(seconds=15)
        assert budget.allow(CallKind.LIVE, at)
        budget.record(CallKind.LIVE, at)
        assert 239 <= budget.count(HOUR, at) <= 248


def test_a_day_is_all_that_is_kept() -> None:
    """Polling for days does not grow what is stored."""
    budget = CallBudget()
    for half_minute in range(3 * 2880):
        now = NOW + half_minute * timedelta(seconds=30)
        budget.record(CallKind.LIVE, now)
    assert len(budget.as_data(now)["live"]) <= 1441
    assert 2878 <= budget.count(DAY, now) <= 2882


def test_some_calls_can_be_left_to_others() -> None:
    """Who spares calls waits where the last of them begin; others do not."""
    budget = CallBudget(LIMITS)
    budget.record(CallKind.HISTORY, NOW)
    assert budget.wait(CallKind.HISTORY, NOW, spare=1) == timedelta()
    budget.record(CallKind.HISTORY, NOW)
    assert budget.wait(CallKind.HISTORY, NOW, spare=1) == DAY + timedelta(seconds=30)
    assert budget.wait(CallKind.HISTORY, NOW) == timedelta()
    assert CallBudget(LIMITS).wait(CallKind.HISTORY, NOW, spare=3) == DAY
