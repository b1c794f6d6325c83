"""The one lane into the ledger's file: a job at a time, in the order of asking.

A change is a function of a Transaction, and a question one of a View. Neither begins or
ends a transaction, so that several changes can be given the same one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, Protocol

from .file import LedgerFile, Synchronous
from .totals import State
from .view import Transaction, View


class Executor(Protocol):
    """Runs a job that blocks, as Home Assistant's `async_add_executor_job` does."""

    def __call__[T](self, job: Callable[[], T], /) -> Awaitable[T]:
        """Return what the job returns, or raise what it raises."""


class Lane:
    """Runs jobs with the file one after the other, off the loop."""

    def __init__(self, executor: Executor, file: LedgerFile) -> None:
        """Begin with no job."""
        self._executor = executor
        self._turn = asyncio.Lock()
        self.file = file

    async def run[T](self, job: Callable[[], T]) -> T:
        """Run a job when those before it are done."""
        async with self._turn:
            return await self._executor(job)

    async def read[**P, T](
        self,
        question: Callable[Concatenate[View, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Ask a question."""

        def job() -> T:
            """Ask it of the file."""
            with self.file.reading() as view:
                return question(view, *args, **kwargs)

        return await self.run(job)

    async def write[**P, T](
        self,
        synchronous: Synchronous,
        change: Callable[Concatenate[Transaction, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Carry a change out and commit it."""

        def job() -> T:
            """Carry it out in a transaction of its own."""
            with self.file.writing(synchronous) as transaction:
                return change(transaction, *args, **kwargs)

        return await self.run(job)


class Facet:
    """The questions and changes of one subject."""

    def __init__(self, lane: Lane) -> None:
        """Ask through a lane."""
        self._lane = lane

    @property
    def _state(self) -> State:
        """What the last commit left in memory; looking at it costs no I/O and no turn."""
        return self._lane.file.state


type _Method[**P, T] = Callable[Concatenate[Facet, P], Coroutine[Any, Any, T]]


def reads[**P, T](question: Callable[Concatenate[View, P], T]) -> _Method[P, T]:
    """Make a question a method of a facet, with the arguments after its View."""

    @wraps(question)
    async def method(facet: Facet, /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Ask it."""
        return await facet._lane.read(question, *args, **kwargs)  # noqa: SLF001

    return method


def writes[**P, T](
    change: Callable[Concatenate[Transaction, P], T],
    *,
    synchronous: Synchronous = "FULL",
) -> _Method[P, T]:
    """Make a change a method of a facet, with the arguments after its Transaction."""

    @wraps(change)
    async def method(facet: Facet, /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Carry it out."""
        return await facet._lane.write(synchronous, change, *args, **kwargs)  # noqa: SLF001

    return method
