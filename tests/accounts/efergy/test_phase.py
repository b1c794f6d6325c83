"""Polls follow the meters: every reading is seen, a few seconds after its stamp."""

from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

from hypothesis import given, settings, strategies as st

from custom_components.energy_homes.accounts.efergy.phase import (
    DELAY,
    INTERVAL,
    MAX_LAG,
    PhaseTracker,
    plan_polls,
)

START = datetime(2026, 11, 18, 10, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
JITTER_S = 1.5
READINGS = 60

phases_s = st.floats(min_value=0, max_value=30, exclude_max=True)
seeds = st.integers(min_value=0, max_value=10_000)


def on_a_grid(phase_s: float, random: Random) -> list[datetime]:
    """Return stamps that scatter about a fixed phase."""
    return [
        START + (phase_s + 30 * n + random.uniform(-JITTER_S, JITTER_S)) * SECOND
        for n in range(-2, READINGS)
    ]


def wandering(phase_s: float, random: Random) -> list[datetime]:
    """Return stamps that each follow the one before by about 30 s."""
    stamps = [START + (phase_s - 60) * SECOND]
    while len(stamps) < READINGS:
        step = (30 + random.uniform(-JITTER_S, JITTER_S)) * SECOND
        stamps.append(stamps[-1] + step)
    return stamps


def poll(meters: Sequence[list[datetime]]) -> tuple[list[datetime], list[list[int]]]:
    """Poll as the hub does; return the polls and which reading each saw of each meter."""
    tracker = PhaseTracker()
    last: deque[datetime] = deque(maxlen=2)
    polls: list[datetime] = []
    seen: list[list[int]] = [[] for _ in meters]
    now = START
    end = min(stamps[-1] for stamps in meters) - INTERVAL
    while now < end:
        polls.append(now)
        last.append(now)
        for meter, stamps in enumerate(meters):
            newest = sum(stamp <= now for stamp in stamps) - 1
            seen[meter].append(newest)
            tracker.observe(str(meter), stamps[newest])
        plan = plan_polls(tracker.phases.values())
        assert plan is not None
        following = plan.next(last, now)
        assert following > now
        now = following
    return polls, seen


def assert_none_missed(seen: Sequence[list[int]]) -> None:
    """Assert that no poll came after two new readings of a meter."""
    for numbers in seen:
        steps = {after - before for before, after in pairwise(numbers)}
        assert steps <= {0, 1}


def assert_two_polls_at_most(polls: Sequence[datetime]) -> None:
    """Assert that no interval, give or take the jitter, had a third poll."""
    slack = 2 * JITTER_S * SECOND
    for first, third in zip(polls[:-2], polls[2:], strict=True):
        assert third - first >= INTERVAL - slack


@settings(deadline=None)
@given(phases_s, seeds)
def test_one_meter_one_poll(phase_s: float, seed: int) -> None:
    """Every poll finds exactly one new reading, a few seconds old."""
    stamps = on_a_grid(phase_s, Random(seed))
    polls, (seen,) = poll([stamps])
    steady = seen[2:]
    assert steady == list(range(steady[0], steady[0] + len(steady)))
    for at, number in zip(polls[2:], steady, strict=True):
        assert SECOND <= at - stamps[number] <= MAX_LAG


@settings(deadline=None)
@given(phases_s, seeds)
def test_one_meter_that_wanders(phase_s: float, seed: int) -> None:
    """The phase is followed where the stamps drift."""
    stamps = wandering(phase_s, Random(seed))
    polls, (seen,) = poll([stamps])
    steady = seen[2:]
    assert steady == list(range(steady[0], steady[0] + len(steady)))
    for at, number in zip(polls[2:], steady, strict=True):
        assert timedelta() <= at - stamps[number] <= MAX_LAG


@settings(deadline=None)
@given(phases_s, st.floats(min_value=0, max_value=0.9), seeds)
def test_meters_close_together_share_a_poll(
    phase_s: float, apart_s: float, seed: int
) -> None:
    """Two meters with close phases are seen fresh by one poll per interval."""
    random = Random(seed)
    meters = [on_a_grid(p % 30, random) for p in (phase_s, phase_s + apart_s)]
    polls, seen = poll(meters)
    for numbers, stamps in zip(seen, meters, strict=True):
        steady = numbers[2:]
        assert steady == list(range(steady[0], steady[0] + len(steady)))
        for at, number in zip(polls[2:], steady, strict=True):
            assert SECOND / 2 <= at - stamps[number] <= 2 * MAX_LAG


@settings(deadline=None)
@given(st.lists(phases_s, min_size=2, max_size=6), seeds)
def test_meters_anywhere(phases: list[float], seed: int) -> None:
    """However many meters: no reading is missed, with two polls per interval at most."""
    random = Random(seed)
    polls, seen = poll([on_a_grid(phase_s, random) for phase_s in phases])
    assert_none_missed(seen)
    assert_two_polls_at_most(polls)


@settings(deadline=None)
@given(phases_s, phases_s)
def test_two_meters_are_both_fresh(one_s: float, other_s: float) -> None:
    """Wherever two meters stand, each is polled a few seconds after its stamp."""
    phases = [one_s * SECOND, other_s * SECOND]
    plan = plan_polls(phases)
    assert plan is not None
    for phase in phases:
        lags = [(at - phase) % INTERVAL for at in plan.phases]
        assert DELAY <= min(lag for lag in lags if lag >= DELAY) <= MAX_LAG


def test_ghosts_of_phases() -> None:
    """Without a meter there is no plan; a forgotten one does not count; repeats neither."""
    tracker = PhaseTracker()
    assert plan_polls(tracker.phases.values()) is None
    tracker.observe("a", START)
    tracker.observe("b", START + 15 * SECOND)
    tracker.observe("b", START + 15 * SECOND)
    assert len(tracker.phases) == 2
    tracker.keep(["a"])
    assert dict(tracker.phases) == {"a": timedelta()}
    plan = plan_polls(tracker.phases.values())
    assert plan is not None
    assert plan.next([], START) == START + DELAY
    assert plan.next([START, START + DELAY], START + DELAY) == START + DELAY + INTERVAL


def test_a_clock_set_back() -> None:
    """Polls and stamps that lie ahead neither put the next poll off nor stop the phase."""
    tracker = PhaseTracker()
    tracker.observe("a", START)
    before = START - timedelta(hours=1)
    for n in range(20):
        tracker.observe("a", before + 30 * n * SECOND + 6 * SECOND)
    assert abs(tracker.phases["a"] - 6 * SECOND) < SECOND / 10
    plan = plan_polls(tracker.phases.values())
    assert plan is not None
    following = plan.next([START, START + INTERVAL], before)
    assert before < following <= before + INTERVAL
    following = plan.next([START, before], before)
    assert before < following <= before + INTERVAL + DELAY


def test_phase_across_the_turn() -> None:
    """Stamps either side of the interval's turn have a phase between them."""
    tracker = PhaseTracker()
    tracker.observe("a", START - SECOND)
    tracker.observe("a", START + 31 * SECOND)
    assert tracker.phases["a"] == timedelta()


def test_many_meters() -> None:
    """An account with very many meters gets two polls, half an interval apart."""
    plan = plan_polls(n * SECOND for n in range(30))
    assert plan is not None
    one, other = plan.phases
    assert other - one == INTERVAL / 2
