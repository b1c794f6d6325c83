"""The way of a meter's readings and settled slots into the ledger."""

import asyncio
from collections.abc import Iterable
from datetime import datetime
import logging

from homeassistant.core import HomeAssistant, callback
from homeassistant.util import dt as dt_util

from ..const import SETTLE_DELAY
from ..ledger import Ledger, LedgerError, StoredSource
from ..metering.model import Reading, Slot
from ..models import MeterSource, hardware_kind
from .slotter import MeterSlotter, restored

_LOGGER = logging.getLogger(__name__)


async def async_stored(
    ledger: Ledger, source: MeterSource, now: datetime
) -> StoredSource:
    """Return where a source goes on with its present hardware.

    What other hardware measured is settled first: the new one, a counter perhaps, must not
    go on from what the old one showed. Raises LedgerError.
    """
    stored = await ledger.sources.async_load(source.source_id)
    revision = source.current(now)
    if (
        stored.pending
        and stored.hardware is not None
        and stored.hardware != revision.hardware
    ):
        slots = restored(stored, hardware_kind(stored.hardware)).settle(
            now + SETTLE_DELAY
        )
        await ledger.slots.async_settle(source.source_id, source.role, slots, ())
    if not await ledger.sources.async_read_from(source.source_id, revision.hardware):
        return stored
    return await ledger.sources.async_load(source.source_id)


class MeterStore:
    """Stores what a meter has read and settled; what fails is tried with the next slot."""

    def __init__(
        self,
        hass: HomeAssistant,
        ledger: Ledger,
        source: MeterSource,
        slotter: MeterSlotter,
    ) -> None:
        """Prepare to store what a slotter makes."""
        self._hass = hass
        self._ledger = ledger
        self._source = source
        self._slotter = slotter
        self._readings: list[Reading] = []
        self._lock = asyncio.Lock()
        self._failed = False
        self._saving = False
        self._changed = False
        self._new_hardware = False

    @callback
    def async_add_reading(self, reading: Reading) -> None:
        """Store a reading at once, so that a kill inside a slot loses nothing."""
        self._readings.append(reading)
        if not self._saving:
            self._saving = True
            self._hass.async_create_task(
                self._async_save_readings(), f"readings of {self._source.name}"
            )

    @callback
    def async_change_hardware(self) -> None:
        """Store from now on what new hardware reads; the old one's readings are settled."""
        self._readings = []
        self._new_hardware = True
        self._hass.async_create_task(
            self._async_store(), f"hardware of {self._source.name}"
        )

    async def async_settle(self, now: datetime) -> bool:
        """Settle what is due and commit it; return whether the ledger changed since."""
        self._slotter.settle(now)
        await self._async_store()
        changed, self._changed = self._changed, False
        return changed

    async def async_take(self, slots: Iterable[Slot]) -> bool:
        """Store slots of the past that somebody else knows; a known one stays as it is.

        Return whether they are stored; those that are not are kept for the next time.
        """
        self._slotter.settled.extend(slots)
        await self._async_store()
        return not self._slotter.settled

    async def async_flush(self) -> None:
        """Store what was heard, once nothing is listened to any more."""
        await self._async_save_readings()
        await self._async_store()

    async def _async_save_readings(self) -> None:
        """Store what came since the last time, until nothing is left."""
        try:
            while self._readings:
                async with self._lock:
                    batch, self._readings = self._readings, []
                    await self._ledger.sources.async_add_readings(
                        self._source.source_id, batch
                    )
        except LedgerError as err:
            # The slotter holds them: the next settled slot brings them along.
            _LOGGER.debug("Readings of %s are not stored: %s", self._source.name, err)
        finally:
            self._saving = False

    async def _async_store(self) -> None:
        """Commit the slots that are not stored, and whose readings there are."""
        async with self._lock:
            try:
                if self._new_hardware:
                    await self._async_read_from_new()
                if self._slotter.settled:
                    await self._async_commit(self._slotter.current.pending())
            except LedgerError as err:
                if not self._failed:
                    _LOGGER.error(
                        "Slots of %s cannot be stored, trying again: %s",
                        self._source.name,
                        err,
                    )
                self._failed = True
                return
            if self._failed:
                _LOGGER.info("Slots of %s are stored again", self._source.name)
            self._failed = False

    async def _async_read_from_new(self) -> None:
        """Store the old hardware's slots, then whose readings the ledger has from now on."""
        source = self._source
        await self._async_commit(())
        await self._ledger.sources.async_read_from(
            source.source_id, source.current(dt_util.utcnow()).hardware
        )
        self._new_hardware = False
        await self._ledger.sources.async_add_readings(
            source.source_id, self._slotter.current.pending()
        )

    async def _async_commit(self, pending: tuple[Reading, ...]) -> None:
        """Commit the slots there are, with the readings that the next ones need."""
        batch = tuple(self._slotter.settled)
        await self._ledger.slots.async_settle(
            self._source.source_id, self._source.role, batch, pending
        )
        del self._slotter.settled[: len(batch)]
        self._changed = True
