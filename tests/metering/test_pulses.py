"""Pulses: the worked run of the old system, its bugs left out, and what was counted."""

from datetime import UTC, datetime, timedelta, timezone
import json

import pytest

from custom_components.energy_homes.metering.model import CounterReading, PowerReading
from custom_components.energy_homes.metering.pulses import (
    PulseChannel,
    PulseKind,
    PulseResult,
    PulseSettings,
    default_settings,
    pulse_power,
)
from custom_components.energy_homes.metering.slots import CounterSlotter, PowerSlotter

from .reference import T0, at

SETTINGS = PulseSettings(pulses_per_kwh=1000, cap=2500, deviation=10)
NEW = PulseChannel(settings=SETTINGS)
DAY_MS = 86_400_000


def told(
    channel: PulseChannel, *stamps: int, begin: datetime = T0, first: int | None = None
) -> list[PulseResult]:
    """Let pulses arrive the moment they are made; the board was at `first` at `begin`."""
    zero = stamps[0] if first is None else first
    results: list[PulseResult] = []
    for stamp in stamps:
        arrival = begin + timedelta(milliseconds=(stamp - zero) % (1 << 32))
        results.append(channel.take(stamp, arrival))
        channel = results[-1].channel
    return results


def watts(results: list[PulseResult]) -> list[float | None]:
    """Return the powers that pulses gave."""
    return [None if r.power is None else r.power.power for r in results]


def test_the_worked_run() -> None:
    """Each row of the worked run, and what its bugs should have been."""
    channel = NEW.powered_up()
    results = told(channel, 1000, 4600, 8200, 11_800, 15_300, 17_300, 17_900)
    assert [r.kind for r in results] == [PulseKind.FIRST] + [PulseKind.NEXT] * 6
    assert watts(results) == [
        None,
        1000,
        1000,
        1000,
        pytest.approx(1028.571, abs=1e-3),
        1800,
        None,
    ]
    assert [r.channel.period for r in results] == [
        None, 3600, 3600, 3600, 3500, 2000, 2000,
    ]  # fmt: skip
    assert [r.jump for r in results] == [False, True, False, False, False, True, False]
    assert [r.channel.reference for r in results] == [0, *[1000] * 4, 1800, 1800]
    assert [r.over_cap for r in results] == [*[False] * 6, True]
    assert [r.channel.count for r in results] == [1, 2, 3, 4, 5, 6, 7]
    assert [r.channel.energy for r in results] == [n / 1000 for n in range(1, 8)]


def test_the_wrap_of_the_worked_run() -> None:
    """Across the wrap the period is the true one."""
    results = told(NEW, 4_294_962_400, 4_294_966_000, 2304, 5904)
    assert watts(results) == [None, 1000, 1000, 1000]
    assert [r.channel.period for r in results] == [None, 3600, 3600, 3600]
    assert [r.at - T0 for r in results] == [
        timedelta(milliseconds=3600 * n) for n in range(4)
    ]


def test_the_missed_power_up_of_the_worked_run() -> None:
    """A restart that was not announced counts, gives no power and a new time base."""
    channel = told(NEW, 996_400, 1_000_000)[-1].channel
    (restart,) = told(channel, 5000, begin=at(20))
    assert restart.kind is PulseKind.RESTART
    assert restart.power is None
    assert restart.at == at(20)
    assert restart.channel.pulses == 3
    assert restart.channel.power is None
    assert restart.channel.reference == 0

    (following,) = told(restart.channel, 8600, begin=at(20), first=5000)
    assert following.power == PowerReading(at(23.6), 1000)


@pytest.mark.parametrize(
    ("period", "rate", "power"),
    [(3600, 1000, 1000), (3600, 100, 10_000), (3500, 1000, 3_600_000 / 3500)],
)
def test_power_is_not_truncated(period: float, rate: float, power: float) -> None:
    """Rounding is for those who show it."""
    assert pulse_power(period, rate) == pytest.approx(power, rel=1e-12)


@pytest.mark.parametrize(("period", "over"), [(1440, True), (1441, False)])
def test_the_cap_itself_is_no_power(period: int, over: bool) -> None:
    """Only what is below the cap is a power."""
    result = told(NEW, 1000, 1000 + period)[-1]
    assert result.over_cap is over
    assert (result.power is None) is over
    assert result.channel.pulses == 2
    assert result.reading == CounterReading(at(period / 1000), 0.002)


def test_a_power_up_leaves_one_pulse_without_power() -> None:
    """Counts, energy and the last pulse stay."""
    before = told(NEW, 1000, 4600)[-1].channel
    up = before.powered_up()
    assert (up.pulses, up.count, up.energy, up.at) == (2, 2, 0.002, before.at)
    assert (up.power, up.period, up.reference) == (None, None, 0)

    results = told(up, 1000, 4600, begin=at(60))
    assert [r.kind for r in results] == [PulseKind.FIRST, PulseKind.NEXT]
    assert watts(results) == [None, 1000]
    assert results[-1].jump
    assert results[-1].channel.pulses == 4
    assert [r.at for r in results] == [at(60), at(63.6)]


def test_a_repeat_counts_once() -> None:
    """Whatever came in between, a pulse whose answer was lost is counted once."""
    channel = told(NEW, 1000, 2500, 4600, 8200)[-1].channel
    for stamp in (8200, 2500, 1000):
        result = channel.take(stamp, at(12))
        assert result.kind is PulseKind.DUPLICATE
        assert result.channel is channel
        assert (result.power, result.reading) == (None, None)
        assert result.at == at(7.2)


def test_a_late_pulse_counts_without_power() -> None:
    """It moves neither the newest stamp nor the power."""
    channel = told(NEW, 1000, 4600, 11_800)[-1].channel
    late = channel.take(8200, at(13))
    assert late.kind is PulseKind.LATE
    assert late.at == at(7.2)
    assert (late.power, late.reading) == (None, None)
    assert late.channel.pulses == 4
    assert late.channel.at == channel.at
    assert late.channel.power == channel.power
    assert late.channel.take(8200, at(15)).kind is PulseKind.DUPLICATE

    (following,) = told(late.channel, 15_400, begin=at(14.4))
    assert following.power == PowerReading(at(14.4), 1000)
    assert following.reading == CounterReading(at(14.4), 0.005)


def test_a_late_pulse_of_before_the_wrap() -> None:
    """The wrap lies between a late pulse and the newest one."""
    channel = told(NEW, 4_294_960_000, 1000)[-1].channel
    late = channel.take(4_294_966_000, at(9))
    assert late.kind is PulseKind.LATE
    assert late.at == at(6)


@pytest.mark.parametrize(
    ("behind", "kind"), [(120_000, PulseKind.LATE), (120_001, PulseKind.RESTART)]
)
def test_how_late_a_pulse_may_be(behind: int, kind: PulseKind) -> None:
    """Two minutes are more than forty pulses need that wait for 2 s each."""
    channel = told(NEW, 10_000_000)[-1].channel
    assert channel.take(10_000_000 - behind, at(1)).kind is kind


@pytest.mark.parametrize("days", [1, 7, 21, 49.6])
@pytest.mark.parametrize("stamp", [5000, 2_000_000_000, 4_294_000_000])
def test_a_pause_of_weeks_is_a_next_pulse(days: float, stamp: int) -> None:
    """With a wrap in it or not, also where the board's resonator is off."""
    for share in (0.995, 1, 1.005):
        pause = round(days * DAY_MS)
        channel = told(NEW, stamp)[-1].channel
        arrival = T0 + timedelta(milliseconds=pause * share)
        result = channel.take((stamp + pause) % (1 << 32), arrival)
        assert result.kind is PulseKind.NEXT
        assert result.power is not None
        assert result.power.power == pytest.approx(3_600_000 / pause)


def test_a_silence_of_a_whole_wrap_is_a_new_beginning() -> None:
    """Nobody knows how many wraps it was."""
    channel = told(NEW, 1000)[-1].channel
    result = channel.take(500_000, T0 + timedelta(days=49.8))
    assert result.kind is PulseKind.RESTART
    assert result.at == T0 + timedelta(days=49.8)
    assert result.channel.pulses == 2


def test_pulses_that_waited_in_the_board() -> None:
    """After an outage the powers are true; the times are where others came at once."""
    channel = told(NEW, 1_000_000, 1_003_600)[-1].channel
    back = at(7200)
    for number in range(2, 5):
        result = channel.take(1_000_000 + 3600 * number, back)
        assert result.power == PowerReading(at(3.6 * number), 1000)
        channel = result.channel


def test_pulses_that_waited_before_the_first_was_heard() -> None:
    """The smallest delay says when the board's clock began."""
    first = NEW.take(10_000, at(600))
    assert first.at == at(600)
    second = first.channel.take(13_600, at(600.5))
    assert second.kind is PulseKind.NEXT
    assert second.power == PowerReading(at(600.5), 1000)
    third = second.channel.take(17_200, at(605))
    assert third.at == at(604.1)


@pytest.mark.parametrize("drift", [-0.005, 0.005])
def test_wall_time_follows_a_board_whose_clock_is_off(drift: float) -> None:
    """Also after a week the times are off by less than a slot waits for its readings."""
    channel = NEW
    for number in range(7 * 24 * 12):
        seconds = 300.0 * number
        stamp = round(seconds * (1 + drift) * 1000) + 5000
        result = channel.take(stamp, at(seconds))
        assert timedelta(0) <= at(seconds) - result.at < timedelta(seconds=40)
        channel = result.channel


def test_a_delay_does_not_move_the_wall_time() -> None:
    """A pulse that came 20 s late was when it was, in the first bucket and the next."""
    channel = NEW
    for number in range(100):
        late = 20 if number % 7 == 3 else 0
        result = channel.take(60_000 * number, at(60 * number + late))
        assert result.at == at(60 * number)
        channel = result.channel


def test_the_clock_of_the_machine_went_back() -> None:
    """A clock that is set back bends times, never counts or powers."""
    channel = told(NEW, 1000, 4600)[-1].channel
    result = channel.take(8200, at(-3600))
    assert result.power == PowerReading(at(-3600), 1000)
    assert result.channel.pulses == 3


def test_arrivals_may_be_in_any_zone() -> None:
    """Times are UTC inside."""
    zone = timezone(timedelta(hours=5))
    result = NEW.take(1000, T0.astimezone(zone))
    assert result.at == T0
    assert result.at.tzinfo is UTC


@pytest.mark.parametrize("stamp", [-1, 1 << 32])
def test_stamps_beyond_32_bit_are_refused(stamp: int) -> None:
    """Those who read messages make them unsigned."""
    with pytest.raises(ValueError, match="no stamp"):
        NEW.take(stamp, T0)


def test_naive_arrivals_are_refused() -> None:
    """An instant has a zone."""
    with pytest.raises(ValueError, match="no time zone"):
        NEW.take(1, T0.replace(tzinfo=None))


@pytest.mark.parametrize(
    ("hundredths", "rate", "count", "reading"),
    [
        (336_279, 1000, 3_362_790, 3362.79),
        (336_279, 100, 336_279, 3362.79),
        (1, 100, 1, 0.01),
        (9_999_999, 1000, 99_999_990, 99_999.99),
        (101, 187.5, 189, 1.008),
        (7, 10, 0, 0),
    ],
)
def test_the_meter_is_set(
    hundredths: int, rate: float, count: int, reading: float
) -> None:
    """Two implied decimals on the wire; whole pulses, rounded down."""
    settings = PulseSettings(pulses_per_kwh=rate, cap=2500)
    before = told(PulseChannel(settings=settings), 1000, 9000)[-1].channel
    channel = before.with_metercount(hundredths)
    assert channel.count == count
    assert channel.reading == pytest.approx(reading, abs=1e-9)
    assert (channel.pulses, channel.energy) == (before.pulses, before.energy)
    assert told(channel, 12_600, first=9000)[-1].channel.count == count + 1


@pytest.mark.parametrize("hundredths", [0, -1, 10_000_000])
def test_what_no_meter_shows_is_refused(hundredths: int) -> None:
    """Seven digits, and not zero."""
    with pytest.raises(ValueError, match="cannot show"):
        NEW.with_metercount(hundredths)


@pytest.mark.parametrize(
    ("reading", "count"), [(3362.79, 3_362_790), (0.29, 290), (0, 0), (12, 12_000)]
)
def test_the_meter_is_set_by_hand(reading: float, count: int) -> None:
    """The decimal number counts, not the binary one below it; zero is a reading."""
    assert NEW.with_reading(reading).count == count


@pytest.mark.parametrize("reading", [-0.1, float("nan"), float("inf"), 1e9])
def test_readings_that_nobody_has(reading: float) -> None:
    """Refused."""
    with pytest.raises(ValueError, match="cannot show"):
        NEW.with_reading(reading)


def test_the_subtotal() -> None:
    """It begins at zero when it is reset; nothing else moves."""
    channel = told(NEW, 1000, 4600)[-1].channel
    assert channel.subtotal == 0.002
    reset = channel.with_subtotal_reset()
    assert reset.subtotal == 0
    assert reset.energy == channel.energy
    assert told(reset, 8200, first=4600)[-1].channel.subtotal == pytest.approx(0.001)


def test_another_rate_leaves_what_was_counted() -> None:
    """Energy, reading and subtotal stay; only new pulses are worth something else."""
    channel = told(NEW.with_reading(50), *range(0, 100_000, 3600))[-1].channel
    changed = channel.with_settings(PulseSettings(pulses_per_kwh=100, cap=11_000))
    assert changed.energy == channel.energy == 0.028
    assert changed.reading == pytest.approx(50.03)
    assert changed.subtotal == channel.subtotal

    (result,) = told(changed, 100_800, begin=at(100.8))
    assert result.channel.energy == pytest.approx(0.038)
    assert result.power == PowerReading(at(100.8), 10_000)
    assert result.channel.pulses == channel.pulses + 1


def test_another_cap_leaves_everything() -> None:
    """The rate is the same."""
    channel = told(NEW, 1000, 4600)[-1].channel
    changed = channel.with_settings(PulseSettings(pulses_per_kwh=1000, cap=900))
    assert changed.energy == channel.energy
    assert told(changed, 8200, first=4600)[-1].over_cap


@pytest.mark.parametrize(
    ("channel", "rate", "cap"),
    [(1, 1000, 2500), (5, 1000, 2500), (6, 100, 11_000), (8, 100, 11_000), (9, 1000, 2500)],
)  # fmt: skip
def test_defaults(channel: int, rate: float, cap: float) -> None:
    """What the boards of the old system had."""
    settings = default_settings(channel)
    assert (settings.pulses_per_kwh, settings.cap) == (rate, cap)
    assert settings.deviation == 10


@pytest.mark.parametrize(
    "wrong",
    [
        {"pulses_per_kwh": 0},
        {"pulses_per_kwh": float("nan")},
        {"cap": -1},
        {"cap": float("inf")},
        {"deviation": -1},
        {"deviation": float("nan")},
    ],
)
def test_settings_that_no_meter_has(wrong: dict[str, float]) -> None:
    """Refused."""
    with pytest.raises(ValueError, match=r"neither|deviation"):
        PulseSettings(**wrong)


def test_a_restart_of_ours_changes_nothing() -> None:
    """What was kept goes on where it was, through JSON."""
    channel = told(NEW, 1000, 4600, 8200)[-1].channel.with_reading(7)
    kept = json.loads(json.dumps(channel.as_data()))
    assert PulseChannel.from_data(kept, SETTINGS) == channel
    older = told(channel, 5_000_000, 9_000_000, begin=at(4991.8), first=5_000_000)
    kept = json.loads(json.dumps(older[-1].channel.as_data()))
    assert PulseChannel.from_data(kept, SETTINGS) == older[-1].channel
    new = json.loads(json.dumps(NEW.as_data()))
    assert PulseChannel.from_data(new, SETTINGS) == NEW


def test_settings_that_changed_while_we_were_down() -> None:
    """They count from then on."""
    channel = told(NEW, 1000, 4600)[-1].channel
    settings = PulseSettings(pulses_per_kwh=100, cap=5000)
    kept = PulseChannel.from_data(channel.as_data(), settings)
    assert kept == channel.with_settings(settings)
    assert kept.energy == channel.energy


def test_pulses_are_readings_of_a_home() -> None:
    """Both slotters take them; the counter's slots hold exactly what was counted."""
    stamps = list(range(0, 1_800_001, 3600))
    results = told(NEW, *stamps)
    counter = CounterSlotter(usual_spacing=timedelta(minutes=1))
    power = PowerSlotter(usual_spacing=timedelta(seconds=10))
    for result in results:
        assert result.reading is not None
        counter.add(result.reading, result.at)
    for result in results[1:]:
        assert result.power is not None
        power.add(result.power, result.at)
    slots = counter.settle(at(1800 + 90))
    assert [slot.energy for slot in slots] == [pytest.approx(1000 / 12 / 1000)] * 6
    slots = power.settle(at(1800 + 90))
    assert [slot.energy for slot in slots[1:]] == [pytest.approx(1 / 12)] * 5
