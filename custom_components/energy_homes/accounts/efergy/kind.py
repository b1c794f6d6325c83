"""Efergy accounts as the rest of the house knows them."""

from datetime import timedelta
from typing import Any, Final

from homeassistant.components.sensor import SensorStateClass
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from ...const import EfergyServer, EntryKind, SourceKind
from ..entity_descriptions import AccountSensorDescription, sensors_of_clouds
from ..kind import AccountKind
from ..registry import DATA_ACCOUNTS
from ..store import async_forget_account
from .history import open_history
from .hub import EfergyConfigEntry, EfergyHub
from .server import base_url

SENSORS: Final[tuple[AccountSensorDescription[EfergyHub], ...]] = (
    *sensors_of_clouds(EfergyHub),
    AccountSensorDescription(
        key="calls_last_day",
        translation_key="calls_last_day",
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=lambda hub: hub.calls_last_day,
    ),
)


async def async_setup(hass: HomeAssistant, entry: EfergyConfigEntry) -> EfergyHub:
    """Set up an account: one conversation with its cloud for all of its meters."""
    hub = EfergyHub(hass, entry, hass.data[DATA_ACCOUNTS])
    await hub.async_start()
    return hub


def diagnostics(_hass: HomeAssistant, entry: EfergyConfigEntry) -> dict[str, Any]:
    """Return how an account's conversation with its cloud goes."""
    hub = entry.runtime_data
    return {
        "state": hub.state.value,
        "last_success": hub.last_success,
        "calls_last_hour": hub.calls_last_hour,
        "calls_last_day": hub.calls_last_day,
        "nonsense_count": hub.powers.nonsense_count,
        "meters": {
            f"meter {number}": {
                "role": meter.role.value,
                "power": meter.power,
                "last_seen": meter.last_seen,
                "ghost": meter.ghost,
                "missing_since": hub.missing.get(hardware_id),
            }
            for number, (hardware_id, meter) in enumerate(hub.meters.items(), 1)
        },
        "now": dt_util.utcnow(),
    }


KIND: Final = AccountKind(
    entry_kind=EntryKind.EFERGY,
    source_kind=SourceKind.EFERGY,
    manufacturer="Efergy",
    async_setup=async_setup,
    async_forget=async_forget_account,
    diagnostics=diagnostics,
    sensors=SENSORS,
    server=lambda: base_url(EfergyServer.ENGAGE),
    spacing=timedelta(seconds=30),
    async_first_data=lambda hub: hub.calls.async_first_data(),
    open_history=open_history,
)
