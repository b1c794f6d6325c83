"""What slots change in the ledger: which rows are written, and what grows by them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
import sqlite3
from typing import Final

from ..metering.model import MeterRole, Provenance
from .codes import HOUR_SECONDS, PROVENANCES, ROLE_OF, ROLES, SLOT_SECONDS
from .totals import SourceState, Sums

type NewSlot = tuple[int, int, int | None, int | None]
"""Start, provenance, energy, returned."""

type OldSlot = tuple[int, int | None, int | None, int]
"""Provenance, energy, returned, role."""

_READ: Final = """
    SELECT start, provenance, energy, returned, role FROM slot WHERE source = ?
"""
_PUT: Final = """
    INSERT OR REPLACE INTO slot (source, start, role, provenance, energy, returned)
    VALUES (?, ?, ?, ?, ?, ?)
"""
_UNKNOWN: Final = PROVENANCES[Provenance.UNKNOWN]
_MEASURED: Final = PROVENANCES[Provenance.MEASURED]

SPARSE: Final = 8
"""A span is read as a whole unless it has more than so many times the slots given."""


@dataclass(slots=True)
class Changes:
    """What slots of a source change, by the role that they count in.

    `sums` are what all of them add and `past` what those of the past do; `first` is where
    the earliest live one starts that adds something, `past_span` what those of the past
    cover; `late` are starts before what was settled, `repaired` the hours in which
    something became known that nobody saw at the time. All instants in Unix seconds.
    """

    live_from: int | None
    settled_until: int | None
    count: int = 0
    sums: dict[MeterRole, Sums] = field(default_factory=dict)
    past: dict[MeterRole, Sums] = field(default_factory=dict)
    first: dict[MeterRole, int] = field(default_factory=dict)
    past_span: dict[MeterRole, tuple[int, int]] = field(default_factory=dict)
    late: list[int] = field(default_factory=list)
    repaired: defaultdict[MeterRole, set[int]] = field(
        default_factory=lambda: defaultdict(set)
    )

    def add(self, role: MeterRole, old: OldSlot | None, new: NewSlot) -> None:
        """Count a slot in that takes the place of an old one, or of none."""
        start = new[0]
        self.count += 1
        grown = _grown(old, new)
        self.sums[role] = self.sums.get(role, Sums()).plus(grown)
        if self.live_from is not None and start < self.live_from:
            self.past[role] = self.past.get(role, Sums()).plus(grown)
            begin, end = self.past_span.get(role, (start, start + SLOT_SECONDS))
            self.past_span[role] = min(begin, start), max(end, start + SLOT_SECONDS)
        elif grown != Sums():
            self.first[role] = min(self.first.get(role, start), start)
        if self.settled_until is not None and start < self.settled_until:
            self.late.append(start)
        if new[1] != _UNKNOWN and (new[1] != _MEASURED or old is not None):
            self.repaired[role].add(start // HOUR_SECONDS * HOUR_SECONDS)


def write_slots(
    connection: sqlite3.Connection,
    source: SourceState,
    role: MeterRole,
    slots: Sequence[NewSlot],
) -> Changes:
    """Write those slots that say more than what is there; return what they change."""
    live_from = source.live_from
    if live_from is None:
        live_from = min((start for start, *_ in slots), default=None)
    changes = Changes(live_from, source.settled_until)
    known = _read(connection, source.number, [start for start, *_ in slots])
    written: dict[int, tuple[int, int, int, int, int | None, int | None]] = {}
    for slot in slots:
        start, provenance, energy, returned = slot
        old = known.get(start)
        if old is not None and not _improves(old, slot):
            continue
        kept = role if old is None else ROLE_OF[old[3]]
        changes.add(kept, old, slot)
        known[start] = provenance, energy, returned, ROLES[kept]
        written[start] = (
            source.number,
            start,
            ROLES[kept],
            provenance,
            energy,
            returned,
        )
    connection.executemany(_PUT, written.values())
    return changes


def _read(
    connection: sqlite3.Connection, number: int, starts: Sequence[int]
) -> dict[int, OldSlot]:
    """Return the slots that there are of some, by their start."""
    if not starts:
        return {}
    first, last = min(starts), max(starts)
    rows: Iterable[tuple[int, int, int | None, int | None, int]]
    if last - first <= SPARSE * SLOT_SECONDS * len(starts):
        rows = connection.execute(
            f"{_READ} AND start >= ? AND start <= ?", (number, first, last)
        )
    else:
        rows = (
            row
            for start in starts
            for row in connection.execute(f"{_READ} AND start = ?", (number, start))
        )
    return {start: tuple(old) for start, *old in rows}


def _improves(old: OldSlot, new: NewSlot) -> bool:
    """Return whether a slot takes the place of another.

    What was counted of an unknown slot never gets less: totals must not fall.
    """
    if old[0] != _UNKNOWN:
        return False
    energy, returned = (new[2] or 0) - (old[1] or 0), (new[3] or 0) - (old[2] or 0)
    if energy < 0 or returned < 0:
        return False
    return new[1] != _UNKNOWN or energy > 0 or returned > 0


def _grown(old: OldSlot | None, new: NewSlot) -> Sums:
    """Return what a slot has more than the one before."""
    _, energy, returned, _ = (0, 0, 0, 0) if old is None else old
    return Sums(
        energy=(new[2] or 0) - (energy or 0), returned=(new[3] or 0) - (returned or 0)
    )
