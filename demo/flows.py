"""Accounts and homes, added through the ordinary configuration flows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from .api import Api
from .errors import DemoError
from .folder import DOMAIN
from .wait import until

FLOW: Final = "config/config_entries/flow"
SUBENTRY_METER: Final = "meter"
METERS_SECONDS: Final = 120


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
        await _assign(api, next_flow, plan.label)

    async def complete() -> bool | None:
        """Assign the account's other meters, and return True when none is missing."""
        for flow_id in await _discovered(api, plan):
            await _assign(api, flow_id, plan.label)
        return await _is_complete(api, plan) or None

    await until(complete, f"the meters of {plan.label}", seconds=METERS_SECONDS)


async def _add_account(api: Api, plan: Plan) -> str | None:
    """Add an account; return the flow that continues, None where the account was there."""
    menu = await api.post(FLOW, {"handler": DOMAIN})
    flow = f"{FLOW}/{menu['flow_id']}"
    form = await api.post(flow, {"next_step_id": "efergy"})
    result = await api.post(flow, _filled(form, {"token": plan.token}))
    if result["type"] == "create_entry":
        kind, flow_id = result["next_flow"]
        if kind != "config_flow":
            raise DemoError(f"The account of {plan.label} continues into {kind}")
        return str(flow_id)
    if result["type"] == "abort" and result["reason"] == "already_configured":
        return None
    await api.delete(flow)
    raise DemoError(f"The account of {plan.label} was refused: {_reason(result)}")


async def _assign(api: Api, flow_id: str, label: str) -> None:
    """Say of a meter which home it belongs to."""
    form = await api.get(f"{FLOW}/{flow_id}")
    result = await api.post(f"{FLOW}/{flow_id}", _filled(form, {"home": label}))
    if result["type"] == "create_entry" or result.get("reason") == "assigned":
        return
    raise DemoError(f"A meter of {label} was refused: {_reason(result)}")


def _filled(form: Mapping[str, Any], answers: Mapping[str, str]) -> dict[str, Any]:
    """Return a form's input: the answers, and for every other field what it proposes."""
    if form["type"] != "form":
        raise DemoError(f"Expected a form, got {_reason(form)}")
    proposed = {}
    for field in form["data_schema"]:
        if "default" in field:
            proposed[field["name"]] = field["default"]
        suggested = (field.get("description") or {}).get("suggested_value")
        if suggested is not None:
            proposed[field["name"]] = suggested
    return {**proposed, **answers}


def _reason(result: Mapping[str, Any]) -> str:
    """Return what a flow's result says went wrong."""
    return str(result.get("errors") or result.get("reason") or result["type"])


async def _discovered(api: Api, plan: Plan) -> list[str]:
    """Return the flows of the account's meters that wait to be assigned."""
    flows = await api.command("config_entries/flow/progress")
    return [
        flow["flow_id"]
        for flow in flows
        if flow["handler"] == DOMAIN
        and str(flow["context"].get("unique_id")).startswith(f"efergy_{plan.hid}_")
    ]


async def entry_ids(api: Api) -> dict[str, str]:
    """Return the entry ids of all entries of ours, by title."""
    entries = await api.get(f"config/config_entries/entry?domain={DOMAIN}")
    return {entry["title"]: entry["entry_id"] for entry in entries}


async def _is_complete(api: Api, plan: Plan) -> bool:
    """Return whether a home is there with all its meters."""
    entry_id = (await entry_ids(api)).get(plan.label)
    if entry_id is None:
        return False
    subentries = await api.command("config_entries/subentries/list", entry_id=entry_id)
    meters = [
        subentry
        for subentry in subentries
        if subentry["subentry_type"] == SUBENTRY_METER
    ]
    return len(meters) >= plan.meters
