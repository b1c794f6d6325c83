"""What a pulse board costs: an hour of eight channels, and how long the loop is held.

Run `python -m benchmarks.bench_boards`; with `--json` the numbers come as JSON.
"""

import argparse
import asyncio
from collections import deque
from datetime import UTC, datetime, timedelta
import json
from pathlib import Path
import tempfile
import time
from typing import Any, Final

from aiohttp import ClientSession, TCPConnector, web
from homeassistant.core import HomeAssistant

from custom_components.energy_homes.accounts.pulse_board.hub import PulseBoardHub
from custom_components.energy_homes.accounts.pulse_board.known import boards_of
from custom_components.energy_homes.accounts.registry import Accounts, MeterUpdate
from custom_components.energy_homes.boards.config import BoardConfig
from custom_components.energy_homes.boards.message import OK, BoardReply, Pulse
from custom_components.energy_homes.endpoints.view import BoardView
from custom_components.energy_homes.ledger import Ledger

BEGIN: Final = datetime(2026, 1, 1, tzinfo=UTC)
CHANNELS: Final = range(1, 9)
SPACING_MS: Final = 200
PULSES: Final = 3_600_000 // SPACING_MS
REQUESTS: Final = 25
"""Pulses of each channel over HTTP: no more than a board may send at once."""

SECRET: Final = "benchmark"
BEAT_S: Final = 0.001


class Heart:
    """Beats every millisecond: a beat that is late tells how long the loop was held.

    `longest_block_ms` counts also while the machine did something else; `longest_work_ms` is
    the processor's time that the loop's thread took between two beats.
    """

    def __init__(self) -> None:
        """Begin to beat."""
        self._loop = asyncio.get_running_loop()
        self._beats = 0
        self.late_s = 0.0
        self.over_10_ms = 0
        self.worked_s = 0.0
        self._thread_s = time.thread_time()
        self._due_s = self._loop.time() + BEAT_S
        self._timer = self._loop.call_at(self._due_s, self._beat)

    def _beat(self) -> None:
        """Note how late this is."""
        late_s = self._loop.time() - self._due_s
        self._beats += 1
        thread_s = time.thread_time()
        self.worked_s = max(self.worked_s, thread_s - self._thread_s)
        self._thread_s = thread_s
        self.late_s = max(self.late_s, late_s)
        self.over_10_ms += late_s > 0.01
        self._due_s = self._loop.time() + BEAT_S
        self._timer = self._loop.call_at(self._due_s, self._beat)

    def stop(self) -> dict[str, Any]:
        """Stop beating; return what was seen."""
        self._timer.cancel()
        return {
            "longest_block_ms": 1000 * self.late_s,
            "longest_work_ms": 1000 * self.worked_s,
            "blocks_over_10_ms": self.over_10_ms,
            "beats": self._beats,
        }


async def started_hub(hass: HomeAssistant, ledger: Ledger, key: str) -> PulseBoardHub:
    """Return a board that a home follows."""
    accounts = Accounts()
    updates: deque[MeterUpdate] = deque(maxlen=1)
    hub = PulseBoardHub(
        hass,
        key=key,
        title=key,
        config=BoardConfig(secret=SECRET),
        accounts=accounts,
        boards=boards_of(hass),
        ledger=ledger,
    )
    await hub.async_start()
    for channel in CHANNELS:
        accounts.subscribe(key, str(channel), updates.append)
    return hub


async def hour(hass: HomeAssistant, ledger: Ledger) -> dict[str, Any]:
    """Let an hour of pulses arrive, those of all channels together."""
    hub = await started_hub(hass, ledger, "hour")
    heart = Heart()
    begin = time.perf_counter()
    refused = 0
    for number in range(1, PULSES + 1):
        stamp = number * SPACING_MS
        arrival = BEGIN + timedelta(milliseconds=stamp)

        async def sent(
            channel: int, stamp: int = stamp, arrival: datetime = arrival
        ) -> int:
            """Send until it is kept, as a board does; return how often it was not."""
            for tries in range(1000):
                if await hub.async_hear(Pulse(channel, stamp), arrival) == OK:
                    return tries
            raise AssertionError("The ledger keeps nothing")

        refused += sum(await asyncio.gather(*map(sent, CHANNELS)))
    total_s = time.perf_counter() - begin
    beats = heart.stop()
    commits = hub.book.commits
    kept = await ledger.boards.async_load("hour")
    await hub.async_stop()
    lost = PULSES * len(CHANNELS) - sum(kept[n]["pulses"] for n in CHANNELS)
    return {
        "name": "an hour of 8 channels at 5 pulses/s",
        "pulses": PULSES * len(CHANNELS),
        "lost": lost,
        "repeated": refused,
        "commits": commits,
        "total_s": total_s,
        "each_ms": 1000 * total_s / PULSES / len(CHANNELS),
        **beats,
    }


async def by_http(hass: HomeAssistant, ledger: Ledger) -> dict[str, Any]:
    """Let pulses arrive over HTTP, each on a connection of its own."""
    hub = await started_hub(hass, ledger, "http")
    app = web.Application()
    BoardView(hass, boards_of(hass)).register(hass, app, app.router)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/api/energy_homes/board/{SECRET}"
    waits: list[float] = []
    heart = Heart()
    begin = time.perf_counter()
    async with ClientSession(connector=TCPConnector(force_close=True)) as session:

        async def send(channel: int) -> None:
            """Send a channel's pulses one after the other."""
            for number in range(1, REQUESTS + 1):
                fields = {"channel": channel, "millis": number * SPACING_MS}
                sent = time.perf_counter()
                async with session.get(url, params=fields) as response:
                    reply = BoardReply(response.status, await response.text())
                assert reply == OK
                waits.append(time.perf_counter() - sent)

        await asyncio.gather(*map(send, CHANNELS))
    total_s = time.perf_counter() - begin
    beats = heart.stop()
    await runner.cleanup()
    await hub.async_stop()
    waits.sort()
    return {
        "name": "by HTTP, 8 channels at once",
        "pulses": len(waits),
        "total_s": total_s,
        "median_ms": 1000 * waits[len(waits) // 2],
        "longest_ms": 1000 * waits[-1],
        **beats,
    }


async def run() -> list[dict[str, Any]]:
    """Measure with a ledger on a disk."""
    with tempfile.TemporaryDirectory() as folder:
        hass = HomeAssistant(folder)
        ledger = Ledger(hass.async_add_executor_job, Path(folder) / "energy_homes.db")
        await ledger.async_open()
        rows = [await by_http(hass, ledger), await hour(hass, ledger)]
        await ledger.async_close()
        return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    rows = asyncio.run(run())
    if as_json:
        print(json.dumps({"boards": rows}))
        return
    for row in rows:
        for key, value in row.items():
            print(
                f"{key:<20} {value:,.3f}"
                if isinstance(value, float)
                else f"{key:<20} {value}"
            )
        print()


if __name__ == "__main__":
    main()
