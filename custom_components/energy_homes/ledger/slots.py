"""The settled slots of sources: committed, read, and counted by provenance."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from ..metering.model import MeterRole, Provenance, Reading, Slot
from .codes import (
    HOUR_SECONDS,
    PROVENANCE_OF,
    ROLES,
    SLOT_SECONDS,
    row_slot,
    seconds,
    slot_row,
)
from .marks import take_back, widen_past
from .periods import forget_periods
from .powers import add_due
from .settling import Changes, write_slots
from .sources import replace_pending
from .totals import SourceState
from .types import HomeQuantity, home_key, source_key
from .view import Transaction, View

_HOME_POWER: Final[dict[MeterRole, HomeQuantity]] = {
    MeterRole.GRID: "grid",
    MeterRole.GENERATION: "generation",
}
"""The power of a home that meters of a role are part of."""


def settle(
    transaction: Transaction,
    source_id: str,
    role: MeterRole,
    slots: Sequence[Slot],
    pending: Sequence[Reading],
) -> int:
    """Commit slots, replace the pending readings, return how many slots changed.

    A known slot never changes. An unknown one may become known, or more may turn out to
    have been counted in it, in the role that it was written with; delivering slots twice
    changes nothing. `pending` is the slotter's at the moment of the call. Raises
    LedgerError for an unknown source and ValueError for a slot that is not aligned.
    """
    rows = [slot_row(slot) for slot in slots]
    source = transaction.state.source(source_id)
    until = max((row[0] + SLOT_SECONDS for row in rows), default=source.settled_until)
    if source.settled_until is not None and until is not None:
        until = max(until, source.settled_until)
    changes = write_slots(transaction.connection, source, role, rows)
    forget_periods(transaction.connection, source.number, changes.late)
    _note(transaction, source_id, source, changes)
    transaction.connection.execute(
        "UPDATE source SET settled_until = ?, live_from = ? WHERE number = ?",
        (until, changes.live_from, source.number),
    )
    replace_pending(transaction.connection, source.number, pending)
    after = replace(source, settled_until=until, live_from=changes.live_from)
    transaction.state = transaction.state.with_source(
        source_id, after.with_slots(changes.sums, changes.past)
    )
    return changes.count


def source_slots(
    view: View, source_id: str, start: datetime, end: datetime
) -> list[Slot]:
    """Return a source's slots that start in `[start, end)`, oldest first."""
    rows = view.connection.execute(
        "SELECT start, provenance, energy, returned FROM slot"
        " WHERE source = (SELECT number FROM source WHERE source_id = ?)"
        " AND start >= ? AND start < ? ORDER BY start",
        (source_id, seconds(start), seconds(end)),
    )
    return [row_slot(*row) for row in rows]


def count_slots(
    view: View, home_id: str, start: datetime, end: datetime
) -> dict[Provenance, int]:
    """Return how many slots of grid and generation meters come from where.

    Slots that start in `[start, end)`; every provenance is there, with 0 where none is.
    """
    counts = dict.fromkeys(Provenance, 0)
    for provenance, count in view.connection.execute(
        "SELECT provenance, COUNT(*) FROM slot"
        " WHERE source IN (SELECT number FROM source WHERE home_id = ?)"
        " AND start >= ? AND start < ? AND role <> ? GROUP BY 1",
        (home_id, seconds(start), seconds(end), ROLES[MeterRole.SUBMETER]),
    ):
        counts[PROVENANCE_OF[provenance]] = count
    return counts


def _note(
    transaction: Transaction, source_id: str, source: SourceState, changes: Changes
) -> None:
    """Have the recorder's statistics compared where slots have changed."""
    connection = transaction.connection
    for role, change in changes.roles.items():
        for key in source.keys(source_id, role):
            if change.first is not None:
                transaction.changes[key] += 1
                take_back(connection, key, _hour_us(change.first))
            if change.past_begin is not None:
                transaction.changes[key] += 1
                last = _hour_us(change.past_end + HOUR_SECONDS - 1)
                widen_past(connection, key, _hour_us(change.past_begin), last)
        add_due(connection, source_key(source_id), change.repaired)
        if (what := _HOME_POWER.get(role)) is not None:
            add_due(connection, home_key(source.home_id, what), change.repaired)


def _hour_us(at_s: int) -> int:
    """Return the start of an instant's hour in Unix microseconds."""
    return at_s // HOUR_SECONDS * HOUR_SECONDS * 1_000_000
