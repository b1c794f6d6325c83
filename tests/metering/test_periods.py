"""Periods: the worked examples, a reference, and what must hold for any packets and slots."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import reduce

from hypothesis import given, strategies as st
import pytest

from custom_components.energy_homes.metering.model import Provenance
from custom_components.energy_homes.metering.periods import (
    PERIOD_S,
    SHOWN_S,
    SLOT_S,
    UNKNOWN,
    Accumulation,
    Packet,
    Period,
    Quality,
    SlotRow,
    accumulations,
    combine,
    combined,
    newest_start_s,
    periods,
    slot_packets,
    slot_periods,
    starts_s,
)

from .reference_periods import (
    MICRO_WH,
    MINUTE_MS,
    T0_MS,
    accumulated,
    packets,
    running,
    stamp,
)

QUARTER_MS = 15 * MINUTE_MS
T0_S = T0_MS // 1000


def kwh(energy: float) -> int:
    """Return kWh in micro-Wh."""
    return round(energy * MICRO_WH)


def quarter(given: Sequence[Packet], start: str, day: int = 0) -> Accumulation:
    """Return what was counted in one quarter of an hour."""
    start_ms = stamp(start, day)
    (found,) = accumulations(given, range(start_ms, start_ms + 1, QUARTER_MS))
    assert found == accumulated(given, start_ms, QUARTER_MS)
    return found


def test_known_part_begins_with_the_last_packet_of_the_previous_period() -> None:
    """B.4 row 1: what was counted between two periods is in the later one."""
    given = packets("13:14=4.5 13:29=5.5 13:31=5.6 13:44=6.5")
    for start, first, last in (
        ("13:15", "13:14", "13:29"),
        ("13:30", "13:29", "13:44"),
    ):
        assert quarter(given, start) == Accumulation(
            first_ms=stamp(first), last_ms=stamp(last), energy=kwh(1.0)
        )


def test_unknown_part_is_told_with_its_start() -> None:
    """B.4 row 2: two periods without a packet, then what was counted since the last."""
    given = packets(
        "12:59=3.3 13:01=3.3 13:09=3.5 13:14=3.6 13:46=4.0 13:50=4.2 13:55=4.3"
    )
    assert quarter(given, "13:00") == Accumulation(
        first_ms=stamp("12:59"), last_ms=stamp("13:14"), energy=kwh(0.3)
    )
    assert quarter(given, "13:15") == quarter(given, "13:30") == UNKNOWN
    assert quarter(given, "13:45") == Accumulation(
        first_ms=stamp("13:46"),
        last_ms=stamp("13:55"),
        energy=kwh(0.3),
        unknown_start_ms=stamp("13:14"),
        unknown_energy=kwh(0.4),
    )


def test_value_after_a_reset_counts_in_full() -> None:
    """B.4 row 4: a counter that began anew counts from zero."""
    given = packets("23:50=5.0 23:58=5.2 || 00:02=0.3 00:10=0.4")
    assert quarter(given, "00:00", 1) == Accumulation(
        first_ms=stamp("23:58"), last_ms=stamp("00:10", 1), energy=kwh(0.4)
    )


def test_reset_inside_a_gap_is_in_the_unknown_part() -> None:
    """What a counter shows after a gap counts in full where it shows less than before."""
    given = packets("12:00=9 12:44=1 12:44=1 12:50=1.5")
    assert quarter(given, "12:30") == Accumulation(
        first_ms=stamp("12:44"),
        last_ms=stamp("12:44"),
        unknown_start_ms=stamp("12:00"),
        unknown_energy=kwh(1),
    )


def test_only_the_leading_unknown_part_stays_unknown() -> None:
    """B.4 row 10: an inner gap becomes known by combining."""
    one = Accumulation(
        first_ms=10,
        last_ms=20,
        energy=kwh(1.3),
        unknown_start_ms=5,
        unknown_energy=kwh(0.2),
    )
    other = Accumulation(
        first_ms=40,
        last_ms=50,
        energy=kwh(0.9),
        unknown_start_ms=20,
        unknown_energy=kwh(0.1),
    )
    assert combine(one, other) == Accumulation(
        first_ms=10,
        last_ms=50,
        energy=kwh(2.3),
        unknown_start_ms=5,
        unknown_energy=kwh(0.2),
    )
    assert combine(UNKNOWN, other) == other
    assert combine(one, UNKNOWN) == one


def test_first_packet_alone_is_known_and_counts_nothing() -> None:
    """What was counted before the first packet of all is cut off."""
    assert quarter(packets("12:01=7"), "12:00") == Accumulation(
        first_ms=stamp("12:01"), last_ms=stamp("12:01")
    )


def test_unknown_part_reaches_back_over_days() -> None:
    """A long outage loses nothing: the unknown part begins with the last packet there was."""
    given = packets("12:00=1 || || 09:05=7 09:10=7.5")
    assert quarter(given, "09:00", 2) == Accumulation(
        first_ms=stamp("09:05", 2),
        last_ms=stamp("09:10", 2),
        energy=kwh(0.5),
        unknown_start_ms=stamp("12:00"),
        unknown_energy=kwh(6),
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"first_ms": 1},
        {"last_ms": 1},
        {"energy": 1},
        {"unknown_start_ms": 1},
        {"first_ms": 2, "last_ms": 1},
        {"first_ms": 2, "last_ms": 3, "unknown_start_ms": 2},
        {"first_ms": 2, "last_ms": 3, "unknown_energy": 1},
        {"first_ms": 2, "last_ms": 3, "unknown_returned": 1},
        {"first_ms": 2, "last_ms": 3, "energy": -1},
    ],
)
def test_accumulation_cannot_contradict_itself(wrong: dict[str, int]) -> None:
    """What a poisoned row says is refused."""
    with pytest.raises(ValueError):
        Accumulation(**wrong)


@pytest.mark.parametrize(
    "quality", [Quality(measured=899), Quality(measured=1000, unknown=-100)]
)
def test_quality_covers_the_period(quality: Quality) -> None:
    """A quality of another length is refused."""
    with pytest.raises(ValueError):
        Period(start_s=0, duration_s=900, counted=UNKNOWN, quality=quality)


ENERGIES = st.integers(0, 10**12)


@st.composite
def packet_lists(draw: st.DrawFn) -> list[Packet]:
    """Draw packets in order, with gaps over hours and counters that begin anew."""
    gaps = st.sampled_from([1, MINUTE_MS, 5 * MINUTE_MS, QUARTER_MS, 20 * QUARTER_MS])
    at_ms = T0_MS + draw(st.integers(0, QUARTER_MS))
    energy, returned = draw(ENERGIES), draw(ENERGIES)
    found = []
    for gap in draw(st.lists(gaps, max_size=25)):
        if draw(st.integers(0, 8)) == 0:
            energy, returned = draw(st.integers(0, 10**9)), 0
        energy += draw(st.integers(0, 10**9))
        returned += draw(st.integers(0, 10**9))
        found.append(Packet(at_ms, energy, returned))
        at_ms += gap
    return found


DURATIONS_MS = st.sampled_from([1000 * seconds for seconds in SHOWN_S])


def over(given: Sequence[Packet], duration_ms: int) -> range:
    """Return the starts of all periods that packets are in."""
    last = given[-1].at_ms if given else T0_MS
    return range(T0_MS, last + 1, duration_ms)


@given(packet_lists(), DURATIONS_MS)
def test_one_pass_is_what_the_original_tells(
    given: list[Packet], duration_ms: int
) -> None:
    """All periods of a span are those that the reference gives, one by one."""
    starts = over(given, duration_ms)
    assert accumulations(given, starts) == [
        accumulated(given, start, duration_ms) for start in starts
    ]


@given(packet_lists(), DURATIONS_MS)
def test_sum_of_all_periods_is_the_difference_of_the_meter(
    given: list[Packet], duration_ms: int
) -> None:
    """Known and unknown parts together are what the meter counted, by the reset rule."""
    found = accumulations(given, over(given, duration_ms))
    counted = running(given, given[-1]) if given else (0, 0)
    assert sum(one.energy + one.unknown_energy for one in found) == counted[0]
    assert sum(one.returned + one.unknown_returned for one in found) == counted[1]


@given(packet_lists(), DURATIONS_MS, st.data())
def test_combining_is_associative(
    given: list[Packet], duration_ms: int, data: st.DataObject
) -> None:
    """It does not matter which neighbours are combined first, nor where a chunk begins."""
    found = accumulations(given, over(given, duration_ms))
    assert found or not given
    whole = reduce(combine, found, UNKNOWN)
    while len(found) > 1:
        index = data.draw(st.integers(0, len(found) - 2))
        found[index : index + 2] = [combine(found[index], found[index + 1])]
    assert reduce(combine, found, UNKNOWN) == whole


@given(packet_lists(), st.integers(0, 30))
def test_chunks_of_a_span_are_the_span(given: list[Packet], cut: int) -> None:
    """Periods computed in two goes, the second from the last packet on, are the same."""
    starts = over(given, QUARTER_MS)
    cut = min(cut, len(starts))
    begin = T0_MS + cut * QUARTER_MS
    before = [packet for packet in given if packet.at_ms < begin]
    assert accumulations(given, starts[:cut]) + accumulations(
        before[-1:] + given[len(before) :], range(begin, starts.stop, QUARTER_MS)
    ) == accumulations(given, starts)


KNOWN = [origin for origin in Provenance if origin is not Provenance.UNKNOWN]


def row(number: int, energy: float | None, origin: Provenance | None = None) -> SlotRow:
    """Return the slot that starts so many slots after T0, in kWh."""
    start = T0_S + number * SLOT_S
    if energy is None:
        return SlotRow(start, Provenance.UNKNOWN, None, None)
    return SlotRow(start, origin or Provenance.MEASURED, kwh(energy), kwh(energy / 10))


def end_ms(number: int) -> int:
    """Return the last instant of a slot in milliseconds."""
    return T0_MS + (number + 1) * 1000 * SLOT_S - 1


@st.composite
def slot_rows(draw: st.DrawFn) -> list[SlotRow]:
    """Draw slots in order, some unknown and some missing."""
    numbers = sorted(draw(st.sets(st.integers(0, 60), max_size=50)))
    return [
        row(number, draw(st.one_of(st.none(), st.integers(0, 10**6).map(float))))
        if draw(st.booleans())
        else row(number, 0.25, draw(st.sampled_from(KNOWN)))
        for number in numbers
    ]


def test_slots_of_a_whole_quarter() -> None:
    """A slot's packet belongs to the slot's own period."""
    rows = [row(number, 0.1) for number in range(6)]
    assert periods(rows, starts_s(T0_S, T0_S + 1800, PERIOD_S)) == [
        Period(
            start_s=T0_S,
            duration_s=900,
            counted=Accumulation(
                first_ms=end_ms(0),
                last_ms=end_ms(2),
                energy=kwh(0.2),
                returned=kwh(0.02),
            ),
            quality=Quality(measured=900),
        ),
        Period(
            start_s=T0_S + 900,
            duration_s=900,
            counted=Accumulation(
                first_ms=end_ms(2),
                last_ms=end_ms(5),
                energy=kwh(0.3),
                returned=kwh(0.03),
            ),
            quality=Quality(measured=900),
        ),
    ]


def test_unknown_slots_of_a_meter_of_power() -> None:
    """An unknown slot gives no packet, and what nobody counted is in no period."""
    rows = [
        row(0, 0.1),
        row(1, None),
        row(2, 0.2, Provenance.VENDOR),
        *[row(number, None) for number in range(3, 9)],
        row(9, 0.4, Provenance.INTERPOLATED),
        row(10, 0.5),
    ]
    found = periods(rows, starts_s(T0_S, T0_S + 3600, PERIOD_S))
    assert [period.quality for period in found] == [
        Quality(measured=300, vendor=300, unknown=300),
        Quality(unknown=900),
        Quality(unknown=900),
        Quality(measured=300, interpolated=300, unknown=300),
    ]
    assert [period.counted.energy for period in found] == [kwh(0.2), 0, 0, kwh(0.5)]
    assert not found[1].counted.known
    assert found[3].counted.unknown_start_ms == end_ms(2)
    assert found[3].counted.unknown_energy == kwh(0.4)


def test_no_period_before_the_first_known_slot() -> None:
    """A meter has no period before it was there, and unknown ones since."""
    rows = [row(0, None), row(7, 0.1)]
    found = periods(rows, starts_s(T0_S, T0_S + 3600, PERIOD_S))
    assert [period.start_s - T0_S for period in found] == [1800, 2700]
    assert [period.counted.known for period in found] == [True, False]
    assert periods(rows[:1], starts_s(T0_S, T0_S + 3600, PERIOD_S)) == []
    assert periods([], starts_s(T0_S, T0_S + 3600, PERIOD_S)) == []
    assert periods(rows, starts_s(T0_S, T0_S + 1800, PERIOD_S)) == []


@given(slot_rows())
def test_periods_of_slots_add_up(rows: list[SlotRow]) -> None:
    """Every known slot but the first is in one period; quality covers each."""
    known = [one for one in rows if one.energy is not None]
    found = periods(rows, starts_s(T0_S, T0_S + 7 * 3600, PERIOD_S))
    assert sum(one.counted.energy + one.counted.unknown_energy for one in found) == sum(
        one.energy or 0 for one in known[1:]
    )
    for origin in Provenance:
        if origin is not Provenance.UNKNOWN:
            assert sum(
                getattr(one.quality, origin.value) for one in found
            ) == 300 * sum(one.provenance is origin for one in known)
    assert len({one.start_s for one in found}) == len(found)


@given(slot_rows(), st.integers(0, 20))
def test_a_span_begins_with_the_known_slot_before_it(
    rows: list[SlotRow], cut: int
) -> None:
    """The last known slot before a span is all that a period needs of what was before."""
    begin_s = T0_S + cut * PERIOD_S
    end_s = T0_S + 7 * 3600
    before = [one for one in rows if one.start_s < begin_s and one.energy is not None]
    after = [one for one in rows if one.start_s >= begin_s]
    whole = periods(rows, starts_s(T0_S, end_s, PERIOD_S))
    assert periods(before[-1:] + after, starts_s(begin_s, end_s, PERIOD_S)) == [
        period for period in whole if period.start_s >= begin_s
    ]


@given(slot_rows(), st.sampled_from(SHOWN_S[2:]))
def test_longer_periods_are_combined(rows: list[SlotRow], duration_s: int) -> None:
    """Half hours and hours are the quarters in them, with the same stamps at both ends."""
    quarters = periods(rows, starts_s(T0_S, T0_S + 7 * 3600, PERIOD_S))
    found = combined(quarters, duration_s)
    assert {one.start_s for one in found} == {
        one.start_s - one.start_s % duration_s for one in quarters
    }
    for period in found:
        parts = [
            one
            for one in quarters
            if period.start_s <= one.start_s < period.start_s + duration_s
        ]
        assert period.counted == reduce(combine, [one.counted for one in parts])
        assert period.quality.measured == sum(one.quality.measured for one in parts)
    assert sum(one.counted.energy + one.counted.unknown_energy for one in found) == sum(
        one.counted.energy + one.counted.unknown_energy for one in quarters
    )


def test_slots_are_periods_of_five_minutes() -> None:
    """A slot is known from bound to bound, whatever is known of its neighbours."""
    assert slot_periods([row(0, 0.1, Provenance.VENDOR), row(1, None)]) == [
        Period(
            start_s=T0_S,
            duration_s=300,
            counted=Accumulation(
                first_ms=end_ms(-1),
                last_ms=end_ms(0),
                energy=kwh(0.1),
                returned=kwh(0.01),
            ),
            quality=Quality(vendor=300),
        ),
        Period(
            start_s=T0_S + 300,
            duration_s=300,
            counted=UNKNOWN,
            quality=Quality(unknown=300),
        ),
    ]


def test_packets_of_slots_never_fall() -> None:
    """Totals grow with each known slot, from nothing."""
    rows = [row(0, 0.5), row(1, None), row(2, 0), row(3, 1)]
    assert slot_packets(rows) == [
        Packet(end_ms(0), kwh(0.5), kwh(0.05)),
        Packet(end_ms(2), kwh(0.5), kwh(0.05)),
        Packet(end_ms(3), kwh(1.5), kwh(0.15)),
    ]


@pytest.mark.parametrize(
    ("now", "duration_s", "newest"),
    [
        ("12:00", 900, "11:30"),
        ("12:14", 900, "11:30"),
        ("12:15", 900, "11:45"),
        ("12:00", 300, "11:50"),
        ("12:04", 300, "11:50"),
        ("12:00", 1800, "11:00"),
        ("12:14", 1800, "11:00"),
        ("12:15", 1800, "11:30"),
        ("12:14", 3600, "10:00"),
        ("12:15", 3600, "11:00"),
    ],
)
def test_newest_period_is_two_before_the_present(
    now: str, duration_s: int, newest: str
) -> None:
    """Quarters two back; longer ones as soon as their last quarter is there."""
    at = datetime.fromtimestamp(stamp(now) / 1000, UTC) + timedelta(seconds=59)
    assert newest_start_s(at, duration_s) * 1000 == stamp(newest)


def test_starts_are_aligned_and_half_open() -> None:
    """A period belongs to the span that it starts in."""
    assert list(starts_s(1, 1800, 900)) == [900]
    assert list(starts_s(900, 1801, 900)) == [900, 1800]
    assert list(starts_s(1, 900, 900)) == []
