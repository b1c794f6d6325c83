"""What Home Assistant's system page shows of us."""

from typing import Any

from homeassistant.components import system_health
from homeassistant.core import HomeAssistant, callback

from .accounts.efergy.hub import EfergyHub
from .accounts.endpoints import base_url, netatmo_url, particle_url
from .accounts.particle.hub import ParticleHub
from .accounts.pulse_board.hub import PulseBoardHub
from .accounts.registry import DATA_ACCOUNTS, AccountHub, HeatingHub
from .const import EfergyServer
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
    boards = [hub for hub in accounts.hubs.values() if isinstance(hub, PulseBoardHub)]
    meter_hubs = [
        hub for hub in accounts.hubs.values() if not isinstance(hub, PulseBoardHub)
    ]
    heating_hubs = accounts.heating_hubs.values()
    hubs: tuple[AccountHub | HeatingHub, ...] = (*meter_hubs, *heating_hubs)
    info: dict[str, Any] = {
        "homes": len(hass.data[DATA_HOMES].all),
        "accounts": len(hubs) + len(boards),
        "calls_last_hour": sum(hub.calls_last_hour for hub in hubs),
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
        info["boards_online"] = sum(board.online for board in boards)
    if any(isinstance(hub, EfergyHub) for hub in meter_hubs):
        info["can_reach_efergy"] = system_health.async_check_can_reach_url(
            hass, base_url(EfergyServer.ENGAGE, None)
        )
    if heating_hubs:
        info["can_reach_netatmo"] = system_health.async_check_can_reach_url(
            hass, netatmo_url()
        )
    if any(isinstance(hub, ParticleHub) for hub in meter_hubs):
        info["can_reach_particle"] = system_health.async_check_can_reach_url(
            hass, particle_url()
        )
    return info
