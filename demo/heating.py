"""Heating: a Netatmo account and its homes, added through the ordinary configuration flows."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from .api import Api
from .errors import DemoError
from .folder import DOMAIN
from .forms import FLOW, assign, discovered, reason, subentries
from .wait import until

CREDENTIALS: Final = "application_credentials"
SUBENTRY_HEATING: Final = "netatmo_home"
HOMES_SECONDS: Final = 180


@dataclass(frozen=True, kw_only=True)
class Application:
    """An application that was made at the vendor's, and the user who accepts it."""

    client_id: str
    client_secret: str
    user: str


@dataclass(frozen=True, kw_only=True)
class HeatingPlan:
    """A home of ours, and the vendor's id of the Netatmo home that heats it."""

    label: str
    home_id: str


async def ensure_heating(
    api: Api, application: Application, plans: list[HeatingPlan]
) -> None:
    """Add the account, and to each home its heating, where they are missing.

    Raises:
        DemoError: a flow did not end as it should.
    """
    if await _ensure_credential(api, application):
        # Where an account is there, an earlier start was killed before it was written.
        await _reload_account(api)
    if not await _missing(api, plans):
        return
    await _add_account(api, application)

    async def complete() -> bool | None:
        """Assign the homes that wait, and return True when none is missing."""
        waiting = await discovered(api)
        for plan in await _missing(api, plans):
            for unique_id, flow_id in waiting.items():
                if unique_id.endswith(f"_{plan.home_id}"):
                    await assign(api, flow_id, plan.label, "The heating")
        return not await _missing(api, plans) or None

    await until(complete, "the Netatmo homes", seconds=HOMES_SECONDS)


async def _ensure_credential(api: Api, application: Application) -> bool:
    """Make the application known to Home Assistant; return whether it was not yet."""
    known = await api.command(f"{CREDENTIALS}/list")
    if any(credential["client_id"] == application.client_id for credential in known):
        return False
    await api.command(
        f"{CREDENTIALS}/create",
        domain=DOMAIN,
        client_id=application.client_id,
        client_secret=application.client_secret,
        name="Simulated Netatmo",
    )
    return True


async def _missing(api: Api, plans: list[HeatingPlan]) -> list[HeatingPlan]:
    """Return the homes without their heating."""
    return [
        plan
        for plan in plans
        if not await subentries(api, plan.label, SUBENTRY_HEATING)
    ]


async def _add_account(api: Api, application: Application) -> None:
    """Add the account, as a user does who accepts the application in the browser."""
    menu = await api.post(FLOW, {"handler": DOMAIN})
    flow = f"{FLOW}/{menu['flow_id']}"
    step = await api.post(flow, {"next_step_id": "netatmo"})
    if step["type"] != "external":
        await api.delete(flow)
        raise DemoError(f"The Netatmo account was refused: {reason(step)}")
    back = await api.redirected(_accepted(step["url"], application.user))
    await api.open(back)
    result = await api.get(flow)
    if result["type"] == "create_entry":
        kind, _ = result["next_flow"]
        if kind != "config_flow":
            raise DemoError(f"The Netatmo account continues into {kind}")
    elif result.get("reason") != "already_configured":
        raise DemoError(f"The Netatmo account was refused: {reason(result)}")


def _accepted(url: str, user: str) -> str:
    """Return the address that the authorize page's button leads to."""
    address = urlsplit(url)
    query = urlencode([*parse_qsl(address.query), ("auto", "1"), ("user", user)])
    return address._replace(query=query).geturl()


async def _reload_account(api: Api) -> None:
    """Let the account try again what it could not do, and drop what it asked for."""
    for flow in await api.command("config_entries/flow/progress"):
        if flow["handler"] == DOMAIN and flow["context"]["source"] == "reauth":
            await api.delete(f"{FLOW}/{flow['flow_id']}")
    entries = await api.get(f"config/config_entries/entry?domain={DOMAIN}")
    for entry in entries:
        if entry["title"].startswith("Netatmo ") and entry["state"] != "loaded":
            await api.post(f"config/config_entries/entry/{entry['entry_id']}/reload")
