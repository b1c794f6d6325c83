"""The rules of slots once more: slow, obvious, in exact fractions; and a run in time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
import itertools
from typing import Any

from custom_components.energy_homes.metering.model import (
    SLOT,
    CounterReading,
    PowerReading,
    Provenance,
    Reading,
    Slot,
    slot_start,
)
from custom_components.energy_homes.metering.power import KNOWN_KEPT
from custom_components.energy_homes.metering.slots import Slotter

T0 = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
USUAL = timedelta(seconds=30)
SETTLE_DELAY = timedelta(seconds=90)
SECOND = timedelta(seconds=1)


def at(seconds: float) -> datetime:
    """Return the instant so many seconds after T0."""
    return T0 + timedelta(seconds=seconds)


def powers(*readings: tuple[float, float]) -> list[PowerReading]:
    """Return readings from (seconds after T0, W)."""
    return [PowerReading(at(seconds), power) for seconds, power in readings]


def counters(*readings: tuple[float, float]) -> list[CounterReading]:
    """Return readings from (seconds after T0, kWh)."""
    return [CounterReading(at(seconds), energy) for seconds, energy in readings]


def starts(begin: datetime, end: datetime) -> list[datetime]:
    """Return the starts of all slots in `[begin, end)`."""
    return [begin + i * SLOT for i in range((end - begin) // SLOT)]


def _exact(span: timedelta) -> Fraction:
    """Return a span in seconds."""
    return Fraction(span // timedelta(microseconds=1), 1_000_000)


def complete(
    readings: Sequence[Reading], start: datetime, usual: timedelta = USUAL
) -> bool:
    """Return whether no gap touches a slot that readings cover."""
    return all(
        after.at - before.at <= 2.5 * usual
        for before, after in itertools.pairwise(readings)
        if before.at < start + SLOT and after.at > start
    )


def covered(readings: Sequence[Reading], start: datetime) -> bool:
    """Return whether there are readings on both sides of a slot."""
    return any(r.at <= start for r in readings) and any(
        r.at >= start + SLOT for r in readings
    )


def power_integral(
    readings: Sequence[PowerReading], begin: datetime, end: datetime
) -> tuple[Fraction, Fraction]:
    """Return what was used and what was returned in `[begin, end)` in kWh."""
    used = returned = Fraction(0)
    for before, reading in itertools.pairwise(readings):
        held = min(reading.at, end) - max(before.at, begin)
        if held > timedelta(0):
            energy = Fraction(reading.power) * _exact(held) / 3_600_000
            used += max(energy, Fraction(0))
            returned += max(-energy, Fraction(0))
    return used, returned


def _leaves(shown: float, since: datetime, reading: CounterReading) -> str | None:
    """Return how a reading leaves the level that a counter was at, if it does."""
    if reading.energy < 0.9 * shown:
        return "falls"
    minutes = max(_exact(reading.at - since) / 60, Fraction(1))
    return "jumps" if reading.energy - shown > 1000 * minutes / 60 else None


def certain(readings: Sequence[CounterReading]) -> list[tuple[datetime, Fraction]]:
    """Return what each reading counted, in kWh; the last may have to be confirmed."""
    shown = readings[0].energy
    steps = [(readings[0].at, Fraction(0))]
    for before, reading, after in itertools.zip_longest(
        readings[:-1], readings[1:], readings[2:]
    ):
        step = Fraction(0)
        way = _leaves(shown, before.at, reading)
        if way is None:
            step = max(Fraction(reading.energy) - Fraction(shown), step)
            shown = max(shown, reading.energy)
        elif after is None:
            break
        elif _leaves(shown, before.at, after) == way:
            shown = reading.energy
            if way == "falls" and _leaves(0, before.at, reading) is None:
                step = Fraction(reading.energy)
        steps.append((reading.at, step))
    return steps


def counted(readings: Sequence[CounterReading], instant: datetime) -> Fraction:
    """Return what a counter counted from its first reading to an instant, in kWh."""
    total = Fraction(0)
    for (before, _), (after, step) in itertools.pairwise(certain(readings)):
        share = _exact(instant - before) / _exact(after - before)
        total += step * min(max(share, Fraction(0)), Fraction(1))
    return total


@dataclass
class Run:
    """What a slotter said over time, as a ledger would keep it."""

    slots: dict[datetime, Slot] = field(default_factory=dict)
    settled_at: dict[datetime, datetime] = field(default_factory=dict)
    most_kept: int = 0

    @property
    def kept(self) -> dict[str, Any]:
        """Return what a ledger says to a slotter of powers that goes on."""
        return {
            "known": [slot.start for slot in self.known][-KNOWN_KEPT:],
            "open_from": min(self.slots, default=None),
        }

    def take(self, slots: Sequence[Slot], now: datetime) -> None:
        """Keep slots as a ledger does: a known one never changes.

        A slotter that was restored may tell it again, to a micro-Wh the same.
        """
        for slot in slots:
            before = self.slots.get(slot.start, slot)
            if before.known:
                assert before.energy is not None
                assert slot.energy is not None
                assert abs(before.energy - slot.energy) < 1.5e-9
            self.slots[slot.start] = before if before.known else slot
            self.settled_at.setdefault(slot.start, now)

    @property
    def known(self) -> list[Slot]:
        """Return the known slots, oldest first."""
        return [slot for _, slot in sorted(self.slots.items()) if slot.known]

    @property
    def provenances(self) -> list[Provenance]:
        """Return where each slot comes from, oldest first."""
        return [self.slots[start].provenance for start in sorted(self.slots)]


def drive(
    slotter: Slotter,
    readings: Sequence[Reading],
    *,
    restart: Callable[[Slotter, Run], Slotter] = lambda slotter, _run: slotter,
    reorder: Callable[[list[Reading]], Sequence[Reading]] = lambda batch: batch,
    until: datetime | None = None,
    delay: timedelta = timedelta(0),
) -> Run:
    """Deliver readings (oldest first) and settle every slot when it is due.

    `restart` replaces the slotter before each reading and after each settling; `reorder`
    is given what comes between two settlings; all comes late by `delay`.
    """
    run = Run()
    end = (until or readings[-1].at) + delay + SLOT + SETTLE_DELAY
    now = slot_start(readings[0].at) + SLOT + SETTLE_DELAY
    waiting = list(readings)
    while now <= end:
        batch = [reading for reading in waiting if reading.at + delay <= now]
        waiting = waiting[len(batch) :]
        for reading in reorder(batch):
            slotter = restart(slotter, run)
            slotter.add(reading, now)
        run.most_kept = max(run.most_kept, len(slotter.pending()))
        slotter = restart(slotter, run)
        run.take(slotter.settle(now), now)
        slotter = restart(slotter, run)
        now += SLOT
    return run
