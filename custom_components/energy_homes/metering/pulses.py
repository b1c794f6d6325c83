"""What the pulses of a meter say: how many, how much energy, and how much power.

A channel is a value: each change gives a new one, so that a count that could not be kept
is not a count. Who acknowledges a pulse has kept the channel that `PulseChannel.take` gave.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fractions import Fraction
from math import isfinite
from typing import Any, Final, Self

from .model import MAX_POWER, CounterReading, PowerReading
from .pulse_clock import PulseClock, PulseKind

__all__ = [
    "MAX_METERCOUNT",
    "PulseChannel",
    "PulseKind",
    "PulseResult",
    "PulseSettings",
    "default_settings",
    "pulse_power",
]

MS_PER_HOUR: Final = 3_600_000

MAX_METERCOUNT: Final = 9_999_999
"""What a meter can be set to at most, in hundredths of a kWh."""

HIGH_CURRENT_CHANNELS: Final = range(6, 9)
"""The channels that the boards' makers wired to big meters, of 100 pulses per kWh."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PulseSettings:
    """What is known of the meter behind a channel.

    `cap` in W: no power from there on is one. `deviation` in percent: a power that is
    further from the last jump is a jump. Raises ValueError for what no meter can have.
    """

    pulses_per_kwh: float = 1000.0
    cap: float = 2500.0
    deviation: float = 10.0

    def __post_init__(self) -> None:
        """Refuse what no meter can have."""
        for value in (self.pulses_per_kwh, self.cap):
            if not (isfinite(value) and 0 < value <= MAX_POWER):
                raise ValueError(f"{value} is neither a rate of pulses nor a cap")
        if not (isfinite(self.deviation) and self.deviation >= 0):
            raise ValueError(f"A deviation cannot be {self.deviation} %")


def default_settings(channel: int) -> PulseSettings:
    """Return the settings that a channel of a board begins with."""
    if channel in HIGH_CURRENT_CHANNELS:
        return PulseSettings(pulses_per_kwh=100.0, cap=11_000.0)
    return PulseSettings()


def pulse_power(period: float, pulses_per_kwh: float) -> float:
    """Return the mean power in W between two pulses that are `period` ms apart."""
    return MS_PER_HOUR / period / pulses_per_kwh * 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class PulseResult:
    """What a pulse changed.

    `at` is when the pulse was (aware, UTC). `power` is the mean since the pulse before it,
    None where nobody knows it or it is `over_cap`; `jump` says that it is another level of
    power. `reading` is the energy counted so far; a late or repeated pulse gives none: its
    energy comes with the next one.
    """

    channel: PulseChannel
    kind: PulseKind
    at: datetime
    power: PowerReading | None = None
    reading: CounterReading | None = None
    over_cap: bool = False
    jump: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PulseChannel:
    """A channel of a board and all that was counted on it.

    `pulses` are those ever counted and `count` what the meter shows, in pulses: that is
    settable. `power` in W, `period` in ms and `at` (aware, UTC) are of the newest power and
    pulse, None where there is none since power-up; `reference` is the last jump's power.
    The rest keeps energies in kWh whole where the rate of pulses changes.
    """

    settings: PulseSettings
    pulses: int = 0
    count: int = 0
    clock: PulseClock | None = None
    at: datetime | None = None
    power: float | None = None
    period: int | None = None
    reference: float = 0.0
    energy_before: float = 0.0
    pulses_before: int = 0
    subtotal_from: float = 0.0

    @property
    def energy(self) -> float:
        """Return the kWh ever counted: it never falls, whatever the meter is set to."""
        counted = self.pulses - self.pulses_before
        return self.energy_before + counted / self.settings.pulses_per_kwh

    @property
    def reading(self) -> float:
        """Return the kWh that the meter shows."""
        return self.count / self.settings.pulses_per_kwh

    @property
    def subtotal(self) -> float:
        """Return the kWh counted since the subtotal was reset."""
        return self.energy - self.subtotal_from

    def take(self, stamp: int, arrival: datetime) -> PulseResult:
        """Count a pulse with a stamp of `[0, 2^32)` ms that arrived at an aware instant.

        Raises ValueError for another stamp and for a naive arrival.
        """
        if not 0 <= stamp < 1 << 32:
            raise ValueError(f"{stamp} is no stamp of a board")
        if arrival.utcoffset() is None:
            raise ValueError(f"The arrival {arrival} has no time zone")
        arrival = arrival.astimezone(UTC)
        if self.clock is None:
            return self._begun(PulseKind.FIRST, PulseClock.begin(stamp, arrival))
        heard = self.clock.hear(stamp, arrival)
        if heard.kind is PulseKind.DUPLICATE:
            return PulseResult(channel=self, kind=heard.kind, at=heard.at)
        if heard.kind is PulseKind.RESTART:
            return self._begun(heard.kind, heard.clock)
        if heard.period is None:
            channel = self._one_more(heard.clock)
            return PulseResult(channel=channel, kind=heard.kind, at=heard.at)
        return self._followed(heard.clock, heard.period)

    def powered_up(self) -> Self:
        """Return the channel of a board that says that it begins anew."""
        return replace(self, clock=None, power=None, period=None, reference=0.0)

    def with_settings(self, settings: PulseSettings) -> Self:
        """Return the channel with other settings; what was counted stays as it is."""
        ratio = Fraction(settings.pulses_per_kwh) / Fraction(
            self.settings.pulses_per_kwh
        )
        if ratio == 1:
            return replace(self, settings=settings)
        return replace(
            self,
            settings=settings,
            count=round(self.count * ratio),
            energy_before=self.energy,
            pulses_before=self.pulses,
        )

    def with_metercount(self, hundredths: int) -> Self:
        """Return the channel whose meter shows so many hundredths of a kWh.

        Raises ValueError where no meter can show that.
        """
        if not 1 <= hundredths <= MAX_METERCOUNT:
            raise ValueError(f"A meter cannot show {hundredths} hundredths")
        return self._with_shown(Fraction(hundredths, 100))

    def with_reading(self, reading: float) -> Self:
        """Return the channel whose meter shows so many kWh, less what makes no pulse.

        Raises ValueError where no meter can show that.
        """
        if not (isfinite(reading) and 0 <= reading <= MAX_METERCOUNT):
            raise ValueError(f"A meter cannot show {reading} kWh")
        # The decimal number that people see: 3362.79, not the binary one just below it.
        return self._with_shown(Fraction(repr(float(reading))))

    def with_subtotal_reset(self) -> Self:
        """Return the channel whose subtotal begins at zero."""
        return replace(self, subtotal_from=self.energy)

    def as_data(self) -> dict[str, Any]:
        """Return what must survive a restart, as JSON has it; not cap and deviation."""
        return {
            "pulses_per_kwh": self.settings.pulses_per_kwh,
            "pulses": self.pulses,
            "count": self.count,
            "clock": None if self.clock is None else self.clock.as_data(),
            "at": None if self.at is None else self.at.isoformat(),
            "power": self.power,
            "period": self.period,
            "reference": self.reference,
            "energy_before": self.energy_before,
            "pulses_before": self.pulses_before,
            "subtotal_from": self.subtotal_from,
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any], settings: PulseSettings) -> Self:
        """Return a channel that was kept, with the settings that hold now."""
        clock, at = data["clock"], data["at"]
        kept = replace(settings, pulses_per_kwh=data["pulses_per_kwh"])
        return cls(
            settings=kept,
            pulses=data["pulses"],
            count=data["count"],
            clock=None if clock is None else PulseClock.from_data(clock),
            at=None if at is None else datetime.fromisoformat(at),
            power=data["power"],
            period=data["period"],
            reference=data["reference"],
            energy_before=data["energy_before"],
            pulses_before=data["pulses_before"],
            subtotal_from=data["subtotal_from"],
        ).with_settings(settings)

    def _one_more(self, clock: PulseClock) -> Self:
        """Return the channel after one more pulse."""
        return replace(self, pulses=self.pulses + 1, count=self.count + 1, clock=clock)

    def _begun(self, kind: PulseKind, clock: PulseClock) -> PulseResult:
        """Count a pulse before which nothing is known."""
        channel = replace(
            self._one_more(clock), at=clock.at, power=None, period=None, reference=0.0
        )
        return PulseResult(
            channel=channel,
            kind=kind,
            at=clock.at,
            reading=CounterReading(clock.at, channel.energy),
        )

    def _followed(self, clock: PulseClock, period: int) -> PulseResult:
        """Count a pulse that came `period` ms after the one before it."""
        at = clock.at
        channel = replace(self._one_more(clock), at=at)
        reading = CounterReading(at, channel.energy)
        watts = pulse_power(period, self.settings.pulses_per_kwh)
        if watts >= self.settings.cap:
            return PulseResult(
                channel=channel,
                kind=PulseKind.NEXT,
                at=at,
                reading=reading,
                over_cap=True,
            )
        limit = self.reference * self.settings.deviation / 100
        jump = abs(self.reference - watts) > limit
        return PulseResult(
            channel=replace(
                channel,
                power=watts,
                period=period,
                reference=watts if jump else self.reference,
            ),
            kind=PulseKind.NEXT,
            at=at,
            power=PowerReading(at, watts),
            reading=reading,
            jump=jump,
        )

    def _with_shown(self, reading: Fraction) -> Self:
        """Return the channel whose meter shows so many kWh, in whole pulses."""
        return replace(
            self, count=int(reading * Fraction(self.settings.pulses_per_kwh))
        )
