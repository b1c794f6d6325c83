"""Remote sensors: what was said last, for as long as it holds, and no more of them."""

from datetime import UTC, datetime, timedelta

from custom_components.energy_homes.boards.remote import RemoteReading, RemoteUpdate
from custom_components.energy_homes.boards.sensors import (
    FORGOTTEN_AFTER,
    MAX_REMEMBERED,
    SILENT_AFTER,
    RemoteSensors,
)

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def report(host: str, **sensors: float | None) -> RemoteUpdate:
    """Return a report."""
    return RemoteUpdate(
        host_id=host,
        readings=tuple(
            RemoteReading(key=f"{host}_{name}", sensor_id=name, temperature=value)
            for name, value in sensors.items()
        ),
    )


def test_sensor_that_is_silent_or_broken_is_not_available() -> None:
    """A sensor is there while it measures and reports."""
    sensors = RemoteSensors()
    assert sensors.next_silence(NOON) is None
    assert sensors.take(report("pi", a=20.5, b=None), NOON) == ("pi_a", "pi_b")
    known = sensors.all
    assert known["pi", "a"].available(NOON + SILENT_AFTER - MINUTE)
    assert not known["pi", "a"].available(NOON + SILENT_AFTER)
    assert not known["pi", "b"].available(NOON)
    assert sensors.next_silence(NOON) == NOON + SILENT_AFTER
    assert sensors.next_silence(NOON + SILENT_AFTER) is None


def test_hosts_with_the_same_key_are_told_apart() -> None:
    """`a` + `b_c` and `a_b` + `c` are two sensors, although a daemon is told one key."""
    sensors = RemoteSensors()
    sensors.take(report("a", b_c=1.0), NOON)
    sensors.take(report("a_b", c=2.0), NOON)
    assert {key: s.reading.temperature for key, s in sensors.all.items()} == {
        ("a", "b_c"): 1.0,
        ("a_b", "c"): 2.0,
    }


def test_memory_is_bounded_and_old_ones_make_room() -> None:
    """One sensor too many is not taken, until another was silent for a week."""
    sensors = RemoteSensors()
    for number in range(MAX_REMEMBERED):
        assert sensors.take(report(f"pi{number}", a=1.0), NOON)
    assert sensors.take(report("new", a=1.0), NOON + MINUTE) == ()
    assert sensors.take(report("pi7", a=2.0), NOON + MINUTE) == ("pi7_a",)
    assert sensors.take(report("new", a=1.0), NOON + FORGOTTEN_AFTER) == ("new_a",)
    assert set(sensors.all) == {("pi7", "a"), ("new", "a")}
