"""Virtual time comes to rest only when nothing more can happen."""

import asyncio
from datetime import datetime, timedelta
import json
import sqlite3
import time

from aiohttp import ClientError, ClientTimeout
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.event import async_call_later
from homeassistant.util import dt as dt_util
import pytest

from tests.particle_control import PARTICLE_TOKEN, ParticleControl
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


class Reader:
    """A part of Home Assistant that reads a stream as long as it is not silent too long."""

    def __init__(self, hass: HomeAssistant, control: ParticleControl) -> None:
        """Begin without a stream."""
        self.heard: list[tuple[datetime, dict[str, str]]] = []
        self.ends: list[tuple[datetime, str]] = []
        self._hass = hass
        self._control = control

    async def read(self, silence_s: float = 20) -> None:
        """Read one stream until it ends."""
        session = async_get_clientsession(self._hass)
        url = f"{self._control.simulator.url}/v1/devices/events"
        headers = {"Authorization": f"Bearer {PARTICLE_TOKEN}"}
        timeout = ClientTimeout(total=None, sock_read=silence_s)
        end = "closed"
        try:
            async with session.get(url, headers=headers, timeout=timeout) as response:
                async for line in response.content:
                    if line.startswith(b"data:"):
                        # As slow as a reader may be that others have to wait for.
                        await asyncio.sleep(0)
                        self.heard.append((dt_util.utcnow(), json.loads(line[5:])))
        except TimeoutError:
            end = "silent"
        except ClientError:
            end = "broken"
        self.ends.append((dt_util.utcnow(), end))

    def late(self) -> list[timedelta]:
        """Return how long after they were published events were heard."""
        return [
            at - datetime.fromisoformat(event["published_at"])
            for at, event in self.heard
        ]


@pytest.fixture
async def reader(
    hass: HomeAssistant, virtual: VirtualTime, particle: ParticleControl
) -> Reader:
    """Return a reader whose stream is open."""
    reader = Reader(hass, particle)
    hass.async_create_background_task(reader.read(), "reader")
    await virtual.settle()
    assert len(particle.streams()) == 1
    return reader


async def test_all_on_a_stream_is_heard(
    virtual: VirtualTime, particle: ParticleControl, reader: Reader
) -> None:
    """Whatever time does, what is due on an open stream has been acted on, in its time."""
    begin = virtual.now
    await virtual.run(timedelta(minutes=3))
    assert len(reader.heard) == pytest.approx(180 / 4.1 * 3, abs=6)
    late = reader.late()
    assert timedelta() <= min(late) <= max(late) <= timedelta(seconds=1)
    await virtual.step(timedelta(seconds=30))
    assert max(reader.late()) <= timedelta(seconds=5)
    await virtual.move_to(virtual.now + timedelta(seconds=15))
    await virtual.settle()
    published = particle.truth(from_=begin)["published"].values()
    assert len(reader.heard) == sum(map(len, published))
    assert reader.ends == []


async def test_a_silent_stream_holds_nothing_up(
    virtual: VirtualTime, particle: ParticleControl, reader: Reader
) -> None:
    """Time passes while nothing comes, and who waits gives up in time."""
    await virtual.run(timedelta(seconds=30))
    count = len(reader.heard)
    particle.silence()
    silent_since = max(at for at, _ in reader.heard)
    await virtual.run(timedelta(minutes=5))
    assert len(reader.heard) == count
    ((ended, how),) = reader.ends
    assert how == "silent"
    assert 19 < (ended - silent_since).total_seconds() < 34
    assert particle.streams() == []


@pytest.mark.parametrize(("order", "how"), [("cut", "broken"), ("close", "closed")])
async def test_a_stream_that_ends(
    virtual: VirtualTime,
    particle: ParticleControl,
    reader: Reader,
    order: str,
    how: str,
) -> None:
    """The end has been noticed when time is at rest."""
    await virtual.run(timedelta(seconds=30))
    getattr(particle, order)()
    await virtual.run(timedelta(seconds=10))
    assert [end for _, end in reader.ends] == [how]


async def test_streams_and_other_calls(
    hass: HomeAssistant,
    virtual: VirtualTime,
    particle: ParticleControl,
    reader: Reader,
) -> None:
    """A stream does not hide a call that is under way, nor one that is held."""
    answers = []

    async def ask() -> None:
        """Make a call."""
        session = async_get_clientsession(hass)
        headers = {"Authorization": f"Bearer {PARTICLE_TOKEN}"}
        url = f"{particle.simulator.url}/v1/devices"
        async with session.get(url, headers=headers) as response:
            answers.append(len(await response.json()))

    hass.async_create_background_task(ask(), "ask")
    await virtual.settle()
    assert answers == [1]
    particle.simulator.fault("timeout", command="devices")
    hass.async_create_background_task(ask(), "ask")
    await virtual.run(timedelta(minutes=1))
    assert answers == [1]
    assert len(reader.heard) > 40
    particle.simulator.clear_faults()
    await virtual.settle()
    assert answers == [1, 1]
