"""The clock on the wall of started processes: a test may put it forward.

Slots are five minutes of that clock. A test does not wait for the next one to begin but puts
the clock forward to shortly before; from there on time takes as long as everywhere.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from demo.wait import until
from tests.e2e.expected import SLOT, slot_start
from tests.e2e.machine import living_pids
from tests.simulator_client import SimulatorClient

LIBRARY: Final = "usr/lib/*/faketime/libfaketimeMT.so.1"
LOOK_SECONDS: Final = 1
"""How often a process looks whether its clock was put forward."""

SHARED_MEMORY: Final = Path("/dev/shm")  # noqa: S108
NAMES: Final = ("faketime_shm_*", "sem.faketime_sem_*")


class WallClock:
    """Real time, and so much more as it was put forward.

    Where Debian's `libfaketime` is not installed it stays real, and tests wait for longer.
    """

    def __init__(self, file: Path) -> None:
        """Choose the file from which processes learn the time."""
        self._file = file
        self._library = next(Path("/").glob(LIBRARY), None)
        self._ahead = timedelta(0)
        self._write()

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment in which a process goes by this clock."""
        if self._library is None:
            return {}
        return {
            "LD_PRELOAD": str(self._library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": str(LOOK_SECONDS),
            # Timers run by another clock, which is left alone.
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            # Else waits of threads end at once, thousands of times a second.
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",
            # Compiled modules would no longer be as old as their sources.
            "NO_FAKE_STAT": "1",
        }

    @property
    def now(self) -> datetime:
        """Return the time that it shows."""
        return datetime.now(UTC) + self._ahead

    async def near_next_slot(
        self, simulator: SimulatorClient, lead: timedelta
    ) -> datetime:
        """Put the clock forward until a slot begins in `lead`, and return its start.

        Where the next slot begins sooner it is the one after that.
        """
        start = slot_start(self.now + lead) + SLOT
        step = start - lead - self.now
        if self._library is None or step < timedelta(seconds=LOOK_SECONDS):
            return start
        # The file takes whole seconds.
        self._ahead += timedelta(seconds=step // timedelta(seconds=1))
        self._write()

        async def moved() -> bool | None:
            """Return True once the simulator goes by it."""
            return abs(simulator.now - self.now) < timedelta(seconds=1) or None

        await until(moved, "the simulator's clock", seconds=60, every=0.1)
        # What is due by now waits until the moment at which it would have been.
        simulator.step(timedelta(0))
        return start

    def close(self) -> None:
        """Remove what killed processes have left behind in shared memory."""
        living = {str(pid) for pid in living_pids()}
        for name in NAMES:
            for path in SHARED_MEMORY.glob(name):
                if path.name.rpartition("_")[2] not in living:
                    path.unlink(missing_ok=True)

    def _write(self) -> None:
        """Tell the processes."""
        new = self._file.with_suffix(".new")
        new.write_text(f"+{self._ahead // timedelta(seconds=1)}\n", encoding="ascii")
        new.replace(self._file)
