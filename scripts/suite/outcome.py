"""What became of a run of pytest, as tests/outcome.py tells it."""

from collections.abc import Mapping
from dataclasses import dataclass
import json
from pathlib import Path
from typing import Final

MOST_RERUNS: Final = 10
"""More tests than this do not fail by chance."""
TESTS_FAILED: Final = 1
"""pytest's own status where tests failed and nothing else is wrong."""


@dataclass(frozen=True)
class Outcome:
    """The tests of a run."""

    cpu_s: Mapping[str, float]
    """By the test's name, with its fixtures."""
    slow: frozenset[str] = frozenset()
    failed: tuple[str, ...] = ()
    """In set-up, call or teardown, or with the process that ran them."""
    uncollected: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    """The files, folders and tests that pytest was asked for by name."""
    closing: str = ""
    """How many passed and failed, in pytest's words."""

    def worth_another_try(self, status: int) -> tuple[str, ...]:
        """Return the failed tests that are run once more, none where all is said."""
        if status != TESTS_FAILED or self.uncollected:
            return ()
        return self.failed if len(self.failed) <= MOST_RERUNS else ()


NOTHING: Final = Outcome({}, closing="ended before it could tell")


def read(file: Path) -> Outcome:
    """Return what a run wrote; a run that did not come to its end wrote nothing."""
    if not file.exists():
        return NOTHING
    told = json.loads(file.read_text(encoding="utf-8"))
    return Outcome(
        told["cpu_s"],
        frozenset(told["slow"]),
        tuple(told["failed"]),
        tuple(told["uncollected"]),
        tuple(told["paths"]),
        told["closing"],
    )
