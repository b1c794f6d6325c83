"""Power cuts while a pulse board calls: a real Home Assistant killed again and again."""

from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random

import aiohttp
import pytest

from demo.api import Api
from demo.boards import BoardPlan, ChannelPlan, ensure_board
from demo.energy import state_of
from demo.folder import DemoFolder
from demo.hass_process import HassProcess
from demo.run import bring_up, url_of
from demo.simulator_process import SimulatorProcess
from demo.wait import until
from tests.board_control import BoardControl
from tests.e2e.clock import WallClock
from tests.e2e.expected import SETTLE_DELAY, SLOT, slot_start
from tests.e2e.ports import held_port
from tests.simulator_client import SimulatorClient

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.xdist_group("board kills"),
    pytest.mark.timeout(1800),
]

KILLS = 10
RESTART_SECONDS = 180
LAST_PULSES = timedelta(seconds=75)
"""Enough for the last start and the pulses after it: they are in the slot then ending."""

BOARD = "busy"
WATTS = {1: 7200.0, 2: 1800.0}
"""Two pulses in a second, and one in two seconds."""

PLAN = BoardPlan(
    label="Quay",
    title="Quay board",
    simulated=BOARD,
    channels={
        1: ChannelPlan(name="Electricity meter", role="grid"),
        2: ChannelPlan(name="Kitchen", role="submeter"),
    },
)
READINGS = {
    1: "number.quay_electricity_meter_meter_reading",
    2: "number.quay_kitchen_meter_reading",
}
TOTALS = {1: "sensor.quay_energy", 2: "sensor.quay_kitchen_energy"}


async def pulses(api: Api, entities: dict[int, str]) -> dict[int, int] | None:
    """Return how many pulses each entity shows, None while one shows nothing."""
    with suppress(aiohttp.ClientError, TimeoutError):
        shown = {
            number: await state_of(api, entity) for number, entity in entities.items()
        }
        if None not in shown.values():
            return {n: round(v * 1000) for n, v in shown.items() if v is not None}
    return None


async def test_ten_kills_while_a_board_calls(tmp_path: Path, clock: WallClock) -> None:
    """What the board was told is kept is counted, exactly once, in reading and total."""
    random = Random(4)
    folder = DemoFolder(tmp_path / "demo")
    environment = clock.environment
    with held_port() as port, folder.hold():
        async with SimulatorProcess(folder, 7, environment) as simulator:
            folder.prepare(port)
            control = SimulatorClient(simulator.url)
            board = BoardControl(control)
            board.add(
                BOARD,
                *({"channel": n, "load": None, "watts": w} for n, w in WATTS.items()),
                home=PLAN.label,
            )
            async with (
                HassProcess(folder, simulator.url, environment) as hass,
                Api(url_of(port)) as api,
            ):
                await bring_up(api, folder)
                await ensure_board(api, simulator.url, PLAN)

                def answered() -> dict[int, int]:
                    """Return how many pulses Home Assistant said it kept."""
                    return {n: board.truth(n, BOARD)["answered"] for n in WATTS}

                async def more(than: dict[int, int], by: int) -> bool | None:
                    """Return True once so many more of the busy channel are kept."""
                    return answered()[1] >= than[1] + by or None

                for number in range(1, KILLS + 1):
                    before = answered()
                    by = random.randrange(5, 25)
                    await until(
                        partial(more, before, by),
                        "pulses",
                        seconds=RESTART_SECONDS,
                        every=0.05,
                    )
                    await hass.kill()
                    await api.disconnect()
                    if number == KILLS:
                        # The last power cut lasts until shortly before a slot ends.
                        await clock.near_next_slot(control, LAST_PULSES)
                    await hass.start()

                before = answered()
                await until(
                    partial(more, before, 10), "pulses", seconds=RESTART_SECONDS
                )
                board.power_off(BOARD)
                expected = answered()
                last = clock.now
                truth = {n: board.truth(n, BOARD) for n in WATTS}
                for told in truth.values():
                    assert told["answered"] - told["acknowledged"] in {0, 1}
                    assert told["produced"] == (
                        told["acknowledged"] + told["forgotten"] + told["overrun"]
                    )

                async def counted() -> bool | None:
                    """Return True once the meters show what was answered."""
                    return await pulses(api, READINGS) == expected or None

                await until(counted, f"{expected} pulses", seconds=180, every=1)
                settled = slot_start(last) + SLOT + SETTLE_DELAY
                wait = (settled - clock.now).total_seconds()

                async def summed() -> bool | None:
                    """Return True once the totals show what was answered."""
                    return await pulses(api, TOTALS) == expected or None

                await until(summed, f"{expected} Wh", seconds=wait + 180, every=1)
                await hass.kill()
                await api.disconnect()
                await hass.start()
                await until(counted, "the readings", seconds=RESTART_SECONDS, every=1)
                await until(summed, "the totals", seconds=RESTART_SECONDS, every=1)
