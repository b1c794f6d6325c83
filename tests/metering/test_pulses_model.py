"""Pulses against a board that is simulated with true time, which nobody is told."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
import json

from hypothesis import given, strategies as st
import pytest

from custom_components.energy_homes.metering.pulse_clock import LATENESS, WRAP
from custom_components.energy_homes.metering.pulse_decay import present_power
from custom_components.energy_homes.metering.pulses import (
    PulseChannel,
    PulseKind,
    PulseSettings,
)

from .reference import T0

SETTINGS = PulseSettings(pulses_per_kwh=1000, cap=2500)
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000

PAUSES = st.one_of(
    st.integers(150, 20_000),
    st.integers(150, 20_000),
    st.integers(20_000, HOUR),
    st.integers(DAY, 20 * DAY),
)
DELAYS = st.one_of(st.just(0), st.integers(0, 300), st.integers(2000, 30_000))
BEGINNINGS = st.one_of(
    st.integers(0, 100_000), st.integers(WRAP - 200_000, WRAP - 1), st.integers(0, WRAP)
)


@dataclass(frozen=True)
class Sent:
    """A pulse on its way: of which life of the board, when made, and when it arrives."""

    life: int
    number: int
    uptime: int
    made: int
    arrives: int

    @property
    def stamp(self) -> int:
        """Return what the board says of it."""
        return self.uptime % WRAP


@dataclass(frozen=True)
class Life:
    """A life of the board: whether it says so, and what it sends, repeats and all."""

    announced: bool
    begins: int
    sent: tuple[Sent, ...]


@st.composite
def lives(draw: st.DrawFn) -> list[Life]:
    """Draw a board that loses, repeats and delays pulses, wraps and begins anew."""
    found: list[Life] = []
    now = 0
    for life in range(draw(st.integers(1, 4))):
        begins = now
        # Only the first life may have begun before anybody listened.
        uptime = draw(BEGINNINGS) if life == 0 else draw(st.integers(0, 100_000))
        now += uptime if life else 0
        sent: list[Sent] = []
        for number in range(draw(st.integers(1, 12))):
            if draw(st.integers(0, 9)):
                for _ in range(draw(st.sampled_from([1, 1, 1, 2, 3]))):
                    arrives = now + draw(DELAYS)
                    sent.append(Sent(life, number, uptime, now, arrives))
            pause = draw(PAUSES)
            now, uptime = now + pause, uptime + pause
        now += max(30_000, draw(PAUSES))
        announced = draw(st.booleans()) or life == 0
        sent.sort(key=lambda pulse: (pulse.arrives, pulse.made))
        found.append(Life(announced, begins, tuple(sent)))
    return found


def instant(ms: int) -> datetime:
    """Return an instant of true time."""
    return T0 + timedelta(milliseconds=ms)


def heard(board: list[Life]) -> Iterator[tuple[PulseChannel, Sent | None]]:
    """Yield the channel before each pulse that arrives, None at a power-up."""
    channel = PulseChannel(settings=SETTINGS)
    for life in board:
        if life.announced:
            yield channel, None
            channel = channel.powered_up()
        for pulse in life.sent:
            yield channel, pulse
            channel = channel.take(pulse.stamp, instant(pulse.arrives)).channel
    yield channel, None


def can_be_told(channel: PulseChannel, pulse: Sent) -> bool:
    """Return whether a restart that was not announced can be seen."""
    clock = channel.clock
    if clock is None or pulse.stamp > clock.newest:
        return False
    passed = (instant(pulse.arrives) - clock.at) / timedelta(milliseconds=1)
    behind = clock.newest - pulse.stamp
    return behind > LATENESS and WRAP - behind > passed * 1.01 + LATENESS + 1


@given(board=lives())
def test_counts(board: list[Life]) -> None:
    """Each pulse that arrives counts once, whatever the board and the network do.

    But for a restart that cannot be seen, whose first stamps may be those of before.
    """
    counted: set[tuple[int, int]] = set()
    channel = PulseChannel(settings=SETTINGS)
    for channel, pulse in heard(board):
        if pulse is None:
            continue
        again = (pulse.life, pulse.number) in counted
        coincides = channel.clock is not None and pulse.stamp in channel.clock.recent
        result = channel.take(pulse.stamp, instant(pulse.arrives))
        assert (result.kind is PulseKind.DUPLICATE) is (again or coincides)
        assert result.channel.pulses == channel.pulses + (not (again or coincides))
        assert not again or coincides
        counted.add((pulse.life, pulse.number))
    assert channel.count == channel.pulses
    assert channel.energy == pytest.approx(channel.pulses / 1000)


@given(board=lives())
def test_powers_and_times(board: list[Life]) -> None:
    """A power is that of two pulses of one life; a time is at most one delay too late."""
    newest: Sent | None = None
    least_delay = 0
    clear = True
    for channel, pulse in heard(board):
        if pulse is None:
            newest, clear = None, True
            continue
        result = channel.take(pulse.stamp, instant(pulse.arrives))
        delay = pulse.arrives - pulse.made
        if result.kind is PulseKind.DUPLICATE:
            continue
        if newest is None or newest.life != pulse.life:
            clear = newest is None or can_be_told(channel, pulse)
            begun = PulseKind.FIRST if newest is None else PulseKind.RESTART
            assert result.kind is begun or not clear
            newest, least_delay = pulse, delay
            period = None
        elif newest.made > pulse.made:
            assert result.kind is PulseKind.LATE or not clear
            least_delay = min(least_delay, delay)
            period = None
        else:
            assert result.kind is PulseKind.NEXT or not clear
            period = pulse.made - newest.made
            newest = pulse
            least_delay = min(least_delay, delay)
        if not clear:
            continue
        expected = None if period is None else 3_600_000 / period
        if expected is None or expected >= 2500:
            assert result.power is None
        else:
            assert result.power is not None
            assert result.power.power == pytest.approx(expected)
        late_by = result.at - instant(pulse.made)
        assert timedelta(milliseconds=least_delay) <= late_by
        assert result.at <= instant(pulse.arrives)


@given(board=lives())
def test_a_restart_of_ours_between_any_two(board: list[Life]) -> None:
    """What is kept after each pulse goes on as if nothing had happened."""
    for channel, pulse in heard(board):
        kept = PulseChannel.from_data(
            json.loads(json.dumps(channel.as_data())), SETTINGS
        )
        assert kept == channel
        if pulse is not None:
            arrival = instant(pulse.arrives)
            assert kept.take(pulse.stamp, arrival) == channel.take(pulse.stamp, arrival)


@given(
    board=lives(),
    waits=st.lists(st.one_of(st.integers(0, MINUTE), st.integers(0, DAY)), max_size=5),
)
def test_the_power_that_is_possible(board: list[Life], waits: list[int]) -> None:
    """It never rises without a pulse, and holds until it says."""
    *_, (channel, _) = heard(board)
    now = channel.at or T0
    before = present_power(channel, now)
    for wait in sorted(waits):
        then = now + timedelta(milliseconds=wait)
        present = present_power(channel, then)
        assert (present.power is None) is (before.power is None)
        assert (present.power or 0) <= (before.power or 0)
        assert before.until is None or then >= before.until or present == before
        assert present.until is None or present.until > then
        before = present


@given(
    stamps=st.lists(st.integers(0, WRAP - 1), max_size=60),
    gaps=st.lists(st.integers(-DAY, 60 * DAY), min_size=60, max_size=60),
)
def test_whatever_arrives(stamps: list[int], gaps: list[int]) -> None:
    """Nothing that a board can say is refused, or counts more or less than one or none."""
    channel = PulseChannel(settings=SETTINGS)
    arrival = T0
    for stamp, gap in zip(stamps, gaps, strict=False):
        arrival += timedelta(milliseconds=gap)
        result = channel.take(stamp, arrival)
        more = result.channel.pulses - channel.pulses
        assert more == (result.kind is not PulseKind.DUPLICATE)
        assert result.power is None or 0 < result.power.power < 2500
        channel = result.channel
    assert channel.energy >= 0
