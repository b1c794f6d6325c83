"""A process that repairs a ledger's gaps until it is killed, as history does.

For each line on its standard input it forks a repairer and prints its process id; the
repairer prints `s` and a number for each part that is stored, `a` for each that is noted as
asked, and `done` at the end. When it has died it prints `dead`.
"""

from datetime import UTC, datetime
import os
from pathlib import Path
import sys
from typing import Final

from custom_components.energy_homes.ledger import Ledger
from custom_components.energy_homes.ledger.codes import from_seconds, row_of, slot_of
from custom_components.energy_homes.metering.gap_fill import Answer, fill
from custom_components.energy_homes.metering.gaps import Gap, cut, without
from custom_components.energy_homes.metering.model import (
    SLOT,
    MeterRole,
    Provenance,
    Slot,
    unknown_slot,
)
from custom_components.energy_homes.metering.periods import SLOT_S

from .inline import inline_ledger, now

BEGIN: Final = datetime(2026, 1, 1, tzinfo=UTC)
DAYS: Final = 12
SLOTS: Final = DAYS * 288
PART_S: Final = 3600


def true_energy(start_s: int) -> int:
    """Return what was used in a slot, in micro-Wh."""
    return 1_000_000 + start_s // SLOT_S % 977 * 1_009


def answers(part: Gap) -> list[Answer]:
    """Return what a vendor answers: slot by slot, but for one in a hundred."""
    return [
        Answer(start, start + SLOT_S, true_energy(start) if start % 30_000 else None)
        for start in part
    ]


def prepare(store: Ledger) -> None:
    """Let a meter have been silent for days, between two slots that it measured."""
    now(store.homes.async_add("home", "Home"))
    now(store.sources.async_add("meter", "home", None))
    slots = [unknown_slot(BEGIN + number * SLOT) for number in range(SLOTS)]
    for number in (0, SLOTS - 1):
        start = BEGIN + number * SLOT
        slots[number] = Slot(
            start=start,
            energy=true_energy(int(start.timestamp())) / 1_000_000_000,
            returned=0.0,
            provenance=Provenance.MEASURED,
        )
    now(store.slots.async_settle("meter", MeterRole.GRID, slots, []))


def tell(text: str) -> None:
    """Print a line at once and in one piece."""
    os.write(1, f"{text}\n".encode())


def repair(path: Path) -> None:
    """Fill what is missing and was not asked for, part by part."""
    store = inline_ledger(path, busy_timeout=60)
    now(store.async_open())
    gaps = without(
        now(store.slots.async_gaps("meter")), now(store.slots.async_asked("meter"))
    )
    for number, part in enumerate(cut(gaps, range(0, 2**31, PART_S))):
        known = now(
            store.slots.async_between(
                "meter", from_seconds(part.start), from_seconds(part.stop)
            )
        )
        rows = fill(
            {row.start_s: row for row in map(row_of, known) if row.energy is not None},
            [part],
            answers(part),
        )
        now(
            store.slots.async_settle(
                "meter", MeterRole.GRID, [slot_of(row) for row in rows], []
            )
        )
        tell(f"s{number}")
        now(store.slots.async_add_asked("meter", [part]))
        tell(f"a{number}")
    now(store.async_close())
    tell("done")


def main(path: Path) -> None:
    """Fork one repairer after the other."""
    for _ in sys.stdin:
        if (pid := os.fork()) == 0:
            repair(path)
            os._exit(0)
        tell(str(pid))
        os.waitpid(pid, 0)
        tell("dead")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
