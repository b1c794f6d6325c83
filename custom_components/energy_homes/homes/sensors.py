"""The sensors of a host in a home: on record, and what they say."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
import logging
from typing import override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_track_point_in_utc_time
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator
from homeassistant.util import dt as dt_util
from homeassistant.util.ulid import ulid_now

from ..accounts.hosts import Hosts, HostUpdate
from ..accounts.kinds import tells_online
from ..const import DOMAIN
from ..meters.coordinator import ENDING
from ..models import Revision, SensorsSource
from ..sensing.records import SensorRecord, merged
from ..sensing.view import SensorView, next_silence, views

_LOGGER = logging.getLogger(__name__)

type RecordListener = Callable[[tuple[SensorRecord, ...]], None]


class SensorsCoordinator(DataUpdateCoordinator[Mapping[str, SensorView]]):
    """Follows one host, whatever account reports it. Push only.

    `data` is there from the start: the sensors on record by our own ids, nothing heard. What
    a host has that is not on record is stored in the subentry at once; that reloads nothing.
    """

    config_entry: ConfigEntry

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        subentry_id: str,
        hosts: Hosts,
    ) -> None:
        """Prepare the sensors of one host."""
        super().__init__(
            hass,
            _LOGGER,
            config_entry=entry,
            name=f"{DOMAIN} {entry.title} sensors",
        )
        self.subentry_id = subentry_id
        self.source = SensorsSource.from_subentry(entry.subentries[subentry_id])
        self._hosts = hosts
        self._update = HostUpdate(available=False)
        self._stopped = True
        self._unsubscribe: list[CALLBACK_TYPE] = []
        self._silence: CALLBACK_TYPE | None = None
        self._record_listeners: list[RecordListener] = []
        self.data = self._shown()

    @property
    def is_board(self) -> bool:
        """Return whether the host is, was or will be a board, which is online or not."""
        return tells_online(self.source)

    @property
    def update(self) -> HostUpdate:
        """Return what the host said last."""
        return self._update

    @callback
    def async_start(self) -> None:
        """Listen to the account."""
        if self.hass.state in ENDING:
            return
        self._stopped = False
        self.config_entry.async_on_unload(self.async_stop)
        self._listen()

    @callback
    def async_stop(self) -> None:
        """Listen no more. Stopping twice is no harm."""
        self._stopped = True
        self._listen_no_more()

    @callback
    def async_add_record_listener(self, listener: RecordListener) -> CALLBACK_TYPE:
        """Hear of sensors that come on record, those that are first; return how to stop."""
        self._record_listeners.append(listener)
        listener(self.source.sensors)
        return lambda: self._record_listeners.remove(listener)

    @override
    async def _async_update_data(self) -> Mapping[str, SensorView]:
        """Return the sensors as they are known; asked for by `update_entity` only."""
        return self._shown()

    @callback
    def _listen(self, _now: datetime | None = None) -> None:
        """Listen to the host whose time it is, now and after the next change of it."""
        self._listen_no_more()
        now = dt_util.utcnow()
        if (change := self.source.next_change(now)) is not None:
            self._unsubscribe.append(
                async_track_point_in_utc_time(self.hass, self._listen, change)
            )
        revision = self._revision
        assert revision.account is not None
        assert revision.hardware_id is not None
        self._unsubscribe.append(
            self._hosts.subscribe(
                revision.account, revision.hardware_id, self._from_account
            )
        )

    @callback
    def _listen_no_more(self) -> None:
        """Stop listening, and waiting."""
        while self._unsubscribe:
            self._unsubscribe.pop()()
        if self._silence is not None:
            self._silence()
            self._silence = None

    @property
    def _revision(self) -> Revision:
        """Return the host of now."""
        return self.source.current(dt_util.utcnow())

    @callback
    def _from_account(self, update: HostUpdate) -> None:
        """Take what the account says of the host."""
        self._update = update
        self._follow()
        self._publish()

    @callback
    def _follow(self) -> None:
        """Take on record what the host has."""
        subentry = self.config_entry.subentries.get(self.subentry_id)
        if subentry is None or self._stopped:
            return
        # Somebody may have forgotten sensors meanwhile.
        known = SensorsSource.from_subentry(subentry)
        sensors = merged(
            known.sensors,
            self._revision.hardware,
            self._update.readings,
            dt_util.utcnow(),
            ulid_now,
        )
        self.source = replace(known, sensors=sensors)
        if sensors == known.sensors:
            return
        self.hass.config_entries.async_update_subentry(
            self.config_entry, subentry, data=self.source.as_data()
        )
        before = {record.sensor_id for record in known.sensors}
        new = tuple(record for record in sensors if record.sensor_id not in before)
        self.data = self._shown()
        for listener in tuple(self._record_listeners):
            listener(new)

    @callback
    def _publish(self) -> None:
        """Show the sensors as they are now, and again when the next one falls silent."""
        self.async_set_updated_data(self._shown())
        if self._silence is not None:
            self._silence()
            self._silence = None
        now = dt_util.utcnow()
        due = next_silence(self._update.readings, now)
        if due is not None and not self._stopped:
            self._silence = async_track_point_in_utc_time(
                self.hass, self._fall_silent, due
            )

    @callback
    def _fall_silent(self, _now: datetime) -> None:
        """Show that a sensor is not heard any more."""
        self._silence = None
        self._publish()

    def _shown(self) -> Mapping[str, SensorView]:
        """Return the sensors as they are known now."""
        return views(
            self.source.sensors,
            self._revision.hardware,
            self._update.readings if self._update.available else (),
            dt_util.utcnow(),
        )
