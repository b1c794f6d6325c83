"""Meters: when they publish and what."""

from datetime import timedelta
from itertools import pairwise

from hypothesis import given, strategies as st
import pytest

from simulator.clock import Clock
from simulator.home import SECONDS_PER_DAY, Household, kwh
from simulator.meter import Meter, Reading, Role
from simulator.world import PAST_DAYS, World
from tests.simulator.conftest import NOON
from tests.simulator_client import ELM_TOKEN, TERRACE_TOKEN, to_ms

NOON_MS = to_ms(NOON)
HOUR_MS = 3_600_000
DAY_MS = SECONDS_PER_DAY * 1000


def all_meters(world: World) -> list[Meter]:
    """Return the meters of all accounts."""
    return [meter for account in world.accounts.values() for meter in account.meters]


def test_spacing(world: World) -> None:
    """A meter publishes about every 30 s with jitter, each at its own phase."""
    phases = set()
    for meter in all_meters(world):
        stamps = [
            reading.stamp_ms
            for reading in meter.published(NOON_MS - DAY_MS, NOON_MS, NOON_MS)
        ]
        gaps = {b - a for a, b in pairwise(stamps)}
        assert len(stamps) == pytest.approx(2880, abs=1)
        assert len(gaps) > 2
        assert 28_000 <= min(gaps) <= max(gaps) <= 32_000
        phases.add(stamps[0] % 30_000)
    assert len(phases) > 3


def test_reading_is_the_mean_since_the_previous(world: World) -> None:
    """Readings integrate to the true energy."""
    for meter in all_meters(world):
        readings = meter.published(NOON_MS - DAY_MS, NOON_MS, NOON_MS)
        for before, reading in pairwise(readings[:51]):
            seconds = (reading.stamp_ms - before.stamp_ms) / 1000
            energy = meter.energy(before.stamp_ms, reading.stamp_ms)
            assert reading.watts == pytest.approx(energy / seconds / 1000, abs=0.5001)
        used = sum(
            reading.watts * (reading.stamp_ms - before.stamp_ms)
            for before, reading in pairwise(readings)
        )
        true = meter.energy(readings[0].stamp_ms, readings[-1].stamp_ms)
        assert used == pytest.approx(true, rel=0.001, abs=1e6)


@given(
    from_ms=st.integers(NOON_MS - 2 * DAY_MS, NOON_MS + HOUR_MS),
    length_ms=st.integers(0, HOUR_MS),
)
def test_windows_are_half_open(from_ms: int, length_ms: int) -> None:
    """Two neighbouring windows have each reading once, and none of the future."""
    meter = WORLD.accounts[ELM_TOKEN].meters[0]
    middle_ms, end_ms = from_ms + length_ms // 2, from_ms + length_ms
    parts = [
        *meter.published(from_ms, middle_ms, NOON_MS),
        *meter.published(middle_ms, end_ms, NOON_MS),
    ]
    assert parts == meter.published(from_ms, end_ms, NOON_MS)
    assert all(from_ms <= reading.stamp_ms < end_ms for reading in parts)
    assert all(reading.stamp_ms <= NOON_MS for reading in parts)


def test_the_past_does_not_depend_on_when_one_begins(world: World) -> None:
    """A world begun 30 days later says the same of the time both know."""
    later = World(seed=1, clock=Clock(NOON_MS + 30 * DAY_MS))
    begin, end = NOON_MS - 20 * DAY_MS, NOON_MS - 20 * DAY_MS + HOUR_MS
    ours = [meter.published(begin, end, end) for meter in all_meters(world)]
    theirs = [meter.published(begin, end, end) for meter in all_meters(later)]
    assert ours == theirs
    assert all(ours)


def test_another_seed_is_another_world(world: World) -> None:
    """The seed changes homes and phases."""
    other = World(seed=2, clock=Clock(NOON_MS))
    window = (NOON_MS - HOUR_MS, NOON_MS, NOON_MS)
    ours = [meter.published(*window) for meter in all_meters(world)]
    theirs = [meter.published(*window) for meter in all_meters(other)]
    assert all(a != b for a, b in zip(ours, theirs, strict=True))


def test_sixty_days(world: World) -> None:
    """The past goes back sixty days and not further."""
    meter = world.accounts[ELM_TOKEN].meters[0]
    origin_ms = world.origin_ms
    assert NOON_MS // DAY_MS - origin_ms // DAY_MS == PAST_DAYS
    assert meter.published(origin_ms, origin_ms + 60_000, NOON_MS)
    assert not meter.published(origin_ms - DAY_MS, origin_ms, NOON_MS)
    assert meter.known_energy(origin_ms - DAY_MS, origin_ms) is None
    assert meter.known_energy(origin_ms, origin_ms + DAY_MS)


def test_silence_and_waking(world: World) -> None:
    """A silent meter keeps its last stamp; what it missed nobody knows."""
    meter = world.accounts[ELM_TOKEN].meters[0]
    last = meter.newest(NOON_MS)
    meter.silence(NOON_MS)
    later_ms = NOON_MS + HOUR_MS
    assert meter.newest(later_ms) == last
    assert meter.listed(later_ms)
    assert meter.published(NOON_MS, later_ms, later_ms) == []

    meter.wake(later_ms)
    awake_ms = later_ms + 60_000
    assert meter.published(NOON_MS, awake_ms, awake_ms)[0].stamp_ms >= later_ms
    assert meter.known_energy(NOON_MS, awake_ms) == meter.energy(later_ms, awake_ms)


def test_removal(world: World) -> None:
    """A removed meter is gone from the account, its past is not."""
    account = world.accounts[TERRACE_TOKEN]
    meter = account.meters[0]
    meter.remove(NOON_MS)
    assert account.listed(NOON_MS) == account.meters[1:]
    assert meter.known_energy(NOON_MS - HOUR_MS, NOON_MS + HOUR_MS) == meter.energy(
        NOON_MS - HOUR_MS, NOON_MS
    )


def test_new_meter_has_no_reading_at_first() -> None:
    """A meter publishes at its first stamp, not before."""
    meter = Meter("1", Role.GRID, "Home", Household(1).grid, 1, NOON_MS)
    assert meter.newest(NOON_MS - 1) is None
    first = meter.newest(
        NOON_MS + int(timedelta(seconds=32) / timedelta(milliseconds=1))
    )
    assert isinstance(first, Reading)
    assert first.stamp_ms >= NOON_MS
    assert kwh(meter.energy(NOON_MS, NOON_MS)) == 0


WORLD = World(seed=1, clock=Clock(NOON_MS))
