"""Onboarding of a fresh Home Assistant, step by step as its frontend does it."""

import asyncio
from typing import Any, Final

from .api import Api
from .wait import until

NAME: Final = "Demo"
USERNAME: Final = "demo"
PASSWORD: Final = "demo"
TIME_ZONE: Final = "Europe/London"

LOCATION: Final[dict[str, Any]] = {
    "location_name": "Demo",
    "latitude": 51.4779,
    "longitude": -0.0015,
    "elevation": 47,
    "radius": 100,
    "unit_system": "metric",
    "time_zone": TIME_ZONE,
    "currency": "GBP",
    "country": "GB",
    "language": "en",
}

# Home Assistant adds these at the end of onboarding, without a question. They want the internet.
UNASKED: Final = ("google_translate", "met", "radio_browser", "shopping_list")

START_SECONDS: Final = 600
STOPPED_SETTLING_SECONDS: Final = 180


async def wait_for_api(api: Api) -> list[str]:
    """Wait until Home Assistant answers, and return the onboarding steps not done yet.

    A first start may have packages to install, so it is given minutes.
    """
    steps = await until(
        api.onboarding, "Home Assistant to answer", seconds=START_SECONDS
    )
    return [step["step"] for step in steps if not step["done"]]


async def log_in(api: Api, missing: list[str]) -> None:
    """Log in, and before that create the user where there is none yet."""
    if "user" in missing:
        await api.create_user(NAME, USERNAME, PASSWORD)
    else:
        await api.login(USERNAME, PASSWORD)


async def finish(api: Api, missing: list[str]) -> None:
    """Do the steps of onboarding that are left once somebody is logged in."""
    if "core_config" in missing:
        # Before the location is set: the weather service wants one, and stays away without.
        await api.post("onboarding/core_config")
        await until(
            lambda: _unasked_came(api),
            "Home Assistant's own first integrations",
            seconds=STOPPED_SETTLING_SECONDS,
        )
    if (await api.get("config"))["time_zone"] != TIME_ZONE:
        await api.command("config/core/update", **LOCATION)
    if "analytics" in missing:
        await api.post("onboarding/analytics")
    if "integration" in missing:
        await api.post(
            "onboarding/integration",
            {"client_id": api.client_id, "redirect_uri": api.client_id},
        )
    await remove_unasked(api)


async def wait_until_running(api: Api) -> None:
    """Wait until every integration has been set up, which the API does not wait for."""

    async def running() -> bool | None:
        """Return True once Home Assistant says so."""
        return (await api.get("config"))["state"] == "RUNNING" or None

    await until(running, "Home Assistant to be running", seconds=START_SECONDS)


async def remove_unasked(api: Api) -> None:
    """Remove the integrations that nobody asked for."""
    entries = await api.get("config/config_entries/entry")
    await asyncio.gather(
        *(
            api.delete(f"config/config_entries/entry/{entry['entry_id']}")
            for entry in entries
            if entry["domain"] in UNASKED
        )
    )


async def _unasked_came(api: Api) -> bool | None:
    """Return True once the integrations that nobody asked for are all there."""
    entries = await api.get("config/config_entries/entry")
    domains = {entry["domain"] for entry in entries}
    return domains.issuperset(set(UNASKED) - {"met"}) or None
