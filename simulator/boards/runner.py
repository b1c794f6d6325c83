"""What lets boards and daemons act when their time has come."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from functools import partial

from aiohttp import ClientSession, TCPConnector, web

from simulator.boards.board import Board
from simulator.boards.plan import Style
from simulator.boards.sender import Answer, send_fields, send_report
from simulator.boards.state import Caller
from simulator.world import World

MS_PER_SECOND = 1000


class BoardRunner:
    """Send in the background, each board and daemon by itself and one thing at a time.

    With a frozen clock everything that is due up to the clock's time is sent at once, in
    the order of its own time; with a running one each thing when it is due.
    """

    def __init__(self, world: World) -> None:
        """Watch the clock of a world."""
        self._world = world
        self._woken = asyncio.Event()
        self._acting: dict[Caller, asyncio.Task[None]] = {}
        world.clock.watchers.append(self.wake)

    @property
    def busy(self) -> bool:
        """Tell whether something is being sent, or is due."""
        next_ms = self._world.boards.next_ms()
        return bool(self._acting) or (
            next_ms is not None and next_ms <= self._world.clock.now_ms
        )

    def wake(self) -> None:
        """Look again at what is due."""
        self._woken.set()

    async def serve(self, _app: web.Application) -> AsyncIterator[None]:
        """Act as long as the application runs."""
        async with ClientSession(connector=TCPConnector(force_close=True)) as session:
            # A board repeats nothing by itself at once, and connects anew each time.
            session._retry_connection = False  # noqa: SLF001
            task = asyncio.create_task(self._run(session))
            yield
            tasks = [task, *self._acting.values()]
            for running in tasks:
                running.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, session: ClientSession) -> None:
        """Let everybody act whose time has come, and wait for the next."""
        while True:
            self._woken.clear()
            clock, callers = self._world.clock, self._world.boards.callers
            for gone in self._acting.keys() - set(callers):
                self._acting[gone].cancel()
            now_ms = clock.now_ms
            dues = {
                caller: due_ms
                for caller in callers
                if caller not in self._acting
                and (due_ms := caller.due_ms()) is not None
            }
            for caller, due_ms in dues.items():
                if due_ms <= now_ms:
                    task = asyncio.create_task(self._act(caller, session))
                    self._acting[caller] = task
                    task.add_done_callback(partial(self._done, caller))
            later = [due_ms for due_ms in dues.values() if due_ms > now_ms]
            wait_s = (
                (min(later) - now_ms) / MS_PER_SECOND
                if clock.running and later
                else None
            )
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), wait_s)

    def _done(self, caller: Caller, _task: asyncio.Task[None]) -> None:
        """Note that somebody has acted."""
        del self._acting[caller]
        self._woken.set()

    async def _act(self, caller: Caller, session: ClientSession) -> None:
        """Let somebody send all that is due."""
        clock = self._world.clock
        while (due_ms := caller.due_ms()) is not None and due_ms <= clock.now_ms:
            if isinstance(caller, Board):
                await caller.act(_Sender(session))
            else:
                assert caller.url is not None, "Due only with an address"
                caller.note(await send_report(session, caller.url, caller.take()))


class _Sender:
    """The way of a board through a session."""

    def __init__(self, session: ClientSession) -> None:
        """Take the session."""
        self._session = session

    async def __call__(
        self, url: str, style: Style, fields: Mapping[str, str]
    ) -> Answer:
        """Send fields and return the answer."""
        return await send_fields(self._session, url, style, fields)
