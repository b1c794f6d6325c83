"""Pulse boards as the rest of the house knows them."""

from typing import Any, Final

from homeassistant.components.binary_sensor import BinarySensorDeviceClass
from homeassistant.components.sensor import SensorStateClass
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from ...boards.config import CONF_SECRET
from ...boards.options import BoardOptions
from ...const import MANUFACTURER, EntryKind, SourceKind
from ..entity_descriptions import (
    AccountBinarySensorDescription,
    AccountSensorDescription,
    AccountSwitchDescription,
)
from ..kind import AccountKind
from .channel import board_channel
from .entry import PulseBoardConfigEntry, async_forget_board, async_setup_board
from .hub import PulseBoardHub
from .known import boards_of

SENSORS: Final[tuple[AccountSensorDescription[PulseBoardHub], ...]] = (
    AccountSensorDescription(
        key="calls_last_hour",
        translation_key="calls_last_hour",
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=lambda hub: hub.calls_last_hour,
        polled=True,
    ),
    AccountSensorDescription(
        key="refused_messages",
        translation_key="refused_messages",
        state_class=SensorStateClass.TOTAL_INCREASING,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda hub: hub.hearing.refusals,
        polled=True,
    ),
)

BINARY_SENSORS: Final[tuple[AccountBinarySensorDescription[PulseBoardHub], ...]] = (
    AccountBinarySensorDescription(
        key="online",
        translation_key="online",
        device_class=BinarySensorDeviceClass.CONNECTIVITY,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda hub: hub.presence.online,
    ),
)

SWITCHES: Final[tuple[AccountSwitchDescription[PulseBoardHub], ...]] = (
    # Off after each start.
    AccountSwitchDescription(
        key="set_meter",
        translation_key="set_meter",
        entity_category=EntityCategory.CONFIG,
        value_fn=lambda hub: hub.hearing.set_meter,
        set_fn=lambda hub, on: hub.hearing.let_set_meter(on),
    ),
)


def diagnostics(hass: HomeAssistant, entry: PulseBoardConfigEntry) -> dict[str, Any]:
    """Return what a board said, what was counted on its channels, and its options."""
    hub = entry.runtime_data
    return {
        "state": hub.state.value,
        "last_heard": hub.presence.last_heard,
        "online_for_s": hub.presence.online_for.total_seconds(),
        "set_meter": hub.hearing.set_meter,
        "calls_last_hour": hub.calls_last_hour,
        "calls_last_day": hub.calls_last_day,
        "counts": dict(hub.hearing.counts),
        "refused": hub.hearing.refusals,
        "commits": hub.book.commits,
        "strangers": boards_of(hass).strangers,
        "sensors_by_host": sorted(
            len(host.readings) for host in hub.sensing.hosts.values()
        ),
        "channels": {
            f"channel {number}": {
                "pulses": channel.pulses,
                "energy": channel.energy,
                "reading": channel.reading,
                "subtotal": channel.subtotal,
                "last_pulse": channel.at,
                "period_ms": channel.period,
                "power": hub.reports.present(number).power,
                "estimated": hub.reports.present(number).estimated,
            }
            for number, channel in hub.book.channels.items()
        },
        "now": dt_util.utcnow(),
        "options": _options(BoardOptions.from_data(entry.options)),
    }


def _options(options: BoardOptions) -> dict[str, Any]:
    """Return which options a board has, not where they lead to."""
    return {
        "push": options.push_url is not None,
        "push_nightly": options.push_nightly,
        "webhook": options.webhook_address is not None,
        "mqtt": options.mqtt,
        "mqtt_prefix": bool(options.mqtt_prefix),
    }


def channel_name(hub: PulseBoardHub, hardware_id: str) -> str:
    """Return what a channel is called."""
    return hub.config.channel(int(hardware_id)).name


KIND: Final = AccountKind(
    entry_kind=EntryKind.PULSE_BOARD,
    source_kind=SourceKind.PULSE_BOARD,
    manufacturer=MANUFACTURER,
    async_setup=async_setup_board,
    async_forget=async_forget_board,
    diagnostics=diagnostics,
    private=frozenset({CONF_SECRET}),
    sensors=SENSORS,
    binary_sensors=BINARY_SENSORS,
    switches=SWITCHES,
    last_heard=lambda hub: hub.presence.last_heard,
    seen=lambda hub: (tuple(hub.book.channels), hub.state),
    hardware_name=channel_name,
    channel=board_channel,
)
