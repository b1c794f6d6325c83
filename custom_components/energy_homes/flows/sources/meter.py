"""Flow of a home's meter: adding, editing and replacing it."""

from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar, override

from homeassistant.config_entries import SubentryFlowResult
from homeassistant.const import CONF_NAME
from homeassistant.core import callback
from homeassistant.util import dt as dt_util
import voluptuous as vol

from ...accounts.registry import MeterInfo
from ...const import CONF_ENTITY, CONF_ROLE, CONF_SINCE
from ...homes.inventory import (
    Hardware,
    account_title,
    async_zone,
    free_meters,
    power_text,
)
from ...metering.model import MeterRole
from ...models import MeterSource, Revision
from ..forms import (
    CONF_METER,
    ENTITY_FIELDS,
    METER_ENTITY,
    METER_FIELDS,
    chosen_meter,
    meter_choice,
    replacement_fields,
)
from ..refused import Refused
from .backfill import BACKFILL_FIELDS, async_first_day, backfill_fields
from .entity import entity_revision
from .metering import (
    async_default_name,
    async_midnight,
    async_named_meter,
    async_today,
    hardware_revision,
    meter_names,
    refuse_name,
    refuse_used,
)
from .part import PartSubentryFlow


class MeterSubentryFlow(PartSubentryFlow):
    """Adds a meter to a home, renames it, or puts other hardware behind it."""

    what = "meter"
    changes: ClassVar = ["edit", "replace"]

    _hardware: Hardware
    _meter: MeterInfo

    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask where the meter is; without a free account meter it is an entity."""
        meters = free_meters(self.hass)
        refused: Refused | None = None
        if user_input is not None:
            if user_input[CONF_METER] == METER_ENTITY:
                return await self.async_step_entity()
            try:
                self._hardware, self._meter = chosen_meter(
                    self.hass, meters, user_input[CONF_METER]
                )
            except Refused as err:
                refused = err
            else:
                return await self.async_step_meter()
        elif not meters:
            return await self.async_step_entity()
        return self._form(
            "user",
            vol.Schema(
                {
                    vol.Required(CONF_METER): meter_choice(
                        self.hass, meters, METER_ENTITY
                    )
                }
            ),
            refused,
        )

    async def async_step_entity(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for the entity that is the meter."""
        refused: Refused | None = None
        if user_input is not None:
            try:
                revision = entity_revision(
                    self.hass,
                    user_input[CONF_ENTITY],
                    dt_util.utcnow(),
                    self._get_entry(),
                )
                source = await async_named_meter(
                    self.hass, user_input, revision, home=self._get_entry()
                )
            except Refused as err:
                refused = err
            else:
                return self._add(source)
        return self._form(
            "entity",
            self.add_suggested_values_to_schema(
                vol.Schema({**ENTITY_FIELDS, **METER_FIELDS, **BACKFILL_FIELDS}),
                user_input,
            ),
            refused,
        )

    async def async_step_meter(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask how the account's meter is called in the home, and what it measures."""
        role = self._meter.role
        refused: Refused | None = None
        if user_input is not None:
            revision = hardware_revision(self.hass, self._hardware, dt_util.utcnow())
            try:
                refuse_used(self.hass, revision, "base", self._meter.name)
                source = await async_named_meter(
                    self.hass,
                    user_input,
                    revision,
                    home=self._get_entry(),
                    suggested=role,
                )
            except Refused as err:
                refused = err
            else:
                return self._add(source)
        default = await async_default_name(
            self.hass, role, meter_names(self._get_entry())
        )
        return self._form(
            "meter",
            self.add_suggested_values_to_schema(
                vol.Schema(
                    {**METER_FIELDS, **backfill_fields(self.hass, self._hardware)}
                ),
                user_input
                or {
                    CONF_NAME: default,
                    CONF_ROLE: role.value,
                    **await async_first_day(
                        self.hass, self._hardware, self._get_entry()
                    ),
                },
            ),
            refused,
            meter=self._meter.name,
            account=account_title(self.hass, self._hardware[0]),
            power=power_text(self._meter.power),
        )

    @override
    async def async_step_edit(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Change the meter's name and role; energy that is counted stays as it is."""
        entry = self._get_entry()
        subentry = self._get_reconfigure_subentry()
        refused: Refused | None = None
        if user_input is not None:
            role = MeterRole(user_input[CONF_ROLE])
            others = meter_names(entry, but=subentry.subentry_id)
            name = user_input.get(CONF_NAME, "").strip()
            if not name:
                name = await async_default_name(self.hass, role, others)
            try:
                refuse_name(name, others, entry.title)
            except Refused as err:
                refused = err
            else:
                return self.async_update_and_abort(
                    entry,
                    subentry,
                    title=name,
                    data_updates={CONF_ROLE: role.value},
                )
        return self._form(
            "edit",
            self.add_suggested_values_to_schema(
                vol.Schema(METER_FIELDS),
                user_input
                or {CONF_NAME: subentry.title, CONF_ROLE: subentry.data[CONF_ROLE]},
            ),
            refused,
            meter=subentry.title,
        )

    async def async_step_replace(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Put other hardware behind the meter from a day on; what was before stays."""
        entry = self._get_entry()
        subentry = self._get_reconfigure_subentry()
        refused: Refused | None = None
        if user_input is not None:
            source = MeterSource.from_subentry(subentry)
            try:
                replaced = await self._async_replaced(source, user_input)
            except Refused as err:
                refused = err
            else:
                return self._store(replaced, "replaced")
        return self._form(
            "replace",
            self.add_suggested_values_to_schema(
                vol.Schema(
                    replacement_fields(
                        self.hass,
                        free_meters(self.hass),
                        await async_today(entry),
                    )
                ),
                user_input,
            ),
            refused,
            meter=subentry.title,
        )

    async def _async_replaced(
        self, source: MeterSource, user_input: dict[str, Any]
    ) -> MeterSource:
        """Return the meter with one more revision; raises Refused where it cannot be."""
        entry = self._get_entry()
        since = await async_midnight(entry, user_input[CONF_SINCE])
        zone = await async_zone(entry)
        days = [revision.since.astimezone(zone).date() for revision in source.revisions]
        day = since.astimezone(zone).date()
        if day in days:
            raise Refused(
                "date_taken", CONF_SINCE, meter=source.name, date=day.isoformat()
            )
        if day < days[0]:
            raise Refused(
                "date_too_early",
                CONF_SINCE,
                meter=source.name,
                date=day.isoformat(),
                first=days[0].isoformat(),
            )
        revision = self._replacement(user_input, since)
        return replace(source, revisions=(*source.revisions, revision))

    @callback
    def _replacement(self, user_input: dict[str, Any], since: datetime) -> Revision:
        """Return what the form names as the new hardware."""
        if user_input[CONF_METER] == METER_ENTITY:
            if CONF_ENTITY not in user_input:
                raise Refused("entity_needed", CONF_ENTITY)
            return entity_revision(
                self.hass, user_input[CONF_ENTITY], since, self._get_entry()
            )
        hardware, _ = chosen_meter(
            self.hass, free_meters(self.hass), user_input[CONF_METER]
        )
        return hardware_revision(self.hass, hardware, since)
