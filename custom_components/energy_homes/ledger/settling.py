"""What slots change in the ledger: which rows are written, and what grows by them."""

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
class RoleChanges:
    """What slots that count in one role change; energies are micro-Wh.

    `first` is where the earliest live one starts that adds something, `past_begin` and
    `past_end` are what those of the past cover; `repaired` are the hours in which something
    became known that nobody saw at the time. All instants in Unix seconds.
    """

    energy: int = 0
    returned: int = 0
    past_energy: int = 0
    past_returned: int = 0
    first: int | None = None
    past_begin: int | None = None
    past_end: int = 0
    repaired: set[int] = field(default_factory=set)

    def add(self, old: OldSlot | None, new: NewSlot, live_from: int) -> None:
        """Count a slot in that takes the place of an old one, or of none."""
        # A year has a hundred thousand of them: no object is made here.
        start, provenance, energy, returned = new
        energy, returned = energy or 0, returned or 0
        if old is not None:
            energy -= old[1] or 0
            returned -= old[2] or 0
        self.energy += energy
        self.returned += returned
        if start < live_from:
            self.past_energy += energy
            self.past_returned += returned
            if self.past_begin is None or start < self.past_begin:
                self.past_begin = start
            if start >= self.past_end:
                self.past_end = start + SLOT_SECONDS
        elif (energy or returned) and (self.first is None or start < self.first):
            self.first = start
        if provenance != _UNKNOWN and (provenance != _MEASURED or old is not None):
            self.repaired.add(start - start % HOUR_SECONDS)


@dataclass(slots=True)
class Changes:
    """What slots of a source change, by the role that they count in.

    `late` are the starts of those from before what was settled, in Unix seconds.
    """

    live_from: int | None
    count: int = 0
    late: list[int] = field(default_factory=list)
    roles: dict[MeterRole, RoleChanges] = field(default_factory=dict)

    @property
    def sums(self) -> dict[MeterRole, Sums]:
        """Return what all of the slots add."""
        return {
            role: Sums(energy=one.energy, returned=one.returned)
            for role, one in self.roles.items()
        }

    @property
    def past(self) -> dict[MeterRole, Sums]:
        """Return what those of the past add."""
        return {
            role: Sums(energy=one.past_energy, returned=one.past_returned)
            for role, one in self.roles.items()
        }


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
    changes = Changes(live_from)
    known = _read(connection, source.number, [start for start, *_ in slots])
    written: dict[int, tuple[int, int, int, int, int | None, int | None]] = {}
    settled_until = source.settled_until or 0
    number = source.number
    for slot in slots:
        start, provenance, energy, returned = slot
        old = known.get(start)
        if old is not None and not _improves(old, slot):
            continue
        kept = role if old is None else ROLE_OF[old[3]]
        if (of_role := changes.roles.get(kept)) is None:
            of_role = changes.roles[kept] = RoleChanges()
        of_role.add(old, slot, live_from or 0)
        changes.count += 1
        if start < settled_until:
            changes.late.append(start)
        known[start] = provenance, energy, returned, ROLES[kept]
        written[start] = number, start, ROLES[kept], provenance, energy, returned
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
