"""What homes are told of an Efergy account's meters: each new reading, and what has come or gone."""

from collections.abc import Mapping
import logging

from homeassistant.core import callback
from homeassistant.util import dt as dt_util

from ...metering.model import PowerReading
from ..conversation import Conversation
from ..isolation import isolated
from ..registry import Accounts, MeterUpdate
from .inventory import Inventory

_LOGGER = logging.getLogger(__name__)


class MeterReports:
    """Publishes readings once, and whether a meter is available where that has changed."""

    def __init__(
        self,
        accounts: Accounts,
        key: str,
        inventory: Inventory,
        conversation: Conversation,
    ) -> None:
        """Prepare to report for the account of a key."""
        self._accounts = accounts
        self._key = key
        self._inventory = inventory
        self._conversation = conversation
        self._readings: dict[str, PowerReading] = {}
        self._told: dict[str, bool] = {}

    @callback
    def begin(self) -> None:
        """Go on from what homes find when the account is attached."""
        self._readings = {}
        self._told = {sid: self.update(sid).available for sid in self._inventory.meters}

    @callback
    def update(self, sid: str) -> MeterUpdate:
        """Return the present state of one meter."""
        if not self._conversation.holds:
            return MeterUpdate(available=False)
        reading = self._inventory.reading(sid, dt_util.utcnow())
        return MeterUpdate(available=reading is not None, reading=reading)

    @callback
    def take(self, readings: Mapping[str, PowerReading]) -> None:
        """Keep new readings by sid until homes are told."""
        self._readings.update(readings)

    @callback
    def tell(self) -> None:
        """Tell homes what is new."""
        readings, self._readings = self._readings, {}
        for sid in self._told.keys() | self._inventory.meters.keys():
            available = self.update(sid).available
            reading = readings.get(sid) if available else None
            if reading is None and self._told.get(sid) is available:
                continue
            self._told[sid] = available
            with isolated(_LOGGER, "A home did not take what meter %s said", sid):
                self._accounts.publish(
                    self._key, sid, MeterUpdate(available=available, reading=reading)
                )
