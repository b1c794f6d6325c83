"""The sections of a run: what they print, and the report that closes it."""

from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
import os
import shutil
import sys
from tempfile import TemporaryFile
import time
from typing import IO

from scripts.suite.processes import Output

type Say = Callable[[str], None]


@dataclass(frozen=True)
class Verdict:
    """How a section went."""

    passed: bool
    closing: str = ""
    """pytest's own closing line, where it was a run of tests."""
    flaky: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """What the report at the end says besides."""


@dataclass(frozen=True)
class Printer:
    """Where a section prints: itself, and the programs that it starts."""

    output: Output
    say: Say


type Work = Callable[[Printer], Verdict]


def say(text: str) -> None:
    """Print at once, in order with what programs print."""
    print(text, flush=True)


@dataclass
class Section:
    """A part of the run that is judged by itself."""

    name: str
    work: Work
    verdict: Verdict = field(default_factory=lambda: Verdict(passed=False))
    seconds: float = 0.0

    def run(self, printer: Printer) -> None:
        """Do the work and remember how it went."""
        begun = time.monotonic()
        try:
            self.verdict = self.work(printer)
        finally:
            self.seconds = time.monotonic() - begun

    @property
    def line(self) -> str:
        """Return the section's line of the report."""
        result = "passed" if self.verdict.passed else "FAILED"
        closing = f": {self.verdict.closing}" if self.verdict.closing else ""
        return f"{result:7} {self.seconds:4.0f} s  {self.name}{closing}"


class Beside:
    """A section that runs beside others; what it prints is kept together."""

    def __init__(self, section: Section, threads: Executor) -> None:
        """Begin it."""
        self.section = section
        self._printed: IO[bytes] = TemporaryFile()
        output = self._printed.fileno()

        def keep(text: str) -> None:
            os.write(output, f"{text}\n".encode())

        self._done = threads.submit(section.run, Printer(output, keep))

    @property
    def has_ended(self) -> bool:
        """Return whether it has come to its end."""
        return self._done.done()

    def finish(self) -> None:
        """Wait for its end and print the whole of what it printed; raises what it raised."""
        wait([self._done])
        say(f"\n=== {self.section.name}")
        self._printed.seek(0)
        shutil.copyfileobj(self._printed, sys.stdout.buffer)
        sys.stdout.flush()
        self._done.result()


class Run:
    """The sections of a run, one after another and some beside the others."""

    def __init__(self) -> None:
        """Begin now."""
        self._begun = time.monotonic()
        self._sections: list[Section] = []
        self._beside: list[Beside] = []
        self._threads = ThreadPoolExecutor()

    def beside(self, name: str, work: Work) -> None:
        """Begin a section beside those that follow."""
        section = Section(name, work)
        self._sections.append(section)
        say(f"\n=== {name}: begun, printed when it has ended")
        self._beside.append(Beside(section, self._threads))

    def section(self, name: str, work: Work) -> None:
        """Run a section; then print those beside it that have ended."""
        section = Section(name, work)
        self._sections.append(section)
        say(f"\n=== {name}")
        section.run(Printer(None, say))
        for beside in [other for other in self._beside if other.has_ended]:
            self._finish(beside)

    def _finish(self, beside: Beside) -> None:
        self._beside.remove(beside)
        beside.finish()

    def close(self) -> int:
        """Wait for all sections, print the report and return the status of the run."""
        for beside in list(self._beside):
            self._finish(beside)
        passed = all(section.verdict.passed for section in self._sections)
        flaky = [
            f"FLAKY {name} ({section.name})"
            for section in self._sections
            for name in section.verdict.flaky
        ]
        seconds = time.monotonic() - self._begun
        notes = [note for section in self._sections for note in section.verdict.notes]
        say("")
        for line in (
            *flaky,
            *notes,
            *(section.line for section in self._sections),
            f"=== {'all passed' if passed else 'FAILED'} in {seconds:.0f} s ===",
            *flaky,
        ):
            say(line)
        return 0 if passed else 1
