"""What was recorded of an entity gives the slots that listening to it would have given."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, strategies as st
import pytest

from custom_components.energy_homes.metering.counter import CounterSlotter
from custom_components.energy_homes.metering.model import (
    SLOT,
    CounterReading,
    PowerReading,
    Provenance,
)
from custom_components.energy_homes.metering.replay import (
    EVERY,
    RecordedState,
    readings,
    replayed,
)

START = datetime(2026, 11, 17, 10, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def after(minutes: float) -> datetime:
    """Return an instant so many minutes after the start."""
    return START + minutes * MINUTE


def slots(
    told: list[RecordedState], until: float, begin: float = 0
) -> dict[str, float | None]:
    """Return the energy of the slots that are known, by the time of day."""
    found = replayed(readings(told, after(until)), after(begin), after(until))
    return {f"{slot.start:%H:%M}": slot.energy for slot in found}


def test_power_holds_until_the_next_one() -> None:
    """A power that is told once is read all the time; nothing is known before and after."""
    told = [RecordedState(after(2), power=600), RecordedState(after(12), power=-1200)]
    given_ = list(readings(told, after(13)))
    assert given_[0] == PowerReading(after(2), 600)
    assert given_[20:22] == [
        PowerReading(after(12), 600),
        PowerReading(after(12) + EVERY, -1200),
    ]
    assert given_[-1] == PowerReading(after(13), -1200)
    found = replayed(readings(told, after(21)), after(0), after(25))
    assert [(slot.start, slot.provenance) for slot in found] == [
        (after(minutes), Provenance.VENDOR) for minutes in (5, 10, 15)
    ]
    assert [slot.energy for slot in found] == pytest.approx([0.05, 0.02, 0])
    assert [slot.returned for slot in found] == pytest.approx([0, 0.06, 0.1])


def test_what_is_unavailable_holds_nothing() -> None:
    """The slots that nobody told of stay unknown, also where no home has such a power."""
    told = [
        RecordedState(after(0), power=600),
        RecordedState(after(6)),
        RecordedState(after(8)),
        RecordedState(after(14), power=1200),
        RecordedState(after(21), power=1e9),
        RecordedState(after(24), power=600),
    ]
    assert slots(told, 35) == {
        "10:00": pytest.approx(0.05),
        "10:15": pytest.approx(0.1),
        "10:25": pytest.approx(0.05),
        "10:30": pytest.approx(0.05),
    }


def test_counter_counts_by_difference_over_what_it_did_not_say() -> None:
    """It bridges its own outage, and what it reported the same was used later."""
    told = [
        RecordedState(after(0), energy=100, until=after(10)),
        RecordedState(after(12)),
        RecordedState(after(20), energy=101),
        RecordedState(after(21), energy=-1),
    ]
    found = replayed(readings(told, after(40)), after(0), after(40))
    assert [slot.energy for slot in found] == pytest.approx([0, 0, 0.5, 0.5])
    assert {slot.provenance for slot in found} <= {
        Provenance.VENDOR,
        Provenance.INTERPOLATED,
    }
    assert slots([RecordedState(after(0), energy=5)], 30) == {}


def test_entity_that_becomes_a_counter() -> None:
    """What it said before and what it counts now are not mixed."""
    told = [
        RecordedState(after(0), power=600),
        RecordedState(after(7), energy=100),
        *(RecordedState(after(7 + n), energy=100 + n / 10) for n in range(1, 20)),
        RecordedState(after(27), power=1200),
    ]
    found = slots(told, 35)
    assert found["10:00"] == pytest.approx(0.05)
    assert "10:05" not in found
    assert found["10:10"] == pytest.approx(0.5)
    assert "10:25" not in found
    assert found["10:30"] == pytest.approx(0.1)


def test_only_the_slots_that_are_asked_for() -> None:
    """What leads up to a span is read, but not told."""
    assert list(slots([RecordedState(after(0), power=60)], 60, 40)) == [
        *("10:40", "10:45", "10:50", "10:55"),
    ]


@given(
    st.lists(
        st.tuples(st.integers(1, 900), st.integers(0, 5000)), min_size=1, max_size=60
    )
)
def test_counter_is_replayed_as_it_was_heard(steps: list[tuple[int, int]]) -> None:
    """The same slots as of a slotter that heard it, with the same energy."""
    at, shown = START, 1000.0
    told = [RecordedState(at, energy=shown)]
    for gap_s, used in steps:
        at, shown = at + timedelta(seconds=gap_s), shown + used / 10_000
        told.append(RecordedState(at, energy=shown))
    heard = CounterSlotter()
    known = {}
    for one in told:
        heard.add(CounterReading(one.at, one.energy or 0), one.at)
        for slot in heard.settle(one.at):
            if slot.known:
                known[slot.start] = slot.energy
    for slot in heard.settle(at + HOUR):
        if slot.known:
            known[slot.start] = slot.energy
    found = replayed(readings(told, at), START, at)
    assert {slot.start: slot.energy for slot in found} == pytest.approx(known, abs=2e-9)
    assert [slot.start for slot in found] == [
        START + n * SLOT for n in range(len(found))
    ]
