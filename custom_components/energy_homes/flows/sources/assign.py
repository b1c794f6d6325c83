"""Which home does this belong to? The step that follows an account, or a discovery."""

import asyncio
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Final, override

from homeassistant.config_entries import (
    SOURCE_INTEGRATION_DISCOVERY,
    ConfigEntry,
    ConfigFlowResult,
    FlowType,
)
from homeassistant.const import CONF_NAME
from homeassistant.core import HomeAssistant, callback
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers.typing import DiscoveryInfoType
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey
import voluptuous as vol

from ...accounts.registry import AccountHub, MeterInfo
from ...const import CONF_ACCOUNT, CONF_HARDWARE, CONF_ROLE, DOMAIN
from ...homes.directory import home_entries, meter_sources
from ...homes.inventory import (
    NONE,
    Hardware,
    account_title,
    async_role_texts,
    discovery_id,
    hardware_ever_used,
    homes_labelled,
    hubs,
    live_meters,
    power_text,
    user_of,
)
from ...metering.model import MeterRole
from ...models import Revision
from ..account import NextFlow
from ..forms import CONF_HOME, METER_FIELDS, home_choice
from ..home import HomeSteps, home_label
from ..kind import Offer
from ..refused import Refused
from .backfill import async_first_day, backfill_fields
from .metering import (
    async_default_name,
    async_named_meter,
    hardware_revision,
    meter_names,
)
from .part import Part, add_part, part_data

CONF_POWER: Final = "power"

DATA_DISCOVERING: HassKey[asyncio.Lock] = HassKey(f"{DOMAIN}_discovering")


class AssignSteps(HomeSteps):
    """Steps of a meter that no home has yet."""

    discovered: Hardware | None = None
    """The meter, or the Netatmo home, that this flow is about."""

    _meter_name: str
    _meter_role: MeterRole
    _meter_power: float | None

    @override
    async def async_step_integration_discovery(
        self, discovery_info: DiscoveryInfoType
    ) -> ConfigFlowResult:
        """Take up a meter that an account has and no home."""
        self._meter_name = discovery_info[CONF_NAME]
        self._meter_role = MeterRole(discovery_info[CONF_ROLE])
        self._meter_power = discovery_info[CONF_POWER]
        await self.async_take_up(
            (discovery_info[CONF_ACCOUNT], discovery_info[CONF_HARDWARE]),
            self._meter_name,
        )
        return await self.async_step_assign()

    async def async_step_assign(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask which home the meter belongs to; a new label makes a new home."""
        assert self.discovered is not None
        revision = hardware_revision(self.hass, self.discovered, dt_util.utcnow())
        if (ended := self.already_assigned(revision, self._meter_name)) is not None:
            return ended
        refused: Refused | None = None
        if user_input is not None:
            try:
                label, home = self.home_wanted(user_input)
                source = await async_named_meter(
                    self.hass,
                    user_input,
                    revision,
                    home=home,
                    suggested=self._meter_role,
                )
            except Refused as err:
                refused = err
            else:
                return await self.async_assign_part(label, home, source)
        return await self._assign_form(user_input, refused)

    async def _assign_form(
        self, user_input: dict[str, Any] | None, refused: Refused | None
    ) -> ConfigFlowResult:
        """Show the meter and the homes to choose from."""
        assert self.discovered is not None
        account, hardware_id = self.discovered
        power = self._meter_power
        if (hub := hubs(self.hass).get(account)) is not None and (
            meter := hub.meters.get(hardware_id)
        ) is not None:
            power = meter.power
        suggested = user_input or await self._suggestion(account)
        roles = await async_role_texts(self.hass, "role")
        return self.async_show_form(
            step_id="assign",
            data_schema=self.add_suggested_values_to_schema(
                vol.Schema(
                    {
                        vol.Required(CONF_HOME): home_choice(
                            entry.title for entry in home_entries(self.hass)
                        ),
                        **METER_FIELDS,
                        **backfill_fields(self.hass, self.discovered),
                    }
                ),
                suggested,
            ),
            errors=refused.errors if refused else None,
            description_placeholders={
                "meter": self._meter_name,
                "account": account_title(self.hass, account),
                "role": roles[self._meter_role],
                "power": power_text(power),
                "homes": ", ".join(e.title for e in home_entries(self.hass)) or NONE,
                **(refused.placeholders if refused else {}),
            },
        )

    async def _suggestion(self, account: str) -> dict[str, Any]:
        """Return what is likely: the home that has the account's other meters."""
        owners = {
            entry_id
            for (entry_id, _), source in meter_sources(self.hass).items()
            if source.revisions[-1].account == account
        }
        suggestion: dict[str, Any] = {CONF_ROLE: self._meter_role.value}
        taken: list[str] = []
        home: ConfigEntry | None = None
        if len(owners) == 1 and self._meter_role is not MeterRole.GRID:
            home = self.hass.config_entries.async_get_known_entry(owners.pop())
            suggestion[CONF_HOME] = home.title
            taken = meter_names(home)
        suggestion[CONF_NAME] = await async_default_name(
            self.hass, self._meter_role, taken
        )
        assert self.discovered is not None
        return suggestion | await async_first_day(self.hass, self.discovered, home)

    async def async_take_up(self, hardware: Hardware, name: str) -> None:
        """Be about hardware that no home has yet; ends where somebody ignores it."""
        account, hardware_id = self.discovered = hardware
        await self.async_set_unique_id(discovery_id(account, hardware_id))
        self._abort_if_unique_id_configured(error="ignored")
        self.context["title_placeholders"] = {
            "name": f"{name} ({account_title(self.hass, account)})"
        }

    @callback
    def already_assigned(
        self, revision: Revision, name: str
    ) -> ConfigFlowResult | None:
        """Return the end of the flow where a home has the hardware by now."""
        if (user := user_of(self.hass, revision)) is None:
            return None
        return self.async_abort(
            reason="already_assigned",
            description_placeholders={"meter": name, "home": user.title},
        )

    @callback
    def home_wanted(
        self, user_input: Mapping[str, Any]
    ) -> tuple[str, ConfigEntry | None]:
        """Return the label that was chosen and its home, None for a new one.

        Raises Refused for a label that cannot be, or that several homes have.
        """
        label = home_label(user_input[CONF_HOME], CONF_HOME)
        homes = homes_labelled(self.hass, label)
        if len(homes) > 1:
            raise Refused("ambiguous_home", CONF_HOME, home=label)
        return label, homes[0] if homes else None

    async def async_assign_part(
        self,
        label: str,
        home: ConfigEntry | None,
        part: Part,
        time_zone: str | None = None,
    ) -> ConfigFlowResult:
        """Add the hardware to a home, or make a home of it; lead to what waits next."""
        assert self.discovered is not None
        if home is None:
            return await self.async_create_home(
                label, time_zone or self.hass.config.time_zone, part_data(part)
            )
        # Whoever takes the hardware away from this item must not end this flow.
        await self.async_set_unique_id(None)
        add_part(self.hass, home, part)
        return self.async_abort(
            reason="assigned",
            description_placeholders={"meter": part.name, "home": home.title},
            next_flow=next_assignment(self.hass, self.discovered),
        )


async def async_discover(
    hass: HomeAssistant, account: str, meter: MeterInfo
) -> str | None:
    """Make a meter a discovered item; return its flow's id, None where it may not be."""
    return await async_offer(
        hass,
        {
            CONF_ACCOUNT: account,
            CONF_HARDWARE: meter.hardware_id,
            CONF_NAME: meter.name,
            CONF_ROLE: meter.role.value,
            CONF_POWER: meter.power,
        },
    )


@callback
def meter_offers(hass: HomeAssistant, hub: AccountHub) -> dict[str, Offer]:
    """Return the meters of an account that report, and how each is offered."""
    return {
        meter.hardware_id: partial(async_discover, hass, hub.key, meter)
        for meter in live_meters(hub)
    }


async def async_offer(hass: HomeAssistant, item: dict[str, Any]) -> str | None:
    """Make hardware a discovered item; return its flow's id, None where it may not be."""
    unique_id = discovery_id(item[CONF_ACCOUNT], item[CONF_HARDWARE])
    # A flow that is just being made by somebody else cannot be a `next_flow` yet.
    async with hass.data.setdefault(DATA_DISCOVERING, asyncio.Lock()):
        for flow in assignments(hass):
            if flow["context"].get("unique_id") == unique_id:
                return flow["flow_id"]
        result = await hass.config_entries.flow.async_init(
            DOMAIN,
            context={"source": SOURCE_INTEGRATION_DISCOVERY},
            data=item,
        )
    return result["flow_id"] if result["type"] is FlowResultType.FORM else None


async def async_discover_all(
    hass: HomeAssistant, account: str, meters: Iterable[MeterInfo]
) -> NextFlow | None:
    """Make an account's meters discovered items; return the first for `next_flow`."""
    used = hardware_ever_used(hass)
    return first_offer(
        [
            await async_discover(hass, account, meter)
            for meter in meters
            if not meter.ghost and (account, meter.hardware_id) not in used
        ]
    )


def first_offer(flow_ids: Iterable[str | None]) -> NextFlow | None:
    """Return the first flow that there is for `next_flow`."""
    first = next((flow_id for flow_id in flow_ids if flow_id is not None), None)
    return None if first is None else (FlowType.CONFIG_FLOW, first)


@callback
def assignments(hass: HomeAssistant) -> list[ConfigFlowResult]:
    """Return the flows of what waits for a home, in a steady order."""
    return sorted(
        hass.config_entries.flow.async_progress_by_handler(
            DOMAIN, match_context={"source": SOURCE_INTEGRATION_DISCOVERY}
        ),
        key=lambda flow: flow["context"].get("unique_id") or "",
    )


@callback
def next_assignment(hass: HomeAssistant, done: Hardware) -> NextFlow | None:
    """Return the flow of the same account's next item for `next_flow`."""
    account, hardware_id = done
    for flow in assignments(hass):
        unique_id = flow["context"].get("unique_id") or ""
        if unique_id.startswith(discovery_id(account, "")) and unique_id != (
            discovery_id(account, hardware_id)
        ):
            return FlowType.CONFIG_FLOW, flow["flow_id"]
    return None
