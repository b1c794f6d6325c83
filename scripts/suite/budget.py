"""What each folder of tests may take of the processor; more is a warning, not a failure."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
import tomllib
from typing import Final

from scripts.suite.outcome import Outcome

FILE: Final = Path("tests/budget.toml")


@dataclass(frozen=True)
class Budget:
    """Seconds of processor time of the fast tests."""

    folders: Mapping[str, float]
    total: float
    """Of the whole run, with what belongs to no test: imports, collecting, coverage."""


@dataclass(frozen=True)
class Line:
    """A line of the table."""

    name: str
    tests: int
    cpu_s: float
    allowed_s: float | None
    """None where nothing is judged."""
    is_known: bool = True

    @property
    def warning(self) -> str:
        """Return what is wrong, empty where nothing is."""
        if not self.is_known:
            return "no budget"
        if self.allowed_s is not None and self.cpu_s > self.allowed_s:
            return "OVER BUDGET"
        return ""


def read(file: Path) -> Budget:
    """Return the budget in a file."""
    told = tomllib.loads(file.read_text(encoding="utf-8"))
    return Budget(told["folders"], told["total"])


def folder_of(test: str) -> str:
    """Return the folder under tests/ whose budget a test uses: the uppermost one."""
    parts = test.partition("::")[0].split("/")
    return "/".join(parts[: min(2, len(parts) - 1)]) or "."


def judged(budget: Budget, outcome: Outcome, whole_s: float) -> Iterator[Line]:
    """Yield the table of a run that took `whole_s` altogether, the dearest folders first."""
    fast = {name: s for name, s in outcome.cpu_s.items() if name not in outcome.slow}
    tests = Counter(map(folder_of, fast))
    used = dict.fromkeys(tests, 0.0)
    for name, seconds in fast.items():
        used[folder_of(name)] += seconds
    for folder, seconds in sorted(used.items(), key=lambda item: -item[1]):
        allowed = budget.folders.get(folder)
        yield Line(folder, tests[folder], seconds, allowed, allowed is not None)
    slow = sum(outcome.cpu_s[name] for name in outcome.slow)
    if outcome.slow:
        yield Line("slow tests", len(outcome.slow), slow, None)
    rest = max(whole_s - slow - sum(fast.values()), 0)
    yield Line("imports and collecting", 0, rest, None)
    yield Line("together, not slow", len(fast), whole_s - slow, budget.total)


def table(lines: list[Line]) -> Iterator[str]:
    """Yield the lines as text."""
    yield f"{'CPU s':>7} {'budget':>7} {'tests':>6}"
    for line in lines:
        allowed = "" if line.allowed_s is None else f"{line.allowed_s:.0f}"
        tests = str(line.tests or "")
        text = f"{line.cpu_s:7.1f} {allowed:>7} {tests:>6}  {line.name}"
        yield f"{text}  {line.warning}".rstrip()
    for line in lines:
        if line.warning:
            allowed = "" if line.allowed_s is None else f" of {line.allowed_s:.0f}"
            yield f"WARNING: {line.warning}: {line.name}, {line.cpu_s:.1f}{allowed} CPU s"
