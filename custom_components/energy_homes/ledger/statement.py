"""What a home's totals counted in a span, from one look at its slots.

A total at an instant is the present one less what came after, so that the months of late,
which are asked for all the time, cost no look at the years before them.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from json import dumps
import sqlite3
from typing import Final, NamedTuple

from ..metering.model import MeterRole, Provenance
from .codes import (
    PROVENANCE_OF,
    ROLE_OF,
    SLOT_SECONDS,
    from_seconds,
    kwh,
    micros,
    seconds,
)
from .totals import State
from .types import Counted, HomeStatement, home_key, source_key
from .view import View

_GROUPS: Final = """
    SELECT source, role, provenance, start >= :end, COUNT(*),
        COALESCE(SUM(energy), 0), COALESCE(SUM(returned), 0), MIN(start), MAX(start)
    FROM slot
    WHERE source IN (SELECT value FROM json_each(:sources)) AND start >= :begin
    GROUP BY 1, 2, 3, 4
"""


class Group(NamedTuple):
    """Slots of a source that have role, provenance and side of the span's end in common."""

    number: int
    role: MeterRole
    provenance: Provenance
    after: bool
    slots: int
    energy: int
    returned: int
    first_s: int
    last_s: int


def home_statement(
    view: View, home_id: str, start: datetime, end: datetime
) -> HomeStatement:
    """Return what a home counted in the slots that start in `[start, end)`."""
    state = view.state
    sources = dict(state.of_home(home_id))
    numbers = [source.number for source in sources.values()]
    groups = _groups(view.connection, numbers, seconds(start), seconds(end))
    counted = {
        source_id: found
        for source_id in sources
        if (found := _counted(state, source_key(source_id), groups)) is not None
    }
    return HomeStatement(
        grid=_counted(state, home_key(home_id, "grid"), groups),
        generation=_counted(state, home_key(home_id, "generation"), groups),
        returned=_counted(state, home_key(home_id, "returned"), groups),
        sources=counted,
        roles={
            source_id: max(
                (group.last_s, group.role)
                for group in groups
                if group.number == sources[source_id].number and not group.after
            )[1]
            for source_id in counted
        },
    )


def _groups(
    connection: sqlite3.Connection, numbers: Sequence[int], begin_s: int, end_s: int
) -> list[Group]:
    """Return the slots of sources that start in a span, or after it, summed up."""
    return [
        Group(number, ROLE_OF[role], PROVENANCE_OF[provenance], bool(after), *sums)
        for number, role, provenance, after, *sums in connection.execute(
            _GROUPS, {"sources": dumps(numbers), "begin": begin_s, "end": end_s}
        )
    ]


def _counted(state: State, key: str, groups: Iterable[Group]) -> Counted | None:
    """Return what the total of a key counted; None where it has no slot in the span."""
    quantity = state.quantity(key)
    numbers = {source.number for source in quantity.sources}
    ours = [
        group
        for group in groups
        if group.number in numbers and quantity.role in (None, group.role)
    ]
    inside = [group for group in ours if not group.after]
    if not inside:
        return None
    begin = from_seconds(min(group.first_s for group in inside))
    end = from_seconds(max(group.last_s for group in inside) + SLOT_SECONDS)
    first_end = from_seconds(min(group.first_s for group in inside) + SLOT_SECONDS)

    def energy(some: Iterable[Group]) -> int:
        """Return the energy of groups that the total adds up."""
        return sum(g.returned if quantity.returned else g.energy for g in some)

    slots: Counter[Provenance] = Counter(dict.fromkeys(Provenance, 0))
    for group in inside:
        slots[group.provenance] += group.slots
    at_end = quantity.live_sum() - energy(group for group in ours if group.after)
    return Counted(
        begin=begin,
        end=end,
        # What a total was carried on by as its first slot came is no energy of the span.
        first=_shown(at_end - energy(inside) + state.carried(key, micros(first_end))),
        last=_shown(at_end + state.carried(key, micros(end))),
        energy=kwh(energy(inside)),
        slots=slots,
    )


def _shown(total: int) -> float | None:
    """Return a total in kWh; None before it began to count, where only its energy is known."""
    return None if total < 0 else kwh(total)
