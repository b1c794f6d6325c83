"""What scripts/test runs once everything is set up."""

import argparse
from collections.abc import Callable, Sequence, Set as AbstractSet
from dataclasses import dataclass, replace
import os
from pathlib import Path
import sys
from tempfile import TemporaryDirectory
from typing import Final

from scripts.suite import changed, postgresql
from scripts.suite.again import again
from scripts.suite.imports import read_repository
from scripts.suite.processes import Processes, living
from scripts.suite.report import Printer, Run, Verdict, say
from scripts.suite.test_run import FAST, NO_MINUTES, Tester, TestRun

ROOT: Final = Path(__file__).parents[2]
USAGE: Final = """\
Prove that the checkout is right: set-up, lint, types, tests with coverage.

  scripts/test            what a change has to pass; meant to take 8 minutes on two cores
  scripts/test --all      also long tests (`heavy`, `slow`), real processes and browsers (`e2e`), the newest
                          Home Assistant, one variant of each test, and the recorder's tests on PostgreSQL;
                          meant to take 35 minutes
  scripts/test --changed  while working: lint, the pure tests, and those of the rest that a change since the
                          branch left origin/main (or main, else since HEAD), committed or not, is likely to
                          break: by imports and names, so not all that it can break
  scripts/test --again FILES
                          the files' tests five times on two workers beside a busy loop, the product's chance
                          low, high and seeded in turn; before a new or changed test is handed in
  scripts/test --explore  what no gate asks: new examples for property tests, ten times as many, the product's
                          chance once low and once high, and mutations of the code; what fails becomes a test

What follows `--` goes to every pytest run, e.g. `scripts/test -- -k ledger`; coverage is then not judged.
A test that fails is run once more, alone: where it then passes the run passes, and says FLAKY with the
test's name first and last. Not with --again and --explore, which look for such tests.
"""


@dataclass(frozen=True)
class Wanted:
    """What somebody at the terminal asks for."""

    mode: str
    files: tuple[str, ...]
    arguments: tuple[str, ...]


def wanted(words: Sequence[str]) -> Wanted:
    """Return what the words ask for; ends the program with the usage where they ask for nothing."""
    words = list(words)
    arguments: list[str] = []
    if "--" in words:
        split = words.index("--")
        words, arguments = words[:split], words[split + 1 :]
    parser = argparse.ArgumentParser(
        prog="scripts/test",
        usage="scripts/test [--all | --changed | --again FILES | --explore] [-- PYTEST ARGUMENTS]",
        description=USAGE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    modes = parser.add_mutually_exclusive_group()
    for mode in ("all", "changed", "explore"):
        modes.add_argument(
            f"--{mode}", dest="mode", action="store_const", const=mode, default="fast"
        )
    modes.add_argument("--again", nargs="+", metavar="FILE", default=())
    told = parser.parse_args(words)
    return Wanted(
        "again" if told.again else told.mode, tuple(told.again), tuple(arguments)
    )


@dataclass(frozen=True)
class Suite:
    """The sections of each mode."""

    run: Run
    processes: Processes
    scratch: Path
    wanted: Wanted

    @property
    def tester(self) -> Tester:
        """Return what runs pytest."""
        return Tester(self.processes, self.scratch, self.wanted.arguments)

    def fast(self) -> None:
        """Run what a change has to pass."""
        self._lint()
        self.run.section("tests with coverage", self.tester.work(_measured(FAST)))

    def all(self) -> None:
        """Run everything; what waits for the clock on the wall first, beside the rest."""
        e2e = TestRun(
            selection=("-m", "e2e"),
            # They mostly wait. The tests of a group share one running Home Assistant.
            workers=4,
            distribution="loadgroup",
            timeout_s=2400,
            may_be_empty=True,
        )
        self.run.beside("real processes and browsers", self.tester.work(e2e))
        self._lint()
        # Whatever takes the processor makes room for what starts a Home Assistant.
        tester = replace(self.tester, under=("nice", "-n", "15"))
        measured = replace(_measured("not e2e"), timeout_s=1200)
        self.run.section("tests with coverage", tester.work(measured))
        newest = TestRun(
            options=("-p", "tests.ha_next"),
            selection=("-p", "tests.one_variant", "-m", NO_MINUTES, *_ignored(_pure())),
            environment=Path(".venv-next"),
            workers=_cores(),
            may_be_empty=True,
        )
        self.run.section("tests on the newest Home Assistant", tester.work(newest))
        self.run.section(
            "recorder's tests on PostgreSQL",
            lambda printer: self._on_postgresql(tester, printer),
        )

    def _on_postgresql(self, tester: Tester, printer: Printer) -> Verdict:
        try:
            with postgresql.server(self.processes, self.scratch) as address:
                tests = TestRun(
                    # Each test makes and drops its process's database.
                    options=(f"--dburl={address}", "--drop-existing-db"),
                    selection=("-m", f"recorder and {NO_MINUTES}"),
                    workers=_cores(),
                    may_be_empty=True,
                )
                return tester.test(tests, printer)
        except postgresql.NotStartedError as error:
            printer.say(f"PostgreSQL did not start\n{error}")
            return Verdict(passed=False)

    def changed(self) -> None:
        """Run what a change is likely to break."""
        imports = read_repository(ROOT)
        since = changed.base(ROOT)
        files = changed.changed_files(ROOT, since)
        chosen = changed.affected(files, imports)
        every = {module.path for module in imports.modules if module.is_test}
        say(f"{len(files)} files differ from {since}")
        left_out = set() if chosen is None else every - chosen
        say(f"{len(every) - len(left_out)} of {len(every)} test files are chosen")
        self._lint()
        tests = TestRun(selection=("-m", FAST, *_ignored(left_out)), workers=_cores())
        self.run.section("tests of what changed", self.tester.work(tests))

    def again(self) -> None:
        """Run some files until they fail."""
        again(self.run, self.tester, self.processes, self.wanted.files)

    def explore(self) -> None:
        """Look for what the gate does not see."""
        for chance, left_out in (("low", ()), ("high", _ignored(_pure()))):
            tests = TestRun(
                options=("--explore", "--chance", chance),
                selection=("-m", FAST, *left_out),
                workers=_cores(),
                timeout_s=1800,
                second_try=False,
            )
            self.run.section(f"new examples, chance {chance}", self.tester.work(tests))
        if (ROOT / "scripts" / "mutate").exists():
            self.run.section("mutations", self._program("scripts/mutate"))

    def _lint(self) -> None:
        """Check the style before the tests, and the types beside them: that takes a core's minute."""
        self.run.section(
            "style and data files", self._program("scripts/lint", "--style")
        )
        self.run.beside("types", self._program("scripts/lint", "--types"))

    def _program(self, *command: str) -> Callable[[Printer], Verdict]:
        return lambda printer: Verdict(
            passed=not self.processes.run(command, printer.output).status
        )


def _measured(marks: str) -> TestRun:
    return TestRun(
        # Those of minutes first, so that no worker ends up with one alone.
        options=("-p", "tests.slow_first"),
        selection=("-m", marks),
        workers=_cores(),
        coverage=True,
        budget=True,
    )


def _pure() -> frozenset[str]:
    return read_repository(ROOT).pure_tests()


def _ignored(paths: AbstractSet[str]) -> tuple[str, ...]:
    return tuple(f"--ignore={path}" for path in sorted(paths))


def _cores() -> int:
    return max(os.process_cpu_count() or 0, 2)


def main() -> int:
    """Run what is asked for; returns 0 where all passed."""
    told = wanted(sys.argv[1:])
    os.chdir(ROOT)
    with (
        TemporaryDirectory(
            prefix="energy-homes.", ignore_cleanup_errors=True
        ) as scratch,
        living() as processes,
    ):
        run = Run()
        suite = Suite(run, processes, Path(scratch), told)
        modes = {
            "fast": suite.fast,
            "all": suite.all,
            "changed": suite.changed,
            "again": suite.again,
            "explore": suite.explore,
        }
        modes[told.mode]()
        return run.close()


if __name__ == "__main__":
    sys.exit(main())
