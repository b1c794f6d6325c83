"""Virtual time: Home Assistant's clock and the simulator's move together."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
import math
import os
import time

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import DATA_CONNECTOR
from homeassistant.util import dt as dt_util
from homeassistant.util.async_ import get_scheduled_timer_handles
from pytest_homeassistant_custom_component.common import (
    async_fire_time_changed,
    async_fire_time_changed_exact,
)

from tests.simulator_client import SimulatorClient

STEP = timedelta(seconds=5)
LONGEST_JUMP = timedelta(minutes=5)
MILLISECOND = timedelta(milliseconds=1)
QUIET_PASSES = 3
PATIENCE_S = 30.0
ASK_AFTER_S = 0.02


class VirtualTime:
    """Move all clocks of a test; what has to happen by then has happened."""

    def __init__(
        self,
        hass: HomeAssistant,
        freezer: FrozenDateTimeFactory,
        simulator: SimulatorClient,
        idle: Callable[[], object] = os.sched_yield,
    ) -> None:
        """Begin at the frozen time, cut to whole milliseconds.

        `idle` is what this process does while it waits for a thread or the simulator.
        """
        self._hass = hass
        self._freezer = freezer
        self._simulator = simulator
        self._idle = idle
        self._move(dt_util.utcnow())

    @property
    def now(self) -> datetime:
        """Return the virtual time."""
        return datetime.now(UTC)

    async def step(self, total: timedelta, step: timedelta = STEP) -> None:
        """Move by `total` in steps, letting everything happen after each."""
        end = self.now + total
        while (now := self.now) < end:
            self._move(min(now + step, end))
            async_fire_time_changed(self._hass, self.now)
            await self.settle()

    async def run(self, total: timedelta) -> None:
        """Move by `total`, from one timer of Home Assistant's to the next.

        Every timer fires within a millisecond of its time, and idle hours
        cost nothing.
        """
        end = self.now + total
        while (now := self.now) < end:
            self._move(min(self._next_timer(now), now + LONGEST_JUMP, end))
            async_fire_time_changed_exact(self._hass, self.now)
            await self.settle()

    async def move_to(self, instant: datetime) -> None:
        """Jump to an instant at once, as a machine that was asleep does."""
        self._move(instant)
        async_fire_time_changed(self._hass, self.now)
        await self.settle()

    async def settle(self) -> None:
        """Wait until nothing can happen any more without time moving on.

        That is: nothing is ready in the loop, no thread works for it, and
        each open HTTP call of Home Assistant's is one that the simulator holds.
        """
        begin = _real_s()
        asked = begin
        quiet = 0
        while quiet < QUIET_PASSES:
            await asyncio.sleep(0)
            if self._runnable():
                quiet = 0
                self._give_up_after(begin)
                continue
            if _waits_for_thread(self._hass):
                quiet = 0
                self._give_up_after(begin)
                self._idle()
                continue
            if open_calls := self._open_calls():
                self._idle()
                if _real_s() - asked < ASK_AFTER_S:
                    quiet = 0
                    continue
                self._give_up_after(begin)
                if self._simulator.held < open_calls:
                    asked = _real_s()
                    quiet = 0
                    continue
            quiet += 1

    def _move(self, instant: datetime) -> None:
        """Set both clocks."""
        whole = instant.replace(microsecond=instant.microsecond // 1000 * 1000)
        self._freezer.move_to(whole)
        self._simulator.set(whole)

    def _next_timer(self, now: datetime) -> datetime:
        """Return when the loop's next timer is due, later than now."""
        loop_now = self._hass.loop.time()
        waits = [
            handle.when() - loop_now
            for handle in get_scheduled_timer_handles(self._hass.loop)
            if not handle.cancelled()
        ]
        wait_s = min(waits, default=LONGEST_JUMP.total_seconds())
        return now + max(math.ceil(wait_s * 1000) + 1, 1) * MILLISECOND

    def _runnable(self) -> bool:
        """Tell whether the loop has something to run now."""
        return bool(getattr(self._hass.loop, "_ready", ()))

    def _open_calls(self) -> int:
        """Return how many HTTP calls Home Assistant waits for."""
        connectors = self._hass.data.get(DATA_CONNECTOR, {}).values()
        return sum(len(connector._acquired) for connector in connectors)

    def _give_up_after(self, begin_s: float) -> None:
        """Fail where Home Assistant never comes to rest."""
        if _real_s() - begin_s > PATIENCE_S:
            tasks = "\n".join(map(repr, asyncio.all_tasks()))
            raise AssertionError(f"Home Assistant does not come to rest:\n{tasks}")


def _real_s() -> float:
    """Return real seconds: the freezer leaves this clock alone."""
    return time.clock_gettime(time.CLOCK_MONOTONIC)


def _waits_for_thread(hass: HomeAssistant) -> bool:
    """Tell whether a thread works on something that the loop awaits."""
    waiters = (getattr(task, "_fut_waiter", None) for task in asyncio.all_tasks())
    return any(map(_from_thread, (*waiters, *_futures(hass))))


def _futures(hass: HomeAssistant) -> Iterable[object]:
    """Return the executor jobs that Home Assistant tracks."""
    return (job for job in hass._tasks | hass._background_tasks)


def _from_thread(future: object) -> bool:
    """Tell whether a future, or one it gathers, is a thread's."""
    if not isinstance(future, asyncio.Future) or future.done():
        return False
    children = getattr(future, "_children", ())
    if any(map(_from_thread, children)):
        return True
    callbacks = getattr(future, "_callbacks", None) or ()
    return any(
        "_chain_future" in getattr(callback, "__qualname__", "")
        for callback, _context in callbacks
    )
