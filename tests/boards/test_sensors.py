"""Remote sensors: what was said last, for as long as it holds, and no more of them."""

from datetime import UTC, datetime, timedelta

from custom_components.energy_homes.boards.remote import RemoteReading, RemoteUpdate
from custom_components.energy_homes.boards.sensors import (
    FORGOTTEN_AFTER,
    MAX_HOSTS,
    MAX_REMEMBERED,
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


def test_what_homes_are_told() -> None:
    """Each sensor of a host, under its own id, for as long as it reports."""
    sensors = RemoteSensors()
    assert sensors.take(report("pi", a=20.5, b=None), NOON) == ("pi_a", "pi_b")
    sensors.take(report("pi", a=21.0), NOON + MINUTE)
    sensors.take(report("other", a=3.0), NOON)
    told = sensors.host("pi")
    assert [(one.hardware_id, one.value, one.at) for one in told] == [
        ("a", 21.0, NOON + MINUTE),
        ("b", None, NOON),
    ]
    assert {host: len(found) for host, found in sensors.hosts.items()} == {
        "pi": 2,
        "other": 1,
    }
    assert all(one.heard(NOON + 4 * MINUTE) for one in told)
    assert [one.heard(NOON + 5 * MINUTE) for one in told] == [True, False]
    assert sensors.host("nobody") == ()


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
    """One sensor too many is not taken, until others were silent for a week."""
    sensors = RemoteSensors()
    names = {f"s{number}": 1.0 for number in range(MAX_REMEMBERED)}
    assert len(sensors.take(report("pi", **names), NOON)) == MAX_REMEMBERED
    assert sensors.take(report("pi", new=1.0), NOON + MINUTE) == ()
    assert sensors.take(report("pi", s7=2.0), NOON + MINUTE) == ("pi_s7",)
    assert sensors.take(report("new", a=1.0), NOON + FORGOTTEN_AFTER) == ("new_a",)
    assert set(sensors.all) == {("pi", "s7"), ("new", "a")}


def test_hosts_are_bounded() -> None:
    """Who makes up hosts does not fill the list of what waits for a home."""
    sensors = RemoteSensors()
    assert MAX_HOSTS == 32
    for number in range(MAX_HOSTS):
        assert sensors.take(report(f"pi{number}", a=1.0), NOON)
    assert sensors.take(report("new", a=1.0), NOON) == ()
    assert sensors.take(report("pi0", b=1.0), NOON) == ("pi0_b",)
    assert sensors.take(report("new", a=1.0), NOON + FORGOTTEN_AFTER) == ("new_a",)
