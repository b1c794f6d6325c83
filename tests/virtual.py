"""Virtual time: Home Assistant's clock and the simulator's move together.

**Open streams.** A stream of events is an HTTP call that never ends, so that it cannot be
waited for, and it must not be overlooked either: what the simulator sends on it when its
clock moves has to be read and acted on before time moves again. So the simulator tells how
many bytes it has sent on each stream, and whether it has more to send by now
(`/_control/particle/streams`); streams are told apart by the port of Home Assistant's end.
A stream is at rest when the simulator has no more to send and Home Assistant has read as
many bytes as were sent. Like a call that is held, it then holds nothing up; and that all is
at rest still means that nothing is ready in the loop, so that what was read has been acted on.

While streams are open, `run` stops when something is sent on one, too: at least a second
after the stop before, so that many boards cost no more than one. Events therefore arrive up
to a second late, with their own times in them, and keep-alives in time for who waits for them.

**Timers.** The loop's clock is the frozen one, too, so that timers fire by themselves and in
their order once the loop runs after a move. To fire them from outside, as
`async_fire_time_changed` does, is dearer, and fires those of the next half second as well.
"""

import asyncio
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
import math
import os
import time
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import DATA_CONNECTOR
from homeassistant.util import dt as dt_util
from homeassistant.util.async_ import get_scheduled_timer_handles

from tests.simulator_client import SimulatorClient

STEP = timedelta(seconds=5)
LONGEST_JUMP = timedelta(minutes=5)
MILLISECOND = timedelta(milliseconds=1)
QUIET_PASSES = 3
PATIENCE_S = 60.0
ASK_AFTER_S = 0.02
STREAM_STEP = timedelta(seconds=1)
BURST = timedelta(milliseconds=100)
RESOLUTION_S = 5e-7
"""How much later than now a timer may be and is still due: as much as rounding makes of it,
which is two units of a float of today's seconds since 1970. Less than a microsecond, in which
Home Assistant counts: it puts off what fires too early, and time would never move on."""

type Progress = dict[int, tuple[int, int] | None]
"""Bytes that came and bytes that nobody has read yet, by port; None before any came."""


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
        self._streams: dict[int, dict[str, Any]] = {}
        self._next_sent: datetime | None = None
        # Debug mode takes a stack trace of each callback, and days have many of them; a step
        # of the frozen clock would be a slow callback, too.
        hass.loop.set_debug(False)
        # The loop runs what comes before its time plus its clock's resolution. That is a
        # nanosecond, lost in a float of seconds since 1970, so that what is due now would wait.
        setattr(hass.loop, "_clock_resolution", RESOLUTION_S)  # noqa: B010
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
            await self.settle()

    async def run(self, total: timedelta) -> None:
        """Move by `total`, from one timer of Home Assistant's to the next.

        Every timer fires within a millisecond of its time, and idle hours
        cost nothing where no stream is open.
        """
        end = self.now + total
        while (now := self.now) < end:
            stops = (self._next_timer(now), self._next_event(now), now + LONGEST_JUMP)
            self._move(min(*stops, end))
            await self.settle()

    async def move_to(self, instant: datetime) -> None:
        """Jump to an instant at once, as a machine that was asleep does."""
        self._move(instant)
        await self.settle()

    async def settle(self) -> None:
        """Wait until nothing can happen any more without time moving on.

        That is: nothing is ready in the loop, no thread works for it, and
        each open HTTP call of Home Assistant's is one that the simulator holds,
        or a stream of which all that was sent has been read.
        """
        begin = _real_s()
        asked = begin
        rest: Progress | None = None
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
            if (calls := self._open_calls()) and calls != rest:
                self._idle()
                quiet = 0
                streaming = calls.keys() <= self._streams.keys()
                if not streaming and _real_s() - asked < ASK_AFTER_S:
                    continue
                self._give_up_after(begin)
                if not self._at_rest(calls):
                    asked = _real_s()
                    continue
                rest = calls
            quiet += 1
        if not self._open_calls():
            self._streams, self._next_sent = {}, None

    def _move(self, instant: datetime) -> None:
        """Set both clocks."""
        whole = instant.replace(microsecond=instant.microsecond // 1000 * 1000)
        self._freezer.move_to(whole)
        self._simulator.move(whole)

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

    def _next_event(self, now: datetime) -> datetime:
        """Return when to look at the streams next, with all of a burst."""
        if self._next_sent is None:
            return now + LONGEST_JUMP
        return max(self._next_sent + BURST, now + STREAM_STEP)

    def _open_calls(self) -> Progress:
        """Return what has come of each HTTP call that Home Assistant waits for."""
        connectors = self._hass.data.get(DATA_CONNECTOR, {}).values()
        calls: Progress = {}
        for connector in connectors:
            for number, protocol in enumerate(connector._acquired):
                transport = getattr(protocol, "transport", None)
                # Without a transport it is still connecting.
                port = -number - 1
                if transport is not None:
                    port = transport.get_extra_info("sockname")[1]
                payload = getattr(protocol, "_payload", None)
                calls[port] = (
                    None if payload is None else (payload.total_bytes, payload._size)
                )
        return calls

    def _at_rest(self, calls: Progress) -> bool:
        """Ask the simulator whether it holds all calls, or has sent all on them."""
        state = self._simulator.streams()
        self._streams = {int(port): s for port, s in state["streams"].items()}
        next_ms = state["next_ms"]
        self._next_sent = (
            None if next_ms is None else datetime.fromtimestamp(next_ms / 1000, UTC)
        )
        streams = calls.keys() & self._streams.keys()
        return state["held"] >= len(calls) - len(streams) and all(
            not self._streams[port]["busy"]
            and calls[port] == (self._streams[port]["written"], 0)
            for port in streams
        )

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
