"""A run of pytest: its command, its failures tried again, its coverage and processor time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scripts.suite import budget, flaky, outcome
from scripts.suite.outcome import Outcome
from scripts.suite.processes import Processes
from scripts.suite.report import Printer, Verdict

COVERAGE: Final = Path(".cache/coverage.json")
NONE_COLLECTED: Final = 5
NO_MINUTES: Final = "not e2e and not slow"
FAST: Final = f"{NO_MINUTES} and not heavy"


@dataclass(frozen=True)
class TestRun:
    """What to run, and what is asked of it."""

    options: tuple[str, ...] = ()
    """How the tests run; a test that is tried again runs like this too."""
    selection: tuple[str, ...] = ()
    """Which tests run."""
    environment: Path = Path(".venv")
    workers: int = 2
    distribution: str = "worksteal"
    timeout_s: int = 300
    """On the wall: a busy machine is slow, not wrong."""
    second_try: bool = True
    """Whether a test that passes alone fails nobody."""
    coverage: bool = False
    budget: bool = False
    may_be_empty: bool = False

    __test__ = False


@dataclass(frozen=True)
class Tester:
    """Runs pytest for the sections of a run."""

    processes: Processes
    scratch: Path
    arguments: tuple[str, ...] = ()
    """What somebody at the terminal adds to each run."""
    under: tuple[str, ...] = ()
    """The program that runs each Python, e.g. `nice`."""

    def work(self, run: TestRun) -> Callable[[Printer], Verdict]:
        """Return a section's work."""
        return lambda printer: self.test(run, printer)

    def test(self, run: TestRun, printer: Printer) -> Verdict:
        """Run the tests and judge them."""
        file = self.scratch / f"outcome-{id(run)}.json"
        file.unlink(missing_ok=True)
        coverage = run.coverage and not self.arguments
        if coverage:
            COVERAGE.unlink(missing_ok=True)
        ended = self.processes.run(
            [
                *self._pytest(run),
                *("-p", "tests.outcome", "--outcome", str(file)),
                *("-n", str(run.workers), "--dist", run.distribution),
                *(coverage_options() if coverage else ()),
                *run.selection,
                *self.arguments,
            ],
            printer.output,
        )
        told = outcome.read(file)
        if ended.status == NONE_COLLECTED and run.may_be_empty:
            printer.say("empty: no test is of this kind")
            return Verdict(passed=True, closing=told.closing)
        judged = self._again(run, told, ended.status, printer)
        passed = not ended.status or (bool(judged.flaky) and not judged.failing)
        if coverage and passed:
            passed = self._covered(printer)
        notes: tuple[str, ...] = ()
        if run.budget:
            lines = list(budget.judged(budget.read(budget.FILE), told, ended.cpu_s))
            notes = tuple(budget.table(lines))
        return Verdict(passed, told.closing, judged.flaky, notes)

    def _pytest(self, run: TestRun) -> list[str]:
        python = str(run.environment / "bin" / "python")
        return [
            *(*self.under, python, "-m", "pytest"),
            *("--timeout", str(run.timeout_s), *run.options),
        ]

    def _again(
        self, run: TestRun, told: Outcome, status: int, printer: Printer
    ) -> flaky.Judged:
        if not run.second_try:
            return flaky.Judged((), ())
        arguments = flaky.without_paths(self.arguments, told.paths)

        def passes_alone(test: str) -> bool:
            printer.say(f"\n--- once more, alone: {test}")
            command = [*self._pytest(run), *arguments, "-n", "0", test]
            return not self.processes.run(command, printer.output).status

        tests = told.worth_another_try(status)
        return flaky.judged(tests, passes_alone, printer.say)

    def _covered(self, printer: Printer) -> bool:
        command = [".venv/bin/python", "scripts/check_coverage.py", str(COVERAGE)]
        return not self.processes.run(command, printer.output).status


def coverage_options() -> Sequence[str]:
    """Return the options of a run that measures coverage."""
    return ("--cov", "--cov-report=term", f"--cov-report=json:{COVERAGE}")
