"""The LED of a meter: one pulse for each part of a kWh, to the millisecond."""

from collections import deque

import numpy as np

from simulator.home import MILLIWATT_SECONDS_PER_KWH, Signal

WINDOW_MS = 900_000
LOOK_AHEAD_MS = 86_400_000


class Led:
    """Flash each time the energy since `since_ms` has grown by one pulse."""

    def __init__(self, signal: Signal, pulses_per_kwh: int, since_ms: int) -> None:
        """Begin with nothing counted."""
        self._signal = signal
        self._step = MILLIWATT_SECONDS_PER_KWH // pulses_per_kwh
        self._seen_ms = since_ms
        self._rest = 0
        self._ahead: deque[int] = deque()

    def take(self, to_ms: int) -> list[int]:
        """Return the flashes up to and at an instant that were not returned yet."""
        while self._seen_ms < to_ms:
            self._look(min(self._seen_ms + WINDOW_MS, to_ms))
        flashes: list[int] = []
        while self._ahead and self._ahead[0] <= to_ms:
            flashes.append(self._ahead.popleft())
        return flashes

    def next_ms(self) -> int | None:
        """Return the next flash that was not returned yet; None where none comes soon."""
        limit_ms = self._seen_ms + LOOK_AHEAD_MS
        while not self._ahead and self._seen_ms < limit_ms:
            self._look(self._seen_ms + WINDOW_MS)
        return self._ahead[0] if self._ahead else None

    def _look(self, to_ms: int) -> None:
        """Find the flashes in the time that was not looked at yet."""
        from_ms = self._seen_ms
        used = self._signal.energy(from_ms, to_ms)
        count, rest = divmod(self._rest + used, self._step)
        if count:
            first_s = from_ms // 1000
            edges = np.arange(first_s, -(-to_ms // 1000) + 1, dtype=np.int64)
            running = np.concatenate(([0], np.cumsum(self._signal.energies(edges))))
            before = self._signal.energy(first_s * 1000, from_ms)
            targets = (
                before
                - self._rest
                + self._step * np.arange(1, count + 1, dtype=np.int64)
            )
            second = np.searchsorted(running, targets, side="left") - 1
            rate = running[second + 1] - running[second]
            into_ms = -(-(targets - running[second]) * 1000 // rate)
            self._ahead += ((first_s + second) * 1000 + into_ms).tolist()
        self._seen_ms, self._rest = to_ms, rest
