"""Waits between attempts grow, scatter and stay in bounds."""

from datetime import timedelta
from random import Random

from hypothesis import given, strategies as st

from custom_components.energy_homes.accounts.backoff import Backoff

BASE = timedelta(seconds=30)
CAP = timedelta(minutes=15)


@given(st.integers(), st.integers(min_value=1, max_value=200))
def test_bounds(seed: int, attempts: int) -> None:
    """No wait is below the base or above the cap, after however many attempts."""
    backoff = Backoff(BASE, CAP, Random(seed))
    waits = [backoff.next() for _ in range(attempts)]
    assert all(BASE <= wait <= CAP for wait in waits)
    assert all(wait >= CAP / 2 for wait in waits[4:])
    assert backoff.failures == attempts


def test_growth_and_scatter() -> None:
    """Waits double, are not the same for everybody, and begin again after a success."""
    backoff = Backoff(BASE, CAP, Random(1))
    first, second, third = (backoff.next() for _ in range(3))
    assert BASE <= first <= 2 * BASE <= second <= 4 * BASE <= third <= 8 * BASE
    assert first != Backoff(BASE, CAP, Random(2)).next()
    backoff.reset()
    assert backoff.next() <= 2 * BASE
