"""What Home Assistant's system page shows of us."""

from typing import Any

from homeassistant.components import system_health
from homeassistant.core import HomeAssistant, callback

from .accounts.kinds import KINDS
from .accounts.registry import DATA_ACCOUNTS, AccountState
from .homes.directory import DATA_HOMES
from .ledger import LedgerError
from .ledger.opening import DATA_LEDGER, DATA_LEDGER_OPENING


@callback
def async_register(
    hass: HomeAssistant, register: system_health.SystemHealthRegistration
) -> None:
    """Register what we can tell about our health."""
    register.async_register_info(_async_info)


async def _async_info(hass: HomeAssistant) -> dict[str, Any]:
    """Return counts, and whether the clouds that are used answer."""
    accounts = hass.data[DATA_ACCOUNTS]
    hubs = accounts.of_every_kind.values()
    boards = [hub for hub in hubs if KINDS[hub.kind].calls_us]
    clouds = [hub for hub in hubs if not KINDS[hub.kind].calls_us]
    info: dict[str, Any] = {
        "homes": len(hass.data[DATA_HOMES].all),
        "accounts": len(hubs),
        "calls_last_hour": sum(hub.calls_last_hour for hub in clouds),
    }
    try:
        stats = await hass.data[DATA_LEDGER].async_stats()
    except LedgerError as err:
        error = hass.data[DATA_LEDGER_OPENING].error or err
        info["ledger_slots"] = {"type": "failed", "error": str(error)}
    else:
        info["ledger_slots"] = stats["slots"]
        size = stats["file_bytes"] + stats["wal_bytes"]
        info["ledger_size"] = f"{size / 1_000_000:.1f} MB"
    if boards:
        info["boards"] = len(boards)
        info["boards_online"] = sum(
            hub.state is AccountState.CONNECTED for hub in boards
        )
    used = {hub.kind for hub in clouds}
    for name, kind in KINDS.items():
        if name in used and kind.server is not None:
            info[f"can_reach_{name}"] = system_health.async_check_can_reach_url(
                hass, kind.server()
            )
    return info
