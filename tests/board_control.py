"""The tests' way to the simulated boards and sensor daemons, and a place for them to call.

A board calls the test's own event loop, in the background of the simulator: `settle` lets
the loop serve it until nothing is under way any more, and `run` moves the clock from one
send to the next, so that each pulse arrives in its own millisecond.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
import time
from typing import Any

from simulator.scenario import HARBOUR_BOARD, HARBOUR_DAEMON
from tests.patience import PATIENCE_S
from tests.simulator_client import SimulatorClient

__all__ = ["HARBOUR_BOARD", "HARBOUR_DAEMON", "BoardControl"]

MILLISECOND = timedelta(milliseconds=1)
PASSES = 20

type Advance = Callable[[timedelta], Awaitable[None]]


class BoardControl:
    """Switch boards and daemons on and off, let them fail, and see what is true."""

    def __init__(self, simulator: SimulatorClient) -> None:
        """Control the boards of a simulator."""
        self._simulator = simulator

    def overview(self) -> dict[str, Any]:
        """Return all that the control endpoint tells."""
        overview: dict[str, Any] = self._simulator.request("GET", "/_control/boards")
        return overview

    def add(
        self, name: str, *channels: Mapping[str, Any], home: str = "Harbour Flat"
    ) -> None:
        """Add a board; a channel is `{"channel", "watts" or "load", "pulses_per_kwh"}`."""
        plan = {"name": name, "home": home, "channels": list(channels)}
        self.board(name, add=plan)

    def power_on(
        self,
        url: str,
        board: str = HARBOUR_BOARD,
        *,
        announced: bool = True,
        uptime: timedelta = timedelta(0),
        style: str = "get",
    ) -> None:
        """Let a board begin anew, or restart; its clock is already at `uptime`."""
        self.board(
            board,
            url=url,
            style=style,
            power="on",
            announced=announced,
            uptime_ms=uptime // MILLISECOND,
        )

    def power_off(self, board: str = HARBOUR_BOARD) -> None:
        """Take a board's power away."""
        self.board(board, power="off")

    def send(self, board: str = HARBOUR_BOARD, **fields: object) -> None:
        """Let a board send other fields, once."""
        self.board(board, send=fields)

    def board(self, board: str = HARBOUR_BOARD, **order: Any) -> None:
        """Turn a board's knobs: see `simulator.boards.control`."""
        self._simulator.request("POST", "/_control/boards", {"board": board, **order})

    def daemon(self, daemon: str = HARBOUR_DAEMON, **order: Any) -> None:
        """Turn a daemon's knobs: see `simulator.boards.control`."""
        order = {"daemon": daemon, **order}
        self._simulator.request("POST", "/_control/daemons", order)

    def truth(self, channel: int, board: str = HARBOUR_BOARD) -> dict[str, Any]:
        """Return what is true of a channel: see `simulator.boards.board.Tally`."""
        channels = self.overview()["boards"][board]["channels"]
        found: dict[str, Any] = channels[str(channel)]
        return found

    def answers(self, board: str = HARBOUR_BOARD) -> list[tuple[Any, int, str]]:
        """Return what a board sent last, with the status and text that came back."""
        answers = self.overview()["boards"][board]["answers"]
        return [(fields, status, text) for fields, status, text in answers]

    def temperatures(self, daemon: str = HARBOUR_DAEMON) -> dict[str, float | None]:
        """Return what each sensor of a daemon measures now."""
        sensors = self.overview()["daemons"][daemon]["sensors"]
        return {sensor: told["value"] for sensor, told in sensors.items()}

    @property
    def next_send(self) -> datetime | None:
        """Return when something is next sent."""
        return _instant(self._next()["next_ms"])

    async def settle(self) -> None:
        """Serve until nothing is being sent and nothing is due."""
        await self._settled()

    async def run(self, total: timedelta, advance: Advance | None = None) -> None:
        """Move time by `total`, from one send to the next.

        `advance` moves all clocks, `VirtualTime.run` where there is a Home Assistant;
        without it only the simulator's is moved.
        """
        end = self._simulator.now + total
        now, next_send = await self._settled()
        while now < end:
            until = min(next_send or end, end)
            if advance is None:
                self._simulator.set(until)
            else:
                await advance(until - now)
            now, next_send = await self._settled()

    async def _settled(self) -> tuple[datetime, datetime | None]:
        """Serve until nothing is under way; return the time and that of the next send."""
        begin_s = _real_s()
        while (state := self._next())["busy"]:
            for _ in range(PASSES):
                await asyncio.sleep(0)
            if _real_s() - begin_s > PATIENCE_S:
                raise AssertionError(f"Boards do not come to rest: {self.overview()}")
        now = _instant(state["now_ms"])
        assert now is not None
        return now, _instant(state["next_ms"])

    def _next(self) -> dict[str, Any]:
        """Return whether anything is under way, and when something next is."""
        state: dict[str, Any] = self._simulator.request("GET", "/_control/boards/next")
        return state


def _instant(ms: int | None) -> datetime | None:
    """Return the instant of epoch milliseconds."""
    return None if ms is None else datetime.fromtimestamp(ms / 1000, UTC)


def _real_s() -> float:
    """Return real seconds, also where time is frozen."""
    return time.clock_gettime(time.CLOCK_MONOTONIC)
