"""Slots of counted pulses: they add up to the count, and say where pulses may be missing."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, strategies as st
import pytest

from custom_components.energy_homes.metering.model import (
    SLOT,
    CounterReading,
    PowerReading,
    Provenance,
    Slot,
)
from custom_components.energy_homes.metering.slots import (
    AddResult,
    PulseSlotter,
    restored_slotter,
)

T0 = datetime(2026, 11, 18, 10, 0, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
DELAY = timedelta(seconds=90)
MEASURED, UNKNOWN = Provenance.MEASURED, Provenance.UNKNOWN


def pulse(seconds: float, energy: float, *, gap: bool = False) -> CounterReading:
    """Return what was counted by a pulse so many seconds after T0."""
    return CounterReading(T0 + seconds * SECOND, energy, gap)


def take(slotter: PulseSlotter, *readings: CounterReading) -> None:
    """Add readings that come at once."""
    for reading in readings:
        assert slotter.add(reading, reading.at) is AddResult.ACCEPTED


def settled(slotter: PulseSlotter, seconds: float) -> list[tuple[int, object, object]]:
    """Settle; return number, provenance and Wh of each slot."""
    return [told(slot) for slot in slotter.settle(T0 + seconds * SECOND + DELAY)]


def told(slot: Slot) -> tuple[int, object, object]:
    """Return number, provenance and Wh of a slot."""
    energy = slot.energy
    return (
        (slot.start - T0) // SLOT,
        slot.provenance,
        None if energy is None else round(energy * 1000, 6),
    )


def test_slots_between_pulses_are_measured_however_long_that_takes() -> None:
    """Exactly one pulse's energy is used between two; the first slot is not whole."""
    slotter = PulseSlotter()
    take(slotter, pulse(60, 1.0), pulse(240, 1.002), pulse(360, 1.003))
    assert settled(slotter, 600) == [
        (0, UNKNOWN, 2.5),
        (1, UNKNOWN, 0.5),
    ]
    take(slotter, pulse(1560, 1.005))
    assert settled(slotter, 1500) == [
        (1, MEASURED, 0.9),
        (2, MEASURED, 0.5),
        (3, MEASURED, 0.5),
        (4, MEASURED, 0.5),
    ]


def test_gap_leaves_its_slots_unknown_and_counts_what_was_counted() -> None:
    """Nothing is spread over a gap: each pulse counts in the slot that it was in."""
    slotter = PulseSlotter()
    take(
        slotter,
        pulse(0, 1.0),
        pulse(290, 1.010),
        pulse(310, 1.012),
        pulse(910, 1.013, gap=True),
        pulse(1190, 1.020),
        pulse(1210, 1.022),
    )
    assert settled(slotter, 1200) == [
        (0, MEASURED, 11.0),
        (1, UNKNOWN, 1.0),
        (2, UNKNOWN, 0.0),
        (3, UNKNOWN, 9.0),
    ]
    take(slotter, pulse(1600, 1.030))
    assert settled(slotter, 1500)[0] == (4, MEASURED, pytest.approx(1 + 8 * 290 / 390))


def test_slots_without_a_pulse_wait_for_the_next_one() -> None:
    """What is not known by the time that it is due is told once more."""
    slotter = PulseSlotter()
    take(slotter, pulse(0, 1.0), pulse(100, 1.001))
    assert settled(slotter, 900) == [
        (0, UNKNOWN, 1.0),
        (1, UNKNOWN, None),
        (2, UNKNOWN, None),
    ]
    assert settled(slotter, 901) == [(0, UNKNOWN, 1.0)]
    take(slotter, pulse(1000, 1.010))
    assert settled(slotter, 1200) == [
        (0, MEASURED, 3.0),
        (1, MEASURED, 3.0),
        (2, MEASURED, 3.0),
        (3, UNKNOWN, 1.0),
    ]


def test_nothing_before_the_hardware_is_told() -> None:
    """A stale first reading is where the counter stood when its home began with it."""
    slotter = PulseSlotter(open_from=T0 + SLOT)
    take(slotter, pulse(0, 1.0), pulse(600, 1.010))
    assert settled(slotter, 900) == [(1, MEASURED, 5.0), (2, UNKNOWN, 0.0)]
    later = PulseSlotter(open_from=T0 + 2 * SLOT)
    take(later, pulse(0, 1.0))
    assert settled(later, 600) == []
    assert settled(later, 900) == [(2, UNKNOWN, None)]
    silent = PulseSlotter(settled_until=T0)
    assert settled(silent, 300) == [(0, UNKNOWN, None)]


def test_what_cannot_be_placed_is_refused() -> None:
    """Other readings, repeats, late and future ones change nothing."""
    slotter = PulseSlotter()
    with pytest.raises(TypeError):
        slotter.add(PowerReading(T0, 1.0), T0)
    take(slotter, pulse(0, 1.0), pulse(310, 1.001))
    settled(slotter, 300)
    assert slotter.add(pulse(310, 1.001, gap=True), T0 + 400 * SECOND) is (
        AddResult.DUPLICATE
    )
    assert slotter.add(pulse(200, 1.0005), T0 + 400 * SECOND) is AddResult.LATE
    assert slotter.add(pulse(900, 1.1), T0 + 400 * SECOND) is AddResult.FUTURE
    assert [reading.energy for reading in slotter.pending()] == [1.0, 1.001]


def test_clock_that_is_set_back() -> None:
    """Stamps ahead of the present go; the count goes on, and nothing counts twice."""
    slotter = PulseSlotter()
    take(slotter, pulse(0, 1.0), pulse(3605, 1.010))
    assert sum_of(slotter.settle(T0 + 3600 * SECOND + DELAY)) == pytest.approx(9.98613)
    take(slotter, pulse(1000, 1.011), pulse(1500, 1.012))
    slots = slotter.settle(T0 + 1500 * SECOND + DELAY)
    assert [told(slot)[1] for slot in slots] == 4 * [UNKNOWN] + [MEASURED]
    assert sum_of(slots) == pytest.approx(12 - 9.98613)


def sum_of(slots: tuple[Slot, ...]) -> float:
    """Return the Wh of some slots."""
    return sum((slot.energy or 0) * 1000 for slot in slots)


STEPS = st.lists(
    st.tuples(
        st.integers(min_value=200, max_value=400_000),
        st.integers(min_value=1, max_value=3),
        st.booleans(),
        st.sampled_from(["go on", "settle", "restart", "kill"]),
    ),
    min_size=1,
    max_size=60,
)


@given(steps=STEPS, rate=st.sampled_from([100, 800, 1000]))
def test_slots_always_add_up_to_what_was_counted(
    steps: list[tuple[int, int, bool, str]], rate: int
) -> None:
    """Whatever is settled, restored or missing: known slots stay, the sum is exact."""
    ledger: dict[datetime, Slot] = {}
    pending: tuple[CounterReading, ...] = ()
    slotter = PulseSlotter(open_from=T0)
    pulses, now = 5, T0
    slotter.add(CounterReading(now, pulses / rate), now)
    pending = slotter.pending()
    for millis, more, gap, action in steps:
        pulses, now = pulses + more, now + timedelta(milliseconds=millis)
        reading = CounterReading(now, pulses / rate, gap)
        assert slotter.add(reading, now) is AddResult.ACCEPTED
        if action == "go on":
            continue
        if action == "kill":
            # What was settled last is all there is; the board tells its newest count.
            restored = pending
        else:
            keep(ledger, slotter.settle(now + DELAY))
            pending = restored = slotter.pending()
        if action != "settle":
            fresh = restored_slotter(
                restored,
                usual_spacing=None,
                settled_until=slotter.settled_until if ledger else None,
                open_from=T0,
                pulses=True,
            )
            assert isinstance(fresh, PulseSlotter)
            slotter = fresh
            slotter.add(CounterReading(now, pulses / rate, gap), now)
    end = now + SLOT
    keep(ledger, slotter.settle(end + DELAY))
    total = sum(round((slot.energy or 0) * 1_000_000_000) for slot in ledger.values())
    assert total == round(pulses / rate * 1e9) - round(5 / rate * 1e9)
    starts = sorted(ledger)
    assert starts == [T0 + number * SLOT for number in range(len(starts))]


def keep(ledger: dict[datetime, Slot], slots: tuple[Slot, ...]) -> None:
    """Keep slots as the ledger does."""
    for slot in slots:
        old = ledger.get(slot.start)
        if old is None or (
            not old.known and (slot.known or (slot.energy or 0) > (old.energy or 0))
        ):
            if old is not None and old.energy is not None:
                assert slot.energy is not None
                assert slot.energy >= old.energy
            ledger[slot.start] = slot
