"""A killed process, a full disk: what was acknowledged is there, and nothing else."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
import os
from pathlib import Path
import resource
import signal
import sqlite3
import subprocess
import sys

import pytest

from custom_components.energy_homes.ledger import Ledger, LedgerError
from custom_components.energy_homes.metering.model import (
    SLOT,
    MeterRole,
    PowerReading,
    Provenance,
    Slot,
)

from .inline import inline_ledger, now
from .writer import BEGIN

ROOT = Path(__file__).parents[2]
FAR = datetime(2100, 1, 1, tzinfo=UTC)


def told_until_killed(
    writer: subprocess.Popen[str], begin: int, after: int
) -> list[str]:
    """Return what a writer said was stored, killed after it had said so much."""
    assert writer.stdin is not None
    assert writer.stdout is not None
    writer.stdin.write(f"{begin}\n")
    writer.stdin.flush()
    # The writer's own lines may come before its process id.
    lines = [writer.stdout.readline().strip() for _ in range(after + 1)]
    (pid,) = (line for line in lines if line.isdecimal())
    os.kill(int(pid), signal.SIGKILL)
    lines += iter(
        lambda: str(writer.stdout and writer.stdout.readline().strip()), "dead"
    )
    lines.remove(pid)
    return lines


def test_kill_9_at_any_moment(tmp_path: Path) -> None:
    """After each kill all that was acknowledged is there once, and the file is whole."""
    path = tmp_path / "energy_homes.db"
    store = inline_ledger(path, busy_timeout=60)
    begin = 0
    with subprocess.Popen(
        [sys.executable, "-m", "tests.ledger.writer", str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as writer:
        for after in (1, 2, 3, 5, 8, 21, 55, 144, 377):
            told = told_until_killed(writer, begin, after)
            opened = now(store.async_open())
            slots = now(store.slots.async_between("meter", BEGIN, FAR))
            stored = now(store.sources.async_load("meter"))
            total = store.sums.totals("home").grid
            now(store.async_close())

            assert opened.damaged_copy is None
            settled = begin + sum(line[0] == "s" for line in told)
            assert len(slots) in (settled, settled + 1)
            assert [slot.start for slot in slots] == [
                BEGIN + number * SLOT for number in range(len(slots))
            ]
            ends = [slot.end for slot in slots]
            assert stored.settled_until == max(ends, default=None)
            read = int(told[-1][1:])
            assert stored.pending[-1].at >= BEGIN + (read + 1) * SLOT
            assert total == pytest.approx(len(slots) / 1000, abs=1e-9)
            begin = len(slots)
        assert writer.stdin is not None
        writer.stdin.close()


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """Let every write beyond a size in bytes fail, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Ledger]:
    """Return an open ledger with one slot of 1 kWh."""
    store = inline_ledger(tmp_path / "energy_homes.db", busy_timeout=0.02)
    now(store.async_open())
    now(store.homes.async_add("home", "Home"))
    now(store.sources.async_add("meter", "home", None))
    now(store.slots.async_settle("meter", MeterRole.GRID, many(0, 1), []))
    yield store
    now(store.async_close())


def many(begin: int, end: int) -> list[Slot]:
    """Return slots of 1 kWh."""
    return [
        Slot(
            start=BEGIN + number * SLOT,
            energy=1.0,
            returned=0.0,
            provenance=Provenance.MEASURED,
        )
        for number in range(begin, end)
    ]


@pytest.mark.parametrize("room", [0, 1, 4096, 9000, 16_384])
def test_full_disk_changes_nothing_and_a_retry_works(
    store: Ledger, tmp_path: Path, room: int
) -> None:
    """Totals stay as they are until the disk has room, then they are right."""
    wal = tmp_path / "energy_homes.db-wal"
    reading = PowerReading(BEGIN + SLOT, 1)
    with files_no_larger_than(wal.stat().st_size + room):
        with pytest.raises(LedgerError):
            now(
                store.slots.async_settle(
                    "meter", MeterRole.GRID, many(0, 4000), [reading]
                )
            )
        assert store.sums.totals("home").grid == 1.0

    assert now(store.sources.async_load("meter")).pending == ()
    assert store.sums.totals("home").grid == 1.0
    assert (
        now(store.slots.async_settle("meter", MeterRole.GRID, many(0, 4000), [reading]))
        == 3999
    )
    assert store.sums.totals("home").grid == 4000.0
    assert now(store.sources.async_load("meter")).pending == (reading,)
    now(store.async_open())
    assert store.sums.totals("home").grid == 4000.0


def test_damaged_file_that_cannot_be_moved(tmp_path: Path) -> None:
    """A file that cannot be kept is not replaced."""
    path = tmp_path / f"{'x' * 235}.db"
    path.write_bytes(b"This is not a database. " * 100)

    with pytest.raises(LedgerError, match="cannot be moved"):
        now(inline_ledger(path, busy_timeout=60).async_open())
    assert path.read_bytes().startswith(b"This is not")


def test_file_of_something_else_is_set_aside(tmp_path: Path) -> None:
    """A database that is not a ledger is kept as it was, to the byte."""
    path = tmp_path / "energy_homes.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE home (anything)")
    other.close()
    before = path.read_bytes()

    store = inline_ledger(path, busy_timeout=60)
    opened = now(store.async_open())
    now(store.async_close())
    assert opened.created
    assert opened.damaged_copy is not None
    assert sorted(tmp_path.iterdir()) == sorted((path, opened.damaged_copy))
    assert opened.damaged_copy.read_bytes() == before
