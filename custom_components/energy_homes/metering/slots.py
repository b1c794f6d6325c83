"""What turns readings into settled slots, whatever a meter says."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Protocol

from .counter import CounterSlotter
from .model import CounterReading, Reading, Slot
from .power import PowerSlotter
from .pulse_slots import PulseSlotter
from .readings import DEFAULT_SETTLE_DELAY, AddResult

__all__ = [
    "AddResult",
    "CounterSlotter",
    "PowerSlotter",
    "PulseSlotter",
    "Slotter",
    "restored_slotter",
]


class Slotter(Protocol):
    """Takes readings as they come and gives each slot once it is settled.

    All instants are aware and UTC.
    """

    settled_until: datetime | None
    """The end of the newest settled slot."""

    late: int
    """How many readings came after everything that they tell of was known."""

    refused: int
    """How many readings were noise, or a step that is impossible."""

    @property
    def usual_spacing(self) -> timedelta | None:
        """Return the usual time between readings; None while it is not known."""

    def add(self, reading: Reading, now: datetime) -> AddResult:
        """Take a reading; raises TypeError for the other kind of reading."""

    def settle(self, now: datetime) -> tuple[Slot, ...]:
        """Return the slots that are due, and older ones that are known only now."""

    def pending(self) -> tuple[Reading, ...]:
        """Return what must survive a restart, oldest first."""


def restored_slotter(
    pending: Iterable[Reading],
    *,
    usual_spacing: timedelta | None,
    learn_slower: bool = False,
    settled_until: datetime | None,
    open_from: datetime | None = None,
    known: Iterable[datetime] = (),
    settle_delay: timedelta = DEFAULT_SETTLE_DELAY,
    pulses: bool = False,
) -> PowerSlotter | CounterSlotter | PulseSlotter:
    """Return a slotter that goes on where the one that a restart ended was.

    The newest reading says of which kind it is; those of another kind are of hardware
    that was replaced since. Without readings it counts powers. `usual_spacing` is that of
    powers, with `learn_slower`, `open_from` and `known` as of PowerSlotter; a counter's own
    is learned. `pulses` says that the readings are of counted pulses.
    """
    readings = sorted(pending, key=lambda reading: reading.at)
    slotter: PowerSlotter | CounterSlotter | PulseSlotter
    if pulses:
        slotter = PulseSlotter(
            settled_until=settled_until,
            settle_delay=settle_delay,
            open_from=open_from,
        )
        readings = [r for r in readings if isinstance(r, CounterReading)]
    elif readings and isinstance(readings[-1], CounterReading):
        slotter = CounterSlotter(settled_until=settled_until, settle_delay=settle_delay)
    else:
        slotter = PowerSlotter(
            usual_spacing=usual_spacing,
            learn_slower=learn_slower,
            settled_until=settled_until,
            settle_delay=settle_delay,
            open_from=open_from,
            known=known,
        )
    for reading in readings:
        if type(reading) is type(readings[-1]):
            slotter.add(reading, reading.at)
    return slotter
