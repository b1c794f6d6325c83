"""How long a sensor may be silent: learned from when it is heard, within bounds."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, strategies as st

from custom_components.energy_homes.sensing.silence import (
    LEAST_SILENCE,
    MISSED_REPORTS,
    MOST_SILENCE,
    Silence,
)

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def heard(*gaps: timedelta) -> Silence:
    """Return what is learned from reports with these gaps between them."""
    silence = Silence(NOON)
    for gap in gaps:
        silence.heard(silence.at + gap)
    return silence


def test_daemon_is_waited_for_five_minutes() -> None:
    """Also before its second report it is taken for one that reports every minute."""
    assert heard().silent_at == NOON + 5 * MINUTE
    assert heard(MINUTE).silent_at == NOON + 6 * MINUTE


def test_slow_and_quick_sensors() -> None:
    """Each is waited for as long as five of its own reports, within bounds."""
    assert heard(*[10 * MINUTE] * 3).silent_at == NOON + (30 + 50) * MINUTE
    assert heard(*[20 * MINUTE] * 3).silent_at == NOON + 60 * MINUTE + MOST_SILENCE
    assert heard(*[MINUTE / 12] * 12).silent_at == NOON + MINUTE + LEAST_SILENCE


def test_one_long_silence_teaches_nothing() -> None:
    """The middle gap counts: after a night off a daemon is what it was."""
    silence = heard(MINUTE, MINUTE, timedelta(hours=8), MINUTE)
    assert silence.spacing == MINUTE


def test_clock_that_is_set_back() -> None:
    """What is heard counts from then; no gap is learned."""
    silence = heard(MINUTE)
    silence.heard(NOON - timedelta(hours=1))
    assert silence.spacing == MINUTE
    assert silence.silent_at == NOON - timedelta(minutes=55)


@given(st.lists(st.timedeltas(timedelta(0), timedelta(days=30))))
def test_bounds(gaps: list[timedelta]) -> None:
    """Nothing that a sensor does makes it be given up at once, or waited for for ever."""
    silence = heard(*gaps)
    wait = silence.silent_at - silence.at
    assert LEAST_SILENCE <= wait <= MOST_SILENCE
    assert wait in {LEAST_SILENCE, MOST_SILENCE, MISSED_REPORTS * silence.spacing}
