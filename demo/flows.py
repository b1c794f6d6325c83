"""Meters: their accounts and homes, added through the ordinary configuration flows."""

from dataclasses import dataclass
from typing import Final

from .api import Api
from .errors import DemoError
from .folder import DOMAIN
from .forms import FLOW, assign, discovered, entry_ids, filled, reason, subentries
from .wait import until

SUBENTRY_METER: Final = "meter"
METERS_SECONDS: Final = 180


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A home that the demo shows."""

    label: str
    token: str
    """Of the account whose meters are all this home's."""

    hid: str
    """What Efergy calls the account's household."""

    meters: int
    """How many meters the account has, ghosts not counted."""


async def ensure_homes(api: Api, plans: list[Plan]) -> dict[str, str]:
    """Add what is missing of the homes, and return the entry id of each label.

    Raises:
        DemoError: a flow did not end as it should.
    """
    for plan in plans:
        await _ensure_home(api, plan)
    return await entry_ids(api)


async def _ensure_home(api: Api, plan: Plan) -> None:
    """Add one home with its account, or what is missing of it."""
    if await _is_complete(api, plan):
        return
    next_flow = await _add_account(api, plan)
    if next_flow is not None:
        await assign(api, next_flow, plan.label, "A meter")

    async def complete() -> bool | None:
        """Assign the account's other meters, and return True when none is missing."""
        for unique_id, flow_id in (await discovered(api)).items():
            if unique_id.startswith(f"efergy_{plan.hid}_"):
                await assign(api, flow_id, plan.label, "A meter")
        return await _is_complete(api, plan) or None

    await until(complete, f"the meters of {plan.label}", seconds=METERS_SECONDS)


async def _add_account(api: Api, plan: Plan) -> str | None:
    """Add an account; return the flow that continues, None where the account was there."""
    menu = await api.post(FLOW, {"handler": DOMAIN})
    flow = f"{FLOW}/{menu['flow_id']}"
    form = await api.post(flow, {"next_step_id": "efergy"})
    result = await api.post(flow, filled(form, {"token": plan.token}))
    if result["type"] == "create_entry":
        kind, flow_id = result["next_flow"]
        if kind != "config_flow":
            raise DemoError(f"The account of {plan.label} continues into {kind}")
        return str(flow_id)
    if result["type"] == "abort" and result["reason"] == "already_configured":
        return None
    await api.delete(flow)
    raise DemoError(f"The account of {plan.label} was refused: {reason(result)}")


async def _is_complete(api: Api, plan: Plan) -> bool:
    """Return whether a home is there with all its meters."""
    return len(await subentries(api, plan.label, SUBENTRY_METER)) >= plan.meters
