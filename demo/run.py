"""The demo from its first process to its last."""

import asyncio
from collections import defaultdict
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from simulator.scenario import (
    DEFAULT_SCENARIO,
    HARBOUR_BOARD,
    HARBOUR_DAEMON,
    MILL_BOARD,
    NETATMO_CLIENT_ID,
    NETATMO_CLIENT_SECRET,
    NETATMO_SCENARIO,
    NETATMO_USER,
    PARTICLE_SCENARIO,
    PARTICLE_TOKEN,
)

from . import (
    address,
    boards,
    energy,
    flows,
    heating,
    onboarding,
    overview,
    particle,
    rooms,
)
from .api import Api
from .errors import DemoError
from .folder import LOOPBACK, DemoFolder
from .forms import entry_ids
from .hass_process import HassProcess, is_free
from .say import say
from .simulator_process import SimulatorProcess
from .wait import until

HOMES: Final = ("Elm Street", "Mill Cottage")
"""The homes with an Efergy account and heating."""

BOARD: Final = boards.BoardPlan(
    label="Harbour Flat",
    title="Harbour board",
    simulated=HARBOUR_BOARD,
    daemon=HARBOUR_DAEMON,
    channels={
        1: boards.ChannelPlan(name="Electricity meter", role="grid"),
        2: boards.ChannelPlan(name="Kitchen", role="submeter"),
    },
)
ALL_HOMES: Final = (*HOMES, BOARD.label)
FIRST_POWER_SECONDS: Final = 300
FIRST_ENERGY_SECONDS: Final = 1800
FIRST_TEMPERATURE_SECONDS: Final = 300
APPLICATION: Final = heating.Application(
    client_id=NETATMO_CLIENT_ID,
    client_secret=NETATMO_CLIENT_SECRET,
    user=NETATMO_USER,
)


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the command line says."""

    data: Path
    port: int
    seed: int
    exit_after: float | None
    """Seconds from the moment that everything stands; None means until told."""


async def run(options: Options) -> None:
    """Run the demo until its time is over.

    Raises:
        DemoError: it cannot go on; the message is for the user.
    """
    folder = DemoFolder(options.data)
    with folder.hold():
        port = folder.listening_port(options.port)
        for wanted in {port, options.port}:
            if not is_free(wanted):
                raise DemoError(
                    f"Port {wanted} is taken: stop what listens there, or give another "
                    "with --port"
                )
        await _run_in(folder, port, options)


async def _run_in(folder: DemoFolder, port: int, options: Options) -> None:
    """Run the demo in a folder that is ours, Home Assistant coming up on the port given."""
    async with AsyncExitStack() as stack:
        simulator = await stack.enter_async_context(
            SimulatorProcess(folder, options.seed)
        )
        say(f"Simulator      {simulator.url}")
        folder.prepare(port)
        say("Starting Home Assistant; the first start takes a minute")
        hass = await stack.enter_async_context(HassProcess(folder, simulator.url))
        stack.callback(say, "Stopping")
        async with asyncio.TaskGroup() as group:
            watchers = [
                group.create_task(hass.watch()),
                group.create_task(simulator.watch()),
            ]
            await _show(folder, port, simulator.url, options)
            for watcher in watchers:
                watcher.cancel()


async def _show(
    folder: DemoFolder, port: int, simulator_url: str, options: Options
) -> None:
    """Set up what is missing and show the homes until the time is over."""
    if port != options.port:
        async with Api(url_of(port)) as api:
            await bring_up(api, folder)
            await address.move(api, options.port)
    async with Api(url_of(options.port)) as api:
        await bring_up(api, folder)
        entries = await set_up(api, simulator_url)
        homes = await energy.find_entities(api, entries)
        heated = await rooms.find_rooms(api, {label: entries[label] for label in HOMES})
        await energy.ensure_dashboard(api, homes)
        await overview.ensure_overview(api, homes, heated)
        say(f"Home Assistant {api.url}")
        say(f"User           {onboarding.USERNAME}, password {onboarding.PASSWORD}")
        with suppress(TimeoutError):
            async with asyncio.timeout(options.exit_after):
                async with asyncio.TaskGroup() as group:
                    for home in homes:
                        group.create_task(_tell(api, home))
                    for label in HOMES:
                        own = [room for room in heated if room.label == label]
                        group.create_task(_tell_rooms(api, label, own))
                # Until told to stop.
                await asyncio.Event().wait()


async def set_up(api: Api, simulator_url: str) -> dict[str, str]:
    """Add what is missing of homes and accounts, and return each home's entry id."""
    await flows.ensure_homes(api, plans())
    await boards.ensure_board(api, simulator_url, BOARD)
    await heating.ensure_heating(api, APPLICATION, heating_plans())
    await particle.ensure_particle(api, particle_plan())
    entries = await entry_ids(api)
    return {label: entries[label] for label in ALL_HOMES}


async def bring_up(api: Api, folder: DemoFolder) -> None:
    """Wait for Home Assistant, finish its onboarding and its address, and wait for the rest."""
    missing = await onboarding.wait_for_api(api)
    await onboarding.log_in(api, missing)
    await address.confirm(api, folder)
    await onboarding.finish(api, missing)
    await onboarding.wait_until_running(api)


async def _tell(api: Api, home: energy.HomeEntities) -> None:
    """Print a home's power and energy as soon as there are any, and its first settled slot."""

    async def power() -> float | None:
        """Return the home's power."""
        return await energy.state_of(api, home.power)

    async def growth() -> float | None:
        """Return the home's energy once it has grown."""
        total = await energy.state_of(api, home.energy)
        return total if total is not None and total > before else None

    try:
        watts = await until(
            power, f"the power of {home.label}", seconds=FIRST_POWER_SECONDS, every=2
        )
        before = await energy.state_of(api, home.energy) or 0.0
        say(f"{home.label:<14} {watts:.0f} W, {before:.3f} kWh")
        total = await until(
            growth, f"the energy of {home.label}", seconds=FIRST_ENERGY_SECONDS, every=5
        )
        watts = await until(
            power, f"the power of {home.label}", seconds=FIRST_POWER_SECONDS, every=2
        )
    except DemoError as err:
        # The rest of the demo is of use even so.
        say(str(err))
    else:
        say(f"{home.label:<14} {watts:.0f} W, {total:.3f} kWh")


async def _tell_rooms(api: Api, label: str, own: list[rooms.RoomEntity]) -> None:
    """Print the temperatures of a home's rooms as soon as they are known."""

    async def temperatures() -> list[str] | None:
        """Return a text for each room once all are known."""
        texts = []
        for room in own:
            if (climate := await rooms.climate_of(api, room)) is None:
                return None
            texts.append(f"{room.room} {climate['current_temperature']} °C")
        return texts

    try:
        texts = await until(
            temperatures,
            f"the temperatures of {label}",
            seconds=FIRST_TEMPERATURE_SECONDS,
            every=2,
        )
    except DemoError as err:
        say(str(err))
    else:
        say(f"Rooms of {label}: {', '.join(texts)}")


def plans() -> list[flows.Plan]:
    """Return the homes to set up, from what the simulator simulates."""
    meters: defaultdict[str, int] = defaultdict(int)
    accounts = {}
    for account in DEFAULT_SCENARIO:
        for meter in account.meters:
            meters[meter.home] += 1
            accounts[meter.home] = account
    return [
        flows.Plan(
            label=label,
            token=accounts[label].token,
            hid=accounts[label].hid,
            meters=meters[label],
        )
        for label in HOMES
    ]


def heating_plans() -> list[heating.HeatingPlan]:
    """Return the heating to set up: each home's namesake at the vendor's."""
    ids = {
        home.name: home.id
        for user in NETATMO_SCENARIO
        if user.email == NETATMO_USER
        for home in user.homes
    }
    return [heating.HeatingPlan(label=label, home_id=ids[label]) for label in HOMES]


def particle_plan() -> particle.ParticlePlan:
    """Return the board to set up: that of Mill Cottage's fridge and microwave."""
    board = next(
        device
        for owner in PARTICLE_SCENARIO
        for device in owner.devices
        if device.name == MILL_BOARD
    )
    return particle.ParticlePlan(
        label=board.home,
        name="Fridge and microwave",
        token=PARTICLE_TOKEN,
        board_id=board.id,
    )


def url_of(port: int) -> str:
    """Return the address of a port on this machine."""
    return f"http://{LOOPBACK}:{port}"
