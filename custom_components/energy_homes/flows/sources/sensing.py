"""Which home are these sensors in? The step that follows a discovery."""

from typing import Any, override

from homeassistant.config_entries import ConfigEntry, ConfigFlowResult
from homeassistant.const import CONF_NAME
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.selector import TextSelector
from homeassistant.helpers.typing import DiscoveryInfoType
from homeassistant.util import dt as dt_util
import voluptuous as vol

from ...accounts.hosts import HostInfo, SensingHub
from ...const import CONF_ACCOUNT, CONF_HARDWARE, CONF_KIND, SourceKind
from ...homes.directory import home_entries, meter_sources
from ...homes.inventory import (
    NONE,
    account_title,
    hardware_of,
    host_revision,
    sensing_hubs,
)
from ...models import Revision
from ..forms import CONF_HOME, home_choice
from ..refused import Refused
from .assign import AssignSteps, async_offer
from .part import async_part_name, names_in
from .sensing_source import CONF_HOST, async_named_sensors, sensors_text


class SensingSteps(AssignSteps):
    """Steps of a host of sensors that no home has yet."""

    _host: HostInfo
    _host_kind: SourceKind
    _host_account: str

    @override
    async def async_step_integration_discovery(
        self, discovery_info: DiscoveryInfoType
    ) -> ConfigFlowResult:
        """Take up a host, or whatever else an account has and no home."""
        if CONF_HOST not in discovery_info:
            return await super().async_step_integration_discovery(discovery_info)
        self._host = discovery_info[CONF_HOST]
        self._host_kind = discovery_info[CONF_KIND]
        self._host_account = discovery_info[CONF_ACCOUNT]
        await self.async_take_up(
            (self._host_account, discovery_info[CONF_HARDWARE]), self._host.name
        )
        return await self.async_step_assign_sensors()

    async def async_step_assign_sensors(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask which home the sensors are in; a new label makes a new home."""
        assert self.discovered is not None
        revision = Revision(
            since=dt_util.utcnow(),
            kind=self._host_kind,
            account=self._host_account,
            hardware_id=self._host.hardware_id,
        )
        if (ended := self.already_assigned(revision, self._host.name)) is not None:
            return ended
        host = self._host_now()
        refused: Refused | None = None
        if user_input is not None:
            try:
                label, home = self.home_wanted(user_input)
                source = await async_named_sensors(
                    self.hass, user_input.get(CONF_NAME, ""), revision, host, home
                )
            except Refused as err:
                refused = err
            else:
                return await self.async_assign_part(label, home, source)
        return await self._sensors_form(host, user_input, refused)

    async def _sensors_form(
        self,
        host: HostInfo,
        user_input: dict[str, Any] | None,
        refused: Refused | None,
    ) -> ConfigFlowResult:
        """Show the host with its sensors, and the homes to choose from."""
        labels = [entry.title for entry in home_entries(self.hass)]
        return self.async_show_form(
            step_id="assign_sensors",
            data_schema=self.add_suggested_values_to_schema(
                vol.Schema(
                    {
                        vol.Required(CONF_HOME): home_choice(labels),
                        vol.Optional(CONF_NAME): TextSelector(),
                    }
                ),
                user_input or await self._sensors_suggestion(),
            ),
            errors=refused.errors if refused else None,
            description_placeholders={
                "host": host.name,
                "account": account_title(self.hass, self._host_account),
                "sensors": sensors_text(host),
                "homes": ", ".join(labels) or NONE,
                **(refused.placeholders if refused else {}),
            },
        )

    async def _sensors_suggestion(self) -> dict[str, Any]:
        """Return what is likely: the home that has the account's meters, or the only one."""
        owners = {
            entry_id
            for (entry_id, _), source in meter_sources(self.hass).items()
            if source.revisions[-1].account == self._host_account
        }
        entries = home_entries(self.hass)
        likely = [entry for entry in entries if entry.entry_id in owners] or entries
        home: ConfigEntry | None = likely[0] if len(likely) == 1 else None
        name = await async_part_name(self.hass, "sensors", names_in(home))
        return {CONF_NAME: name} | ({} if home is None else {CONF_HOME: home.title})

    @callback
    def _host_now(self) -> HostInfo:
        """Return the host as it is now, else as it was found."""
        hub = sensing_hubs(self.hass).get(self._host_account)
        if hub is None:
            return self._host
        return hub.hosts.get(self._host.hardware_id, self._host)


async def async_discover_host(
    hass: HomeAssistant, hub: SensingHub, host: HostInfo
) -> str | None:
    """Make a host a discovered item; return its flow's id, None where it may not be."""
    hardware = hardware_of(host_revision(hub, host.hardware_id, dt_util.utcnow()))
    assert hardware is not None
    return await async_offer(
        hass,
        {
            CONF_ACCOUNT: hub.key,
            CONF_HARDWARE: hardware[1],
            CONF_HOST: host,
            CONF_KIND: hub.source_kind,
        },
    )
