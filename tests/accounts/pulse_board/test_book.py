"""A disk that is slow, in real time: nobody waits for long, and nothing counts twice."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
import sqlite3

from homeassistant.core import HomeAssistant
import pytest

from custom_components.energy_homes.accounts.pulse_board.book import MAX_WAITING
from custom_components.energy_homes.accounts.pulse_board.hub import PulseBoardHub
from custom_components.energy_homes.boards.message import BUSY, OK
from tests.board_kit import ledger_at, pulse, started_hub
from tests.patience import PATIENCE_S


@pytest.fixture
async def hub(hass: HomeAssistant, tmp_path: Path) -> AsyncIterator[PulseBoardHub]:
    """Return a board that was never heard."""
    ledger = ledger_at(hass, tmp_path)
    await ledger.async_open()
    hub = await started_hub(hass, ledger)
    yield hub
    await hub.async_stop()
    await ledger.async_close()


@contextmanager
def slow_disk(folder: Path) -> Iterator[None]:
    """Let nothing be written."""
    other = sqlite3.connect(folder / "energy_homes.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.execute("ROLLBACK")
    other.close()


async def test_slow_disk_is_not_waited_for(hub: PulseBoardHub, tmp_path: Path) -> None:
    """After half a second the board is told to come again; then the pulse is known."""
    loop = asyncio.get_running_loop()
    with slow_disk(tmp_path):
        begin_s = loop.time()
        assert await pulse(hub, 1000) == BUSY
        # Not for the ledger, which waits longer for the disk than this.
        assert 0.4 < loop.time() - begin_s < PATIENCE_S
    reply = BUSY
    while reply != OK:
        reply = await pulse(hub, 1000)
    assert hub.book.channels[1].pulses == 1


async def test_stop_waits_for_what_is_begun(hub: PulseBoardHub, tmp_path: Path) -> None:
    """What is on its way to the disk when the board is unloaded gets there."""
    with slow_disk(tmp_path):
        assert await pulse(hub, 1000) == BUSY
    await hub.async_stop()
    assert hub.book.channels[1].pulses == 1
    assert await pulse(hub, 2000) == BUSY


@pytest.mark.heavy
async def test_memory_is_bounded_while_nothing_can_be_kept(
    hub: PulseBoardHub, tmp_path: Path
) -> None:
    """Nothing waits beyond a bound, and what was promised is kept."""
    stamps = range(1000, 3000 + MAX_WAITING)
    with slow_disk(tmp_path):
        waiting = [asyncio.ensure_future(pulse(hub, stamp)) for stamp in stamps]
        for _ in range(3):
            await asyncio.sleep(0)
        # A slow machine may have had the first of them wait for too long already.
        refused = [reply for reply in waiting if reply.done()]
        assert len(refused) >= len(stamps) - MAX_WAITING - 1
    replies = [await reply for reply in waiting]
    await hub.async_stop()
    assert MAX_WAITING + 1 == hub.book.channels[1].pulses >= replies.count(OK)
