"""How much power there can still be when the pulses of a meter stop."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from .pulse_clock import MILLISECOND
from .pulses import PulseChannel, pulse_power

LEAST_POWER: Final = 25.0
"""Less than this in W is no power: the next pulse is then minutes or hours away."""

PATIENCE: Final = 2
"""A pulse that is missing for so many periods tells of less power."""


@dataclass(frozen=True, slots=True)
class PresentPower:
    """The power in W at an instant, None where nobody knows it.

    `estimated` says that it is the highest power still possible. `until` is when it next
    changes without a pulse (aware, UTC), None where it does not.
    """

    power: float | None
    estimated: bool = False
    until: datetime | None = None


def present_power(channel: PulseChannel, now: datetime) -> PresentPower:
    """Return the power of a channel at an aware instant.

    A measured power holds for twice its period after the newest pulse. From then on it is
    the power that would have made a pulse just now; that is looked at again when the
    pause has doubled, and is zero once it is below LEAST_POWER.
    """
    if channel.at is None or channel.power is None or channel.period is None:
        return PresentPower(None)
    pause = PATIENCE * channel.period
    passed = (now - channel.at) // MILLISECOND
    if passed < pause:
        return PresentPower(channel.power, until=channel.at + pause * MILLISECOND)
    while 2 * pause <= passed:
        pause *= 2
    possible = pulse_power(pause, channel.settings.pulses_per_kwh)
    if possible < LEAST_POWER:
        return PresentPower(0.0, estimated=True)
    return PresentPower(
        possible, estimated=True, until=channel.at + 2 * pause * MILLISECOND
    )
