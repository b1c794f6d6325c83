"""The same tests again and again beside a busy loop: what fails by chance or by time shows itself."""

from collections.abc import Iterator
from contextlib import contextmanager
import os
import subprocess
import sys
from typing import Final

from scripts.suite.processes import Processes
from scripts.suite.report import Run
from scripts.suite.test_run import Tester, TestRun

CHANCES: Final = ("low", "high", "seeded", "low", "high")
# Ends by itself where this process was killed.
_BUSY: Final = "import os\nwhile os.getppid() == {parent}:\n  sum(range(100_000))"


@contextmanager
def busy(processes: Processes) -> Iterator[None]:
    """Keep one processor busy."""
    program = _BUSY.format(parent=os.getpid())
    pid = processes.start([sys.executable, "-c", program], subprocess.DEVNULL)
    try:
        yield
    finally:
        processes.end(pid)


def again(
    run: Run, tester: Tester, processes: Processes, files: tuple[str, ...]
) -> None:
    """Run the files' tests five times; here a test that fails once has failed."""
    with busy(processes):
        for number, chance in enumerate(CHANCES, 1):
            options = ("--chance", chance)
            tests = TestRun(options, files, second_try=False, timeout_s=1200)
            name = f"{number} of {len(CHANCES)}, chance {chance}"
            run.section(name, tester.work(tests))
