"""A sensor daemon: reads its sensors every minute and reports them."""

from collections import deque
from typing import Any

from simulator.boards.plan import DaemonPlan
from simulator.boards.sender import Answer
from simulator.clock import Clock
from simulator.noise import mix_seed

INTERVAL_MS = 60_000
COLDEST = 18.0
STEP = 0.25
STEPS = 36
KEPT_ANSWERS = 100


class SensorDaemon:
    """A host with sensors; silent until it has an address."""

    def __init__(self, plan: DaemonPlan, seed: int, clock: Clock) -> None:
        """Make a daemon that is switched off."""
        self.plan = plan
        self.url: str | None = None
        self.broken: set[str] = set()
        self.silent: set[str] = set()
        self.answers: deque[tuple[int, str]] = deque(maxlen=KEPT_ANSWERS)
        self._seed = mix_seed(seed, plan.seed, plan.host_id)
        self._clock = clock
        self._next_ms = 0

    def start(self, url: str) -> None:
        """Report now and every minute from now on."""
        self.url, self._next_ms = url, self._clock.now_ms

    def stop(self) -> None:
        """Report no more."""
        self.url = None

    def due_ms(self) -> int | None:
        """Return when the next report is due; None where it never is."""
        return None if self.url is None else self._next_ms

    def take(self) -> dict[str, Any]:
        """Return the report that is due; the one after it is due a minute later."""
        report = self.report(self._next_ms)
        self._next_ms += INTERVAL_MS
        return report

    def report(self, at_ms: int) -> dict[str, Any]:
        """Return what the daemon reports at an instant."""
        return {
            "host_id": self.plan.host_id,
            "sensors": {
                sensor: {"type": "dummy", "value": self.value(sensor, at_ms)}
                | ({} if alias is None else {"alias": alias})
                for sensor, alias in self.plan.sensors.items()
                if sensor not in self.silent
            },
        }

    def value(self, sensor: str, at_ms: int) -> float | None:
        """Return what a sensor measures at an instant in °C, None where it is broken."""
        if sensor in self.broken:
            return None
        step = mix_seed(self._seed, sensor, at_ms // INTERVAL_MS) % STEPS
        return COLDEST + STEP * step

    def note(self, answer: Answer) -> None:
        """Remember an answer; a daemon does not mind what it is."""
        self.answers.append((answer.status, answer.text))
