"""A meter of a home: its current hardware, its slots, and what is not yet stored."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
import logging
from typing import Final

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_track_point_in_utc_time
from homeassistant.util import dt as dt_util

from .accounts.registry import Accounts, MeterUpdate
from .const import SETTLE_DELAY, SourceKind
from .entity_source import EntitySource
from .ledger import Ledger, LedgerError, StoredSource
from .metering.model import CounterReading, PowerReading, Reading, Slot
from .metering.slots import AddResult, CounterSlotter, PowerSlotter, restored_slotter
from .models import MeterSource

_LOGGER = logging.getLogger(__name__)

USUAL_SPACING: Final = timedelta(seconds=30)
"""Of an Efergy meter; an entity is read at this interval too when it does not change."""

STALE_AFTER: Final = 5 * USUAL_SPACING
"""A power older than this is no longer shown as the present one."""


class Meter:
    """Follows one source of a home from reading to settled slot.

    Everything a restart needs is in the ledger before it is shown.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        source: MeterSource,
        *,
        accounts: Accounts,
        ledger: Ledger,
        stored: StoredSource,
        on_reading: Callable[[], None],
    ) -> None:
        """Take up where the ledger says that the meter was."""
        self._hass = hass
        self._accounts = accounts
        self._ledger = ledger
        self._on_reading = on_reading
        self.source = source
        self._slotter = restored_slotter(
            stored.pending,
            usual_spacing=USUAL_SPACING,
            settled_until=stored.settled_until,
        )
        self._unsaved_readings: list[Reading] = []
        self._unsaved_slots: list[Slot] = []
        self._ledger_failed = False
        self._saving = False
        self._entity: EntitySource | None = None
        self._unsubscribe: list[CALLBACK_TYPE] = []
        self._available = False
        self._power: float | None = None
        self.last_reading = max(
            (reading.at for reading in stored.pending), default=None
        )
        self.refused = 0

    @property
    def power(self) -> float | None:
        """Return the present power in W; None where nobody can say."""
        if not self._available or self.last_reading is None:
            return None
        if dt_util.utcnow() - self.last_reading > STALE_AFTER:
            return None
        return self._power

    @property
    def late(self) -> int:
        """Return how many readings came after their slot was settled."""
        return self._slotter.late

    @property
    def settled_until(self) -> datetime | None:
        """Return the end of the newest settled slot."""
        return self._slotter.settled_until

    @callback
    def async_start(self) -> None:
        """Listen to the hardware of the revision that is current now."""
        self.async_stop()
        now = dt_util.utcnow()
        revision = self.source.current(now)
        if (change := self.source.next_change(now)) is not None:
            self._unsubscribe.append(
                async_track_point_in_utc_time(self._hass, self._next_revision, change)
            )
        if revision.kind is SourceKind.ENTITY:
            assert revision.entity is not None
            self._entity = EntitySource(self._hass, revision.entity, self._from_entity)
            self._unsubscribe.append(self._entity.async_start())
            return
        assert revision.account is not None
        assert revision.hardware_id is not None
        self._unsubscribe.append(
            self._accounts.subscribe(
                revision.account, revision.hardware_id, self._from_account
            )
        )

    @callback
    def async_stop(self) -> None:
        """Stop listening."""
        while self._unsubscribe:
            self._unsubscribe.pop()()
        self._entity = None
        self._available = False

    @callback
    def _next_revision(self, now: datetime) -> None:
        """Change over to the hardware whose time has come."""
        self.async_tick()
        # What the old hardware measured is settled before it is gone; the new one, a
        # counter perhaps, must not go on from what the old one showed.
        self._unsaved_slots.extend(self._slotter.settle(now + SETTLE_DELAY))
        self._slotter = PowerSlotter(
            usual_spacing=USUAL_SPACING, settled_until=self._slotter.settled_until
        )
        self._unsaved_readings.clear()
        self._hass.async_create_task(
            self._async_note_hardware(self.source.current(now).hardware),
            f"hardware of {self.source.name}",
        )
        self.async_start()
        self._on_reading()

    async def _async_note_hardware(self, hardware: str) -> None:
        """Tell the ledger whose readings it holds from now on."""
        try:
            await self._ledger.async_read_from(self.source.source_id, hardware)
        except LedgerError as err:
            _LOGGER.error("The change of %s is not stored: %s", self.source.name, err)

    @callback
    def async_tick(self) -> None:
        """Read an entity that has not changed for a while."""
        if self._entity is not None:
            self._entity.async_read()

    @callback
    def _from_account(self, update: MeterUpdate) -> None:
        """Take what the meter's account says."""
        self._available = update.available
        reading = update.reading
        if reading is not None:
            self._add(reading)
            # After a restart the newest reading is known already, yet to be shown.
            if isinstance(reading, PowerReading) and reading.at == self.last_reading:
                self._power = reading.power
        self._on_reading()

    @callback
    def _from_entity(self, readings: Iterable[Reading], power: float | None) -> None:
        """Take what the meter's entity says; `power` in W is what holds now."""
        self._available = power is not None
        self._power = power
        for reading in readings:
            self._add(reading)
        self._on_reading()

    def _add(self, reading: Reading) -> None:
        """Hand a reading to its slots, and to the ledger where a slot still needs it."""
        wanted = CounterSlotter if isinstance(reading, CounterReading) else PowerSlotter
        if not isinstance(self._slotter, wanted):
            # An entity may begin to count instead of saying its power.
            self._unsaved_slots.extend(self._slotter.settle(reading.at + SETTLE_DELAY))
            self._slotter = wanted(
                usual_spacing=USUAL_SPACING, settled_until=self._slotter.settled_until
            )
        result = self._slotter.add(reading, dt_util.utcnow())
        if result is AddResult.FUTURE:
            self.refused += 1
            return
        if self.last_reading is None or reading.at > self.last_reading:
            self.last_reading = reading.at
        if result is not AddResult.ACCEPTED:
            return
        self._unsaved_readings.append(reading)
        if not self._saving:
            self._saving = True
            self._hass.async_create_task(
                self._async_save_readings(), f"readings of {self.source.name}"
            )

    async def _async_save_readings(self) -> None:
        """Store what came since the last time, until nothing is left."""
        try:
            while batch := self._unsaved_readings:
                self._unsaved_readings = []
                await self._ledger.async_add_readings(self.source.source_id, batch)
        except LedgerError as err:
            # The slotter holds them: the next settled slot brings them along.
            _LOGGER.debug("Readings of %s are not stored: %s", self.source.name, err)
        finally:
            self._saving = False

    async def async_settle(self, now: datetime) -> bool:
        """Settle what is due and commit it; return whether the ledger changed."""
        self._unsaved_slots.extend(self._slotter.settle(now))
        if not self._unsaved_slots:
            return False
        batch = tuple(self._unsaved_slots)
        try:
            await self._ledger.async_settle(
                self.source.source_id, self.source.role, batch, self._slotter.pending()
            )
        except LedgerError as err:
            if not self._ledger_failed:
                _LOGGER.error(
                    "Slots of %s cannot be stored, trying again: %s",
                    self.source.name,
                    err,
                )
            self._ledger_failed = True
            return False
        if self._ledger_failed:
            _LOGGER.info("Slots of %s are stored again", self.source.name)
        self._ledger_failed = False
        del self._unsaved_slots[: len(batch)]
        return True
