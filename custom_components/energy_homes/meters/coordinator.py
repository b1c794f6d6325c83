"""The coordinator of a home's meters: readings in, settled energy and present power out."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
import logging
from typing import Final, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, CoreState, HomeAssistant, callback
from homeassistant.helpers.event import (
    async_track_time_interval,
    async_track_utc_time_change,
)
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed
from homeassistant.util import dt as dt_util

from ..accounts.channel import ChannelView
from ..accounts.registry import Accounts
from ..const import DOMAIN, SETTLE_DELAY
from ..ledger import Ledger, LedgerError
from ..metering.model import SLOT, MeterRole, Provenance, Slot, slot_start
from ..models import MeterSource
from .meter import Meter
from .slotter import USUAL_SPACING
from .store import async_stored

_LOGGER = logging.getLogger(__name__)

HOUR: Final = timedelta(hours=1)

MONTH: Final = timedelta(days=30)

ENDING: Final = (CoreState.stopping, CoreState.final_write, CoreState.stopped)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterData:
    """A meter now: power in W, energy total in kWh, the newest reading's stamp.

    `estimated` says whether the power is the highest that is still possible, None of a
    meter whose power never is; `channel` is of a meter whose pulses a board counts;
    `online` says whether its board is connected, None where nobody knows or asks.
    """

    role: MeterRole
    power: float | None
    energy: float
    last_reading: datetime | None
    estimated: bool | None = None
    channel: ChannelView | None = None
    online: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeData:
    """A home now: power in W, totals in kWh, and how whole its history is.

    `coverage` is the known share of the last hour's settled slots in %, None where there
    is none yet; `unknown_today` counts slots since the home's local midnight and
    `unknown_hours` what is unknown of the last 30 days, as it was at the full hour or after
    a repair.
    """

    meters: Mapping[str, MeterData]
    power: float | None
    generation_power: float | None
    energy: float
    generation: float
    returned: float
    last_reading: datetime | None
    coverage: float | None
    unknown_today: int
    unknown_hours: float

    @property
    def estimated(self) -> bool | None:
        """Return whether the power is partly an estimate; None where it never is."""
        estimated = [
            meter.estimated
            for meter in self.meters.values()
            if meter.role is MeterRole.GRID and meter.estimated is not None
        ]
        return any(estimated) if estimated else None


class HomeCoordinator(DataUpdateCoordinator[HomeData]):
    """Settles a home's slots and tells its entities; it asks no cloud for anything."""

    config_entry: ConfigEntry

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        *,
        home_id: str,
        accounts: Accounts,
        ledger: Ledger,
    ) -> None:
        """Prepare the coordinator of one home."""
        super().__init__(
            hass,
            _LOGGER,
            config_entry=entry,
            name=f"{DOMAIN} {entry.title}",
            always_update=False,
        )
        self._accounts = accounts
        self._ledger = ledger
        self._home_id = home_id
        self._settling = asyncio.Lock()
        self._unpublished = False
        self._unsubscribe: list[CALLBACK_TYPE] = []
        self._stopped = False
        self._unknown_hours: tuple[datetime, float] | None = None
        self.meters: dict[str, Meter] = {}
        self.time_zone = dt_util.get_default_time_zone()

    async def async_start(self, sources: Mapping[str, MeterSource]) -> None:
        """Take up every meter from what the ledger holds, settle what is due, listen."""
        for source in sources.values():
            await self._ledger.sources.async_add(
                source.source_id, self._home_id, live_from=slot_start(dt_util.utcnow())
            )
            self.meters[source.source_id] = Meter(
                self.hass,
                source,
                accounts=self._accounts,
                ledger=self._ledger,
                stored=await async_stored(self._ledger, source, dt_util.utcnow()),
                on_reading=self._reading_came,
            )
            await self.meters[source.source_id].async_catch_up()
        await self.async_settle(first=True)
        if self.hass.state in ENDING:
            # Those who stop the homes have passed by already.
            return
        self.config_entry.async_on_unload(self.async_stop)
        for meter in self.meters.values():
            meter.async_start()
            self._unsubscribe.append(meter.async_stop)
        self._unsubscribe += [
            async_track_time_interval(
                self.hass,
                self._tick,
                USUAL_SPACING,
                name=f"{self.name} tick",
                cancel_on_shutdown=True,
            ),
            async_track_utc_time_change(
                self.hass, self._slots_due, minute=range(1, 60, 5), second=30
            ),
        ]

    async def async_stop(self) -> None:
        """Listen no more, and store what was heard; the ledger is not touched afterwards.

        Stopping twice is no harm.
        """
        while self._unsubscribe:
            self._unsubscribe.pop()()
        async with self._settling:
            self._stopped = True
            for meter in self.meters.values():
                await meter.store.async_flush()

    async def async_take(self, source_id: str, slots: Sequence[Slot]) -> bool:
        """Commit slots of the past that a vendor's history or their neighbours tell of.

        Return whether they are committed; once the home has stopped nothing is any more.
        """
        async with self._settling:
            if self._stopped:
                return False
            stored = await self.meters[source_id].store.async_take(slots)
            self._unknown_hours = None
        await self.async_settle()
        return stored

    async def async_settle(self, *, first: bool = False) -> None:
        """Settle and commit what is due; publish only what is committed.

        Raises LedgerError only the `first` time: later it is tried again with the next slot.
        """
        async with self._settling:
            if self._stopped:
                return
            now = dt_util.utcnow()
            for meter in self.meters.values():
                self._unpublished |= await meter.store.async_settle(now)
            if not first and not self._unpublished:
                return
            try:
                data = await self._async_data(now)
            except LedgerError as err:
                if first:
                    raise
                _LOGGER.debug("%s is not published yet: %s", self.name, err)
                return
            self._unpublished = False
            self.async_set_updated_data(data)

    @override
    async def _async_update_data(self) -> HomeData:
        """Return the home as the ledger has it; asked for by `update_entity` only."""
        try:
            return await self._async_data(dt_util.utcnow())
        except LedgerError as err:
            raise UpdateFailed(
                translation_domain=DOMAIN,
                translation_key="ledger_failed",
                translation_placeholders={"error": str(err)},
            ) from err

    @callback
    def _slots_due(self, _now: datetime) -> None:
        """Settle the slot whose time to wait is over."""
        self.config_entry.async_create_task(
            self.hass, self.async_settle(), f"{self.name} settle"
        )

    @callback
    def _tick(self, _now: datetime) -> None:
        """Read unchanged entities, and notice powers that have grown stale."""
        for meter in self.meters.values():
            meter.async_tick()
        self._show(dials=True)

    @callback
    def _reading_came(self) -> None:
        """Show new powers; what dials show may wait."""
        self._show(dials=False)

    @callback
    def _show(self, *, dials: bool) -> None:
        """Show what is new; energy stays as it was last committed."""
        if self.data is None:
            return
        data = self._with_power(self.data, dials=dials)
        if data != self.data:
            self.async_set_updated_data(data)

    async def _async_data(self, now: datetime) -> HomeData:
        """Return the home as the ledger and its meters know it."""
        totals = self._ledger.sums.totals(self._home_id)
        settled = slot_start(now - SETTLE_DELAY)
        hour = await self._ledger.slots.async_counts(
            self._home_id, settled - HOUR, settled
        )
        midnight = dt_util.as_utc(
            now.astimezone(self.time_zone).replace(
                hour=0, minute=0, second=0, microsecond=0
            )
        )
        today = await self._ledger.slots.async_counts(
            self._home_id, midnight, settled + SLOT
        )
        if self._unknown_hours is None or now >= self._unknown_hours[0] + HOUR:
            month = await self._ledger.slots.async_counts(
                self._home_id, settled - MONTH, settled
            )
            self._unknown_hours = (
                now.replace(minute=0, second=0, microsecond=0),
                month[Provenance.UNKNOWN] * SLOT / HOUR,
            )
        slots = sum(hour.values())
        unknown = hour.get(Provenance.UNKNOWN, 0)
        return self._with_power(
            HomeData(
                meters={
                    source_id: MeterData(
                        role=meter.source.role,
                        power=None,
                        energy=totals.sources.get(source_id, 0.0),
                        last_reading=None,
                    )
                    for source_id, meter in self.meters.items()
                },
                power=None,
                generation_power=None,
                energy=totals.grid,
                generation=totals.generation,
                returned=totals.returned,
                last_reading=None,
                coverage=100 * (slots - unknown) / slots if slots else None,
                unknown_today=today.get(Provenance.UNKNOWN, 0),
                unknown_hours=self._unknown_hours[1],
            )
        )

    def _with_power(self, data: HomeData, *, dials: bool = True) -> HomeData:
        """Return the same energy with what the meters say now.

        Without `dials` these are as they were, unless one was set.
        """
        meters = {
            source_id: MeterData(
                role=data.meters[source_id].role,
                power=meter.present.power,
                energy=data.meters[source_id].energy,
                last_reading=meter.slotter.last_reading,
                estimated=meter.present.estimated,
                channel=_dial(meter, None if dials else data.meters[source_id]),
                online=meter.present.online,
            )
            for source_id, meter in self.meters.items()
        }
        return HomeData(
            meters=meters,
            power=_sum_of(meters, MeterRole.GRID),
            generation_power=_sum_of(meters, MeterRole.GENERATION),
            energy=data.energy,
            generation=data.generation,
            returned=data.returned,
            last_reading=max(
                (m.last_reading for m in meters.values() if m.last_reading),
                default=None,
            ),
            coverage=data.coverage,
            unknown_today=data.unknown_today,
            unknown_hours=data.unknown_hours,
        )


def _dial(meter: Meter, before: MeterData | None) -> ChannelView | None:
    """Return what a meter's dial shows: as `before` where only pulses were counted since."""
    if (channel := meter.channel) is None:
        return None
    view = channel.view
    shown = None if before is None else before.channel
    return view if shown is None or shown.set_to != view.set_to else shown


def _sum_of(meters: Mapping[str, MeterData], role: MeterRole) -> float | None:
    """Return the power of all meters of a role; None where one of them is silent."""
    powers = [meter.power for meter in meters.values() if meter.role is role]
    if not powers or None in powers:
        return None
    return sum(power for power in powers if power is not None)
