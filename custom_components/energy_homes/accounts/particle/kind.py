"""Particle accounts as the rest of the house knows them."""

from datetime import timedelta
from typing import Any, Final

from homeassistant.components.sensor import SensorDeviceClass, SensorStateClass
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from ...const import CONF_PRODUCT, EntryKind, SourceKind
from ..entity_descriptions import AccountSensorDescription, sensors_of_clouds
from ..kind import AccountKind
from ..store import async_forget_account
from .entry import async_setup_particle
from .hub import ParticleConfigEntry, ParticleHub
from .server import particle_url

SPACING: Final = timedelta(seconds=4)
"""Of the boards of the p2penergy project; what is slower is learned."""

SENSORS: Final[tuple[AccountSensorDescription[ParticleHub], ...]] = (
    *sensors_of_clouds(ParticleHub),
    AccountSensorDescription(
        key="stream_opens_last_hour",
        translation_key="stream_opens_last_hour",
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=lambda hub: hub.calls.stream_opens_last_hour,
    ),
    AccountSensorDescription(
        key="last_event",
        translation_key="last_event",
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda hub: hub.shown.last_event,
    ),
    AccountSensorDescription(
        key="stream_heard",
        translation_key="stream_heard",
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=lambda hub: hub.shown.last_heard,
    ),
)


def diagnostics(_hass: HomeAssistant, entry: ParticleConfigEntry) -> dict[str, Any]:
    """Return how an account's stream goes, and what its boards say."""
    hub = entry.runtime_data
    return {
        "state": hub.state.value,
        "streaming": hub.stream.is_open,
        "last_heard": hub.stream.last_heard,
        "last_event": hub.hearing.last_event,
        "calls_last_hour": hub.calls_last_hour,
        "stream_opens_last_hour": hub.calls.stream_opens_last_hour,
        "counts": dict(hub.hearing.counts),
        "boards": {
            f"board {number}": {
                "online": board.online,
                "listed": board.device is not None,
                "platform": board.device and board.device.platform,
                "firmware": board.device and board.device.firmware,
                "last_event": board.last_event,
                "events": {name: said.at for name, said in board.said.items()},
                "measures": [measure.as_data() for measure in board.measures],
                "values": {key: one.value for key, one in board.values.items()},
                "missing_since": hub.missing.get(board_id),
            }
            for number, (board_id, board) in enumerate(hub.known.boards.items(), 1)
        },
        "now": dt_util.utcnow(),
    }


def board_name(hub: ParticleHub, hardware_id: str) -> str:
    """Return what a board is called, its id where it is not known."""
    board = hub.known.boards.get(hardware_id)
    return hardware_id if board is None else board.name


KIND: Final = AccountKind(
    entry_kind=EntryKind.PARTICLE,
    source_kind=SourceKind.PARTICLE,
    manufacturer="Particle",
    async_setup=async_setup_particle,
    async_forget=async_forget_account,
    diagnostics=diagnostics,
    private=frozenset({CONF_PRODUCT}),
    sensors=SENSORS,
    server=particle_url,
    hardware_name=board_name,
    # A board can be part of a product too.
    shared=True,
    tells_online=True,
    spacing=SPACING,
    learns_slower=True,
)
