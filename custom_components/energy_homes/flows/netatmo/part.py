"""Flow of a home's heating: adding a Netatmo home, renaming and replacing it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar, Final

from homeassistant.config_entries import SubentryFlowResult
from homeassistant.const import CONF_NAME
from homeassistant.core import callback
from homeassistant.helpers.selector import SelectOptionDict
from homeassistant.util import dt as dt_util
from homeassistant.util.ulid import ulid_now
import voluptuous as vol

from ...clouds.netatmo.models import HomeTopology
from ...const import CONF_SINCE
from ...heating.netatmo.matching import RoomMatch, match_rooms, merged, moved, planned
from ...heating.netatmo.records import RoomRecord
from ...homes.inventory import Hardware
from ...models import HeatingSource
from ..forms import Fields
from ..refused import Refused
from ..sources.backfill import BACKFILL_FIELDS, async_heating_day
from ..sources.metering import async_begin, async_import_from
from ..sources.part import NONE_OF_THEM, PartSubentryFlow
from .source import (
    CONF_NETATMO_HOME,
    async_named_heating,
    chosen_heating,
    free_homes,
    heating_choice,
    heating_revision,
    refuse_used_home,
)

CONF_ROOM: Final = "room"


class NetatmoHomeSubentryFlow(PartSubentryFlow):
    """Adds a Netatmo home to a home, renames it, or puts another in its place."""

    what = "heating"
    changes: ClassVar = ["edit", "replace"]

    _hardware: Hardware
    _topology: HomeTopology
    _since: datetime
    _match: RoomMatch
    _asked: list[RoomRecord]
    _chosen: dict[str, str | None]

    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for a Netatmo home that no home has yet, and for a name."""
        entry = self._get_entry()
        homes = free_homes(self.hass)
        refused: Refused | None = None
        if user_input is not None:
            try:
                hardware, topology = chosen_heating(
                    self.hass, homes, user_input[CONF_NETATMO_HOME]
                )
                source = await async_named_heating(
                    self.hass,
                    user_input.get(CONF_NAME, ""),
                    hardware,
                    topology,
                    entry,
                    import_from=await async_import_from(user_input, entry),
                )
            except Refused as err:
                refused = err
            else:
                return self._add(source)
        if not homes:
            return self.async_abort(reason="no_free_home")
        return await self._async_new_form(
            self._choice(homes),
            user_input,
            refused,
            more=BACKFILL_FIELDS,
            suggested=await async_heating_day(entry),
        )

    async def async_step_replace(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Put another Netatmo home behind the heating from a day on."""
        source = self._source()
        homes = free_homes(self.hass, source)
        refused: Refused | None = None
        if user_input is not None:
            try:
                self._hardware, self._topology = chosen_heating(
                    self.hass, homes, user_input[CONF_NETATMO_HOME]
                )
                self._since = await async_begin(
                    self._get_entry(),
                    source,
                    user_input[CONF_SINCE],
                    heating=source.name,
                )
            except Refused as err:
                refused = err
            else:
                self._match = match_rooms(source.rooms, self._topology)
                self._asked = list(self._match.records)
                self._chosen = dict(self._match.matched)
                return await self.async_step_match_room()
        if not homes:
            return self.async_abort(reason="no_free_home")
        return await self._async_replace_form(self._choice(homes), user_input, refused)

    async def async_step_match_room(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask of each room that is not found by its name which room it is now."""
        if user_input is not None:
            choice = user_input[CONF_ROOM]
            self._chosen[self._asked.pop(0).room_id] = (
                None if choice == NONE_OF_THEM else choice
            )
        if not self._asked:
            return await self._async_replaced()
        taken = set(self._chosen.values())
        options = [
            SelectOptionDict(value=room.room_id, label=room.name or room.room_id)
            for room in self._match.rooms
            if room.room_id not in taken
        ]
        return self._match_form(
            "match_room",
            CONF_ROOM,
            options,
            "room_choice",
            netatmo_home=self._topology.name,
            room=self._asked[0].name,
        )

    async def _async_replaced(self) -> SubentryFlowResult:
        """Add the revision; the rooms keep their ids under the vendor's new ones."""
        source = self._source()
        revision = heating_revision(self._hardware, self._since)
        try:
            refuse_used_home(
                self.hass, revision, self._topology.name, but=source.source_id
            )
        except Refused as refused:
            homes = free_homes(self.hass, source)
            return await self._async_replace_form(self._choice(homes), None, refused)
        modules = source.modules
        if self._since > dt_util.utcnow():
            rooms = planned(source.rooms, self._chosen)
        else:
            rooms, modules = merged(
                moved(source.rooms, self._chosen), modules, self._topology, ulid_now
            )
        replaced = replace(
            source,
            revisions=(*source.revisions, revision),
            rooms=rooms,
            modules=modules,
        )
        return self._store(replaced, "replaced")

    @callback
    def _choice(self, homes: Mapping[Hardware, HomeTopology]) -> Fields:
        """Return the field of the Netatmo homes to choose from."""
        return {vol.Required(CONF_NETATMO_HOME): heating_choice(self.hass, homes)}

    @callback
    def _source(self) -> HeatingSource:
        """Return the heating that is changed."""
        return HeatingSource.from_subentry(self._get_reconfigure_subentry())
