"""Particle's limits are kept by all accounts together, in any window."""

from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from random import Random

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.energy_homes.accounts.backoff import Backoff
from custom_components.energy_homes.accounts.particle.budget import (
    LIMITS,
    OPEN_STREAMS,
    SPAN,
    ParticleBudget,
)
from custom_components.energy_homes.accounts.quota import CallPriority, QuotaWindow
from custom_components.energy_homes.clouds.errors import CloudQuotaError
from custom_components.energy_homes.clouds.particle.client import ParticleCall

NOW = datetime(2026, 11, 18, 10, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
STREAM, REQUEST = ParticleCall.STREAM, ParticleCall.REQUEST
SMALL = {STREAM: QuotaWindow(10, SPAN), REQUEST: QuotaWindow(50, SPAN)}

STEPS = st.lists(
    st.tuples(
        st.integers(0, 90).map(lambda seconds: seconds * SECOND),
        st.sampled_from(ParticleCall),
        st.sampled_from(CallPriority),
    ),
    max_size=80,
)


def most_in_a_span(instants: list[datetime]) -> int:
    """Return how many instants the fullest span holds."""
    return max(
        (
            index + 1 - bisect_left(instants, at - SPAN)
            for index, at in enumerate(instants)
        ),
        default=0,
    )


def test_the_documented_limits() -> None:
    """10 000 requests and 100 openings in five minutes, 100 open streams."""
    assert LIMITS[REQUEST].calls == 10_000
    assert LIMITS[STREAM].calls == OPEN_STREAMS == 100
    assert LIMITS[STREAM].span == LIMITS[REQUEST].span == timedelta(minutes=5)


@settings(deadline=None)
@given(steps=STEPS)
def test_no_window_holds_more_than_its_limit(
    steps: list[tuple[timedelta, ParticleCall, CallPriority]],
) -> None:
    """Whatever several accounts do, the limits are kept over all of them."""
    shared = ParticleBudget(SMALL)
    made: dict[ParticleCall, list[datetime]] = {REQUEST: [], STREAM: []}
    now = NOW
    for step, call, priority in steps:
        now += step
        wait = shared.wait(call, now, priority)
        if wait > timedelta():
            with pytest.raises(CloudQuotaError) as caught:
                shared.take(call, now, priority)
            assert caught.value.retry_after == wait
            continue
        shared.take(call, now, priority)
        made[call].append(now)
    for call, limit in SMALL.items():
        assert most_in_a_span(made[call]) <= limit.calls


def test_something_is_left_to_people() -> None:
    """What runs by itself leaves a fifth to what people ask for."""
    budget = ParticleBudget(SMALL)
    for _ in range(8):
        budget.take(STREAM, NOW)
    with pytest.raises(CloudQuotaError):
        budget.take(STREAM, NOW)
    budget.take(STREAM, NOW, CallPriority.COMMAND)
    assert budget.wait(REQUEST, NOW) == timedelta()


def test_open_streams_are_counted() -> None:
    """No more streams are opened than may be open at once."""
    shared = ParticleBudget(open_streams=2)
    with shared.streaming(), shared.streaming():
        assert shared.open_streams == 2
        assert shared.wait(STREAM, NOW) == MINUTE
        assert shared.wait(REQUEST, NOW) == timedelta()
    assert shared.open_streams == 0
    assert shared.wait(STREAM, NOW) == timedelta()


@pytest.mark.parametrize("lived", [0 * SECOND, 20 * SECOND])
@pytest.mark.parametrize("seed", range(3))
def test_thirty_accounts_reconnect_within_the_limit(
    seed: int, lived: timedelta
) -> None:
    """Streams that break at once, or again and again, never open more than is allowed."""
    shared, random = ParticleBudget(), Random(seed)
    accounts = [Backoff(SECOND, 5 * MINUTE, random) for _ in range(30)]
    due = [(NOW, number) for number in range(30)]
    opened: list[datetime] = []
    while due[0][0] < NOW + timedelta(hours=1):
        now, number = heappop(due)
        backoff = accounts[number]
        if (wait := shared.wait(STREAM, now)) > timedelta():
            heappush(due, (now + wait, number))
            continue
        shared.take(STREAM, now)
        opened.append(now)
        if lived:
            backoff.reset()
        heappush(due, (now + lived + backoff.next(), number))
    assert 30 < most_in_a_span(opened) <= 80
