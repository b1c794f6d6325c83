"""A test that failed is run once more, alone in a fresh process."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Judged:
    """What is left of the failures of a run."""

    failing: tuple[str, ...]
    flaky: tuple[str, ...]


def judged(
    failed: Iterable[str],
    passes_alone: Callable[[str], bool],
    say: Callable[[str], None],
) -> Judged:
    """Try each failed test alone and say how it went as soon as that is known."""
    failing: list[str] = []
    flaky: list[str] = []
    for test in failed:
        if passes_alone(test):
            say(f"FLAKY {test}: failed, and passed alone")
            flaky.append(test)
        else:
            say(f"FAILED {test}: failed again alone")
            failing.append(test)
    return Judged(tuple(failing), tuple(flaky))


def without_paths(arguments: Iterable[str], paths: Iterable[str]) -> list[str]:
    """Return pytest's arguments without those that name files or tests."""
    named = set(paths)
    return [argument for argument in arguments if argument not in named]
