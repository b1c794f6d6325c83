"""A Home Assistant that runs from a configuration folder as a real start does, in virtual time.

Unlike the test plugin's own, it loads entries, registries and stores from the folder, has the
recorder's database in a file there, and writes everything when it stops.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
import select
from typing import Final

from aiohttp.test_utils import TestServer
from freezegun.api import FrozenDateTimeFactory
from homeassistant import loader
from homeassistant.bootstrap import async_load_base_functionality
from homeassistant.components.recorder import get_instance
from homeassistant.config_entries import ConfigEntries
from homeassistant.core import DOMAIN as HOMEASSISTANT, HomeAssistant
from homeassistant.core_config import async_process_ha_core_config
from homeassistant.helpers.recorder import async_initialize_recorder
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from homeassistant.util.async_ import get_scheduled_timer_handles
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_recorder_block_till_done,
)

from tests.board_control import BoardControl
from tests.particle_control import PARTICLE_USER, ParticleControl
from tests.simulator_client import SimulatorClient
from tests.virtual import VirtualTime

DOMAIN: Final = "energy_homes"
RECORDER_FILE: Final = "home-assistant_v2.db"
SLOT: Final = timedelta(minutes=5)
COMPILED: Final = timedelta(seconds=12)
"""So long after five minutes the recorder has been told to compile them."""

BOARD: Final = "cellar-board"
DAEMON: Final = "harbour-pi"
FRIDGE: Final = "fridge"
LOFT: Final = "loft"

POWER: Final = {
    "unit_of_measurement": "W",
    "device_class": "power",
    "state_class": "measurement",
}
ENERGY: Final = {
    "unit_of_measurement": "kWh",
    "device_class": "energy",
    "state_class": "total_increasing",
}
EPOCH: Final = datetime.fromisoformat("2026-11-17T00:00:00+00:00")

CORE: Final = {
    "name": "Home",
    "latitude": 51.5,
    "longitude": -0.12,
    "elevation": 10,
    "unit_system": "metric",
    "time_zone": "Europe/London",
    "country": "GB",
    "currency": "GBP",
    "language": "en",
}


def furnish(simulator: SimulatorClient) -> None:
    """Add the boards that are not in the simulator's scenario; they say little."""
    particle = ParticleControl(simulator)
    particle.remove("mill-fridge")
    particle.add(
        FRIDGE,
        PARTICLE_USER,
        home="Mill Cottage",
        seed=202,
        load="fridge_and_microwave",
        period_ms=60_000,
        events=[("power", "power")],
    )
    particle.add(
        LOFT,
        PARTICLE_USER,
        home="Elm Street",
        period_ms=60_000,
        events=[("P2P_State_of_Charge", "charge"), ("attic", "temperature")],
    )
    BoardControl(simulator).add(
        BOARD,
        {"channel": 1, "load": "home", "pulses_per_kwh": 100},
        {"channel": 2, "load": "kitchen", "pulses_per_kwh": 100},
    )


class Running:
    """One run of Home Assistant, with its clock and what calls it."""

    def __init__(
        self,
        hass: HomeAssistant,
        freezer: FrozenDateTimeFactory,
        simulator: SimulatorClient,
    ) -> None:
        """Take a Home Assistant whose clock stands still."""
        self.hass = hass
        self.simulator = simulator
        self.virtual = VirtualTime(hass, freezer, simulator, _give_way)
        self.boards = BoardControl(simulator)
        self.server: TestServer | None = None

    @property
    def now(self) -> datetime:
        """Return the virtual time."""
        return self.virtual.now

    def url(self, path: str) -> str:
        """Return an address of this Home Assistant."""
        assert self.server is not None
        return str(self.server.make_url(path))

    def show_others(self) -> None:
        """Show what entities of other integrations measure by now."""
        minutes = (self.now - EPOCH) // timedelta(minutes=1)
        states = self.hass.states
        states.async_set("sensor.workshop_clamp", str(200 + minutes % 60), POWER)
        states.async_set("sensor.new_workshop_clamp", str(400 + minutes % 40), POWER)
        states.async_set("sensor.mill_dial", str(5000 + minutes * 0.01), ENERGY)

    async def live(self, total: timedelta, step: timedelta | None = None) -> None:
        """Let time pass; the recorder has compiled each five minutes of it.

        Every timer fires in its own millisecond, or up to a step late where one is given.
        """
        advance = (
            self.virtual.run if step is None else partial(self.virtual.step, step=step)
        )
        end = self.now + total
        while (now := self.now) < end:
            begun = (now - COMPILED).timestamp() // 300 * 300
            compiled = dt_util.utc_from_timestamp(begun) + SLOT + COMPILED
            await self.boards.run(min(compiled, end) - now, advance)
            self.show_others()
            await self.settle()

    async def settle(self) -> None:
        """Wait for the recorder, for who reacts to it, and for what that asks of it."""
        for _ in range(2):
            await async_recorder_block_till_done(self.hass)
            await self.virtual.settle()


async def call_board(run: Running, *, announced: bool) -> None:
    """Let the board and the daemon call a Home Assistant that knows them."""
    (entry,) = (
        entry
        for entry in run.hass.config_entries.async_entries(DOMAIN)
        if entry.data["kind"] == "pulse_board"
    )
    url = run.url(f"/api/energy_homes/board/{entry.data['secret']}")
    run.boards.power_on(url, BOARD, announced=announced)
    run.boards.daemon(DAEMON, url=f"{url}/v1/sensors/update")
    await run.boards.settle()
    await run.settle()


def _give_way() -> None:
    """Leave the processor to threads and the simulator, which others may use as well."""
    select.select([], [], [], 0.0002)


@asynccontextmanager
async def running(
    folder: Path,
    freezer: FrozenDateTimeFactory,
    simulator: SimulatorClient,
    prepare: Callable[[HomeAssistant], None] | None = None,
) -> AsyncIterator[Running]:
    """Start Home Assistant from a folder, and stop it cleanly.

    `prepare` is done before anything is set up.
    """
    zone = dt_util.get_default_time_zone()
    hass = HomeAssistant(str(folder))
    if prepare is not None:
        prepare(hass)
    hass.config.skip_pip = True
    hass.config_entries = ConfigEntries(hass, {})
    loader.async_setup(hass)
    assert await async_load_base_functionality(hass)
    for domain in (HOMEASSISTANT, "persistent_notification"):
        assert await async_setup_component(hass, domain, {})
    await async_process_ha_core_config(hass, dict(CORE))
    async_initialize_recorder(hass)
    recorder = {
        "db_url": f"sqlite:///{folder / RECORDER_FILE}",
        "commit_interval": 60,
        "auto_purge": False,
    }
    assert await async_setup_component(hass, "recorder", {"recorder": recorder})
    run = Running(hass, freezer, simulator)
    run.show_others()
    assert await async_setup_component(hass, DOMAIN, {})
    run.server = TestServer(hass.http.app)
    # Its log asks a frozen clock for a time zone.
    await run.server.start_server(access_log=None)
    try:
        await hass.async_start()
        await get_instance(hass).async_recorder_ready.wait()
        await run.settle()
        yield run
    finally:
        run.boards.board(BOARD, power="off")
        run.boards.daemon(DAEMON, url=None)
        await run.boards.settle()
        await run.server.close()
        await hass.async_stop()
        for timer in get_scheduled_timer_handles(hass.loop):
            # They end with the process, else.
            timer.cancel()
        dt_util.set_default_time_zone(zone)
        with suppress(AttributeError):
            # Else no thread may call this loop any more.
            del hass.loop._shutdown_run_callback_threadsafe  # type: ignore[attr-defined]
