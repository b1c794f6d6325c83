"""Starts the programs of a run and ends them with it, however it ends."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
import os
from pathlib import Path
import signal
import subprocess
import sys
from threading import Lock, current_thread, main_thread
import time
from typing import Final

GRACE_S: Final = 30
"""A run of pytest ends the servers and browsers of its tests before it ends itself."""
INTERRUPTED: Final = 130

type Output = int | None
"""A file descriptor, or None for the terminal's own."""


@dataclass(frozen=True)
class Ended:
    """How a program ended."""

    status: int
    cpu_s: float
    """Seconds of processor time, with all its children that it has waited for."""


class Interrupted(BaseException):
    """Somebody ends the run."""


class Processes:
    """The living programs of this run."""

    def __init__(self, grace_s: float = GRACE_S) -> None:
        """Have none, and give them so many seconds to end once they are told to."""
        self._grace_s = grace_s
        self._lock = Lock()
        self._living: set[int] = set()
        self._stopped = False
        self._is_starting = False
        self._was_interrupted = False

    def run(self, command: Sequence[str], output: Output = None) -> Ended:
        """Run a program to its end; may be called in any thread."""
        return self.wait(self.start(command, output))

    def start(
        self,
        command: Sequence[str],
        output: Output = None,
        *,
        cwd: Path | None = None,
    ) -> int:
        """Start a program in a process group of its own; returns its id."""
        is_main = current_thread() is main_thread()
        with self._lock:
            if self._stopped:
                raise Interrupted
            # A program that began while the run was interrupted would be known to nobody.
            self._is_starting = is_main
            try:
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    cwd=cwd,
                    process_group=0,
                )
                # Waiting is done by wait4 below, which alone tells the processor time.
                process.returncode = 0
                self._living.add(process.pid)
            finally:
                self._is_starting = False
        if is_main and self._was_interrupted:
            raise Interrupted
        return process.pid

    def wait(self, pid: int) -> Ended:
        """Wait until a program has ended; raises Interrupted where the run was ended."""
        try:
            _, status, usage = os.wait4(pid, 0)
        except ChildProcessError:
            raise Interrupted from None
        with self._lock:
            self._living.discard(pid)
        return Ended(os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime)

    def is_alive(self, pid: int) -> bool:
        """Return whether a program runs that nobody waits for."""
        with self._lock:
            self._reap(pid)
            return pid in self._living

    def interrupt(self, _number: int, _frame: object) -> None:
        """End the run: as a signal's handler, which is called in the main thread."""
        self._was_interrupted = True
        if not self._is_starting:
            raise Interrupted

    def end(self, pid: int) -> None:
        """End a program that nobody waits for."""
        self._end([pid])

    def end_all(self) -> None:
        """End all programs and start no more."""
        with self._lock:
            self._stopped = True
            living = list(self._living)
        self._end(living)

    def _end(self, pids: Sequence[int]) -> None:
        """End programs with all that they started, as Ctrl-C at a terminal does."""
        living = [pid for pid in pids if self.is_alive(pid)]
        # What a shell has started in the background does not hear of Ctrl-C.
        for number in (signal.SIGINT, signal.SIGKILL):
            self._signal(living, number)
            deadline = time.monotonic() + self._grace_s
            while any(map(self.is_alive, living)) and time.monotonic() < deadline:
                time.sleep(0.05)

    def _signal(self, groups: Iterable[int], number: int) -> None:
        for group in groups:
            with suppress(ProcessLookupError):
                os.killpg(group, number)

    def _reap(self, pid: int) -> None:
        if pid not in self._living:
            return
        try:
            ended, _ = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            # Another thread was waiting for it.
            ended = pid
        if ended:
            self._living.discard(pid)


@contextmanager
def living() -> Iterator[Processes]:
    """Give the programs of a run, all of which end with it."""
    processes = Processes()
    ends = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in ends:
        signal.signal(number, processes.interrupt)
    try:
        yield processes
    except Interrupted:
        print("=== interrupted", flush=True)
        sys.exit(INTERRUPTED)
    finally:
        # A second Ctrl-C must not leave anything behind.
        for number in ends:
            signal.signal(number, signal.SIG_IGN)
        processes.end_all()
