"""A meter's slots in the making, whatever hardware measures."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from homeassistant.util import dt as dt_util

from ..accounts.kinds import counts_pulses, kind_of_source
from ..const import SETTLE_DELAY, SourceKind
from ..ledger import StoredSource
from ..metering.model import (
    MAX_POWER,
    CounterReading,
    PowerReading,
    Reading,
    Slot,
    slot_start,
)
from ..metering.readings import GAP_FACTOR, MAX_AHEAD
from ..metering.slots import (
    AddResult,
    CounterSlotter,
    PowerSlotter,
    PulseSlotter,
    restored_slotter,
)
from ..models import MeterSource

USUAL_SPACING: Final = timedelta(seconds=30)
"""Where the account has no other; a power entity is read so often when it does not change.

A counter's is learned: it is reported when its integration likes to.
"""

STALE_SPACINGS: Final = 5
LEAST_STALE: Final = timedelta(minutes=1)
STALE_AFTER: Final = STALE_SPACINGS * USUAL_SPACING
"""A power older than this is no longer shown as the present one.

One of faster hardware is not after so many spacings, but no sooner than after a minute.
"""

type AnySlotter = PowerSlotter | CounterSlotter | PulseSlotter
type SlotterKind = type[PowerSlotter | CounterSlotter | PulseSlotter]


def restored(
    stored: StoredSource, kind: SourceKind, since: datetime | None = None
) -> AnySlotter:
    """Return a slotter that goes on, with hardware that measures `since` an instant."""
    open_from = stored.open_from
    pulses = counts_pulses(kind)
    if since is not None and (open_from is not None or pulses):
        begun = slot_start(since)
        open_from = begun if open_from is None else max(open_from, begun)
    return restored_slotter(
        stored.pending,
        usual_spacing=_spacing(kind),
        learn_slower=_learns_slower(kind),
        settled_until=stored.settled_until,
        open_from=open_from,
        known=stored.known,
        pulses=pulses,
    )


def _spacing(kind: SourceKind) -> timedelta:
    """Return the usual time between the powers of a kind of hardware."""
    account = kind_of_source(kind)
    return (account and account.spacing) or USUAL_SPACING


def _learns_slower(kind: SourceKind) -> bool:
    """Return whether hardware may be slower than usual: what a board sends is its own."""
    account = kind_of_source(kind)
    return account is not None and account.learns_slower


class MeterSlotter:
    """Makes slots of a meter's readings, and changes its slotter with the hardware."""

    def __init__(self, source: MeterSource, stored: StoredSource) -> None:
        """Go on where the ledger says that the meter was."""
        self._source = source
        revision = source.current(dt_util.utcnow())
        self.current = restored(stored, revision.kind, revision.since)
        """The slotter for the kind of readings that the meter has now."""
        self.settled: list[Slot] = []
        """Settled slots that the ledger does not have yet."""
        self.last_reading = max(
            (reading.at for reading in stored.pending), default=None
        )
        self._refused = 0

    @property
    def refused(self) -> int:
        """Return how many readings were from the future, noise or impossible."""
        return self._refused + self.current.refused

    @property
    def stale_after(self) -> timedelta:
        """Return how long the present power holds; a counter's until the next is due."""
        spacing = self.current.usual_spacing
        if spacing is None:
            return STALE_AFTER
        if isinstance(self.current, PowerSlotter):
            return max(STALE_SPACINGS * spacing, LEAST_STALE)
        return max(STALE_AFTER, GAP_FACTOR * spacing)

    def add(self, reading: Reading, *, counter: SlotterKind) -> bool:
        """Take a reading, one of a counter with a slotter of the kind `counter`.

        Return whether a slot still needs it.
        """
        now = dt_util.utcnow()
        newest = now + MAX_AHEAD
        if reading.at > newest or (
            isinstance(reading, PowerReading) and abs(reading.power) > MAX_POWER
        ):
            self._refused += 1
            return False
        wanted = counter if isinstance(reading, CounterReading) else PowerSlotter
        if not isinstance(self.current, wanted):
            # An entity may begin to count instead of saying its power.
            self.begin(wanted, reading.at)
        result = self.current.add(reading, now)
        # A stamp that is ahead of a clock that was set back is not the newest for ever.
        if self.last_reading is None or not reading.at <= self.last_reading <= newest:
            self.last_reading = reading.at
        return result is AddResult.ACCEPTED

    def replay(self, readings: Iterable[CounterReading]) -> None:
        """Take recorded readings, each as if it came at its own time."""
        for reading in readings:
            self.current.add(reading, reading.at)
            self.last_reading = reading.at
            if self.current.settled_until != slot_start(reading.at - SETTLE_DELAY):
                self.settle(reading.at)

    def settle(self, now: datetime) -> None:
        """Settle what is due."""
        self.settled.extend(self.current.settle(now))

    def begin(self, kind: SlotterKind, at: datetime) -> None:
        """Settle what ended by an instant, and go on from there with a new slotter."""
        self.settle(at + SETTLE_DELAY)
        self._refused += self.current.refused
        until = self.current.settled_until
        revision = self._source.current(dt_util.utcnow())
        if kind is PulseSlotter:
            self.current = PulseSlotter(
                settled_until=until, open_from=slot_start(revision.since)
            )
        elif kind is CounterSlotter:
            self.current = CounterSlotter(settled_until=until)
        else:
            self.current = PowerSlotter(
                usual_spacing=_spacing(revision.kind),
                learn_slower=_learns_slower(revision.kind),
                settled_until=until,
            )
