"""Sensors on record: they keep their ids, whatever host reports them."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import count

from hypothesis import given, strategies as st
import pytest

from custom_components.energy_homes.sensing.model import Quantity, SensorReading
from custom_components.energy_homes.sensing.records import (
    MAX_ON_RECORD,
    SensorRecord,
    match_sensors,
    merged,
    moved,
)
from custom_components.energy_homes.sensing.view import SensorView, next_silence, views

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
PI = "remote:board:pi"
NEW_PI = "remote:board:new-pi"


def reading(
    hardware_id: str,
    name: str | None = None,
    value: float | None = 20.0,
    at: datetime = NOON,
) -> SensorReading:
    """Return what a sensor says."""
    return SensorReading(
        hardware_id=hardware_id,
        quantity=Quantity.TEMPERATURE,
        value=value,
        at=at,
        silent_at=at + 5 * MINUTE,
        name=name,
    )


def record(
    sensor_id: str, name: str, hardware_id: str | None = None, host: str = PI
) -> SensorRecord:
    """Return a sensor on record."""
    return SensorRecord(
        sensor_id=sensor_id,
        name=name,
        quantity=Quantity.TEMPERATURE,
        unit="°C",
        hardware={} if hardware_id is None else {host: hardware_id},
    )


def merge(
    records: Iterable[SensorRecord],
    *readings: SensorReading,
    host: str = PI,
    now: datetime = NOON,
) -> tuple[SensorRecord, ...]:
    """Return the records after a report; new ones are `n1`, `n2` and so on."""
    numbers = count(1)
    return merged(tuple(records), host, readings, now, lambda: f"n{next(numbers)}")


def test_what_is_reported_comes_on_record() -> None:
    """Under its name, else under the vendor's id; the same again changes nothing."""
    readings = reading("28-a", "Hall"), reading("28-b", value=None)
    records = merge((), *readings)
    assert records == (record("n1", "Hall", "28-a"), record("n2", "28-b", "28-b"))
    assert merge(records, *readings) == records
    assert merge(records, readings[0]) == records


def test_new_name() -> None:
    """A name renames, without one the old name stays; ids stay in any case."""
    known = (record("a", "28-a", "28-a"),)
    renamed = merge(known, reading("28-a", "Hall"))
    assert renamed == (record("a", "Hall", "28-a"),)
    assert merge(renamed, reading("28-a")) == renamed
    assert merge(renamed, reading("28-a", "Attic")) == (record("a", "Attic", "28-a"),)


def test_probe_that_is_exchanged() -> None:
    """A new probe with the name of one that is silent takes its place."""
    known = (record("a", "Hall", "28-a"),)
    old, new = reading("28-a", "Hall", at=NOON - 5 * MINUTE), reading("28-b", "Hall")
    assert merge(known, old, new) == (record("a", "Hall", "28-b"),)
    # While both report they are two.
    both = merge(known, reading("28-a", "Hall"), new)
    assert both == (known[0], record("n1", "Hall", "28-b"))


def test_what_is_silent_does_not_come_on_record() -> None:
    """Of long ago nothing is known."""
    assert merge((), reading("28-a"), now=NOON + 5 * MINUTE) == ()


def test_other_host() -> None:
    """Sensors are found by their own ids, then by names that only one has."""
    known = (
        record("a", "Hall", "28-a"),
        record("b", "Attic", "28-b"),
        record("c", "Cellar", "28-c"),
        record("d", "Twin", "28-d"),
        record("e", "Twin", "28-e"),
    )
    told = (
        reading("28-a", "Something else"),
        reading("29-b", " ATTIC "),
        reading("29-d", "Twin"),
        reading("29-f"),
    )
    match = match_sensors(known, NEW_PI, told)
    assert match.matched == {"a": "28-a", "b": "29-b"}
    assert [found.sensor_id for found in match.records] == ["c", "d", "e"]
    assert [found.hardware_id for found in match.readings] == ["29-d", "29-f"]
    swapped = moved(known, NEW_PI, {**match.matched, "c": "29-f", "d": None})
    assert swapped[0].hardware == {PI: "28-a", NEW_PI: "28-a"}
    assert swapped[2].hardware == {PI: "28-c", NEW_PI: "29-f"}
    assert swapped[3] == known[3]
    after = merge(swapped, *told, host=NEW_PI)
    assert [found.sensor_id for found in after] == ["a", "b", "c", "d", "e", "n1"]
    assert after[0].name == "Something else"
    # Back at the old host everything is what it was.
    assert match_sensors(after, PI, [reading("28-c")]).matched == {"c": "28-c"}


def test_record_is_bounded() -> None:
    """A daemon that makes up ids fills no file."""
    readings = [reading(f"28-{number}") for number in range(2 * MAX_ON_RECORD)]
    records = merge((), *readings)
    assert len(records) == MAX_ON_RECORD
    assert merge(records, *readings) == records


def test_stored_and_read() -> None:
    """A record is what it was."""
    known = record("a", "Hall", "28-a")
    assert SensorRecord.from_data(known.as_data()) == known
    assert known.unique_id == "a_temperature"
    assert known.at_host(PI, None) == record("a", "Hall")


def test_views() -> None:
    """Heard of late: available, with its value or without; else neither."""
    known = (
        record("a", "Hall", "28-a"),
        record("b", "Attic", "28-b"),
        record("c", "C"),
    )
    told = reading("28-a", value=0.0), reading("28-b", value=None, at=NOON + MINUTE)
    gone = SensorView(name="Hall")
    assert views(known, PI, told, NOON) == {
        "a": SensorView(name="Hall", available=True, value=0.0),
        "b": SensorView(name="Attic", available=True),
        "c": SensorView(name="C"),
    }
    assert views(known, PI, told, NOON + 5 * MINUTE)["a"] == gone
    assert views(known, NEW_PI, told, NOON)["a"] == gone
    assert next_silence(told, NOON) == NOON + 5 * MINUTE
    assert next_silence(told, NOON + 5 * MINUTE) == NOON + 6 * MINUTE
    assert next_silence(told, NOON + 6 * MINUTE) is None


IDS = st.sampled_from(["28-a", "28-b", "28-c", "28-d"])
NAMES = st.sampled_from([None, "Hall", "hall", "Attic"])


@st.composite
def reports(draw: st.DrawFn) -> tuple[str, list[SensorReading], int]:
    """Return a report of one of two hosts, some of it silent, and when it comes."""
    ids = draw(st.lists(IDS, unique=True))
    minutes = [draw(st.integers(0, 9)) for _ in ids]
    told = [
        reading(one, draw(NAMES), at=NOON - minute * MINUTE)
        for one, minute in zip(ids, minutes, strict=True)
    ]
    return draw(st.sampled_from([PI, NEW_PI])), told, draw(st.integers(0, 1))


@given(st.lists(reports(), max_size=8))
@pytest.mark.filterwarnings("error")
def test_records_hold_together(
    history: list[tuple[str, list[SensorReading], int]],
) -> None:
    """No sensor is two, none is lost, and what reports is shown."""
    records: tuple[SensorRecord, ...] = ()
    numbers = count()
    for host, told, _ in history:
        before = {known.sensor_id: known for known in records}
        records = merged(records, host, told, NOON, lambda: f"n{next(numbers)}")
        assert before.keys() <= {known.sensor_id for known in records}
        assert len({known.sensor_id for known in records}) == len(records)
        heard = {one.hardware_id: one for one in told if one.heard(NOON)}
        shown = views(records, host, told, NOON)
        assert sum(view.available for view in shown.values()) == len(heard)
        assert merged(records, host, told, NOON, lambda: "never") == records
