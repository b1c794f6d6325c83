"""What the ledger is asked with and answers with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple

from ..metering.model import MeterRole, Provenance, Reading
from ..metering.temperature import RoomReading

type HomeQuantity = Literal["grid", "generation", "returned"]


def source_key(source_id: str) -> str:
    """Return the key of a source's total."""
    return f"source:{source_id}"


def home_key(home_id: str, what: HomeQuantity) -> str:
    """Return the key of one of a home's totals."""
    return f"home:{home_id}:{what}"


class LedgerError(Exception):
    """The ledger could not be read or written; nothing was changed."""


class LedgerVersionError(LedgerError):
    """The file was written by a newer version of Energy Homes; it was not touched."""

    def __init__(self, found: int, known: int) -> None:
        """Keep both schema versions."""
        super().__init__(f"The ledger has version {found}, known are up to {known}")
        self.found = found
        self.known = known


@dataclass(frozen=True, slots=True)
class Opened:
    """How the ledger's file was found.

    `created` where there was none that could be used; `damaged_copy` is where a file that
    could not be read was moved to.
    """

    created: bool
    damaged_copy: Path | None
    ledger_id: str


@dataclass(frozen=True, slots=True)
class StoredSource:
    """Where a source's slotter goes on; stamps are aware and UTC.

    `known` are the starts of the newest known slots, `open_from` is the start of the first
    slot that they leave out if it is unknown, and `hardware` what `pending` was read from.
    """

    settled_until: datetime | None
    pending: tuple[Reading, ...]
    known: frozenset[datetime] = frozenset()
    open_from: datetime | None = None
    hardware: str | None = None


@dataclass(frozen=True, slots=True)
class StoredRoom:
    """Where a room's slotter goes on; stamps are aware and UTC.

    `first` is the start of its first known slot. What is not known up to `settled_until`
    is unknown.
    """

    first: datetime | None = None
    settled_until: datetime | None = None
    readings: tuple[RoomReading, ...] = ()


@dataclass(frozen=True, slots=True)
class DueHour:
    """An hour whose statistic of means is to be compared; `changes` tells it from later."""

    start: datetime
    changes: int


@dataclass(frozen=True, slots=True)
class LedgerHome:
    """A home that the ledger has slots of; `removed` is when its entry was (UTC)."""

    home_id: str
    label: str
    removed: datetime | None


@dataclass(frozen=True, slots=True)
class HomeTotals:
    """Lifetime totals of a home in kWh; `sources` are imported energies by source id."""

    grid: float
    generation: float
    returned: float
    sources: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What a total counted in the settled slots of a span.

    `[begin, end)` is what the slots cover (UTC); `first` and `last` are the totals then,
    None before the total began to count; `energy` is what the slots have, all in kWh.
    `slots` says how many come from where.
    """

    begin: datetime
    end: datetime
    first: float | None
    last: float | None
    energy: float
    slots: Mapping[Provenance, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeStatement:
    """What a home counted in a span; None where a total has no slot in it.

    `sources` and `roles` (the newest one in the span) are those that have slots in it.
    """

    grid: Counted | None
    generation: Counted | None
    returned: Counted | None
    sources: Mapping[str, Counted]
    roles: Mapping[str, MeterRole]


@dataclass(frozen=True, slots=True)
class PastAdjustment:
    """How a statistic's sums come to have a key's past in them.

    `offset_kwh` is their sum - state with it and `floor` the first hour that may be
    rewritten then; `past_kwh` is the past since that hour, `seen_kwh` all there was of it.
    """

    offset_kwh: float
    floor: datetime
    past_kwh: float
    seen_kwh: float


class HourlyTotal(NamedTuple):
    """A key at the end of an hour, in kWh.

    `total` grows by all slots, so that it is below zero in the past; `live` is what was
    shown as the total then, had every slot been known in time.
    """

    start: datetime
    total: float
    live: float


class HourlyMean(NamedTuple):
    """Mean, lowest and highest power in W, or temperature in °C, of an hour's known slots."""

    start: datetime
    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class StatisticMark:
    """How far a statistic of the recorder was brought in line with a total.

    `offset_kwh` is sum - state of the statistic; `floor` is the first hour that may be
    rewritten; hours before `checked_until` agreed but for those in the half-open `past`.
    A slot that changes takes `checked_until` back to its hour; one of the past widens
    `past` instead, because all sums after it move with the offset. `past_kwh` is what the
    offset has of the key's past since `floor`, when all of it was `seen_kwh`; `step` is
    noted before the sums are moved. `changes` tells whether slots have changed since the
    mark was read; it is not stored.
    """

    offset_kwh: float
    floor: datetime
    checked_until: datetime | None = None
    changes: int = field(default=0, compare=False)
    past_kwh: float = 0.0
    seen_kwh: float = 0.0
    past: tuple[datetime, datetime] | None = None
    step: PastAdjustment | None = None
