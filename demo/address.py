"""Where Home Assistant listens: on loopback only, also after its trial of a new address.

Home Assistant 2026.10 takes an `http:` section over once, tries it for five minutes and goes back
to listening everywhere unless somebody confirms it.
"""

from typing import Any

from .api import Api
from .errors import DemoError
from .folder import LOOPBACK, DemoFolder


async def confirm(api: Api, folder: DemoFolder) -> None:
    """Confirm an address that is on trial, and drop it from the configuration.

    Raises:
        DemoError: Home Assistant listens on more than loopback.
    """
    http = await api.command("http/config")
    active = http[http["active_config_type"]]
    if active is None or active.get("server_host") != [LOOPBACK]:
        raise DemoError("Home Assistant does not listen on loopback only")
    if http["active_config_type"] == "pending":
        await api.command("http/config/promote")
    folder.write_configuration()
    await _ignore_hint(api)


async def move(api: Api, port: int) -> None:
    """Ask a running Home Assistant to listen on another port; it restarts for that."""
    stable: dict[str, Any] = (await api.command("http/config"))["stable"]
    kept = {
        key: value
        for key, value in stable.items()
        if key not in {"created_at", "error", "error_message"}
    }
    await api.command("http/config/configure", config={**kept, "server_port": port})
    await api.disconnect()


async def _ignore_hint(api: Api) -> None:
    """Put away the hint to remove what has just been removed."""
    issues = (await api.command("repairs/list_issues"))["issues"]
    for issue in issues:
        if issue["domain"] == "http" and not issue["ignored"]:
            await api.command(
                "repairs/ignore_issue",
                domain=issue["domain"],
                issue_id=issue["issue_id"],
                ignore=True,
            )
