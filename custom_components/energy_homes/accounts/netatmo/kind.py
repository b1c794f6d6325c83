"""Netatmo accounts as the rest of the house knows them."""

from collections import Counter
from datetime import datetime
from typing import Any, Final

from homeassistant.components.sensor import SensorStateClass
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from ...const import EntryKind, SourceKind
from ..entity_descriptions import AccountSensorDescription, sensors_of_clouds
from ..kind import AccountKind, Application
from ..registry import DATA_ACCOUNTS
from ..store import async_forget_account
from .history import open_room_history
from .hub import NetatmoConfigEntry, NetatmoHub
from .oauth import NetatmoImplementation
from .server import netatmo_url
from .tokens import CONF_AUTH_IMPLEMENTATION, async_forget_tokens, async_netatmo_tokens

SENSORS: Final[tuple[AccountSensorDescription[NetatmoHub], ...]] = (
    *sensors_of_clouds(NetatmoHub),
    AccountSensorDescription(
        key="calls_left",
        translation_key="calls_left",
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda hub: hub.budget.left(dt_util.utcnow()),
    ),
    AccountSensorDescription(
        key="app_calls_last_hour",
        translation_key="app_calls_last_hour",
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=lambda hub: hub.budget.app_used(dt_util.utcnow()),
    ),
)


async def async_setup(hass: HomeAssistant, entry: NetatmoConfigEntry) -> NetatmoHub:
    """Set up an account: one conversation with its cloud for all of its homes."""
    tokens = await async_netatmo_tokens(hass, entry)
    hub = NetatmoHub(hass, entry, hass.data[DATA_ACCOUNTS], tokens)
    await hub.async_start()
    return hub


async def async_forget(hass: HomeAssistant, entry: NetatmoConfigEntry) -> None:
    """Delete what was stored for an account, its tokens too."""
    await async_forget_account(hass, entry)
    await async_forget_tokens(hass, entry)


def diagnostics(_hass: HomeAssistant, entry: NetatmoConfigEntry) -> dict[str, Any]:
    """Return how an account's conversation with its cloud goes."""
    hub, now = entry.runtime_data, dt_util.utcnow()
    return {
        "state": hub.state.value,
        "last_success": hub.polls.last_success,
        "calls_last_hour": hub.calls_last_hour,
        "calls_left": hub.budget.left(now),
        "app_calls_last_hour": hub.budget.app_used(now),
        "hourly_polls": hub.budget.hourly_polls,
        "troubles": dict(hub.patience.troubles),
        "homes": {
            f"home {number}": _home(hub, home_id, now)
            for number, home_id in enumerate(hub.homes, 1)
        },
        "now": now,
    }


def _home(hub: NetatmoHub, home_id: str, now: datetime) -> dict[str, Any]:
    """Return how a home of an account is asked, and what is known of it."""
    update = hub.heating_update(home_id)
    topology, status = hub.homes[home_id], update.status
    followed = home_id in hub.plan.followed
    return {
        "state": None if update.state is None else update.state.value,
        "status_age_s": (
            None
            if update.status_at is None
            else round((now - update.status_at).total_seconds())
        ),
        "interval_s": hub.polls.interval(home_id).total_seconds() if followed else None,
        "rooms": len(topology.rooms),
        "heated_rooms": len(topology.heated_rooms),
        "modules": dict(Counter(module.kind for module in topology.modules)),
        "schedules": len(topology.schedules),
        "rooms_told": None if status is None else len(status.rooms),
        "modules_told": None if status is None else len(status.modules),
        "problems": (
            None if status is None else [problem.code for problem in status.problems]
        ),
    }


KIND: Final = AccountKind(
    entry_kind=EntryKind.NETATMO,
    source_kind=SourceKind.NETATMO,
    manufacturer="Netatmo",
    async_setup=async_setup,
    async_forget=async_forget,
    diagnostics=diagnostics,
    private=frozenset({CONF_AUTH_IMPLEMENTATION}),
    sensors=SENSORS,
    server=netatmo_url,
    seen=lambda hub: (hub.homes, hub.state),
    shared=True,
    application=Application(
        implementation=NetatmoImplementation, made_at="https://dev.netatmo.com/apps"
    ),
    room_history=open_room_history,
)
