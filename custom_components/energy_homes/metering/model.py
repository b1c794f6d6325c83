"""Types of the metering core: readings, slots and where a slot's energy comes from."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from math import isfinite
from typing import Final

SLOT: Final = timedelta(minutes=5)
"""Length of a slot; slots are aligned to the hour in UTC and half-open."""

MAX_POWER: Final = 1_000_000.0
"""No meter of a home measures more W: no home's supply carries a tenth of it."""


class MeterRole(StrEnum):
    """What a meter measures in its home."""

    GRID = "grid"
    GENERATION = "generation"
    SUBMETER = "submeter"


class Provenance(StrEnum):
    """Where a slot's energy comes from."""

    MEASURED = "measured"
    VENDOR = "vendor"
    INTERPOLATED = "interpolated"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class PowerReading:
    """Mean power since the reading before it, at the meter's own stamp.

    `at` is aware and UTC; `power` is in W, negative while a grid meter exports.
    Raises ValueError for a naive stamp and for a power that is not finite.
    """

    at: datetime
    power: float

    def __post_init__(self) -> None:
        """Refuse what cannot be a reading."""
        _check_stamp(self.at)
        if not isfinite(self.power):
            raise ValueError(f"A power of {self.power} W is not a reading")


@dataclass(frozen=True, slots=True)
class CounterReading:
    """What an energy counter shows at an instant.

    `at` is aware and UTC; `energy` is in kWh. `gap` says that more may have been used since
    the reading before it than the counter tells.
    Raises ValueError for a naive stamp and for an energy that is negative or not finite.
    """

    at: datetime
    energy: float
    gap: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be a reading."""
        _check_stamp(self.at)
        if not (isfinite(self.energy) and self.energy >= 0):
            raise ValueError(f"A counter cannot show {self.energy} kWh")


type Reading = PowerReading | CounterReading


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """Energy of one slot `[start, start + SLOT)`.

    `energy` and `returned` (exported by a signed grid meter) are in kWh and never negative.
    Where `provenance` is UNKNOWN both are None, or what was counted of it: the whole is
    more. Raises ValueError where that does not hold.
    """

    start: datetime
    energy: float | None
    returned: float | None
    provenance: Provenance

    def __post_init__(self) -> None:
        """Refuse a slot that says two things at once."""
        for value in (self.energy, self.returned):
            if value is None and (self.known or self.energy is not self.returned):
                raise ValueError(f"A slot that is {self.provenance} has no energy")
            if value is not None and not (isfinite(value) and value >= 0):
                raise ValueError(f"A slot cannot have an energy of {value} kWh")

    @property
    def end(self) -> datetime:
        """Return the first instant after the slot."""
        return self.start + SLOT

    @property
    def known(self) -> bool:
        """Return whether the slot's energy is known."""
        return self.provenance is not Provenance.UNKNOWN


def unknown_slot(start: datetime) -> Slot:
    """Return the slot that starts at an aligned instant and that nobody knows."""
    return Slot(start=start, energy=None, returned=None, provenance=Provenance.UNKNOWN)


def slot_start(at: datetime) -> datetime:
    """Return the start of the slot that an aware instant belongs to, in UTC."""
    utc = at.astimezone(UTC)
    return utc.replace(minute=utc.minute - utc.minute % 5, second=0, microsecond=0)


def slot_boundary_from(at: datetime) -> datetime:
    """Return the first slot boundary at or after an aware instant, in UTC."""
    start = slot_start(at)
    return start if start == at else start + SLOT


def _check_stamp(at: datetime) -> None:
    """Refuse a stamp that does not say which instant it means."""
    if at.utcoffset() is None:
        raise ValueError(f"The stamp {at} has no time zone")
