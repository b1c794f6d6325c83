"""Readings and slots refuse what they cannot be, and a restart finds its slotter."""

from datetime import datetime, timedelta, timezone
from math import inf, nan

import pytest

from custom_components.energy_homes.metering.model import (
    CounterReading,
    PowerReading,
    Provenance,
    Reading,
    Slot,
    slot_boundary_from,
    slot_start,
)
from custom_components.energy_homes.metering.slots import (
    CounterSlotter,
    PowerSlotter,
    restored_slotter,
)

from .reference import T0, USUAL, at


@pytest.mark.parametrize("value", [nan, inf, -inf])
def test_readings_are_finite(value: float) -> None:
    """What is not a number is not a reading."""
    with pytest.raises(ValueError, match="not a reading"):
        PowerReading(T0, value)
    with pytest.raises(ValueError, match="cannot show"):
        CounterReading(T0, value)


def test_counter_is_not_negative() -> None:
    """A counter begins at zero, a power may be negative."""
    assert PowerReading(T0, -1).power == -1
    with pytest.raises(ValueError, match="cannot show"):
        CounterReading(T0, -0.001)


@pytest.mark.parametrize("kind", [PowerReading, CounterReading])
def test_stamps_are_aware(kind: type[PowerReading | CounterReading]) -> None:
    """A stamp without a zone could be any hour."""
    with pytest.raises(ValueError, match="no time zone"):
        kind(datetime(2026, 3, 1, 10), 1)


@pytest.mark.parametrize(
    ("energy", "returned", "provenance"),
    [
        (None, None, Provenance.MEASURED),
        (0, None, Provenance.UNKNOWN),
        (1, None, Provenance.VENDOR),
        (None, 1, Provenance.UNKNOWN),
        (-1e-9, 0, Provenance.MEASURED),
        (0, inf, Provenance.INTERPOLATED),
    ],
)
def test_slots_do_not_contradict_themselves(
    energy: float | None, returned: float | None, provenance: Provenance
) -> None:
    """What is known has both energies; what is not has both or none."""
    with pytest.raises(ValueError, match="A slot"):
        Slot(start=T0, energy=energy, returned=returned, provenance=provenance)


def test_slots_are_aligned_in_every_zone() -> None:
    """A zone whose hours are not UTC's has the same slots."""
    kathmandu = timezone(timedelta(hours=5, minutes=45))

    assert slot_start(at(299.999)) == T0
    assert slot_start(at(300).astimezone(kathmandu)) == at(300)
    assert slot_boundary_from(T0.astimezone(kathmandu)) == T0
    assert slot_boundary_from(at(0.001)) == at(300)


@pytest.mark.parametrize(
    ("pending", "kind", "kept"),
    [
        ([], PowerSlotter, 0),
        ([PowerReading(T0, 1), PowerReading(at(30), 1)], PowerSlotter, 2),
        ([CounterReading(at(30), 1), CounterReading(T0, 1)], CounterSlotter, 2),
        ([PowerReading(T0, 1), CounterReading(at(30), 1)], CounterSlotter, 1),
        ([PowerReading(at(30), 1), CounterReading(T0, 1)], PowerSlotter, 1),
    ],
)
def test_restart_finds_the_kind_of_the_newest_reading(
    pending: list[Reading], kind: type[PowerSlotter | CounterSlotter], kept: int
) -> None:
    """Readings of hardware that was replaced are left behind."""
    slotter = restored_slotter(pending, usual_spacing=USUAL, settled_until=at(60))

    assert type(slotter) is kind
    assert len(slotter.pending()) == kept
    assert slotter.late == 0
    assert slotter.settled_until == at(60)
