"""Slots of counters: gaps that the counter answers for, resets, noise, restarts."""

from datetime import datetime, timedelta
import random

from hypothesis import assume, example, given, strategies as st
import pytest

from custom_components.energy_homes.metering.dial import mean_power
from custom_components.energy_homes.metering.model import (
    SLOT,
    CounterReading,
    PowerReading,
    Provenance,
    Reading,
    Slot,
    slot_boundary_from,
    slot_start,
)
from custom_components.energy_homes.metering.readings import LEARNED_GAPS, MAX_KEPT
from custom_components.energy_homes.metering.slots import (
    AddResult,
    CounterSlotter,
    Slotter,
)

from .reference import (
    SETTLE_DELAY,
    T0,
    USUAL,
    Run,
    at,
    certain,
    complete,
    counted,
    counters,
    covered,
    drive,
    starts,
)
from .strategies import USUAL_GAPS, counter_readings

UNIT = 1e-9
MEASURED, INTERPOLATED, UNKNOWN = (
    Provenance.MEASURED,
    Provenance.INTERPOLATED,
    Provenance.UNKNOWN,
)


def counter_slotter(
    usual: timedelta | None = USUAL, settled_until: datetime | None = None
) -> CounterSlotter:
    """Return a slotter that nothing was told yet."""
    return CounterSlotter(usual_spacing=usual, settled_until=settled_until)


def steady(begin: int, end: int, per_slot: float = 0.1) -> list[CounterReading]:
    """Return a counter that runs evenly from 100 kWh at T0, read every 30 s."""
    return counters(*((s, 100 + per_slot * s / 300) for s in range(begin, end, 30)))


def add_all(slotter: Slotter, readings: list[CounterReading]) -> None:
    """Add readings that come at their own stamps."""
    for reading in readings:
        slotter.add(reading, reading.at)


def energy(slots: tuple[Slot, ...] | list[Slot]) -> float:
    """Return the sum of slots that are known."""
    return sum(slot.energy or 0 for slot in slots)


def test_difference_between_the_bounds() -> None:
    """A bound between two readings lies on the line between them."""
    slotter = counter_slotter()
    add_all(slotter, counters(*((10 + 30 * i, 5 + 0.03 * i) for i in range(31))))
    first, second, third = slotter.settle(at(990))

    assert not first.known
    for slot in (second, third):
        assert slot.provenance is MEASURED
        assert slot.energy == pytest.approx(0.3, abs=UNIT)
        assert slot.returned == 0


def test_counter_that_stands_still_measures_zero() -> None:
    """Zero is a value."""
    slotter = counter_slotter()
    add_all(slotter, steady(0, 400, per_slot=0))
    (slot,) = slotter.settle(at(390))

    assert slot == Slot(start=T0, energy=0.0, returned=0.0, provenance=MEASURED)


def test_gap_is_unknown_until_the_counter_is_back() -> None:
    """The difference over a gap is spread over its slots, and adds up to it."""
    slotter = counter_slotter()
    add_all(slotter, steady(0, 750))
    before = slotter.settle(at(690))
    assert [slot.provenance for slot in before] == [MEASURED, MEASURED]
    gap = [*slotter.settle(at(990)), *slotter.settle(at(1890))]
    assert [slot.provenance for slot in gap] == [UNKNOWN] * 4

    add_all(slotter, steady(1830, 2500, per_slot=0.4))
    back = slotter.settle(at(2190))

    assert [slot.start for slot in back] == starts(at(600), at(2100))
    assert [slot.provenance for slot in back] == [INTERPOLATED] * 5
    assert energy(back) == pytest.approx(100 + 0.4 * 7 - 100.2, abs=UNIT)
    assert slotter.settle(at(2191)) == ()
    (after,) = slotter.settle(at(2490))
    assert after.provenance is MEASURED


def test_parts_of_the_slots_at_both_ends_of_a_gap_are_counted() -> None:
    """What was counted before the gap in its first slot stays in that slot."""
    slotter = counter_slotter()
    add_all(slotter, counters((0, 10), (30, 11), (60, 12)))
    assert [slot.known for slot in slotter.settle(at(390))] == [False]
    add_all(slotter, counters((660, 15), (690, 18), (720, 18), (900, 18)))
    first, second, third = slotter.settle(at(990))

    assert (first.start, second.start, third.start) == (T0, at(300), at(600))
    assert first.energy == pytest.approx(2 + 3 * 240 / 600, abs=UNIT)
    assert second.energy == pytest.approx(3 * 300 / 600, abs=UNIT)
    assert third.energy == pytest.approx(3 * 60 / 600 + 3, abs=UNIT)


def test_known_slot_is_not_told_again() -> None:
    """A slot before a gap stays as it was settled when the gap is closed."""
    slotter = counter_slotter()
    add_all(slotter, steady(0, 340))
    (first,) = slotter.settle(at(390))
    slotter.settle(at(1290))
    add_all(slotter, counters((1350, 200)))

    assert first.start == T0
    assert [slot.start for slot in slotter.settle(at(1350))] == starts(
        at(300), at(1200)
    )


@pytest.mark.parametrize(
    ("shown", "used"),
    [
        pytest.param([100, 100.5, 0.2, 0.4], 0.9, id="reset counts from zero"),
        pytest.param([10, 8.9, 8.95], 8.95, id="less than nine tenths"),
        pytest.param([1234.5, 0, 1234.6], 0.1, id="a dip to zero"),
        pytest.param([1234.5, 0, 0.05, 0.1], 0.1, id="zero, and again"),
        pytest.param([1234.5, 0, 0.1, 1234.6, 1234.7], 0.2, id="back from a reset"),
        pytest.param([5, 9e5, 5.25], 0.25, id="a spike"),
        pytest.param([0, 1234.5, 1234.75], 0.25, id="zero before it is ready"),
        pytest.param([9000, 5000, 5000.5], 0.5, id="another counter"),
        pytest.param([100, 116, 132], 32, id="a dial of coarse steps"),
        pytest.param([100, 90, 100.25], 0.25, id="nine tenths are noise"),
        pytest.param([100, 99.9, 100, 99.8, 100.1], 0.1, id="noise counts once"),
        pytest.param([0, 0, 0.5], 0.5, id="from zero"),
    ],
)
def test_resets_and_noise(shown: list[float], used: float) -> None:
    """A counter that falls far began again; one that falls a little trembles."""
    slotter = counter_slotter()
    stamps = [*(30 * i for i in range(len(shown))), *range(150, 331, 30)]
    values = [*shown, *[shown[-1]] * (len(stamps) - len(shown))]
    add_all(slotter, counters(*zip(stamps, values, strict=True)))
    (slot,) = slotter.settle(at(390))

    assert slot.energy == pytest.approx(used, abs=UNIT)


def test_reset_waits_for_the_reading_that_confirms_it() -> None:
    """Until then its slot is unknown; not even a restart in between costs energy."""
    slotter = counter_slotter()
    add_all(slotter, [*steady(0, 271), *counters((285, 0.25))])
    assert [slot.known for slot in slotter.settle(at(390))] == [False]

    pending = slotter.pending()
    slotter = counter_slotter(settled_until=slotter.settled_until)
    add_all(slotter, list(pending))
    assert slotter.settle(at(391)) == ()
    add_all(slotter, counters(*((s, 0.5) for s in range(400, 700, 30))))
    slots = slotter.settle(at(690))

    assert [slot.start for slot in slots] == [T0, at(300)]
    assert energy(slots) == pytest.approx(0.09 + 0.5, abs=UNIT)


def test_sealed_reset_is_not_made_a_dip() -> None:
    """A late reading between a reset and what confirmed it comes too late."""
    slotter = counter_slotter()
    add_all(slotter, [*steady(0, 291), *counters((301, 0.5), (360, 1))])
    slotter.settle(at(390))

    assert slotter.add(CounterReading(at(330), 100.1), at(391)) is AddResult.LATE
    assert slotter.add(CounterReading(at(370), 1.5), at(391)) is AddResult.ACCEPTED


@pytest.mark.parametrize(
    ("shown", "watts"),
    [
        pytest.param([(0, 5)], None, id="a single reading"),
        pytest.param([(0, 5), (299, 6)], None, id="less than five minutes"),
        pytest.param([(0, 5), (300, 5)], 0, id="zero"),
        pytest.param([(0, 5), (60, 0), (120, 5.1), (300, 5.1)], 1200, id="a dip"),
        pytest.param([(0, 5), (60, 0), (120, 0), (300, 0.1)], 1200, id="a reset"),
        pytest.param([(0, 5), (240, 5.1), (300, 0)], None, id="to be confirmed"),
        pytest.param([(0, 0), (30, 900), (300, 900.1)], 1200, id="a jump"),
    ],
)
def test_mean_power(shown: list[tuple[float, float]], watts: float | None) -> None:
    """It needs two certain readings far enough apart."""
    power = mean_power(counters(*shown), timedelta(minutes=5))

    assert power == (None if watts is None else pytest.approx(watts))


def test_what_counts_nothing_is_counted_as_refused() -> None:
    """Dips and impossible steps are told once, a genuine reset is none of them."""
    slotter = counter_slotter()
    add_all(slotter, counters((0, 50), (30, 0), (60, 50), (90, 9e4), (120, 50)))
    add_all(slotter, counters((150, 0.1), (180, 0.2), (210, 300), (240, 300.1)))
    add_all(slotter, counters(*((s, 300.5) for s in range(270, 1000, 30))))
    (first, *_) = slotter.settle(at(690))
    slotter.settle(at(990))

    assert first.energy == pytest.approx(0.2 + 0.5, abs=UNIT)
    assert slotter.refused == 3


def test_first_readings_that_must_be_confirmed_are_not_forgotten() -> None:
    """A meter that begins with a dip is not one that begins at zero."""
    slotter = counter_slotter()
    add_all(slotter, counters((10, 1234.5), (40, 0)))
    assert [slot.known for slot in slotter.settle(at(690))] == [False, False]
    add_all(slotter, counters(*((s, 1234.75) for s in range(700, 1300, 30))))
    slots = slotter.settle(at(1290))

    # Over 660 s from the dip on; what is before the first boundary is in no slot.
    assert energy(slots) == pytest.approx(0.25 * 400 / 660, abs=UNIT)


def test_counter_that_only_says_when_it_changes() -> None:
    """Hours without a report are recovered whole, with what they used between them."""
    slotter = counter_slotter(usual=None)
    told: dict[datetime, Slot] = {}
    hours = [0, 1, 2, 3, 4, 5, 14, 15]
    for now in range(0, 16 * 3600, 300):
        add_all(
            slotter, [r for r in counters((now, 6 * now / 3600)) if now / 3600 in hours]
        )
        told |= {slot.start: slot for slot in slotter.settle(at(now) + SETTLE_DELAY)}
    known = [slot for slot in told.values() if slot.known]

    assert energy(known) == pytest.approx(90, abs=UNIT)
    assert {round(slot.energy or 0, 9) for slot in known} == {0.5}
    night = [slot for slot in known if at(5 * 3600) <= slot.start < at(14 * 3600)]
    assert {slot.provenance for slot in night} == {INTERPOLATED}
    assert len(slotter.pending()) <= 1 + LEARNED_GAPS


def test_counter_begins_while_the_clock_comes_right() -> None:
    """What a clock that was ahead settled is not known, and a first reading may come."""
    slotter = counter_slotter(settled_until=at(36_000))
    slotter.settle(at(390))
    add_all(slotter, steady(390, 1000))

    assert slotter.late == 0
    assert [slot.start for slot in slotter.settle(at(990))] == [at(600)]
    assert slotter.settled_until == at(36_000)


def test_noise_at_the_end_of_a_slot_is_not_counted_in_the_next() -> None:
    """The maximum that a counter reached outlives the readings that reached it."""
    slotter = counter_slotter()
    dip = [(270, 11), (285, 11), (299, 10.5), (310, 10.6)]
    add_all(slotter, counters((0, 10), (60, 10), (120, 10), (180, 10), (240, 10), *dip))
    (first,) = slotter.settle(at(390))
    add_all(slotter, counters(*((s, 11.25) for s in range(330, 700, 30))))
    (second,) = slotter.settle(at(690))

    assert first.energy == pytest.approx(1, abs=UNIT)
    assert second.energy == pytest.approx(0.25, abs=UNIT)


def test_late_reading_does_not_bend_what_is_settled() -> None:
    """Between the readings around a settled bound nothing more is taken."""
    slotter = counter_slotter()
    add_all(slotter, steady(0, 291))
    add_all(slotter, counters((320, 100.2), (360, 100.2)))
    (first,) = slotter.settle(at(390))

    assert slotter.add(CounterReading(at(310), 100.19), at(391)) is AddResult.LATE
    assert slotter.late == 1
    add_all(slotter, counters(*((s, 100.2) for s in range(390, 700, 30))))
    (second,) = slotter.settle(at(690))
    assert energy([first, second]) == pytest.approx(0.2, abs=UNIT)


def test_late_reading_is_taken_where_slots_are_unknown() -> None:
    """A reading from within a gap makes known what it can."""
    slotter = counter_slotter()
    add_all(slotter, steady(0, 330))
    slotter.settle(at(1890))

    late = CounterReading(at(950), 103)
    assert slotter.add(late, at(1900)) is AddResult.ACCEPTED
    assert [slot.start for slot in slotter.settle(at(1900))] == [at(300), at(600)]
    assert slotter.add(CounterReading(at(900), 102), at(1901)) is AddResult.LATE

    add_all(slotter, counters((1900, 104)))
    slots = slotter.settle(at(2190))
    assert [slot.start for slot in slots] == starts(at(900), at(2100))
    assert [slot.known for slot in slots] == [True, True, True, False]


def test_reading_before_everything_is_late() -> None:
    """Nothing is known before the first reading, and it stays so."""
    slotter = counter_slotter(settled_until=T0)
    slotter.settle(at(390))
    assert slotter.add(CounterReading(at(299), 1), at(391)) is AddResult.LATE
    assert slotter.add(CounterReading(at(350), 1), at(391)) is AddResult.ACCEPTED
    slotter.settle(at(690))
    assert slotter.add(CounterReading(at(320), 1), at(691)) is AddResult.LATE
    assert slotter.late == 2


def test_spacing_that_is_not_known_is_not_measured() -> None:
    """Of a counter that was read twice the energy is known, and not how it ran."""
    slotter = counter_slotter(usual=None)
    add_all(slotter, counters((0, 1), (310, 2), (620, 3)))
    first, second = slotter.settle(at(690))

    assert (first.provenance, second.provenance) == (INTERPOLATED, INTERPOLATED)
    assert energy([first, second]) == pytest.approx(1 + 290 / 310, abs=UNIT)


def test_clock_that_goes_back_settles_nothing_again() -> None:
    """What is settled stays settled."""
    slotter = counter_slotter()
    add_all(slotter, steady(0, 1000))
    assert len(slotter.settle(at(690))) == 2

    assert slotter.settle(at(-7200)) == ()
    assert [slot.start for slot in slotter.settle(at(990))] == [at(600)]


def test_nothing_to_go_by() -> None:
    """Without readings all slots after what was settled are unknown."""
    slotter = counter_slotter(settled_until=T0)

    assert [slot.known for slot in slotter.settle(at(690))] == [False, False]
    assert counter_slotter().settle(at(690)) == ()


def test_other_kind_of_reading_is_refused() -> None:
    """A power is not what a counter shows."""
    with pytest.raises(TypeError):
        counter_slotter().add(PowerReading(T0, 1), T0)


@given(counter_readings())
def test_agrees_with_the_reference(readings: list[CounterReading]) -> None:
    """Every slot of any stream is what the rules say, and all slots are there."""
    run = drive(counter_slotter(), readings)
    sure = readings[: len(certain(readings))]

    assert sorted(run.slots) == starts(min(run.slots), max(run.slots) + SLOT)
    for slot in run.slots.values():
        assert slot.known is covered(sure, slot.start)
    for slot in run.known:
        exact = counted(readings, slot.end) - counted(readings, slot.start)
        assert slot.energy == pytest.approx(float(exact), abs=2 * UNIT)
        gapless = complete(readings, slot.start)
        assert slot.provenance is (MEASURED if gapless else INTERPOLATED)


@given(counter_readings(resets=False, least=10))
def test_no_energy_is_lost_or_added(readings: list[CounterReading]) -> None:
    """All slots together are the counter's difference, gaps or none."""
    begin, end = slot_boundary_from(readings[0].at), slot_start(readings[-1].at)
    assume(begin < end)
    run = drive(counter_slotter(), readings)

    exact = counted(readings, end) - counted(readings, begin)
    assert [slot.start for slot in run.known] == starts(begin, end)
    units = sum(round((slot.energy or 0) / UNIT) for slot in run.known)
    assert units == pytest.approx(float(exact) / UNIT, abs=1.001)


@given(counter_readings(), st.randoms(use_true_random=False))
def test_order_and_repeats_change_nothing(
    readings: list[CounterReading], rng: random.Random
) -> None:
    """Between two settlings readings may come in any order and more than once."""

    def shuffled(batch: list[Reading]) -> list[Reading]:
        """Return a batch in another order, with repeats."""
        mixed = [*batch, *batch[::2]]
        rng.shuffle(mixed)
        return mixed

    assert drive(counter_slotter(), readings, reorder=shuffled) == drive(
        counter_slotter(), readings
    )


@pytest.mark.parametrize("usual", [USUAL, None])
@given(readings=counter_readings(resets=False), rng=st.randoms(use_true_random=False))
def test_restart_changes_nothing(
    usual: timedelta | None, readings: list[CounterReading], rng: random.Random
) -> None:
    """What is pending is enough to go on with, also in the middle of a gap."""

    def restart(slotter: Slotter, _run: Run) -> Slotter:
        """Return a new slotter in the place of some."""
        if rng.random() < 0.7:
            return slotter
        new = counter_slotter(usual, slotter.settled_until)
        for reading in slotter.pending():
            new.add(reading, reading.at)
        return new

    assert (
        drive(counter_slotter(usual), readings, restart=restart).slots
        == drive(counter_slotter(usual), readings).slots
    )


@given(readings=counter_readings(), rng=st.randoms(use_true_random=False))
def test_restart_tells_the_same_resets(
    readings: list[CounterReading], rng: random.Random
) -> None:
    """A reset, a dip or a jump is the same to a slotter that goes on in its midst."""

    def restart(slotter: Slotter, run: Run) -> Slotter:
        """Return a new slotter that tells nothing that is known."""
        new = counter_slotter(USUAL, slotter.settled_until)
        for reading in slotter.pending():
            new.add(reading, reading.at)
        if rng.random() < 0.7 or slotter.settled_until is None:
            return slotter
        for slot in new.settle(slotter.settled_until):
            told = run.slots[slot.start]
            assert not told.known or told.energy == pytest.approx(slot.energy, abs=1e-8)
            run.slots[slot.start] = told if told.known else slot
        return new

    once = drive(counter_slotter(), readings).slots
    again = drive(counter_slotter(), readings, restart=restart).slots
    assert once.keys() == again.keys()
    for start, slot in once.items():
        assert slot.energy == pytest.approx(again[start].energy, abs=1e-8)


@given(counter_readings(resets=False), st.data())
def test_late_and_disordered_readings_never_cost_energy(
    readings: list[CounterReading], data: st.DataObject
) -> None:
    """However readings come in, a known slot is told once and nothing counts twice."""
    slotter = counter_slotter()
    told: dict[datetime, Slot] = {}
    now = readings[0].at
    for reading in data.draw(st.permutations(readings)):
        now = max(now, reading.at)
        slotter.add(reading, now)
        for slot in slotter.settle(now + SETTLE_DELAY):
            assert slot.start not in told or not told[slot.start].known
            told[slot.start] = slot
    shown = [reading.energy for reading in readings]

    assert energy(list(told.values())) <= max(shown) - min(shown) + len(told) * UNIT


@pytest.mark.parametrize("usual", [USUAL, None])
@given(readings=counter_readings(USUAL_GAPS))
@example(
    readings=counters(
        *((s, 0.0) for s in (0, 7.5, 36.25, 65, 93.75, 122.5, 151.25)),
        (226.25, 0.5),
        (301.25, 0.0),
    )
)
@example(
    readings=counters(
        *((s, 5.0) for s in (121.5, 121.75)),
        *((s, 0.0) for s in (122, 122.25, 129.75, 137.25, 144.75, 152.25, 159.75)),
        *((s, 0.0) for s in (167.25, 197.25, 204.75, 264.75, 339.75, 414.75, 489.75)),
        (564.75, 0.0),
        (593.5, 0.5),
        (622.25, 0.0),
    )
)
def test_memory_is_bounded_by_what_is_unsettled(
    usual: timedelta | None, readings: list[CounterReading]
) -> None:
    """Of settled slots only the last reading is kept, and the pace of some before.

    Where the last reading may be noise, the slots up to it wait for the one after it.
    """
    slotter = counter_slotter(usual)
    drive(slotter, readings)
    last, _ = certain(readings)[-1]
    needed = slot_start(last)

    older = [reading for reading in slotter.pending() if reading.at <= needed]
    first = [r for r in readings if r.at <= slot_boundary_from(readings[0].at)]
    assert len(older) <= max(1 + (LEARNED_GAPS if usual is None else 0), len(first))


def test_memory_is_bounded_in_a_gap_and_when_nobody_settles() -> None:
    """A gap of days keeps a slot's readings; a flood keeps the newest."""
    slotter = counter_slotter()
    add_all(slotter, steady(0, 8000))
    slotter.settle(at(8 * 86_400))
    assert len(slotter.pending()) <= 11

    flood = counters(*((9e5 + i / 10, 200 + i / 1000) for i in range(MAX_KEPT + 5000)))
    add_all(slotter, flood)
    assert len(slotter.pending()) == MAX_KEPT
    assert slotter.pending()[-1] == flood[-1]
