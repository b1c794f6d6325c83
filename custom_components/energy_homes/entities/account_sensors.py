"""What the sensors of an account show: how the conversation with its cloud goes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import EntityCategory

from ..accounts.efergy.hub import EfergyHub
from ..accounts.netatmo.hub import NetatmoHub
from ..accounts.particle.hub import ParticleHub
from ..accounts.pulse_board.hub import PulseBoardHub
from ..accounts.registry import AccountHub, AccountState, HeatingHub


@dataclass(frozen=True, kw_only=True)
class AccountSensorDescription[Hub](SensorEntityDescription):
    """A sensor of a kind of account."""

    value_fn: Callable[[Hub], datetime | float | int | str | None]
    polled: bool = False
    """Changes so often that it is only looked at from time to time."""


def _of_every_account[Hub: AccountHub | HeatingHub](
    kind: type[Hub],
) -> tuple[AccountSensorDescription[Hub], ...]:
    """Return what every kind of account has."""
    return (
        AccountSensorDescription[Hub](
            key="cloud_state",
            translation_key="cloud_state",
            device_class=SensorDeviceClass.ENUM,
            entity_category=EntityCategory.DIAGNOSTIC,
            options=[state.value for state in AccountState],
            value_fn=lambda hub: hub.state.value,
        ),
        AccountSensorDescription[Hub](
            key="calls_last_hour",
            translation_key="calls_last_hour",
            state_class=SensorStateClass.MEASUREMENT,
            entity_category=EntityCategory.DIAGNOSTIC,
            entity_registry_enabled_default=False,
            value_fn=lambda hub: hub.calls_last_hour,
        ),
    )


EFERGY_SENSORS: tuple[AccountSensorDescription[EfergyHub], ...] = (
    *_of_every_account(EfergyHub),
    AccountSensorDescription(
        key="calls_last_day",
        translation_key="calls_last_day",
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=lambda hub: hub.calls_last_day,
    ),
)

NETATMO_SENSORS: tuple[AccountSensorDescription[NetatmoHub], ...] = (
    *_of_every_account(NetatmoHub),
    AccountSensorDescription(
        key="calls_left",
        translation_key="calls_left",
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda hub: hub.calls_left,
    ),
    AccountSensorDescription(
        key="app_calls_last_hour",
        translation_key="app_calls_last_hour",
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=lambda hub: hub.app_calls_last_hour,
    ),
)

BOARD_SENSORS: tuple[AccountSensorDescription[PulseBoardHub], ...] = (
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
        value_fn=lambda hub: hub.refusals,
        polled=True,
    ),
)

PARTICLE_SENSORS: tuple[AccountSensorDescription[ParticleHub], ...] = (
    *_of_every_account(ParticleHub),
    AccountSensorDescription(
        key="stream_opens_last_hour",
        translation_key="stream_opens_last_hour",
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=lambda hub: hub.stream_opens_last_hour,
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
