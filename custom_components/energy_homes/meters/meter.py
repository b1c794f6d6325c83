"""A meter of a home: whatever hardware is current, from reading to settled slot."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
import logging

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.event import async_track_point_in_utc_time
from homeassistant.util import dt as dt_util
from sqlalchemy.exc import SQLAlchemyError

from ..accounts.channel import MeterChannel
from ..accounts.kinds import channel_of
from ..accounts.registry import Accounts, MeterUpdate
from ..const import SourceKind
from ..ledger import Ledger, StoredSource
from ..metering.model import CounterReading, Reading
from ..metering.slots import CounterSlotter, PowerSlotter, PulseSlotter
from ..models import MeterSource
from .entity_history import async_entity_readings
from .entity_source import EntitySource
from .present import PresentState
from .slotter import MeterSlotter, SlotterKind
from .store import MeterStore

_LOGGER = logging.getLogger(__name__)


class Meter:
    """Listens to one source of a home, whichever hardware it has.

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
        self._on_reading = on_reading
        self.source = source
        self.slotter = MeterSlotter(source, stored)
        self.store = MeterStore(hass, ledger, source, self.slotter)
        self.present = PresentState(hass, self.slotter, on_reading)
        self._entity: EntitySource | None = None
        self._unsubscribe: list[CALLBACK_TYPE] = []

    @property
    def channel(self) -> MeterChannel | None:
        """Return the board's channel that is the meter now, where there is one."""
        return channel_of(self._accounts, self.source.current(dt_util.utcnow()))

    async def async_catch_up(self) -> None:
        """Take what a counter was recorded to show since it was heard last.

        Call it before anything is settled: the counter's difference would be spread evenly
        over the time in which nobody listened.
        """
        revision = self.source.current(dt_util.utcnow())
        last = self.slotter.last_reading
        if not (
            isinstance(self.slotter.current, CounterSlotter)
            and revision.entity is not None
            and last is not None
        ):
            return
        entity_id = er.async_resolve_entity_id(
            er.async_get(self._hass), revision.entity
        )
        if entity_id is None:
            return
        try:
            readings = await async_entity_readings(
                self._hass, entity_id, last, dt_util.utcnow()
            )
        except SQLAlchemyError as err:
            _LOGGER.debug("Nothing recorded of %s: %s", self.source.name, err)
            return
        self.slotter.replay(
            reading for reading in readings if isinstance(reading, CounterReading)
        )

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
            settled_until = self.slotter.current.settled_until
            if settled_until is not None and not self.slotter.current.pending():
                # Nothing before can be counted with this hardware any more.
                since = max(since, settled_until)
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
        self.present.async_stop()

    @callback
    def _next_revision(self, now: datetime) -> None:
        """Change over to the hardware whose time has come."""
        self.async_tick()
        # What the old hardware measured is settled before it is gone; the new one, a
        # counter perhaps, must not go on from what the old one showed.
        self.slotter.begin(PowerSlotter, now)
        self.store.async_change_hardware()
        self.async_start()
        self._on_reading()

    @callback
    def async_tick(self) -> None:
        """Read an entity whose power has not changed for a while."""
        if self._entity is not None:
            self._entity.async_read()

    @callback
    def _from_account(self, update: MeterUpdate) -> None:
        """Take what the meter's account says."""
        reading = update.reading
        if update.gap and isinstance(reading, CounterReading):
            reading = replace(reading, gap=True)
        if reading is not None:
            self._add(reading, PulseSlotter)
        self.present.async_update(update)

    @callback
    def _from_entity(self, readings: Iterable[Reading], power: float | None) -> None:
        """Take what the meter's entity says; `power` in W is what holds now."""
        for reading in readings:
            self._add(reading, CounterSlotter)
        self.present.async_set_power(power)

    @callback
    def _add(self, reading: Reading, counter: SlotterKind) -> None:
        """Hand a reading to its slots, and to the ledger where a slot still needs it."""
        if self.slotter.add(reading, counter=counter):
            self.store.async_add_reading(reading)
