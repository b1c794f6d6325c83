"""Write what became of a run of the tests to a file, for scripts/test; loaded with `-p tests.outcome`.

Processor time is counted in the process that runs a test, with its children's. What a fixture of
several tests needs counts for the test that first asks for it.
"""

from collections.abc import Generator, Iterator
import json
import os
from pathlib import Path
import re
import resource
from typing import Final, Protocol, cast

import pytest

LONG: Final = frozenset({"heavy", "slow"})
"""Marks of tests that are not among the fast ones."""
_TICKS: Final = os.sysconf("SC_CLK_TCK")


class _Measured(Protocol):
    """A phase of a test, whose attributes travel from a worker to the process that reports."""

    cpu_s: float


class Outcome:
    """Collects the reports of a run and writes them when it ends."""

    def __init__(self, config: pytest.Config, file: Path) -> None:
        """Collect for a file; a worker only measures."""
        self._file = file
        self._is_worker = hasattr(config, "workerinput")
        self._paths: list[str] = config.getoption("file_or_dir")
        self._used = cpu_used()
        self._cpu: dict[str, float] = {}
        self._slow: set[str] = set()
        self._failed: dict[str, None] = {}
        self._uncollected: dict[str, None] = {}
        self._closing = ""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self) -> Generator[None, object, object]:
        """Leave out what was used before a test and belongs to none."""
        self._used = cpu_used()
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self,
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Note what a phase of a test has used."""
        report = yield
        now = cpu_used()
        cast(_Measured, report).cpu_s = now - self._used
        self._used = now
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take a phase of a test, or the crash of the process in which it ran."""
        name = without_group(report.nodeid)
        self._cpu[name] = self._cpu.get(name, 0.0) + getattr(report, "cpu_s", 0.0)
        if not LONG.isdisjoint(report.keywords):
            self._slow.add(name)
        if report.failed:
            self._failed[name] = None

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Take a file that cannot be collected."""
        if report.failed:
            self._uncollected[report.nodeid] = None

    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter
    ) -> None:
        """Take the words of the closing line."""
        parts, _ = terminalreporter.build_summary_stats_line()
        self._closing = ", ".join(text for text, _ in parts)

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """Write everything, in the process that reports."""
        if self._is_worker:
            return
        self._file.write_text(
            json.dumps(
                {
                    "cpu_s": self._cpu,
                    "slow": sorted(self._slow),
                    "failed": list(self._failed),
                    "uncollected": list(self._uncollected),
                    "paths": self._paths,
                    "closing": self._closing,
                }
            ),
            encoding="utf-8",
        )


def without_group(name: str) -> str:
    """Return a test's name without the group that `--dist loadgroup` puts behind it."""
    return re.sub(r"@[^\]:/]*$", "", name)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer the file to write."""
    parser.addoption("--outcome", type=Path, help="write what became of each test here")


def pytest_configure(config: pytest.Config) -> None:
    """Collect where a file is wanted."""
    if file := config.getoption("outcome"):
        config.pluginmanager.register(Outcome(config, file))


def cpu_used() -> float:
    """Return the seconds of processor time that this process and its children have used."""
    used = sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(
            resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        )
    )
    return used + sum(map(_ticks, _children("self"))) / _TICKS


def _ticks(pid: str) -> int:
    """Return the ticks of a living process, and of its own children."""
    try:
        stat = Path("/proc", pid, "stat").read_text(encoding="utf-8")
    except OSError:
        return 0
    # The name of the program, in parentheses, may hold anything.
    fields = stat.rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) + sum(map(_ticks, _children(pid)))


def _children(pid: str) -> Iterator[str]:
    """Yield the living children of a process; none where the system does not list them."""
    for file in Path("/proc", pid, "task").glob("*/children"):
        try:
            yield from file.read_text(encoding="utf-8").split()
        except OSError:
            continue
