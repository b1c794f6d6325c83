"""Flow of a home's sensors: adding a host, renaming and replacing it, forgetting sensors."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar, Final

from homeassistant.config_entries import SubentryFlowResult
from homeassistant.const import CONF_NAME
from homeassistant.core import callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.selector import (
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
)
from homeassistant.util import dt as dt_util
import voluptuous as vol

from ...accounts.hosts import HostInfo
from ...const import CONF_SENSORS, CONF_SINCE, DOMAIN
from ...homes.inventory import Hardware, free_hosts, host_revision, sensing_hubs
from ...models import Revision, SensorsSource
from ...sensing.records import SensorMatch, SensorRecord, match_sensors, moved
from ...sensing.view import views
from ..forms import Fields
from ..refused import Refused
from .metering import async_begin
from .part import NONE_OF_THEM, PartSubentryFlow
from .sensing_source import (
    CONF_HOST,
    async_named_sensors,
    chosen_host,
    host_choice,
    reading_text,
    refuse_used_host,
)

CONF_SENSOR: Final = "sensor"


class SensorsSubentryFlow(PartSubentryFlow):
    """Adds a host of sensors to a home, renames it, or puts another in its place."""

    what = "sensors"
    changes: ClassVar = ["edit", "replace", "forget"]

    _revision: Revision
    _host: HostInfo
    _match: SensorMatch
    _asked: list[SensorRecord]
    _chosen: dict[str, str | None]

    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for a host that no home has yet, and for a name."""
        entry = self._get_entry()
        hosts = free_hosts(self.hass)
        refused: Refused | None = None
        if user_input is not None:
            try:
                hardware, host = chosen_host(self.hass, hosts, user_input[CONF_HOST])
                source = await async_named_sensors(
                    self.hass,
                    user_input.get(CONF_NAME, ""),
                    self._revision_of(hardware, dt_util.utcnow()),
                    host,
                    entry,
                )
            except Refused as err:
                refused = err
            else:
                return self._add(source)
        if not hosts:
            return self.async_abort(reason="no_free_host")
        return await self._async_new_form(self._choice(hosts), user_input, refused)

    async def async_step_replace(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Put another host behind the sensors from a day on."""
        source = self._source()
        hosts = free_hosts(self.hass)
        refused: Refused | None = None
        if user_input is not None:
            try:
                hardware, self._host = chosen_host(
                    self.hass, hosts, user_input[CONF_HOST]
                )
                since = await async_begin(
                    self._get_entry(),
                    source,
                    user_input[CONF_SINCE],
                    sensors=source.name,
                )
            except Refused as err:
                refused = err
            else:
                self._revision = self._revision_of(hardware, since)
                self._match = match_sensors(
                    source.sensors, self._revision.hardware, self._host.readings
                )
                self._asked = list(self._match.records)
                self._chosen = dict(self._match.matched)
                return await self.async_step_match_sensor()
        if not hosts:
            return self.async_abort(reason="no_free_host")
        return await self._async_replace_form(self._choice(hosts), user_input, refused)

    async def async_step_match_sensor(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask of each sensor that is not found by itself which one it is now."""
        if user_input is not None:
            choice = user_input[CONF_SENSOR]
            self._chosen[self._asked.pop(0).sensor_id] = (
                None if choice == NONE_OF_THEM else choice
            )
        while self._asked:
            record = self._asked[0]
            taken = set(self._chosen.values())
            options = [
                SelectOptionDict(value=reading.hardware_id, label=reading_text(reading))
                for reading in self._match.readings
                if reading.quantity is record.quantity
                and reading.hardware_id not in taken
            ]
            if not options:
                self._chosen[self._asked.pop(0).sensor_id] = None
                continue
            return self._match_form(
                "match_sensor",
                CONF_SENSOR,
                options,
                "sensor_choice",
                host=self._host.name,
                sensor=record.name,
            )
        return await self._async_replaced()

    async def _async_replaced(self) -> SubentryFlowResult:
        """Add the revision; the sensors keep their ids under the vendor's new ones."""
        source = self._source()
        try:
            refuse_used_host(self.hass, self._revision, self._host.name)
        except Refused as refused:
            hosts = free_hosts(self.hass)
            return await self._async_replace_form(self._choice(hosts), None, refused)
        replaced = replace(
            source,
            revisions=(*source.revisions, self._revision),
            sensors=moved(source.sensors, self._revision.hardware, self._chosen),
        )
        return self._store(replaced, "replaced")

    async def async_step_forget(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask which of the sensors that are silent are to go for good."""
        source = self._source()
        silent = {
            record.sensor_id: record
            for record in source.sensors
            if not self._heard(source)[record.sensor_id]
        }
        if not silent:
            return self.async_abort(reason="all_report")
        if user_input is not None:
            gone = set(user_input[CONF_SENSORS]) & silent.keys()
            self._remove_entities(gone)
            kept = tuple(r for r in source.sensors if r.sensor_id not in gone)
            return self._store(replace(source, sensors=kept), "forgotten")
        return self._form(
            "forget",
            vol.Schema(
                {
                    vol.Required(CONF_SENSORS): SelectSelector(
                        SelectSelectorConfig(
                            options=[
                                SelectOptionDict(value=sensor_id, label=record.name)
                                for sensor_id, record in silent.items()
                            ],
                            multiple=True,
                        )
                    )
                }
            ),
            None,
            sensors=source.name,
        )

    @callback
    def _heard(self, source: SensorsSource) -> dict[str, bool]:
        """Return which sensors on record were heard of late, by our own ids."""
        now = dt_util.utcnow()
        revision = source.current(now)
        hub = sensing_hubs(self.hass).get(str(revision.account))
        host_id = str(revision.hardware_id)
        readings = () if hub is None else hub.host_update(host_id).readings
        shown = views(source.sensors, revision.hardware, readings, now)
        return {sensor_id: view.available for sensor_id, view in shown.items()}

    @callback
    def _remove_entities(self, sensor_ids: set[str]) -> None:
        """Remove the entities of sensors."""
        registry = er.async_get(self.hass)
        for record in self._source().sensors:
            entity_id = registry.async_get_entity_id("sensor", DOMAIN, record.unique_id)
            if record.sensor_id in sensor_ids and entity_id is not None:
                registry.async_remove(entity_id)

    @callback
    def _revision_of(self, hardware: Hardware, since: datetime) -> Revision:
        """Return the revision that reads a host that is there."""
        account, host_id = hardware
        return host_revision(sensing_hubs(self.hass)[account], host_id, since)

    @callback
    def _choice(self, hosts: Mapping[Hardware, HostInfo]) -> Fields:
        """Return the field of the hosts to choose from."""
        return {vol.Required(CONF_HOST): host_choice(self.hass, hosts)}

    @callback
    def _source(self) -> SensorsSource:
        """Return the sensors that are changed."""
        return SensorsSource.from_subentry(self._get_reconfigure_subentry())
