"""Slots of powers: the contract's examples, and its rules on any stream of readings."""

from datetime import timedelta
import random

from hypothesis import given, strategies as st
import pytest

from custom_components.energy_homes.metering.model import (
    SLOT,
    CounterReading,
    PowerReading,
    Provenance,
    Reading,
    Slot,
    slot_boundary_from,
    slot_start,
    unknown_slot,
)
from custom_components.energy_homes.metering.power import KEPT_BACK, KNOWN_KEPT
from custom_components.energy_homes.metering.readings import (
    LEARNED_GAPS,
    MAX_KEPT,
    MIN_SPACING,
)
from custom_components.energy_homes.metering.slots import (
    AddResult,
    PowerSlotter,
    Slotter,
)

from .reference import (
    SETTLE_DELAY,
    T0,
    USUAL,
    Run,
    at,
    complete,
    covered,
    drive,
    power_integral,
    powers,
    starts,
)
from .strategies import USUAL_GAPS, power_readings

DAY = 86_400


def power_slotter(usual: timedelta | None = USUAL) -> PowerSlotter:
    """Return a slotter that nothing was told yet."""
    return PowerSlotter(usual_spacing=usual, settled_until=None)


def settled(slotter: Slotter, readings: list[PowerReading]) -> tuple[Slot, ...]:
    """Return the slots after readings that come at their own stamps."""
    for reading in readings:
        slotter.add(reading, reading.at)
    return slotter.settle(slot_start(readings[-1].at) + SETTLE_DELAY)


def every_30_s(*watts: float, begin: float = 0) -> list[PowerReading]:
    """Return readings 30 s apart, the first of them at `begin` seconds."""
    return powers(*((begin + 30 * i, power) for i, power in enumerate(watts)))


@pytest.mark.parametrize(
    ("watts", "kwh"),
    [
        pytest.param([300] * 5 + [600] * 5, 0.0375, id="A-18 two powers"),
        pytest.param([360] * 10, 0.03, id="A-18 ten equal powers"),
        pytest.param([0] * 10, 0, id="zero is measured"),
    ],
)
def test_equal_powers_are_each_counted(watts: list[float], kwh: float) -> None:
    """A slot adds up all of its readings, however many are equal."""
    (slot,) = settled(power_slotter(), every_30_s(9999, *watts))

    assert slot.start == T0
    assert slot.provenance is Provenance.MEASURED
    assert slot.energy == pytest.approx(kwh, abs=1e-15)
    assert slot.returned == 0


def test_reading_on_the_boundary_counts_once() -> None:
    """A reading's power holds up to its stamp: on a boundary all of it is of before."""
    first, second = settled(power_slotter(), every_30_s(0, *[0] * 9, 3600, *[0] * 10))

    assert first.energy == pytest.approx(0.03)
    assert second.energy == 0


def test_reading_over_the_boundary_is_divided() -> None:
    """Each slot has the part of a reading that lies in it."""
    watts = [*[0] * 10, 3600, *[0] * 10]
    slots = settled(power_slotter(), every_30_s(0, *watts, begin=-20))

    assert [slot.start for slot in slots] == starts(T0 - SLOT, T0 + 2 * SLOT)
    assert not slots[0].known
    assert slots[1].energy == pytest.approx(0.02)
    assert slots[2].energy == pytest.approx(0.01)


def test_export_is_returned_reading_by_reading() -> None:
    """A signed meter's use and return do not cancel out within a slot."""
    (slot,) = settled(power_slotter(), every_30_s(0, *[1200, -2400] * 5))

    assert slot.energy == pytest.approx(0.05)
    assert slot.returned == pytest.approx(0.1)


@pytest.mark.parametrize(("gap", "known"), [(75, True), (75.001, False)])
def test_gap_of_more_than_two_and_a_half_spacings(gap: float, known: bool) -> None:
    """A slot with a gap is unknown, not small."""
    stamps = [0, 30, 60, 60 + gap, 165, 195, 225, 255, 285, 315]
    (slot,) = settled(power_slotter(), powers(*((s, 500) for s in stamps)))

    assert slot.known is known


def test_gap_spoils_the_slots_that_it_touches_and_no_other() -> None:
    """A gap over a boundary leaves two slots unknown; one that ends on it only one."""
    over = [*range(0, 291, 30), *range(390, 1300, 30)]
    slots = settled(power_slotter(), powers(*((s, 500) for s in over)))
    assert [slot.known for slot in slots] == [False, False, True, True]

    before = [*range(0, 211, 30), *range(300, 1300, 30)]
    slots = settled(power_slotter(), powers(*((s, 500) for s in before)))
    assert [slot.known for slot in slots] == [False, True, True, True]


def test_settles_ninety_seconds_after_the_end() -> None:
    """Until then a slot waits; what comes after it is known is counted, and no more."""
    slotter = power_slotter()
    for reading in every_30_s(*[600] * 11):
        slotter.add(reading, reading.at)

    assert slotter.settle(at(389.999)) == ()
    assert slotter.settled_until == T0
    (slot,) = slotter.settle(at(390))
    assert slotter.settled_until == T0 + SLOT == slot.end

    before = slotter.pending()
    assert slotter.add(PowerReading(at(290), 9000), at(391)) is AddResult.LATE
    assert slotter.late == 1
    assert slotter.pending() == before
    assert slotter.settle(at(391)) == ()


def test_stamp_in_the_future_is_refused() -> None:
    """Two minutes ahead are a clock that differs, more are a mistake."""
    slotter = power_slotter()

    assert slotter.add(PowerReading(at(120), 1), T0) is AddResult.ACCEPTED
    assert slotter.add(PowerReading(at(120.2), 1), T0) is AddResult.FUTURE
    assert slotter.late == 0
    assert slotter.pending() == (PowerReading(at(120), 1),)


def test_history_does_not_begin_with_a_stale_stamp() -> None:
    """A meter that was dead for weeks gives no weeks of unknown slots."""
    slotter = power_slotter()

    assert slotter.add(PowerReading(at(-DAY - 1), 1), T0) is AddResult.LATE
    assert slotter.settle(at(3600)) == ()
    assert slotter.settled_until is None


def test_gap_of_days_is_unknown_slot_by_slot() -> None:
    """Slots follow on each other without a gap, whatever happened."""
    slotter = power_slotter()
    first = settled(slotter, every_30_s(*[600] * 11))
    gap = slotter.settle(at(3 * DAY) + SETTLE_DELAY)

    assert [slot.start for slot in (*first, *gap)] == starts(T0, at(3 * DAY))
    assert list(gap) == [unknown_slot(slot.start) for slot in gap]


def test_clock_that_goes_back_settles_nothing_again() -> None:
    """What is settled stays settled, and time goes on from there."""
    slotter = power_slotter()
    settled(slotter, every_30_s(*[600] * 25))
    reached = slotter.settled_until

    assert slotter.settle(at(-7200)) == ()
    assert slotter.settled_until == reached
    assert reached is not None
    assert [s.start for s in slotter.settle(reached + SLOT + SETTLE_DELAY)] == [reached]


@pytest.mark.parametrize("delay", [30, 120, 600])
def test_slow_cloud_costs_no_energy(delay: int) -> None:
    """Readings that all come late make their slots known when they come."""
    slotter = power_slotter()
    readings = every_30_s(*[600] * 121)
    prompt = drive(power_slotter(), readings)
    slow = drive(slotter, readings, delay=timedelta(seconds=delay))

    assert [slot.start for slot in slow.known] == starts(T0, at(3600))
    assert slow.known == prompt.known
    assert slotter.late == 0


def test_backlog_of_a_connection_that_was_away() -> None:
    """Hours that come in their order are recovered, also a part at a time."""
    slotter = power_slotter()
    run = Run()
    readings = every_30_s(*[600] * 2881)
    run.take(settled(slotter, readings[:241]), at(7200))
    run.take(slotter.settle(at(DAY)), at(DAY))
    for begin in range(241, 2881, 100):
        for reading in readings[begin : begin + 100]:
            slotter.add(reading, at(DAY))
        run.take(slotter.settle(at(DAY)), at(DAY))
        assert len(slotter.pending()) <= 240

    assert [slot.start for slot in run.known] == starts(T0, at(DAY) - SLOT)
    assert slotter.late == 0


@pytest.mark.parametrize("ahead", [3600, 3 * 3600, 30 * DAY])
def test_clock_that_was_ahead(ahead: int) -> None:
    """Slots that a wrong clock settled before their time become known in it."""
    slotter = power_slotter()
    run = Run()
    readings = every_30_s(*[600] * 481)
    for number, reading in enumerate(readings):
        now = reading.at + timedelta(seconds=ahead if 30 <= number < 50 else 0)
        slotter.add(reading, now)
        if reading.at.minute % 5 == 1 and reading.at.second == 30:
            run.take(slotter.settle(now), now)
    run.take(slotter.settle(at(DAY) + SETTLE_DELAY), at(DAY))

    assert slotter.late == 0
    assert [slot.start for slot in run.known] == starts(T0, at(14_400))
    assert sorted(run.slots) == starts(T0, max(run.slots) + SLOT)


def test_stamps_of_a_clock_that_was_ahead() -> None:
    """An entity's stamps were ahead too: what is between is told in its time, once."""
    slotter = power_slotter()
    run = Run()
    ahead = 3 * 3600
    wrong = every_30_s(*[600] * 21, begin=ahead + 600)
    readings = [*every_30_s(*[600] * 21), *wrong, *every_30_s(*[600] * 500, begin=630)]
    for reading in readings:
        slotter.add(reading, reading.at)
        if reading.at.minute % 5 == 1 and reading.at.second == 30:
            run.take(slotter.settle(reading.at), reading.at)

    assert 0 < slotter.late <= 20
    assert [slot.start for slot in run.known] == starts(T0, run.known[-1].end)
    assert run.known[-1].end > at(ahead + 1200)


def test_slots_before_a_slotter_began_are_not_its_own() -> None:
    """What other hardware left unknown is not told by what took its place."""
    slotter = PowerSlotter(usual_spacing=USUAL, settled_until=at(600))
    slotter.settle(at(600))
    late = [slotter.add(r, at(900)) for r in every_30_s(*[600] * 21)]
    assert set(late) == {AddResult.LATE}

    restored = PowerSlotter(
        usual_spacing=USUAL, settled_until=at(600), open_from=T0, known=[at(300)]
    )
    restored.settle(at(600))
    late = [restored.add(r, at(900)) for r in every_30_s(*[600] * 21)]
    assert late == [
        AddResult.LATE, *[AddResult.ACCEPTED] * 10, *[AddResult.LATE] * 10
    ]  # fmt: skip
    restored.add(PowerReading(at(330), 600), at(900))


def test_only_a_day_of_known_slots_is_remembered() -> None:
    """Memory is bounded: what is unknown before that stays so."""
    slotter = power_slotter()
    for reading in every_30_s(*[600] * 10 * (KNOWN_KEPT + 20)):
        slotter.add(reading, reading.at)
        slotter.settle(reading.at)

    assert len(slotter.known) == KNOWN_KEPT
    assert slotter.open_from == min(slotter.known) > T0


@pytest.mark.parametrize("spacing", [4, 10, 60, 110, 600])
def test_usual_spacing_is_learned(spacing: int) -> None:
    """Three gaps are enough to know a meter's pace, and one outage does not change it."""
    slotter = power_slotter(usual=None)
    stamps = [*range(0, 12 * spacing, spacing), *range(17 * spacing, 9000, spacing)]
    known_after = [
        (slotter.add(PowerReading(at(s), 100), at(s)), slotter.usual_spacing)[1]
        for s in stamps
    ]
    slots = slotter.settle(slot_start(at(stamps[-1])) + SETTLE_DELAY)

    assert known_after[:3] == [None] * 3
    assert set(known_after[3:]) == {timedelta(seconds=spacing)}
    touched = [
        s for s in slots if s.end > at(11 * spacing) and s.start < at(17 * spacing)
    ]
    unknown = [s for s in slots if not s.known]
    assert set(touched) <= set(unknown)
    assert len(unknown) <= len(touched) + 3 * spacing // 300 + 1


@pytest.mark.parametrize(
    ("gaps", "complete_slots"),
    [([4], True), ([60], True), ([9], True), ([60] * 11 + [9], False)],
)
def test_slower_hardware_is_learned(gaps: list[int], complete_slots: bool) -> None:
    """A board that never says its power every 4 s has a spacing of its own.

    One that does so now and then has gaps.
    """
    slotter = PowerSlotter(usual_spacing=timedelta(seconds=4), learn_slower=True)
    readings, stamp = [], 0
    while stamp < 3600:
        for gap in gaps:
            readings.append(PowerReading(at(stamp), 60.0))
            stamp += gap
    slots = settled(slotter, readings)
    assert all(slot.known for slot in slots[3:-1]) is complete_slots
    assert any(slot.known for slot in slots) is complete_slots


def test_nothing_is_complete_before_the_spacing_is_known() -> None:
    """Two gaps do not say whether a third of that length is an outage."""
    (slot,) = settled(power_slotter(usual=None), powers((0, 5), (150, 5), (300, 5)))

    assert not slot.known


def test_other_kind_of_reading_is_refused() -> None:
    """A counter's reading is not a power."""
    with pytest.raises(TypeError):
        power_slotter().add(CounterReading(T0, 1), T0)


@given(power_readings())
def test_agrees_with_the_reference(readings: list[PowerReading]) -> None:
    """Every slot of any stream is what the rules say, and all slots are there."""
    run = drive(power_slotter(), readings)

    assert sorted(run.slots) == starts(min(run.slots), max(run.slots) + SLOT)
    assert min(run.slots) == slot_start(readings[0].at)
    for start, slot in run.slots.items():
        arrived = [r for r in readings if r.at <= run.settled_at[start]]
        assert slot.known is (covered(arrived, start) and complete(arrived, start))
    for slot in run.known:
        used, returned = power_integral(readings, slot.start, slot.end)
        assert slot.energy == pytest.approx(float(used), rel=1e-12, abs=1e-15)
        assert slot.returned == pytest.approx(float(returned), rel=1e-12, abs=1e-15)


@given(power_readings(USUAL_GAPS, least=20))
def test_no_energy_is_lost_or_added(readings: list[PowerReading]) -> None:
    """Over a stretch without gaps the slots add up to the integral of the readings."""
    run = drive(power_slotter(), readings)
    begin, end = slot_boundary_from(readings[0].at), slot_start(readings[-1].at)
    used, returned = power_integral(readings, begin, end)

    assert [slot.start for slot in run.known] == starts(begin, end)
    assert sum(slot.energy or 0 for slot in run.known) == pytest.approx(float(used))
    assert sum(slot.returned or 0 for slot in run.known) == pytest.approx(
        float(returned)
    )


@given(power_readings(), st.randoms(use_true_random=False))
def test_order_and_repeats_change_nothing(
    readings: list[PowerReading], rng: random.Random
) -> None:
    """Within the time to wait readings may come in any order and more than once."""

    def shuffled(batch: list[Reading]) -> list[Reading]:
        """Return a batch in another order, with repeats."""
        mixed = [*batch, *batch[::2]]
        rng.shuffle(mixed)
        return mixed

    assert drive(power_slotter(), readings, reorder=shuffled) == drive(
        power_slotter(), readings
    )


@pytest.mark.parametrize("usual", [USUAL, None])
@given(
    readings=power_readings(),
    rng=st.randoms(use_true_random=False),
    delay=st.sampled_from([0, 0, 60, 120, 1000]).map(lambda s: timedelta(seconds=s)),
)
def test_restart_changes_nothing(
    usual: timedelta | None,
    readings: list[PowerReading],
    rng: random.Random,
    delay: timedelta,
) -> None:
    """What is pending is enough to go on with, at any moment."""

    def restart(slotter: Slotter, run: Run) -> Slotter:
        """Return a new slotter in the place of some."""
        if rng.random() < 0.7:
            return slotter
        new = PowerSlotter(
            usual_spacing=usual, settled_until=slotter.settled_until, **run.kept
        )
        for reading in slotter.pending():
            new.add(reading, reading.at)
        return new

    assert (
        drive(power_slotter(usual), readings, restart=restart, delay=delay).slots
        == drive(power_slotter(usual), readings, delay=delay).slots
    )


@pytest.mark.parametrize("usual", [USUAL, None])
@given(readings=power_readings())
def test_memory_is_bounded_by_what_is_unsettled(
    usual: timedelta | None, readings: list[PowerReading]
) -> None:
    """Only what an unsettled slot needs is kept, whether slots were complete or not."""
    slotter = power_slotter(usual)
    drive(slotter, readings)

    assert slotter.settled_until is not None
    newest = readings[-1].at
    older = [r for r in slotter.pending() if r.at <= slot_start(newest) - KEPT_BACK]
    assert len(older) <= 1 + (LEARNED_GAPS if usual is None else 0)


@given(power_readings(USUAL_GAPS, least=20))
def test_nothing_is_kept_of_known_slots(readings: list[PowerReading]) -> None:
    """Where every slot is complete only what the next one needs is kept."""
    slotter = power_slotter()
    begin = slot_boundary_from(readings[0].at)
    drive(slotter, [PowerReading(begin, 0), *[r for r in readings if r.at > begin]])

    assert slotter.settled_until is not None
    covered_until = min(slotter.settled_until, slot_start(readings[-1].at))
    assert len([r for r in slotter.pending() if r.at <= covered_until]) <= 1


def test_memory_is_bounded_when_no_slot_is_ever_complete() -> None:
    """A meter that always leaves gaps does not fill the memory (A-20)."""
    run = drive(power_slotter(), powers(*((i * 100, 5) for i in range(2000))))

    assert run.known == []
    assert run.most_kept <= KEPT_BACK / timedelta(seconds=100) + 5


def test_memory_is_bounded_in_a_flood() -> None:
    """A flood is thinned to ten readings a second, and the energy stays right."""
    slotter = power_slotter()
    flood = powers(*((i / 100, 720) for i in range(31_001)))
    results = [slotter.add(reading, reading.at) for reading in flood]

    assert len(slotter.pending()) == results.count(AddResult.ACCEPTED) == 3101
    (slot,) = slotter.settle(at(390))
    assert slot.energy == pytest.approx(0.06, rel=1e-9)
    assert len(slotter.pending()) <= 101


def test_memory_is_bounded_when_nobody_settles() -> None:
    """The oldest readings go: their slots become unknown, the others stay right."""
    slotter = power_slotter()
    count = MAX_KEPT + 2_001
    for i in range(count):
        slotter.add(PowerReading(T0 + i * MIN_SPACING, 720), at(0) + i * MIN_SPACING)

    assert len(slotter.pending()) == MAX_KEPT
    slots = slotter.settle(at(1_300))
    assert [slot.known for slot in slots] == [False, True, True, True]
    assert slots[1].energy == pytest.approx(0.06)
