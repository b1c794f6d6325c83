"""Child processes that never outlive the demo."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
import ctypes
import ctypes.util
import os
from pathlib import Path
import signal
import sys
from typing import Self

PR_SET_PDEATHSIG = 1


def _end_with_parent() -> None:
    """Ask the kernel to end this process when its parent is gone, however it went."""
    if sys.platform == "linux":
        ctypes.CDLL(ctypes.util.find_library("c"), use_errno=True).prctl(
            PR_SET_PDEATHSIG, signal.SIGTERM
        )


class Child:
    """One process in a session of its own, so that Ctrl-C reaches it only through us."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        """Hold a process that has been started."""
        self._process = process

    @classmethod
    async def start(
        cls,
        command: Sequence[str | Path],
        *,
        folder: Path,
        environment: Mapping[str, str],
        output: Path,
    ) -> Self:
        """Start a command in a folder; what it prints is added to a file."""
        with output.open("ab") as stream:
            return cls(
                await asyncio.create_subprocess_exec(
                    *command,
                    cwd=folder,
                    env=environment,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=stream,
                    stderr=stream,
                    start_new_session=True,
                    preexec_fn=_end_with_parent,
                )
            )

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """Return the exit code, or None while the process runs."""
        return self._process.returncode

    async def wait(self) -> int:
        """Wait until the process has ended and return its exit code."""
        return await self._process.wait()

    def kill(self) -> None:
        """Kill the process and all it started, without any warning."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    async def stop(self, grace_seconds: float) -> int:
        """Ask the process to end, kill it when it takes too long, and return its exit code."""
        with suppress(ProcessLookupError):
            self._process.terminate()
        try:
            async with asyncio.timeout(grace_seconds):
                await self.wait()
        except TimeoutError:
            pass
        finally:
            # Also what the process had started itself and left behind.
            self.kill()
        return await self.wait()
