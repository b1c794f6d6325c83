"""The simulator's clock: real time with an offset, or frozen."""

from collections.abc import Callable
import time

from simulator.shared_time import SharedTime

MS_PER_SECOND = 1000


class Clock:
    """Tell the simulated time in whole milliseconds since the epoch."""

    def __init__(
        self, frozen_ms: int | None = None, shared: SharedTime | None = None
    ) -> None:
        """Run with real time, or stand still at `frozen_ms`.

        While it stands still, others may move it by what it shares with them.
        """
        self._start_ms = frozen_ms
        self._offset_ms = 0
        self._frozen_ms = frozen_ms
        self._shared = shared
        self.watchers: list[Callable[[], None]] = []
        self._share()

    @property
    def running(self) -> bool:
        """Tell whether the clock moves by itself."""
        return self._frozen_ms is None

    @property
    def now_ms(self) -> int:
        """Return the simulated instant."""
        if self._frozen_ms is not None:
            return self._frozen_ms if self._shared is None else self._shared.now_ms
        return _real_ms() + self._offset_ms

    def step(self, step_ms: int) -> None:
        """Move the clock by `step_ms`, which may be negative."""
        self.set(self.now_ms + step_ms)

    def set(self, now_ms: int) -> None:
        """Move the clock to `now_ms`; it goes on running if it ran."""
        if self._frozen_ms is None:
            self._offset_ms = now_ms - _real_ms()
        else:
            self._frozen_ms = now_ms
        self._tell()

    def run(self, running: bool) -> None:
        """Let the clock run on from where it is, or freeze it there."""
        now_ms = self.now_ms
        self._frozen_ms = None if running else now_ms
        self.set(now_ms)

    def reset(self) -> None:
        """Go back to how the clock was made."""
        self._offset_ms = 0
        self._frozen_ms = self._start_ms
        if self._shared is not None:
            self._shared.watched = False
        self._tell()

    def watch(self) -> None:
        """Have every move told from now on, until the next reset: somebody acts on it."""
        if self._shared is not None:
            self._shared.watched = True

    def _tell(self) -> None:
        """Tell those who watch that the clock was moved."""
        self._share()
        for watcher in self.watchers:
            watcher()

    def _share(self) -> None:
        """Let others see where a clock stands still."""
        if self._shared is not None and self._frozen_ms is not None:
            self._shared.now_ms = self._frozen_ms


def _real_ms() -> int:
    """Return real time in milliseconds."""
    return time.time_ns() // 1_000_000
