"""All boards and daemons of a world."""

from collections.abc import Callable, Iterable

from simulator.boards.board import Board
from simulator.boards.circuit import signal_of
from simulator.boards.daemon import SensorDaemon
from simulator.boards.plan import BoardPlan, DaemonPlan
from simulator.clock import Clock
from simulator.home import Household

type Caller = Board | SensorDaemon


class BoardState:
    """What calls Home Assistant by itself; nothing does before it is switched on."""

    def __init__(
        self, seed: int, clock: Clock, household: Callable[[int], tuple[Household, int]]
    ) -> None:
        """Begin without any; `household` gives a home and its own seed for a plan's."""
        self.boards: dict[str, Board] = {}
        self.daemons: dict[str, SensorDaemon] = {}
        self._seed = seed
        self._clock = clock
        self._household = household

    def add(self, boards: Iterable[BoardPlan], daemons: Iterable[DaemonPlan]) -> None:
        """Add boards and daemons, switched off."""
        for plan in boards:
            household, seed = self._household(plan.seed)
            signals = {c.channel: signal_of(c, household, seed) for c in plan.channels}
            self.boards[plan.name] = Board(plan, signals, self._clock)
        for daemon in daemons:
            self.daemons[daemon.host_id] = SensorDaemon(daemon, self._seed, self._clock)

    @property
    def callers(self) -> list[Caller]:
        """Return all that may have something to send."""
        return [*self.boards.values(), *self.daemons.values()]

    def next_ms(self) -> int | None:
        """Return when something is next sent; None where nothing ever is."""
        dues = [due for c in self.callers if (due := c.due_ms()) is not None]
        return min(dues, default=None)
