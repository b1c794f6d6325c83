"""What the Efergy cloud tells, typed. Instants are aware and UTC."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from ...metering.model import MeterRole


@dataclass(frozen=True, slots=True, kw_only=True)
class EfergyDevice:
    """A hub of a household; `on` is what the vendor says of it."""

    mac: str
    kind: str
    version: str
    on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Household:
    """The household behind a token; `hid` is the vendor's own id of it."""

    hid: str
    hubs: tuple[EfergyDevice, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentValue:
    """The newest value of one meter.

    `power` is in W (None where the meter has no reading), `at` the meter's own stamp, `age`
    the vendor's own statement of how old it is. `nonsense` says what was wrong with a value
    that cannot be a reading; then `power` is None.
    """

    sid: str
    cid: str
    role: MeterRole
    power: float | None
    at: datetime | None
    age: timedelta | None
    nonsense: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InstantValue:
    """The newest power of the household in W, at its own stamp; None where there is none."""

    power: float | None
    at: datetime | None
    age: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergySum:
    """Energy of the household in kWh (None: the vendor does not know) over `duration`."""

    energy: float | None
    duration: timedelta | None


@dataclass(frozen=True, slots=True)
class SeriesPoint:
    """Values at one stamp of a series, in the series' unit; None is the vendor's "undef"."""

    at: datetime
    values: tuple[float | None, ...]

    @property
    def value(self) -> float | None:
        """Return the first value."""
        return self.values[0] if self.values else None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterHistory:
    """A series of one meter in time order.

    `units` is the vendor's word: "Wm" are watt-minutes, 60 000 of them are one kWh.
    """

    sid: str
    units: str | None
    points: tuple[SeriesPoint, ...]


class EnergyPeriod(StrEnum):
    """Periods that getEnergy knows; a month has 28 days at the vendor."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


WATT_MINUTES_PER_KWH = 60_000
