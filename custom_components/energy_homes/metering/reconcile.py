"""Which hourly rows of a recorder statistic differ from the ledger, and what offset holds.

A statistic's `sum` and `state` grow together, so `sum - state` is one offset for life: it
changes only where the series began anew or somebody moved the sums by hand. Given the
offset, the ledger's total at the end of an hour says what that hour's row must be.

All energies are in kWh, all instants aware and UTC.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from .model import SLOT

HOUR: Final = timedelta(hours=1)

TOLERANCE: Final = 1e-6
"""Energies in kWh that differ by no more than this are the same."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a statistic: the meter's total and the running sum at the end of a period."""

    start: datetime
    state: float
    sum: float

    @property
    def offset(self) -> float:
        """Return what the sum is ahead of the state, in kWh."""
        return self.sum - self.state


@dataclass(frozen=True, slots=True)
class Rebase:
    """The series goes on with another offset; rows before `floor` stay as they are."""

    offset: float
    floor: datetime


@dataclass(frozen=True, slots=True)
class Shift:
    """The recorder began to count anew: from `start` on, `amount` kWh is missing in sums."""

    start: datetime
    amount: float


def same(one: float, other: float) -> bool:
    """Return whether two energies in kWh are equal but for rounding."""
    return abs(one - other) <= TOLERANCE


def hour_start(at: datetime) -> datetime:
    """Return the start of the UTC hour that an aware instant belongs to."""
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def closed_until(latest: datetime) -> datetime:
    """Return the end of the last hour that may be written.

    `latest` is the start of the statistic's own newest 5-minute row. An hour is compiled
    together with its last 5-minute row; to write one that is not loses the rows of every
    entity of the installation when the recorder comes to compile it.
    """
    return hour_start(latest + SLOT)


def wanted_row(hour: datetime, total: float, shown: float, offset: float) -> Row:
    """Return the row that an hour must have, given what was counted at its end in kWh.

    `total` grows by all that is known, the past as well, and is below zero there; `shown`
    is what the meter's own total was.
    """
    return Row(hour, shown, total + offset)


def matches(row: Row | None, wanted: Row) -> bool:
    """Return whether a row is there and says what it must."""
    return (
        row is not None and same(row.state, wanted.state) and same(row.sum, wanted.sum)
    )


def differing_rows(
    rows: Mapping[datetime, Row],
    totals: Iterable[tuple[datetime, float, float]],
    offset: float,
) -> tuple[Row, ...]:
    """Return the rows to write, oldest first: those that are missing or differ.

    `totals` has the start of each hour with the total at its end and the one that was
    shown, in kWh.
    """
    return tuple(
        wanted
        for hour, total, shown in totals
        if not matches(rows.get(hour), wanted := wanted_row(hour, total, shown, offset))
    )


def present_offset(recent: Sequence[Row]) -> Rebase:
    """Return the offset of the newest 5-minute row and the hour since which it holds."""
    since = _trailing(recent, recent[-1].offset)[0]
    return Rebase(recent[-1].offset, hour_start(since.start))


def judge_offset(
    known: Rebase, recent: Sequence[Row], hours: Sequence[Row]
) -> Rebase | Shift:
    """Say what to do where the newest 5-minute row no longer has the known offset.

    `recent` are all 5-minute rows and `hours` all hourly rows, both oldest first. Where the
    recorder found no 5-minute row to go on from, it began at zero: the sums are shifted so
    that they go on. Anything else (statistic deleted, sums moved by the user, the meter's total
    taken for a reset) is accepted as it is, and nothing before it is ever written again.
    """
    found = present_offset(recent)
    trailing = _trailing(recent, found.offset)
    since = trailing[0]
    earlier = recent[: -len(trailing)] or [
        row for row in hours if row.start < found.floor
    ]
    if (
        earlier
        and same((before := earlier[-1]).offset, known.offset)
        and -TOLERANCE <= since.sum <= max(since.state - before.state, 0.0) + TOLERANCE
    ):
        return Shift(since.start, known.offset - found.offset)
    moved = _trailing(hours, found.offset)
    floor = min(found.floor, moved[0].start) if moved else found.floor
    return Rebase(found.offset, max(floor, known.floor))


def _trailing(rows: Sequence[Row], offset: float) -> Sequence[Row]:
    """Return the newest rows that all have an offset."""
    first = len(rows)
    while first > 0 and same(rows[first - 1].offset, offset):
        first -= 1
    return rows[first:]
