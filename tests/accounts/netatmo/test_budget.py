"""Netatmo's limits are kept in any window, and commands always have room."""

from datetime import UTC, datetime, timedelta
import json
from random import Random

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.energy_homes.accounts.netatmo.budget import (
    APP_WINDOWS,
    HOUR,
    USER_WINDOWS,
    AppBudget,
    CallPriority,
    QuotaWindow,
    UserBudget,
)
from custom_components.energy_homes.accounts.netatmo.plan import PollPlan

NOW = datetime(2026, 11, 18, 10, 0, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)
SHORT = 10 * SECOND
SMALL_USER = (QuotaWindow(5, SHORT), QuotaWindow(20, HOUR))
SMALL_APP = (QuotaWindow(8, SHORT), QuotaWindow(30, HOUR))
POLL, COMMAND = CallPriority.POLL, CallPriority.COMMAND
HISTORY = CallPriority.HISTORY
steps = st.lists(
    st.tuples(
        st.floats(0, 400).map(lambda seconds: timedelta(seconds=seconds)),
        st.sampled_from(CallPriority),
        st.sampled_from(["one", "other", "third"]),
    ),
    max_size=80,
)


def spend(budget: UserBudget, priority: CallPriority, now: datetime) -> int:
    """Make calls for as long as they are allowed, ten seconds' worth at a time."""
    made = 0
    while budget.allow(priority, now):
        budget.record(now, history=priority is HISTORY)
        made += 1
    return made


def spend_hour(budget: UserBudget, priority: CallPriority, now: datetime) -> int:
    """Make as many calls as the hour before an instant allows."""
    start = now - timedelta(minutes=55)
    return sum(spend(budget, priority, start + 11 * n * SECOND) for n in range(300))


def test_the_documented_limits() -> None:
    """50 in 10 s and 500 in an hour for a user, 2000 in an hour for an application."""
    assert QuotaWindow(50, SHORT) in USER_WINDOWS
    assert QuotaWindow(500, HOUR) in USER_WINDOWS
    assert QuotaWindow(2000, HOUR) in APP_WINDOWS
    everything = spend(AppBudget().user("user"), COMMAND, NOW)
    assert everything == 50
    assert spend_hour(AppBudget().user("user"), COMMAND, NOW) == 500


@settings(deadline=None)
@given(steps)
def test_no_window_holds_more_than_its_limit(
    steps: list[tuple[timedelta, CallPriority, str]],
) -> None:
    """However the calls come, users and application keep every limit."""
    app = AppBudget(SMALL_APP, SMALL_USER)
    made: list[tuple[datetime, str]] = []
    now = NOW
    for gap, priority, name in steps:
        now += gap
        budget = app.user(name)
        wait = budget.wait(priority, now)
        assert budget.allow(priority, now) == (wait == timedelta())
        now += wait
        assert budget.allow(priority, now)
        budget.record(now)
        made.append((now, name))
        for windows, names in (
            (SMALL_APP, {"one", "other", "third"}),
            (SMALL_USER, {name}),
        ):
            for window in windows:
                inside = [
                    1 for at, who in made if at > now - window.span and who in names
                ]
                assert len(inside) <= window.calls


@settings(deadline=None)
@given(steps, st.integers(0, 3))
def test_commands_have_room_whatever_else_is_spent(
    steps: list[tuple[timedelta, CallPriority, str]], commands: int
) -> None:
    """Polls and read-backs that take all they get never take the last tenth."""
    window = QuotaWindow(40, HOUR)
    budget = AppBudget(APP_WINDOWS, (window,)).user("user")
    now = NOW
    for gap, priority, _ in steps:
        now += gap
        spend(budget, min(priority, CallPriority.READ_BACK, key=window.share), now)
    for _ in range(commands):
        assert budget.allow(COMMAND, now)
        budget.record(now)


def test_polls_that_are_spent_leave_commands_alone() -> None:
    """With the polls' share gone a hundred commands an hour still go out at once."""
    budget = AppBudget().user("user")
    assert spend_hour(budget, POLL, NOW) == 400
    assert budget.wait(POLL, NOW) > timedelta()
    assert budget.wait(COMMAND, NOW) == timedelta()
    assert spend(budget, CallPriority.READ_BACK, NOW) == 45
    assert spend(budget, COMMAND, NOW) == 5
    assert budget.left(NOW) == 50
    assert spend(budget, COMMAND, NOW + 11 * SECOND) == 50
    assert budget.left(NOW + 11 * SECOND) == 0


@pytest.mark.parametrize("app_windows", [APP_WINDOWS, (QuotaWindow(500, HOUR),)])
def test_a_limit_that_was_reached_is_over_with_room(
    app_windows: tuple[QuotaWindow, ...],
) -> None:
    """That one call has become free is not all that is asked for, of whichever window."""
    budget = AppBudget(app_windows).user("user")
    start = NOW - timedelta(minutes=50)
    for n in range(400):
        budget.record(start + n * 2 * SECOND)
    first = start + HOUR + SECOND
    assert NOW + budget.wait(POLL, NOW) == first
    assert NOW + budget.wait(POLL, NOW, room=True) == first + 5 * 2 * SECOND


@pytest.mark.parametrize("accounts", [1, 4, 5, 60])
def test_regular_polls_leave_that_room(accounts: int) -> None:
    """However many homes accounts have, a limit that was reached once is over again."""
    app = AppBudget()
    users = [app.user(f"user {n}") for n in range(accounts)]
    plan = PollPlan(Random(1))
    plan.follow({f"home {n}" for n in range(100)}, 0.0)
    interval_s = plan.interval_s("home 1", users[0].hourly_polls, 0.0)
    calls = accounts * 100 * HOUR.total_seconds() / interval_s
    most = min(
        accounts * USER_WINDOWS[1].share(POLL, room=True),
        APP_WINDOWS[1].share(POLL, room=True),
    )
    # Besides them each account asks for its topology once an hour.
    assert calls + accounts <= most


def test_history_stops_before_polls() -> None:
    """A tenth of an hour is the most that history takes, and it leaves polls the rest."""
    budget = AppBudget().user("user")
    assert spend(budget, HISTORY, NOW - HOUR / 2) == 5
    assert spend_hour(budget, HISTORY, NOW) == 45
    assert budget.wait(HISTORY, NOW) > timedelta()
    assert spend_hour(budget, POLL, NOW) == 350
    assert budget.used(NOW) == 400


def test_history_gives_way_to_polls() -> None:
    """Where polls have taken three quarters there is nothing left for history."""
    budget = AppBudget().user("user")
    start = NOW - timedelta(minutes=55)
    for n in range(375):
        budget.record(start + n * 8 * SECOND)
    assert budget.wait(HISTORY, NOW) > timedelta()
    assert budget.allow(POLL, NOW)
    assert budget.allow(HISTORY, start + HOUR + 9 * SECOND)


def test_users_of_an_application_share_its_history() -> None:
    """Many accounts that all ask for years leave the application's polls alone."""
    app = AppBudget()
    users = [app.user(f"user {n}") for n in range(10)]
    made = sum(spend_hour(user, HISTORY, NOW) for user in users)
    assert made == 200
    assert all(user.allow(POLL, NOW) for user in users)


def test_sixty_accounts_on_one_application() -> None:
    """All of them poll at the pace that is left, and each can still send a command."""
    app = AppBudget()
    users = [app.user(f"user {n}") for n in range(60)]
    pace = users[0].hourly_polls
    assert pace == 1600 // 60
    polls = 0
    for turn in range(pace):
        now = NOW + turn * HOUR / pace
        for place, user in enumerate(users):
            at = now + place * SECOND
            assert user.allow(POLL, at)
            user.record(at)
            polls += 1
    end = NOW + HOUR - SECOND
    assert users[0].app_used(end) == polls <= 1600
    for user in users:
        assert user.allow(COMMAND, end)
        user.record(end)
    assert users[0].used(end) == pace + 1
    assert users[0].used(end, SHORT) == 1
    assert users[0].app_used(end, SHORT) >= 60


def test_an_application_that_is_spent_stops_everybody() -> None:
    """What one user's programs take is missing for the others."""
    app = AppBudget(SMALL_APP, USER_WINDOWS)
    one, other = app.user("one"), app.user("other")
    assert spend(one, COMMAND, NOW) == 8
    assert not other.allow(COMMAND, NOW)
    assert other.used(NOW) == 0
    assert other.allow(COMMAND, NOW + 11 * SECOND)


def test_the_pace_follows_the_accounts() -> None:
    """A user alone has the own limit, and one who leaves makes room."""
    app = AppBudget()
    one = app.user("one")
    assert one.hourly_polls == 400
    for n in range(9):
        app.user(f"user {n}")
    assert one.hourly_polls == 160
    app.leave("user 0")
    assert one.hourly_polls == 177
    for n in range(9):
        app.leave(f"user {n}")
    app.leave("one")
    assert one.hourly_polls == 400


def test_a_user_who_comes_back_keeps_the_calls() -> None:
    """Reloading an account neither forgets calls nor counts them twice."""
    app = AppBudget(SMALL_APP, USER_WINDOWS)
    budget = app.user("user")
    spend(budget, COMMAND, NOW)
    stored = budget.as_data(NOW)
    app.leave("user")
    again = app.user("user", stored)
    assert again.used(NOW) == 8
    assert again.app_used(NOW) == 8


def test_a_restart_forgets_nothing() -> None:
    """What is stored as JSON counts as before, for the application too."""
    budget = AppBudget(SMALL_APP, SMALL_USER).user("user")
    for minute in range(4):
        budget.record(NOW + timedelta(minutes=minute), history=True)
    later = NOW + timedelta(minutes=61.5)
    stored = json.loads(json.dumps(budget.as_data(later)))
    assert len(stored["calls_ms"]) == len(stored["history_ms"]) == 2
    app = AppBudget(SMALL_APP, SMALL_USER)
    again = app.user("user", stored)
    app.user("other").record(NOW + timedelta(minutes=61))
    assert again.used(later) == 2
    assert again.app_used(later) == 3
    assert again.wait(POLL, later) == budget.wait(POLL, later)
    assert again.wait(HISTORY, later) == budget.wait(HISTORY, later) > timedelta()
    assert AppBudget().user("user", {}).used(later) == 0


def test_a_clock_set_back_does_not_lock() -> None:
    """Calls that lie ahead count as made now, and end like all others."""
    budget = AppBudget(SMALL_APP, SMALL_USER).user("user")
    spend(budget, COMMAND, NOW + timedelta(days=30))
    assert budget.used(NOW) == 5
    assert budget.wait(COMMAND, NOW) == 11 * SECOND


def test_an_hour_is_all_that_is_kept() -> None:
    """Polling for days does not grow what is stored."""
    budget = AppBudget().user("user")
    now = NOW
    for minute in range(3 * 1440):
        now = NOW + timedelta(minutes=minute)
        budget.record(now)
    assert len(budget.as_data(now)["calls_ms"]) <= 61


@pytest.mark.parametrize("priority", CallPriority)
def test_a_tiny_window_lets_something_through(priority: CallPriority) -> None:
    """Even one call in a window is enough for each kind of call."""
    budget = AppBudget(user_windows=(QuotaWindow(1, HOUR),)).user("user")
    assert spend(budget, priority, NOW) == 1
    assert budget.wait(priority, NOW) == HOUR + SECOND
