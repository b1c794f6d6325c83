"""What slots add up to, in whole micro-Wh: all of a file, those of the past, and by the hour."""

from collections import defaultdict
from datetime import datetime
import sqlite3
from typing import Final

from ..metering.model import MeterRole
from .codes import (
    HOUR_SECONDS,
    ROLE_OF,
    ROLES,
    from_seconds,
    hour_from,
    kwh,
    micros,
    units,
)
from .totals import Carry, Quantity, SourceState, State, Sums
from .types import HourlyTotal
from .view import Transaction, View

_HOURS: Final = """
    SELECT MIN(start / 3600, :until), SUM(amount),
        COALESCE(SUM(amount) FILTER (WHERE start >= :live_from), 0)
    FROM (
        SELECT start, CASE WHEN :returned THEN returned ELSE energy END AS amount
        FROM slot
        WHERE source = :source AND start >= :begin AND role = COALESCE(:role, role)
    )
    WHERE amount IS NOT NULL GROUP BY 1
"""
_PAST_HOURS: Final = """
    SELECT MAX(start / 3600, :before), SUM(amount)
    FROM (
        SELECT start, CASE WHEN :returned THEN returned ELSE energy END AS amount
        FROM slot
        WHERE source = :source AND start < :end AND role = COALESCE(:role, role)
    )
    WHERE amount IS NOT NULL GROUP BY 1
"""
_PAST: Final = """
    SELECT COALESCE(SUM(CASE WHEN :returned THEN returned ELSE energy END), 0)
    FROM slot
    WHERE source = :source AND start >= :begin AND start < :live_from
    AND role = COALESCE(:role, role)
"""
_SUMS: Final = """
    SELECT source, role, COALESCE(SUM(energy), 0), COALESCE(SUM(returned), 0),
        COALESCE(SUM(energy) FILTER (WHERE start < live_from), 0),
        COALESCE(SUM(returned) FILTER (WHERE start < live_from), 0)
    FROM slot JOIN source ON number = source GROUP BY source, role
"""


def first_slot(view: View, key: str) -> datetime | None:
    """Return the start of the first slot that counts for a key, known or not.

    Raises ValueError for what is not a key.
    """
    quantity = view.state.quantity(key)
    role = None if quantity.role is None else ROLES[quantity.role]
    firsts = [
        row[0]
        for source in quantity.sources
        for row in view.connection.execute(
            "SELECT start FROM slot WHERE source = ? AND role = COALESCE(?, role)"
            " ORDER BY start LIMIT 1",
            (source.number, role),
        )
    ]
    return from_seconds(min(firsts)) if firsts else None


def hourly_totals(
    view: View, key: str, start: datetime, end: datetime
) -> list[HourlyTotal]:
    """Return each hour that starts in `[start, end)` with the totals at its end.

    That is the energy of all slots that start before the hour's end, less the past: a key
    is below zero there. Raises ValueError for what is not a key.

    Where a source is live it is the present total less what came after, so that the hours
    of late, which are asked for all the time, cost no look at the years before them. Of the
    past it is what is missing from all of the past, so that a past that is imported newest
    first costs no look at the months after it.
    """
    first, until = hour_from(start), hour_from(end)
    quantity = view.state.quantity(key)
    energies: defaultdict[int, int] = defaultdict(int)
    lives: defaultdict[int, int] = defaultdict(int)
    total = live = 0
    for source in quantity.sources:
        one = Quantity(
            sources=(source,), role=quantity.role, returned=quantity.returned
        )
        wanted = _wanted(quantity, source)
        if source.live_from is not None and until * HOUR_SECONDS <= source.live_from:
            total -= one.past_sum()
            for hour, energy in view.connection.execute(
                _PAST_HOURS,
                {**wanted, "before": first - 1, "end": until * HOUR_SECONDS},
            ):
                if hour < first:
                    total += energy
                else:
                    energies[hour] += energy
            continue
        total += one.live_sum()
        live += one.live_sum()
        for hour, energy, live_energy in view.connection.execute(
            _HOURS, {**wanted, "begin": first * HOUR_SECONDS, "until": until}
        ):
            total -= energy
            live -= live_energy
            energies[hour] += energy
            lives[hour] += live_energy
    totals: list[HourlyTotal] = []
    for hour in range(first, until):
        total += energies[hour]
        live += lives[hour]
        carried = view.state.carried(key, (hour + 1) * HOUR_SECONDS * 1_000_000)
        totals.append(
            HourlyTotal(
                from_seconds(hour * HOUR_SECONDS),
                kwh(total + carried),
                kwh(live + carried),
            )
        )
    return totals


def past_since(view: View, key: str, since: datetime) -> float:
    """Return what a key has in slots of the past since an hour in kWh.

    Raises ValueError for what is not a key.
    """
    quantity = view.state.quantity(key)
    begin_s = hour_from(since) * HOUR_SECONDS
    return kwh(
        sum(
            view.connection.execute(
                _PAST, {**_wanted(quantity, source), "begin": begin_s}
            ).fetchone()[0]
            for source in quantity.sources
        )
    )


def carry(transaction: Transaction, key: str, at: datetime, energy_kwh: float) -> None:
    """Add to a key's total from `at` on; the same key and instant counts once.

    Raises ValueError for a negative energy and for what is not a key.
    """
    transaction.state.quantity(key)
    if not energy_kwh >= 0:
        raise ValueError(f"A total cannot be carried on by {energy_kwh} kWh")
    carry = Carry(at_us=micros(at), energy=units(energy_kwh))
    done = transaction.connection.execute(
        "INSERT OR IGNORE INTO carry VALUES (?, ?, ?)", (key, carry.at_us, carry.energy)
    ).rowcount
    if done > 0:
        transaction.changes[key] += 1
        transaction.state = transaction.state.with_carry(key, carry)


def read_sums(connection: sqlite3.Connection) -> State:
    """Add up all slots of a file."""
    sums: defaultdict[int, dict[MeterRole, Sums]] = defaultdict(dict)
    past: defaultdict[int, dict[MeterRole, Sums]] = defaultdict(dict)
    for number, role, *energies in connection.execute(_SUMS):
        energy, returned, past_energy, past_returned = energies
        sums[number][ROLE_OF[role]] = Sums(energy=energy, returned=returned)
        past[number][ROLE_OF[role]] = Sums(energy=past_energy, returned=past_returned)
    carries: defaultdict[str, tuple[Carry, ...]] = defaultdict(tuple)
    for key, at_us, energy in connection.execute(
        "SELECT key, at_us, energy FROM carry ORDER BY at_us"
    ):
        carries[key] += (Carry(at_us, energy),)
    return State(
        sources={
            source_id: SourceState(
                number=number,
                home_id=home_id,
                settled_until=settled_until,
                live_from=live_from,
                sums=sums[number],
                past=past[number],
            )
            for number, source_id, home_id, settled_until, live_from in (
                connection.execute(
                    "SELECT number, source_id, home_id, settled_until, live_from"
                    " FROM source"
                )
            )
        },
        carries=dict(carries),
    )


def _wanted(quantity: Quantity, source: SourceState) -> dict[str, int | None]:
    """Return what tells the slots of a source that a quantity adds up."""
    return {
        "source": source.number,
        "returned": quantity.returned,
        "role": None if quantity.role is None else ROLES[quantity.role],
        "live_from": source.live_from or 0,
    }
