"""Configuration flows over HTTP: how a form is filled, and what a flow says."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from .api import Api
from .errors import DemoError
from .folder import DOMAIN

FLOW: Final = "config/config_entries/flow"


def filled(form: Mapping[str, Any], answers: Mapping[str, Any]) -> dict[str, Any]:
    """Return a form's input: the answers, and for every other field what it proposes."""
    if form["type"] != "form":
        raise DemoError(f"Expected a form, got {reason(form)}")
    proposed = {}
    for field in form["data_schema"]:
        if "default" in field:
            proposed[field["name"]] = field["default"]
        suggested = (field.get("description") or {}).get("suggested_value")
        if suggested is not None:
            proposed[field["name"]] = suggested
    return {**proposed, **answers}


def reason(result: Mapping[str, Any]) -> str:
    """Return what a flow's result says went wrong."""
    return str(result.get("errors") or result.get("reason") or result["type"])


async def assign(
    api: Api,
    flow_id: str,
    label: str,
    what: str,
    answers: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Say of a discovered item which home it belongs to; `what` names it in errors."""
    form = await api.get(f"{FLOW}/{flow_id}")
    result = await api.post(
        f"{FLOW}/{flow_id}", filled(form, {"home": label, **answers})
    )
    if result["type"] == "create_entry" or result.get("reason") == "assigned":
        return
    raise DemoError(f"{what} of {label} was refused: {reason(result)}")


async def discovered(api: Api) -> dict[str, str]:
    """Return the flows of what waits to be assigned, by their unique ids."""
    flows = await api.command("config_entries/flow/progress")
    return {
        str(flow["context"].get("unique_id")): flow["flow_id"]
        for flow in flows
        if flow["handler"] == DOMAIN
    }


async def entry_ids(api: Api) -> dict[str, str]:
    """Return the entry ids of all entries of ours, by title."""
    entries = await api.get(f"config/config_entries/entry?domain={DOMAIN}")
    return {entry["title"]: entry["entry_id"] for entry in entries}


async def subentries(api: Api, label: str, kind: str) -> list[dict[str, Any]]:
    """Return the subentries of a kind that a home has, none where there is no such home."""
    entry_id = (await entry_ids(api)).get(label)
    if entry_id is None:
        return []
    found = await api.command("config_entries/subentries/list", entry_id=entry_id)
    return [subentry for subentry in found if subentry["subentry_type"] == kind]
