"""Waiting for something to become true."""

import asyncio
from collections.abc import Awaitable, Callable

from .errors import DemoError


async def until[T](
    question: Callable[[], Awaitable[T | None]],
    what: str,
    *,
    seconds: float,
    every: float = 0.5,
) -> T:
    """Ask again and again until the answer is not None, and return it.

    Raises:
        DemoError: nothing came within the seconds given; the message names what.
    """
    try:
        async with asyncio.timeout(seconds):
            while True:
                answer = await question()
                if answer is not None:
                    return answer
                await asyncio.sleep(every)
    except TimeoutError as err:
        raise DemoError(f"Waited {seconds:.0f} s for {what} in vain") from err
