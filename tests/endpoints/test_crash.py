"""Home Assistant is killed while a board's pulses pour in: none is lost, none counts twice."""

import asyncio
from contextlib import suppress
import os
from pathlib import Path
from random import Random
import signal
import sys
from typing import Final

import pytest

from custom_components.energy_homes.ledger.schema import VERSION
from tests.board_kit import KEY, SECRET
from tests.ledger.inline import inline_ledger, now
from tests.ledger.older import make_older

ROOT: Final = Path(__file__).parents[2]
CHANNELS: Final = range(1, 9)
KILLS: Final = 10
PULSES: Final = 60
SPACING_MS: Final = 200


class Sender:
    """The channels of a board, each of which repeats a pulse until it is acknowledged."""

    def __init__(self) -> None:
        """Begin with nothing sent."""
        self.port: int | None = None
        self.up = asyncio.Event()
        self.acknowledged = dict.fromkeys(CHANNELS, 0)
        self.repeats = 0
        self.done = False
        self._news = asyncio.Condition()

    async def run(self, channel: int) -> None:
        """Send pulses, one after the other, until told otherwise."""
        while not self.done:
            stamp = (self.acknowledged[channel] + 1) * SPACING_MS
            while not await self._sent(channel, stamp):
                self.repeats += 1
                await self.up.wait()
            async with self._news:
                self.acknowledged[channel] += 1
                self._news.notify_all()

    async def until(self, total: int) -> None:
        """Return when so many pulses were acknowledged."""
        async with self._news:
            await self._news.wait_for(lambda: sum(self.acknowledged.values()) >= total)

    async def _sent(self, channel: int, stamp: int) -> bool:
        """Send a pulse; return whether the line came that says that it is kept."""
        with suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            path = f"/api/energy_homes/board/{SECRET}?channel={channel}&millis={stamp}"
            head = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            writer.write(head.encode())
            answer = await reader.read()
            writer.close()
            return b"\nWEBHOOK 200" in answer
        return False


@pytest.mark.heavy
async def test_ten_times_kill_9_under_load(
    socket_enabled: None, tmp_path: Path
) -> None:
    """After each kill all that was acknowledged is there, and in the end exactly that."""
    path = tmp_path / "energy_homes.db"
    random = Random(9)
    sender = Sender()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.endpoints.board_server",
        str(tmp_path),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    channels = [asyncio.create_task(sender.run(channel)) for channel in CHANNELS]
    for kill in range(1, KILLS + 1):
        process.stdin.write(b"go\n")
        pid, port = (await process.stdout.readline()).split()
        sender.port = int(port)
        sender.up.set()
        await sender.until(kill * PULSES + random.randrange(PULSES // 2))
        if kill == KILLS:
            sender.done = True
            await asyncio.gather(*channels)
        os.kill(int(pid), signal.SIGKILL)
        sender.up.clear()
        assert await process.stdout.readline() == b"dead\n"
        kept = counts(path)
        for channel, acknowledged in sender.acknowledged.items():
            assert kept[channel] in (acknowledged, acknowledged + 1)
    process.stdin.close()
    await process.wait()
    assert counts(path) == sender.acknowledged
    assert sum(sender.acknowledged.values()) >= KILLS * PULSES
    assert sender.repeats > 0


def counts(path: Path) -> dict[int, int]:
    """Return how many pulses the ledger has of each channel."""
    store = inline_ledger(path, busy_timeout=5)
    assert now(store.async_open()).damaged_copy is None
    kept = now(store.boards.async_load(KEY))
    now(store.async_close())
    return {channel: kept[channel]["pulses"] for channel in CHANNELS}


def test_ledger_of_before_boards_is_opened(tmp_path: Path) -> None:
    """An older file gets the table, and keeps what it has."""
    path = tmp_path / "energy_homes.db"
    store = inline_ledger(path, busy_timeout=1)
    now(store.async_open())
    now(store.homes.async_add("home", "Home"))
    now(store.async_close())
    make_older(path, 1)

    opened = now(store.async_open())
    assert opened.damaged_copy is None
    assert [home.label for home in now(store.homes.async_all())] == ["Home"]
    assert now(store.boards.async_load(KEY)) == {}
    now(store.boards.async_store(KEY, {1: {"pulses": 3}}))
    assert now(store.boards.async_load(KEY)) == {1: {"pulses": 3}}
    assert now(store.async_stats())["version"] == VERSION
    now(store.async_close())
