"""A home: its label, its meters, heating and sensors, and what it answers from memory."""

from functools import partial

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.util import dt as dt_util

from ..accounts.kinds import counts_pulses, manufacturer_of
from ..accounts.registry import Accounts
from ..const import (
    CONF_HOME_ID,
    CONF_TIME_ZONE,
    DOMAIN,
    MANUFACTURER,
    SUBENTRY_HEATING,
    SUBENTRY_METER,
    SUBENTRY_SENSORS,
    SourceKind,
)
from ..ledger import Ledger, home_key, source_key
from ..metering.model import MeterRole
from ..meters.coordinator import HomeCoordinator, HomeData
from ..models import MeterSource
from ..rooms.coordinator import HeatingCoordinator
from ..rooms.devices import register_devices
from ..rooms.log import RoomLog
from ..statistics.guard import async_guard_total
from ..statistics.reconcile import Reconciler
from .sensors import SensorsCoordinator

type HomeConfigEntry = ConfigEntry[Home]


class Home:
    """One home entry at run time."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: HomeConfigEntry,
        accounts: Accounts,
        ledger: Ledger,
    ) -> None:
        """Read the home with its meters, heatings and sensors from its entry."""
        self._hass = hass
        self._entry = entry
        self._ledger = ledger
        self.home_id: str = entry.data[CONF_HOME_ID]
        self.sources = {
            subentry.subentry_id: MeterSource.from_subentry(subentry)
            for subentry in entry.get_subentries_of_type(SUBENTRY_METER)
        }
        self.coordinator = HomeCoordinator(
            hass,
            entry,
            home_id=self.home_id,
            accounts=accounts,
            ledger=ledger,
        )
        self.heating = {
            subentry.subentry_id: HeatingCoordinator(
                hass, entry, subentry.subentry_id, accounts
            )
            for subentry in entry.get_subentries_of_type(SUBENTRY_HEATING)
        }
        self.sensors = {
            subentry.subentry_id: SensorsCoordinator(
                hass, entry, subentry.subentry_id, accounts.hosts
            )
            for subentry in entry.get_subentries_of_type(SUBENTRY_SENSORS)
        }
        self._room_logs = [
            RoomLog(hass, heating, ledger, self.home_id)
            for heating in self.heating.values()
        ]

    @property
    def label(self) -> str:
        """Return the home's label, the title of its entry."""
        return self._entry.title

    @property
    def data(self) -> HomeData:
        """Return the home as it is now."""
        return self.coordinator.data

    def has_channel(self, source: MeterSource) -> bool:
        """Return whether a board counts a meter of the home, now or from a later day on."""
        now, newest = source.current(dt_util.utcnow()), source.revisions[-1]
        return counts_pulses(now.kind) or counts_pulses(newest.kind)

    @property
    def generates(self) -> bool:
        """Return whether the home has, or had, a generation meter."""
        return self.data.generation > 0 or any(
            source.role is MeterRole.GENERATION for source in self.sources.values()
        )

    @property
    def returns(self) -> bool:
        """Return whether a grid meter of the home can say that power flows out."""
        return self.data.returned > 0 or any(
            source.role is MeterRole.GRID
            and any(r.kind is SourceKind.ENTITY for r in source.revisions)
            for source in self.sources.values()
        )

    async def async_start(self) -> None:
        """Go on from what the ledger holds, without a request to anybody."""
        self._register_devices()
        if zone := self._entry.data.get(CONF_TIME_ZONE):
            self.coordinator.time_zone = (
                await dt_util.async_get_time_zone(zone) or self.coordinator.time_zone
            )
        ledger = self._ledger
        await ledger.homes.async_add(self.home_id, self.label)
        for unique_id, key in self._energy_keys().items():
            if (entity_id := self._entity_id(unique_id)) is not None:
                await async_guard_total(self._hass, ledger, key, entity_id, self.label)
        await self.coordinator.async_start(
            {source.source_id: source for source in self.sources.values()}
        )
        for heating in self.heating.values():
            heating.reported.time_zone = self.coordinator.time_zone
            await heating.async_start()
        for sensors in self.sensors.values():
            sensors.async_start()
        for room_log in self._room_logs:
            await room_log.async_start()
            self._entry.async_on_unload(room_log.async_stop)

    async def async_stop(self) -> None:
        """Listen to nothing any more, and store what was heard."""
        for heating in self.heating.values():
            await heating.async_stop()
        for sensors in self.sensors.values():
            sensors.async_stop()
        for room_log in self._room_logs:
            await room_log.async_stop()
        await self.coordinator.async_stop()

    def start_reconciling(self, reconciler: Reconciler) -> None:
        """Keep the recorder's statistics of the home's totals and rooms true from now on."""
        for unique_id, key in self._energy_keys().items():
            self._entry.async_on_unload(
                reconciler.async_register(key, partial(self._entity_id, unique_id))
            )
        for unique_id, key in self._power_keys().items():
            self._entry.async_on_unload(
                reconciler.async_register_power(
                    key, partial(self._entity_id, unique_id)
                )
            )
        for heating in self.heating.values():
            for room in heating.rooms:
                self._entry.async_on_unload(
                    reconciler.async_register_room(
                        room.room_id,
                        partial(self._entity_id, f"{room.room_id}_temperature"),
                        f"{self.label} {room.name}",
                    )
                )

    def _energy_keys(self) -> dict[str, str]:
        """Return which ledger total each energy entity shows, by unique id."""
        return {
            f"{self.home_id}_energy": home_key(self.home_id, "grid"),
            f"{self.home_id}_generation_energy": home_key(self.home_id, "generation"),
            f"{self.home_id}_energy_returned": home_key(self.home_id, "returned"),
        } | {
            f"{source.source_id}_energy": source_key(source.source_id)
            for source in self.sources.values()
        }

    def _power_keys(self) -> dict[str, str]:
        """Return which ledger total each power entity goes with, by unique id."""
        return {
            f"{self.home_id}_power": home_key(self.home_id, "grid"),
            f"{self.home_id}_generation_power": home_key(self.home_id, "generation"),
        } | {
            f"{source.source_id}_power": source_key(source.source_id)
            for source in self.sources.values()
        }

    def _entity_id(self, unique_id: str) -> str | None:
        """Return the present id of one of the home's sensors."""
        return er.async_get(self._hass).async_get_entity_id("sensor", DOMAIN, unique_id)

    def _register_devices(self) -> None:
        """Register the home before its sources, which point to it."""
        registry = dr.async_get(self._hass)
        device = registry.async_get_or_create(
            config_entry_id=self._entry.entry_id,
            entry_type=dr.DeviceEntryType.SERVICE,
            identifiers={(DOMAIN, self.home_id)},
            manufacturer=MANUFACTURER,
            name=self.label,
        )
        now = dt_util.utcnow()
        for subentry_id, source in self.sources.items():
            revision = source.current(now)
            registry.async_get_or_create(
                config_entry_id=self._entry.entry_id,
                config_subentry_id=subentry_id,
                identifiers={(DOMAIN, source.source_id)},
                manufacturer=manufacturer_of(revision.kind),
                name=f"{self.label} {source.name}",
                via_device_id=device.id,
            )
        for subentry_id, heating in self.heating.items():
            register_devices(
                self._hass,
                self._entry.entry_id,
                subentry_id,
                heating.source,
                label=self.label,
                home_device_id=device.id,
            )
        for subentry_id, sensors in self.sensors.items():
            registry.async_get_or_create(
                config_entry_id=self._entry.entry_id,
                config_subentry_id=subentry_id,
                identifiers={(DOMAIN, sensors.source.source_id)},
                manufacturer=manufacturer_of(sensors.source.current(now).kind),
                name=f"{self.label} {sensors.source.name}",
                via_device_id=device.id,
            )
