"""What power there can still be when pulses stop."""

from datetime import timedelta

import pytest

from custom_components.energy_homes.metering.pulse_decay import (
    PresentPower,
    present_power,
)
from custom_components.energy_homes.metering.pulses import PulseChannel, PulseSettings

from .reference import T0, at

SETTINGS = PulseSettings(pulses_per_kwh=1000, cap=2500)
LAST = 3.6


def measured(period: int = 3600) -> PulseChannel:
    """Return a channel whose last two pulses are so many ms apart; the last at 3.6 s."""
    channel = PulseChannel(settings=SETTINGS)
    channel = channel.take(0, at(LAST - period / 1000)).channel
    return channel.take(period, at(LAST)).channel


@pytest.mark.parametrize(
    ("after", "power", "estimated", "until"),
    [
        (-5, 1000, False, 7.2),
        (0, 1000, False, 7.2),
        (7.199, 1000, False, 7.2),
        (7.2, 500, True, 14.4),
        (14.399, 500, True, 14.4),
        (14.4, 250, True, 28.8),
        (28.8, 125, True, 57.6),
        (57.6, 62.5, True, 115.2),
        (115.2, 31.25, True, 230.4),
        (230.4, 0, True, None),
        (1e7, 0, True, None),
    ],
)
def test_power_falls_when_pulses_stop(
    after: float, power: float, estimated: bool, until: float | None
) -> None:
    """After two periods the highest power still possible, looked at ever more rarely."""
    expected = None if until is None else at(LAST + until)
    assert present_power(measured(), at(LAST + after)) == PresentPower(
        power, estimated, expected
    )


def test_the_next_change_is_a_change() -> None:
    """Who wakes up at each announced instant has seen every value there is."""
    channel, now = measured(), at(LAST)
    seen: list[float | None] = []
    while True:
        present = present_power(channel, now)
        seen.append(present.power)
        if present.until is None:
            break
        assert present_power(channel, present.until - timedelta.resolution) == present
        now = present.until
    assert seen == [1000, 500, 250, 125, 62.5, 31.25, 0]


def test_little_power_is_none_soon() -> None:
    """A power of less than 25 W is measured, but what is below is zero."""
    channel = measured(180_000)
    assert present_power(channel, at(LAST)) == PresentPower(20, False, at(LAST + 360))
    assert present_power(channel, at(LAST + 360)) == PresentPower(0.0, True)


def test_nobody_knows_the_power_of_one_pulse() -> None:
    """Not before the first pulse, after one, or after a power-up."""
    channel = PulseChannel(settings=SETTINGS)
    unknown = PresentPower(None)
    assert present_power(channel, T0) == unknown
    assert present_power(channel.take(1000, T0).channel, T0) == unknown
    assert present_power(measured().powered_up(), at(LAST)) == unknown


def test_an_over_cap_pulse_keeps_the_power() -> None:
    """The period before it counts, from the pulse that gave none."""
    channel = measured().take(4200, at(LAST + 0.6)).channel
    assert present_power(channel, at(LAST + 1)) == PresentPower(
        1000, False, at(LAST + 0.6 + 7.2)
    )
