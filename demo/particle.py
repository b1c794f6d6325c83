"""A Particle board on a circuit: its account and its home, through the ordinary flows."""

from dataclasses import dataclass
from typing import Any, Final

from .api import Api
from .errors import DemoError
from .folder import DOMAIN
from .forms import FLOW, assign, discovered, filled, reason, subentries
from .wait import until

SUBENTRY_METER: Final = "meter"
LISTEN_SECONDS: Final = 180
BOARD_SECONDS: Final = 180


@dataclass(frozen=True, kw_only=True)
class ParticlePlan:
    """A board that measures a part of a home: whose token hears it, and its vendor's id."""

    label: str
    name: str
    token: str
    board_id: str


async def ensure_particle(api: Api, plan: ParticlePlan) -> None:
    """Add the account, and the board to its home, where they are missing.

    Raises:
        DemoError: a flow did not end as it should.
    """
    if await _is_there(api, plan):
        return
    await _add_account(api, plan)

    async def complete() -> bool | None:
        """Assign the board where it waits, and return True when the home has it."""
        for unique_id, flow_id in (await discovered(api)).items():
            if unique_id.endswith(f"_{plan.board_id}"):
                answers = {"name": plan.name, "role": "submeter"}
                await assign(api, flow_id, plan.label, "The board", answers)
        return await _is_there(api, plan) or None

    await until(complete, f"the board of {plan.label}", seconds=BOARD_SECONDS)


async def _is_there(api: Api, plan: ParticlePlan) -> bool:
    """Return whether the home has the board as a meter."""
    meters = await subentries(api, plan.label, SUBENTRY_METER)
    return any(meter["title"] == plan.name for meter in meters)


async def _add_account(api: Api, plan: ParticlePlan) -> None:
    """Add the account; Home Assistant listens to its boards before it is there."""
    menu = await api.post(FLOW, {"handler": DOMAIN})
    flow = f"{FLOW}/{menu['flow_id']}"
    form = await api.post(flow, {"next_step_id": "particle"})
    result = await api.post(flow, filled(form, {"token": plan.token}))

    async def listened() -> dict[str, Any] | None:
        """Return how the flow goes on once it has listened."""
        answer: dict[str, Any] = await api.get(flow)
        return None if answer["type"] == "progress" else answer

    if result["type"] == "progress":
        result = await until(
            listened, f"what the board of {plan.label} says", seconds=LISTEN_SECONDS
        )
    if result["type"] == "create_entry":
        kind, _ = result["next_flow"]
        if kind != "config_flow":
            raise DemoError(f"The Particle account continues into {kind}")
        return
    if result["type"] == "abort" and result["reason"] == "already_configured":
        return
    await api.delete(flow)
    raise DemoError(f"The Particle account was refused: {reason(result)}")
