"""The ledger without a loop: each job runs at once, in the process and thread that asks."""

from collections.abc import Callable, Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any

from custom_components.energy_homes.ledger import Ledger


async def run_here[T](job: Callable[[], T]) -> T:
    """Run a job of the ledger without an executor."""
    return job()


def inline_ledger(path: Path, *, busy_timeout: float) -> Ledger:
    """Return a ledger whose answers can be taken with `now`; the timeout is in seconds."""
    return Ledger(run_here, path, busy_timeout=timedelta(seconds=busy_timeout))


def now[T](answer: Coroutine[Any, Any, T]) -> T:
    """Return what a coroutine returns that waits for nothing, or raise what it raises."""
    try:
        answer.send(None)
    except StopIteration as end:
        value: T = end.value
        return value
    raise AssertionError("The coroutine waits for something")
