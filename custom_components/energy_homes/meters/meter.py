"""A meter of a home: its current hardware, its slots, and what is not yet stored."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
import logging
from typing import Final

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.event import async_track_point_in_utc_time
from homeassistant.util import dt as dt_util
from sqlalchemy.exc import SQLAlchemyError

from ..accounts.channel import MeterChannel
from ..accounts.kinds import channel_of, counts_pulses, kind_of_source
from ..accounts.registry import Accounts, MeterUpdate
from ..const import SETTLE_DELAY, SourceKind
from ..ledger import Ledger, LedgerError, StoredSource
from ..metering.deadband import power_moved
from ..metering.model import (
    MAX_POWER,
    CounterReading,
    PowerReading,
    Reading,
    Slot,
    slot_start,
)
from ..metering.pulse_decay import PresentPower
from ..metering.readings import GAP_FACTOR, MAX_AHEAD
from ..metering.slots import (
    AddResult,
    CounterSlotter,
    PowerSlotter,
    PulseSlotter,
    restored_slotter,
)
from ..models import MeterSource, hardware_kind
from .entity_history import async_entity_readings
from .entity_source import EntitySource
from .pace import Pace

_LOGGER = logging.getLogger(__name__)

USUAL_SPACING: Final = timedelta(seconds=30)
"""Where the account has no other; a power entity is read so often when it does not change.

A counter's is learned: it is reported when its integration likes to.
"""

SHOWN_EVERY: Final = timedelta(seconds=10)
"""A power that differs a little from the last one is shown so often, others at once."""

type AnySlotter = PowerSlotter | CounterSlotter | PulseSlotter
type SlotterKind = type[PowerSlotter | CounterSlotter | PulseSlotter]

STALE_SPACINGS: Final = 5
LEAST_STALE: Final = timedelta(minutes=1)
STALE_AFTER: Final = STALE_SPACINGS * USUAL_SPACING
"""A power older than this is no longer shown as the present one.

One of faster hardware is not after so many spacings, but no sooner than after a minute.
"""


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
        slots = _restored(stored, hardware_kind(stored.hardware)).settle(
            now + SETTLE_DELAY
        )
        await ledger.slots.async_settle(source.source_id, source.role, slots, ())
    if not await ledger.sources.async_read_from(source.source_id, revision.hardware):
        return stored
    return await ledger.sources.async_load(source.source_id)


def _spacing(kind: SourceKind) -> timedelta:
    """Return the usual time between the powers of a kind of hardware."""
    account = kind_of_source(kind)
    return (account and account.spacing) or USUAL_SPACING


def _learns_slower(kind: SourceKind) -> bool:
    """Return whether hardware may be slower than usual: what a board sends is its own."""
    account = kind_of_source(kind)
    return account is not None and account.learns_slower


def _restored(
    stored: StoredSource, kind: SourceKind, since: datetime | None = None
) -> AnySlotter:
    """Return a slotter that goes on, with hardware that measures `since` an instant."""
    open_from = stored.open_from
    pulses = counts_pulses(kind)
    if since is not None and (open_from is not None or pulses):
        begun = slot_start(since)
        open_from = begun if open_from is None else max(open_from, begun)
    return restored_slotter(
        stored.pending,
        usual_spacing=_spacing(kind),
        learn_slower=_learns_slower(kind),
        settled_until=stored.settled_until,
        open_from=open_from,
        known=stored.known,
        pulses=pulses,
    )


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
        revision = source.current(dt_util.utcnow())
        self._slotter = _restored(stored, revision.kind, revision.since)
        self._unsaved_readings: list[Reading] = []
        self._unsaved_slots: list[Slot] = []
        self._storing = asyncio.Lock()
        self._ledger_failed = False
        self._saving = False
        self._stored = False
        self._new_hardware = False
        self._entity: EntitySource | None = None
        self._unsubscribe: list[CALLBACK_TYPE] = []
        self._available = False
        self._power: float | None = None
        self.online: bool | None = None
        self._present: PresentPower | None = None
        self._shown = Pace(hass, SHOWN_EVERY, self._show)
        self._shown_power: float | None = None
        self.last_reading = max(
            (reading.at for reading in stored.pending), default=None
        )
        self._refused = 0

    @property
    def power(self) -> float | None:
        """Return the present power in W; None where nobody can say."""
        if not self._available:
            return None
        if self._present is not None:
            return self._present.power
        if self.last_reading is None:
            return None
        age = dt_util.utcnow() - self.last_reading
        return self._power if -MAX_AHEAD <= age <= self._stale_after else None

    @property
    def estimated(self) -> bool | None:
        """Return whether the power is an estimate; None where it never is one."""
        return None if self._present is None else self._present.estimated

    @property
    def channel(self) -> MeterChannel | None:
        """Return the board's channel that is the meter now, where there is one."""
        return channel_of(self._accounts, self.source.current(dt_util.utcnow()))

    @property
    def _stale_after(self) -> timedelta:
        """Return how long the present power holds; a counter's until the next is due."""
        spacing = self._slotter.usual_spacing
        if spacing is None:
            return STALE_AFTER
        if isinstance(self._slotter, PowerSlotter):
            return max(STALE_SPACINGS * spacing, LEAST_STALE)
        return max(STALE_AFTER, GAP_FACTOR * spacing)

    @property
    def late(self) -> int:
        """Return how many readings came after their slot was known."""
        return self._slotter.late

    @property
    def refused(self) -> int:
        """Return how many readings were from the future, noise or impossible."""
        return self._refused + self._slotter.refused

    @property
    def settled_until(self) -> datetime | None:
        """Return the end of the newest settled slot."""
        return self._slotter.settled_until

    async def async_catch_up(self) -> None:
        """Take what a counter was recorded to show since it was heard last.

        Call it before anything is settled: the counter's difference would be spread evenly
        over the time in which nobody listened.
        """
        revision = self.source.current(dt_util.utcnow())
        if not (
            isinstance(self._slotter, CounterSlotter)
            and revision.entity is not None
            and self.last_reading is not None
        ):
            return
        entity_id = er.async_resolve_entity_id(
            er.async_get(self._hass), revision.entity
        )
        if entity_id is None:
            return
        try:
            readings = await async_entity_readings(
                self._hass, entity_id, self.last_reading, dt_util.utcnow()
            )
        except SQLAlchemyError as err:
            _LOGGER.debug("Nothing recorded of %s: %s", self.source.name, err)
            return
        for reading in readings:
            if not isinstance(reading, CounterReading):
                continue
            self._slotter.add(reading, reading.at)
            self.last_reading = reading.at
            if self.settled_until != slot_start(reading.at - SETTLE_DELAY):
                self._unsaved_slots.extend(self._slotter.settle(reading.at))

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
            since = revision.since
            if self.settled_until is not None and not self._slotter.pending():
                # Nothing before can be counted with this hardware any more.
                since = max(since, self.settled_until)
            self._entity = EntitySource(
                self._hass, revision.entity, self._from_entity, since=since
            )
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
        self.online = None
        self._present = None
        self._shown.async_stop()

    @callback
    def _next_revision(self, now: datetime) -> None:
        """Change over to the hardware whose time has come."""
        self.async_tick()
        # What the old hardware measured is settled before it is gone; the new one, a
        # counter perhaps, must not go on from what the old one showed.
        self._begin_slots(PowerSlotter, now)
        self._unsaved_readings = []
        self._new_hardware = True
        self._hass.async_create_task(
            self._async_store(), f"hardware of {self.source.name}"
        )
        self.async_start()
        self._on_reading()

    def _begin_slots(self, kind: SlotterKind, at: datetime) -> None:
        """Settle what ended by an instant, and go on from there with a new slotter."""
        old = self._slotter
        self._unsaved_slots.extend(old.settle(at + SETTLE_DELAY))
        self._refused += old.refused
        until = old.settled_until
        revision = self.source.current(dt_util.utcnow())
        if kind is PulseSlotter:
            self._slotter = PulseSlotter(
                settled_until=until, open_from=slot_start(revision.since)
            )
        elif kind is CounterSlotter:
            self._slotter = CounterSlotter(settled_until=until)
        else:
            self._slotter = PowerSlotter(
                usual_spacing=_spacing(revision.kind),
                learn_slower=_learns_slower(revision.kind),
                settled_until=until,
            )

    @callback
    def async_tick(self) -> None:
        """Read an entity whose power has not changed for a while."""
        if self._entity is not None:
            self._entity.async_read()

    @callback
    def _from_account(self, update: MeterUpdate) -> None:
        """Take what the meter's account says."""
        was_available, self._available = self._available, update.available
        was_online, self.online = self.online, update.online
        before, self._present = self._present, update.present
        reading = update.reading
        if reading is not None:
            if update.gap and isinstance(reading, CounterReading):
                reading = replace(reading, gap=True)
            self._add(reading)
            # After a restart the newest reading is known already, yet to be shown.
            if isinstance(reading, PowerReading) and reading.at == self.last_reading:
                self._power = reading.power
        if (
            update.at_once
            or was_available is not update.available
            or was_online is not update.online
            or self._jumped(before)
        ):
            self._shown.now()
        else:
            self._shown.soon()

    def _jumped(self, before: PresentPower | None) -> bool:
        """Return whether the power is another than it was, and not only a little."""
        if before is None and self._present is None:
            return power_moved(self._shown_power, self.power)
        return (
            before is None
            or self._present is None
            or before.estimated
            or self._present.estimated
        )

    @callback
    def _show(self) -> None:
        """Let the home show what the meter says now."""
        self._shown_power = self.power
        self._on_reading()

    @callback
    def _from_entity(self, readings: Iterable[Reading], power: float | None) -> None:
        """Take what the meter's entity says; `power` in W is what holds now."""
        if power is not None and abs(power) > MAX_POWER:
            power = None
        self._available = power is not None
        self._power = power
        for reading in readings:
            self._add(reading)
        self._on_reading()

    def _add(self, reading: Reading) -> None:
        """Hand a reading to its slots, and to the ledger where a slot still needs it."""
        now = dt_util.utcnow()
        newest = now + MAX_AHEAD
        if reading.at > newest or (
            isinstance(reading, PowerReading) and abs(reading.power) > MAX_POWER
        ):
            self._refused += 1
            return
        wanted: SlotterKind = PowerSlotter
        if isinstance(reading, CounterReading):
            wanted = PulseSlotter if self._entity is None else CounterSlotter
        if not isinstance(self._slotter, wanted):
            # An entity may begin to count instead of saying its power.
            self._begin_slots(wanted, reading.at)
        result = self._slotter.add(reading, now)
        # A stamp that is ahead of a clock that was set back is not the newest for ever.
        if self.last_reading is None or not reading.at <= self.last_reading <= newest:
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
            while self._unsaved_readings:
                async with self._storing:
                    batch, self._unsaved_readings = self._unsaved_readings, []
                    await self._ledger.sources.async_add_readings(
                        self.source.source_id, batch
                    )
        except LedgerError as err:
            # The slotter holds them: the next settled slot brings them along.
            _LOGGER.debug("Readings of %s are not stored: %s", self.source.name, err)
        finally:
            self._saving = False

    async def async_settle(self, now: datetime) -> bool:
        """Settle what is due and commit it; return whether the ledger changed since."""
        self._unsaved_slots.extend(self._slotter.settle(now))
        await self._async_store()
        stored, self._stored = self._stored, False
        return stored

    async def async_take(self, slots: Iterable[Slot]) -> bool:
        """Store slots of the past that somebody else knows; a known one stays as it is.

        Return whether they are stored; those that are not are kept for the next time.
        """
        self._unsaved_slots.extend(slots)
        await self._async_store()
        return not self._unsaved_slots

    async def async_flush(self) -> None:
        """Store what was heard, once nothing is listened to any more."""
        await self._async_save_readings()
        await self._async_store()

    async def _async_store(self) -> None:
        """Commit the slots that are not stored, and whose readings there are."""
        async with self._storing:
            try:
                if self._new_hardware:
                    await self._async_change_hardware()
                if self._unsaved_slots:
                    await self._async_commit(self._slotter.pending())
            except LedgerError as err:
                if not self._ledger_failed:
                    _LOGGER.error(
                        "Slots of %s cannot be stored, trying again: %s",
                        self.source.name,
                        err,
                    )
                self._ledger_failed = True
                return
            if self._ledger_failed:
                _LOGGER.info("Slots of %s are stored again", self.source.name)
            self._ledger_failed = False

    async def _async_change_hardware(self) -> None:
        """Store the old hardware's slots, then whose readings the ledger has from now on."""
        source = self.source
        await self._async_commit(())
        await self._ledger.sources.async_read_from(
            source.source_id, source.current(dt_util.utcnow()).hardware
        )
        self._new_hardware = False
        await self._ledger.sources.async_add_readings(
            source.source_id, self._slotter.pending()
        )

    async def _async_commit(self, pending: tuple[Reading, ...]) -> None:
        """Commit the slots there are, with the readings that the next ones need."""
        batch = tuple(self._unsaved_slots)
        await self._ledger.slots.async_settle(
            self.source.source_id, self.source.role, batch, pending
        )
        del self._unsaved_slots[: len(batch)]
        self._stored = True
