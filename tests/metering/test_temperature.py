"""Temperatures of rooms: slots from what is told, periods from slots."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given, strategies as st
import pytest

from custom_components.energy_homes.metering.model import SLOT, Provenance
from custom_components.energy_homes.metering.periods import Quality
from custom_components.energy_homes.metering.temperature import (
    HOLDS,
    RoomReading,
    RoomSlot,
    RoomSlotter,
    room_period,
)

T0 = datetime(2026, 11, 18, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def reading(minutes: float, temperature: float | None) -> RoomReading:
    """Return what a room's temperature is from so many minutes after T0 on."""
    return RoomReading(T0 + minutes * MINUTE, temperature)


def heard(*readings: RoomReading) -> tuple[RoomSlot, ...]:
    """Return the slots that readings tell."""
    slotter = RoomSlotter()
    for one in readings:
        slotter.hear(one)
    return slotter.settle()


def known(number: int, mean: float, low: float, high: float) -> RoomSlot:
    """Return the measured slot that starts so many slots after T0."""
    return RoomSlot(
        start=T0 + number * SLOT,
        mean=mean,
        low=low,
        high=high,
        provenance=Provenance.MEASURED,
    )


def test_a_temperature_holds_until_the_next() -> None:
    """A slot's mean weighs each temperature with the time that it held."""
    assert heard(reading(-1, 18.0), reading(2.5, 19.0), reading(6, 21.0)) == (
        known(0, 18.5, 18.0, 19.0),
    )


def test_the_first_slot_is_whole() -> None:
    """What was before the first reading is in no slot."""
    slots = heard(reading(1, 18.0), reading(4, 19.0), reading(11, 20.0))
    assert slots == (known(1, 19.0, 19.0, 19.0),)


@pytest.mark.parametrize("silent", [None, 19.0])
def test_what_nobody_could_say_is_unknown(silent: float | None) -> None:
    """A room out of reach, and readings too far apart, leave slots open."""
    apart = HOLDS / MINUTE + (0 if silent is None else 0.1)
    slots = heard(reading(0, 18.0), reading(5, silent), reading(5 + apart, 20.0))
    assert slots[0] == known(0, 18.0, 18.0, 18.0)
    assert slots[1:] == tuple(RoomSlot(start=T0 + n * SLOT) for n in (1, 2))


def test_a_long_silence_is_settled_with_the_next_reading() -> None:
    """Twelve days without a word are unknown slots, and the room goes on."""
    slotter = RoomSlotter()
    slotter.hear(reading(0, 18.0))
    assert slotter.settle() == ()
    slotter.hear(reading(12 * 24 * 60 + 2, 20.0))
    slots = slotter.settle()
    assert len(slots) == 12 * 24 * 12
    assert {slot.provenance for slot in slots} == {Provenance.UNKNOWN}
    slotter.hear(reading(12 * 24 * 60 + 10, 20.0))
    assert [slot.mean for slot in slotter.settle()] == [None, 20.0]


def test_a_restart_changes_nothing() -> None:
    """A slotter that goes on with what was kept tells the same slots."""
    readings = [reading(3 * n, 18 + n / 10) for n in range(12)]
    slots: list[RoomSlot] = []
    slotter = RoomSlotter()
    for one in readings:
        slotter.hear(one)
        slots += (ended := slotter.settle())
        until = ended[-1].start + SLOT if ended else slots and slots[-1].start + SLOT
        slotter = RoomSlotter(slotter.readings, until or None)
    assert tuple(slots) == heard(*readings)
    assert len(slotter.readings) <= 3


def test_the_same_reading_again_changes_nothing() -> None:
    """A status that is told twice is one."""
    slotter = RoomSlotter()
    for temperature in (18.0, 25.0):
        slotter.hear(reading(0, temperature))
    assert slotter.readings == (reading(0, 18.0),)
    assert RoomSlotter().settle() == ()


def test_a_clock_that_was_ahead_is_forgotten() -> None:
    """After the clock was set back the room goes on from there."""
    slotter = RoomSlotter()
    for minutes in (0, 5, 600):
        slotter.hear(reading(minutes, 18.0))
    slotter.settle()
    for minutes in (12, 20):
        slotter.hear(reading(minutes, 19.0))
    assert slotter.settle() == (
        RoomSlot(start=T0 + 2 * SLOT),
        known(3, 19.0, 19.0, 19.0),
    )
    slotter = RoomSlotter([reading(60, 18.0)])
    slotter.hear(reading(1, 18.0))
    assert slotter.readings == (reading(1, 18.0),)


@given(
    st.lists(st.tuples(st.floats(0.1, 8), st.floats(5, 30)), min_size=3, max_size=40)
)
def test_slots_weigh_what_was_told(told: list[tuple[float, float]]) -> None:
    """The mean over all whole slots is that of the step function that was told."""
    at, readings = 0.0, []
    for wait, temperature in told:
        readings.append(reading(at, temperature))
        at += wait
    readings.append(reading(at, None))
    slots = heard(*readings)

    end = T0 + len(slots) * SLOT
    area = sum(
        (min(after.at, end) - min(one.at, end)) / SLOT * (one.temperature or 0.0)
        for one, after in pairwise(readings)
    )
    assert sum(slot.mean or 0.0 for slot in slots) == pytest.approx(area)
    assert all(slot.provenance is Provenance.MEASURED for slot in slots)


def test_a_period_is_of_what_is_known_of_it() -> None:
    """Mean, lowest and highest of the known slots, and where they come from."""
    slots = [
        known(0, 18.0, 17.5, 18.5),
        RoomSlot(start=T0 + SLOT),
        RoomSlot(
            start=T0 + 2 * SLOT,
            mean=21.0,
            low=20.0,
            high=22.0,
            provenance=Provenance.VENDOR,
        ),
        RoomSlot(
            start=T0 + 3 * SLOT,
            mean=21.0,
            low=21.0,
            high=21.0,
            provenance=Provenance.INTERPOLATED,
        ),
    ]
    period = room_period(T0, timedelta(minutes=30), slots)
    assert (period.mean, period.low, period.high) == (20.0, 17.5, 22.0)
    assert period.quality == Quality(300, 300, 300, 900)
    empty = room_period(T0, SLOT, [])
    assert (empty.mean, empty.low, empty.high) == (None, None, None)
    assert empty.quality == Quality(unknown=300)


@pytest.mark.parametrize(
    ("values", "provenance"),
    [
        ((18.0, 18.0, 18.0), Provenance.UNKNOWN),
        ((18.0, None, 18.0), Provenance.VENDOR),
        ((18.0, 18.5, 19.0), Provenance.VENDOR),
        ((18.0, 17.0, 17.5), Provenance.VENDOR),
    ],
)
def test_a_slot_that_says_two_things_is_refused(
    values: tuple[float, float | None, float], provenance: Provenance
) -> None:
    """A mean is between the lowest and the highest, and all three are known or none."""
    mean, low, high = values
    with pytest.raises(ValueError, match="°C"):
        RoomSlot(start=T0, mean=mean, low=low, high=high, provenance=provenance)
