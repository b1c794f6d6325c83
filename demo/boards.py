"""A pulse board: added through its ordinary flow, then told what it has to call."""

from dataclasses import dataclass
from typing import Final

import aiohttp

from .api import Api
from .errors import DemoError
from .folder import DOMAIN
from .forms import FLOW, assign, discovered, entry_ids, filled, reason, subentries
from .wait import until

SUBENTRY_METER: Final = "meter"
SUBENTRY_SENSORS: Final = "sensors"
REPORT_PATH: Final = "/v1/sensors/update"
"""Where, below a board's own address, daemons report."""

CHANNELS_SECONDS: Final = 180
DAEMON_SECONDS: Final = 300
"""A daemon reports once a minute."""


@dataclass(frozen=True, kw_only=True)
class ChannelPlan:
    """What a channel of a board measures in its home."""

    name: str
    role: str


@dataclass(frozen=True, kw_only=True)
class BoardPlan:
    """A home that a board measures: `simulated` is the board's name in the simulator.

    A daemon with the host id `daemon`, where there is one, reports its temperatures to the
    same address.
    """

    label: str
    title: str
    simulated: str
    channels: dict[int, ChannelPlan]
    daemon: str | None = None


async def ensure_board(api: Api, simulator_url: str, plan: BoardPlan) -> None:
    """Add the board, its home and its sensors where they are missing; let them report.

    Raises:
        DemoError: a flow did not end as it should.
    """
    if plan.title not in await entry_ids(api):
        await _add_board(api, plan)

    async def complete() -> bool | None:
        """Assign the channels that wait, and return True when none is missing."""
        missing = len(plan.channels) - len(
            await subentries(api, plan.label, SUBENTRY_METER)
        )
        if missing <= 0:
            return True
        for unique_id, flow_id in sorted((await discovered(api)).items()):
            board, _, number = unique_id.rpartition("_")
            if board.startswith("pulse_board_") and number.isdecimal():
                channel = plan.channels[int(number)]
                answers = {"name": channel.name, "role": channel.role}
                await assign(api, flow_id, plan.label, "A channel", answers)
        return None

    async def reported() -> bool | None:
        """Assign the daemon's host once it has reported, and return True when it is there."""
        if await subentries(api, plan.label, SUBENTRY_SENSORS):
            return True
        for unique_id, flow_id in (await discovered(api)).items():
            if unique_id.endswith(f":{plan.daemon}"):
                await assign(api, flow_id, plan.label, "A host of sensors")
        return None

    await until(complete, f"the meters of {plan.label}", seconds=CHANNELS_SECONDS)
    url = await _address(api, plan)
    await _order(
        simulator_url, "boards", {"board": plan.simulated, "url": url, "power": "on"}
    )
    if plan.daemon is not None:
        report = {"daemon": plan.daemon, "url": f"{url}{REPORT_PATH}"}
        await _order(simulator_url, "daemons", report)
        await until(reported, f"the sensors of {plan.label}", seconds=DAEMON_SECONDS)


async def _add_board(api: Api, plan: BoardPlan) -> None:
    """Add the board."""
    menu = await api.post(FLOW, {"handler": DOMAIN})
    flow = f"{FLOW}/{menu['flow_id']}"
    form = await api.post(flow, {"next_step_id": "pulse_board"})
    channels = [str(number) for number in plan.channels]
    form = await api.post(
        flow, filled(form, {"name": plan.title, "channels": channels})
    )
    result = await api.post(flow, filled(form, {}))
    if result["type"] != "create_entry":
        await api.delete(flow)
        raise DemoError(f"The board of {plan.label} was refused: {reason(result)}")
    kind, _ = result["next_flow"]
    if kind != "config_flow":
        raise DemoError(f"The board of {plan.label} continues into {kind}")


async def _address(api: Api, plan: BoardPlan) -> str:
    """Return what the board has to call, as its owner looks it up."""
    entry_id = (await entry_ids(api))[plan.title]
    menu = await api.post(FLOW, {"handler": DOMAIN, "entry_id": entry_id})
    flow = f"{FLOW}/{menu['flow_id']}"
    form = await api.post(flow, {"next_step_id": "board_shown"})
    told: dict[str, str] = form["description_placeholders"]
    await api.post(flow, {})
    return f"http://{told['host']}:{told['port']}{told['path']}"


async def _order(simulator_url: str, what: str, order: dict[str, str]) -> None:
    """Turn the knobs of a simulated board or daemon."""
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{simulator_url}/_control/{what}", json=order) as response,
    ):
        response.raise_for_status()
