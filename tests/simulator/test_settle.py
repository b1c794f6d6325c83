"""Virtual time comes to rest only when nothing more can happen."""

import asyncio
from datetime import timedelta
import sqlite3
import time

from homeassistant.core import HomeAssistant
from homeassistant.helpers.event import async_call_later
import pytest

from tests.virtual import VirtualTime


def slow_work() -> int:
    """Work for a moment in a thread."""
    with sqlite3.connect(":memory:") as database:
        database.create_function("now", 0, lambda: time.clock_gettime(1))
        begin = time.clock_gettime(1)
        while database.execute("SELECT now()").fetchone()[0] < begin + 0.05:
            continue
    database.close()
    return 1


@pytest.mark.parametrize("background", [True, False])
async def test_waits_for_threads(
    hass: HomeAssistant, virtual: VirtualTime, background: bool
) -> None:
    """A chain of thread jobs is finished, whoever awaits them."""
    done: list[int] = []

    async def work() -> None:
        """Use threads in each of the usual ways."""
        done.append(await hass.async_add_executor_job(slow_work))
        done.extend(
            await asyncio.gather(
                hass.loop.run_in_executor(None, slow_work), asyncio.to_thread(slow_work)
            )
        )
        async with asyncio.timeout(10):
            done.append(await hass.loop.run_in_executor(None, slow_work))

    create = hass.async_create_background_task if background else hass.async_create_task
    create(work(), "work")
    await virtual.settle()
    assert len(done) == 4


async def test_does_not_wait_for_time(
    hass: HomeAssistant, virtual: VirtualTime
) -> None:
    """A task that sleeps holds nothing up, and wakes when its time comes."""
    woken = []

    async def sleep() -> None:
        """Sleep three minutes, three times."""
        for _ in range(3):
            await asyncio.sleep(180)
            woken.append(virtual.now)

    begin = virtual.now
    hass.async_create_background_task(sleep(), "sleep")
    await virtual.run(timedelta(minutes=10))
    waits = [(now - begin).total_seconds() for now in woken]
    assert waits == pytest.approx([180, 360, 540], abs=0.1)


async def test_run_fires_each_timer_at_its_time(
    hass: HomeAssistant, virtual: VirtualTime
) -> None:
    """Timers fire once, in order, and not before they are due."""
    begin = virtual.now
    fired: list[float] = []
    for delay in (0.25, 17, 600, 3599.5):
        async_call_later(
            hass, delay, lambda now: fired.append((now - begin).total_seconds())
        )
    await virtual.run(timedelta(hours=1))
    assert fired == pytest.approx([0.25, 17, 600, 3599.5], abs=0.01)
    assert virtual.now == begin + timedelta(hours=1)
