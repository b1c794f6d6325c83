"""Sensors of accounts: how the conversation with a cloud, or with a board, goes."""

from datetime import datetime
from typing import Any, override

from homeassistant.components.sensor import SensorEntity
from homeassistant.config_entries import ConfigEntry

from ..accounts.entity_descriptions import AccountSensorDescription
from ..accounts.kinds import kind_of
from ..entity import AccountEntity, BoardEntity


def account_sensors(entry: ConfigEntry) -> list[SensorEntity]:
    """Return the sensors of an account that is set up."""
    kind = kind_of(entry)
    sensor = BoardSensor if kind.calls_us else AccountSensor
    return [sensor(entry, description) for description in kind.sensors]


class AccountSensor(AccountEntity, SensorEntity):
    """A sensor of an account at a cloud."""

    entity_description: AccountSensorDescription[Any]

    @property
    @override
    def native_value(self) -> datetime | float | int | str | None:
        """Return how the conversation with the cloud goes."""
        return self.entity_description.value_fn(self.coordinator)


class BoardSensor(BoardEntity, SensorEntity):
    """A sensor of a board that calls us."""

    entity_description: AccountSensorDescription[Any]

    @property
    @override
    def should_poll(self) -> bool:
        """Return whether each pulse would change it."""
        return self.entity_description.polled

    @property
    @override
    def value(self) -> datetime | float | int | str | None:
        """Return how the conversation with the board goes."""
        return self.entity_description.value_fn(self.hub)

    @property
    @override
    def native_value(self) -> datetime | float | int | str | None:
        """Return how the conversation with the board goes."""
        return self.value
