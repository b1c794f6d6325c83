"""Steps of a home: adding and reconfiguring it."""

from typing import Any

from homeassistant.config_entries import (
    ConfigFlow,
    ConfigFlowResult,
    ConfigSubentryData,
)
from homeassistant.const import CONF_NAME
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
from homeassistant.util.ulid import ulid_now
import voluptuous as vol

from ..accounts.registry import MeterInfo
from ..const import (
    CONF_ENTITY,
    CONF_HOME_ID,
    CONF_KIND,
    CONF_ROLE,
    CONF_TIME_ZONE,
    EntryKind,
)
from ..homes.inventory import (
    Hardware,
    account_title,
    free_meters,
    homes_labelled,
    power_text,
)
from ..models import MeterSource
from .forms import (
    CONF_LABEL,
    CONF_METER,
    ENTITY_FIELDS,
    METER_ENTITY,
    METER_FIELDS,
    METER_LATER,
    async_home_fields,
    chosen_meter,
    meter_choice,
    time_zones,
)
from .refused import Refused
from .sources.backfill import BACKFILL_FIELDS, async_first_day, backfill_fields
from .sources.entity import entity_revision
from .sources.metering import (
    async_default_name,
    async_named_meter,
    hardware_revision,
    refuse_used,
)
from .sources.part import part_data


class HomeSteps(ConfigFlow):
    """Steps of a home."""

    _home_input: dict[str, Any]
    _hardware: Hardware
    _meter: MeterInfo

    async def async_step_home(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for a home's label and time zone, and where its meter is."""
        if user_input is None:
            return await self._async_home_form()
        self._home_input = user_input
        meters = free_meters(self.hass)
        choice = user_input[CONF_METER]
        try:
            await self._async_check_home(user_input)
            if choice == METER_LATER:
                return await self._async_finish_home()
            if choice == METER_ENTITY:
                return await self.async_step_home_entity()
            self._hardware, self._meter = chosen_meter(self.hass, meters, choice)
        except Refused as refused:
            return await self._async_home_form(refused)
        return await self.async_step_home_meter()

    async def _async_home_form(
        self, refused: Refused | None = None
    ) -> ConfigFlowResult:
        """Show the form of a new home, with what was typed where it is refused."""
        fields = await async_home_fields(self.hass)
        fields[vol.Required(CONF_METER, default=METER_LATER)] = meter_choice(
            self.hass, free_meters(self.hass), METER_LATER, METER_ENTITY
        )
        return self.async_show_form(
            step_id="home",
            data_schema=self.add_suggested_values_to_schema(
                vol.Schema(fields), self._home_input if refused else None
            ),
            errors=refused.errors if refused else None,
            description_placeholders=refused.placeholders if refused else None,
        )

    async def async_step_home_entity(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the entity that is the new home's meter."""
        refused: Refused | None = None
        if user_input is not None:
            try:
                revision = entity_revision(
                    self.hass, user_input[CONF_ENTITY], dt_util.utcnow()
                )
                source = await async_named_meter(self.hass, user_input, revision)
            except Refused as err:
                refused = err
            else:
                return await self._async_finish_home(source)
        return self.async_show_form(
            step_id="home_entity",
            data_schema=self.add_suggested_values_to_schema(
                vol.Schema({**ENTITY_FIELDS, **METER_FIELDS, **BACKFILL_FIELDS}),
                user_input,
            ),
            errors=refused.errors if refused else None,
            description_placeholders={
                "home": self._home_input[CONF_LABEL],
                **(refused.placeholders if refused else {}),
            },
        )

    async def async_step_home_meter(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask how the account's meter is called in the new home, and what it measures."""
        role = self._meter.role
        refused: Refused | None = None
        if user_input is not None:
            revision = hardware_revision(self.hass, self._hardware, dt_util.utcnow())
            try:
                refuse_used(self.hass, revision, CONF_METER, self._meter.name)
            except Refused as err:
                return await self._async_home_form(err)
            try:
                source = await async_named_meter(
                    self.hass, user_input, revision, suggested=role
                )
            except Refused as err:
                refused = err
            else:
                return await self._async_finish_home(source)
        return self.async_show_form(
            step_id="home_meter",
            data_schema=self.add_suggested_values_to_schema(
                vol.Schema(
                    {**METER_FIELDS, **backfill_fields(self.hass, self._hardware)}
                ),
                user_input
                or {
                    CONF_NAME: await async_default_name(self.hass, role),
                    CONF_ROLE: role.value,
                    **await async_first_day(self.hass, self._hardware),
                },
            ),
            errors=refused.errors if refused else None,
            description_placeholders={
                "home": self._home_input[CONF_LABEL],
                "meter": self._meter.name,
                "account": account_title(self.hass, self._hardware[0]),
                "power": power_text(self._meter.power),
                **(refused.placeholders if refused else {}),
            },
        )

    async def _async_finish_home(self, *sources: MeterSource) -> ConfigFlowResult:
        """Create the home; its label may have been taken while the flow was open."""
        try:
            label = await self._async_check_home(self._home_input)
        except Refused as refused:
            return await self._async_home_form(refused)
        return await self.async_create_home(
            label,
            self._home_input[CONF_TIME_ZONE],
            *(part_data(source) for source in sources),
        )

    async def async_step_reconfigure_home(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Change a home's label and time zone."""
        entry = self._get_reconfigure_entry()
        refused: Refused | None = None
        if user_input is not None:
            try:
                label = await self._async_check_home(user_input, entry.entry_id)
            except Refused as err:
                refused = err
            else:
                return self.async_update_and_abort(
                    entry,
                    title=label,
                    data_updates={CONF_TIME_ZONE: user_input[CONF_TIME_ZONE]},
                )
        return self.async_show_form(
            step_id="reconfigure_home",
            data_schema=self.add_suggested_values_to_schema(
                vol.Schema(await async_home_fields(self.hass)),
                user_input
                or {
                    CONF_LABEL: entry.title,
                    CONF_TIME_ZONE: entry.data.get(CONF_TIME_ZONE)
                    or self.hass.config.time_zone,
                },
            ),
            errors=refused.errors if refused else None,
            description_placeholders={
                "home": entry.title,
                **(refused.placeholders if refused else {}),
            },
        )

    async def async_create_home(
        self, label: str, time_zone: str, *subentries: ConfigSubentryData
    ) -> ConfigFlowResult:
        """Create a home's entry with its first meters and heatings."""
        home_id = ulid_now()
        await self.async_set_unique_id(home_id)
        return self.async_create_entry(
            title=label,
            data={
                CONF_KIND: EntryKind.HOME.value,
                CONF_HOME_ID: home_id,
                CONF_TIME_ZONE: time_zone,
            },
            subentries=subentries,
        )

    async def _async_check_home(
        self, user_input: dict[str, Any], entry_id: str | None = None
    ) -> str:
        """Return the label of a form; raises Refused where the home cannot be so."""
        label = home_label(user_input[CONF_LABEL], CONF_LABEL)
        for entry in homes_labelled(self.hass, label):
            if entry.entry_id != entry_id:
                raise Refused(
                    "duplicate_label", CONF_LABEL, label=label, other=entry.title
                )
        await async_refuse_time_zone(self.hass, user_input[CONF_TIME_ZONE])
        return label


def home_label(text: str, field: str) -> str:
    """Return a label without outer blanks; raises Refused where nothing is left."""
    if not (label := text.strip()):
        raise Refused("label_needed", field)
    return label


async def async_refuse_time_zone(hass: HomeAssistant, time_zone: str) -> None:
    """Raise Refused where there is no such time zone."""
    zones = await hass.async_add_executor_job(time_zones)
    if time_zone not in zones:
        raise Refused("unknown_time_zone", CONF_TIME_ZONE, time_zone=time_zone)
