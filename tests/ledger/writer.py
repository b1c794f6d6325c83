"""A process that writes into a ledger until it is killed.

For each line on its standard input, the number of the first slot, it forks a writer and
prints the writer's process id; the writer prints what it was told is stored: `r` and `s`
with a number for a reading and a slot. When the writer has died it prints `dead`.
"""

from datetime import UTC, datetime
import os
from pathlib import Path
import sys
from typing import Final, NoReturn

from custom_components.energy_homes.metering.model import (
    SLOT,
    MeterRole,
    PowerReading,
    Provenance,
    Slot,
)

from .inline import inline_ledger, now

BEGIN: Final = datetime(2026, 1, 1, tzinfo=UTC)


def tell(text: str) -> None:
    """Print a line at once and in one piece."""
    os.write(1, f"{text}\n".encode())


def write(path: Path, number: int) -> NoReturn:
    """Store readings and slots of 0.001 kWh for ever."""
    store = inline_ledger(path, busy_timeout=60)
    now(store.async_open())
    now(store.homes.async_add("home", "Home"))
    now(store.sources.async_add("meter", "home", None))
    while True:
        start = BEGIN + number * SLOT
        reading = PowerReading(start + SLOT, number)
        now(store.sources.async_add_readings("meter", [reading]))
        tell(f"r{number}")
        slot = Slot(
            start=start, energy=0.001, returned=0.0, provenance=Provenance.MEASURED
        )
        now(store.slots.async_settle("meter", MeterRole.GRID, [slot], [reading]))
        tell(f"s{number}")
        number += 1


def main(path: Path) -> None:
    """Fork one writer after the other."""
    for line in sys.stdin:
        if (pid := os.fork()) == 0:
            write(path, int(line))
        tell(str(pid))
        os.waitpid(pid, 0)
        tell("dead")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
