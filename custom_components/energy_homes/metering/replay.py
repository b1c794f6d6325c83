"""What was recorded of an entity, replayed into slots as if it had been heard."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from .counter import CounterSlotter
from .model import (
    MAX_POWER,
    CounterReading,
    PowerReading,
    Provenance,
    Reading,
    Slot,
    slot_start,
)
from .power import PowerSlotter

EVERY: Final = timedelta(seconds=30)
"""A power that holds is read so often, as it is while it is heard."""


@dataclass(frozen=True, slots=True)
class RecordedState:
    """What an entity reported at an instant (UTC): its power in W or its counter in kWh.

    Neither is that it reported nothing any more. `until` is when it reported the same for the last
    time, as far as that is known: a power holds longer, a counter may have moved since.
    """

    at: datetime
    power: float | None = None
    energy: float | None = None
    until: datetime | None = None


def readings(reported: Iterable[RecordedState], until: datetime) -> Iterator[Reading]:
    """Yield the readings of what was reported, in its order, up to an instant.

    A power holds until something else is reported; one that no home has is none.
    """
    held: float | None = None
    since = until
    for one in reported:
        yield from _held(held, since, one.at)
        power = one.power
        if power is not None and abs(power) > MAX_POWER:
            power = None
        if (through := power if held is None else held) is not None:
            yield PowerReading(one.at, through)
        held, since = power, one.at
        if one.energy is not None and one.energy >= 0:
            yield CounterReading(one.at, one.energy)
            if one.until is not None and one.until > one.at:
                yield CounterReading(one.until, one.energy)
    yield from _held(held, since, until)
    if held is not None and since < until:
        yield PowerReading(until, held)


def _held(power: float | None, since: datetime, until: datetime) -> Iterator[Reading]:
    """Yield the readings of a power between two instants."""
    if power is not None:
        for number in range(1, -((since - until) // EVERY)):
            yield PowerReading(since + number * EVERY, power)


def replayed(given: Iterable[Reading], begin: datetime, end: datetime) -> list[Slot]:
    """Return the known slots of `[begin, end)` that readings tell of, in order, each once.

    The readings are in order and reach beyond both ends, as far as there are any. What they
    measured is from a history now; what is interpolated between them says so.
    """
    slotter: PowerSlotter | CounterSlotter | None = None
    found: dict[datetime, Slot] = {}
    for reading in given:
        if isinstance(reading, CounterReading):
            if not isinstance(slotter, CounterSlotter):
                slotter = CounterSlotter(settle_delay=timedelta(0))
        elif not isinstance(slotter, PowerSlotter):
            slotter = PowerSlotter(usual_spacing=EVERY, settle_delay=timedelta(0))
        slotter.add(reading, reading.at)
        if slotter.settled_until == slot_start(reading.at):
            continue
        for slot in slotter.settle(reading.at):
            if slot.known and begin <= slot.start < end:
                found.setdefault(slot.start, _from_history(slot))
    return [slot for _, slot in sorted(found.items())]


def _from_history(slot: Slot) -> Slot:
    """Return a slot that was measured as one that a history tells of."""
    if slot.provenance is Provenance.MEASURED:
        return replace(slot, provenance=Provenance.VENDOR)
    return slot
