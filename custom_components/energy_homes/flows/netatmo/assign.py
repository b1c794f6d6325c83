"""Which home does this Netatmo home heat? The step that follows an account, or a discovery."""

from collections.abc import Iterable
from functools import partial
from typing import Any, Final, override

from homeassistant.config_entries import ConfigEntry, ConfigFlowResult
from homeassistant.const import CONF_NAME
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.selector import TextSelector
from homeassistant.helpers.typing import DiscoveryInfoType
from homeassistant.util import dt as dt_util
import voluptuous as vol

from ...accounts.registry import HeatingHub
from ...clouds.netatmo.models import HomeTopology
from ...const import CONF_ACCOUNT, CONF_HARDWARE, SUBENTRY_HEATING
from ...homes.directory import home_entries
from ...homes.inventory import (
    NONE,
    account_title,
    hardware_known,
    heating_hubs,
    homes_labelled,
)
from ..account import NextFlow
from ..forms import CONF_HOME, home_choice
from ..kind import Offer
from ..refused import Refused
from ..sources.assign import AssignSteps, async_offer, first_offer
from ..sources.backfill import BACKFILL_FIELDS, async_heating_day
from ..sources.metering import async_import_from
from ..sources.part import async_part_name, names_in
from .source import (
    async_named_heating,
    async_zone_of,
    heating_revision,
    live_homes,
    rooms_text,
)

CONF_TOPOLOGY: Final = "topology"


class HeatingSteps(AssignSteps):
    """Steps of a Netatmo home that no home has yet."""

    _found: HomeTopology

    @override
    async def async_step_integration_discovery(
        self, discovery_info: DiscoveryInfoType
    ) -> ConfigFlowResult:
        """Take up a Netatmo home, or a meter, that an account has and no home."""
        if CONF_TOPOLOGY not in discovery_info:
            return await super().async_step_integration_discovery(discovery_info)
        self._found = discovery_info[CONF_TOPOLOGY]
        await self.async_take_up(
            (discovery_info[CONF_ACCOUNT], self._found.home_id), self._found.name
        )
        return await self.async_step_assign_heating()

    async def async_step_assign_heating(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask which home the Netatmo home heats; a new label makes a new home."""
        assert self.discovered is not None
        topology = self._topology()
        revision = heating_revision(self.discovered, dt_util.utcnow())
        if (ended := self.already_assigned(revision, topology.name)) is not None:
            return ended
        refused: Refused | None = None
        if user_input is not None:
            try:
                label, home = self.home_wanted(user_input)
                source = await async_named_heating(
                    self.hass,
                    user_input.get(CONF_NAME, ""),
                    self.discovered,
                    topology,
                    home,
                    import_from=await async_import_from(user_input, home),
                )
            except Refused as err:
                refused = err
            else:
                zone = (
                    await async_zone_of(self.hass, topology) if home is None else None
                )
                return await self.async_assign_part(label, home, source, zone)
        return await self._heating_form(topology, user_input, refused)

    async def _heating_form(
        self,
        topology: HomeTopology,
        user_input: dict[str, Any] | None,
        refused: Refused | None,
    ) -> ConfigFlowResult:
        """Show the Netatmo home and the homes to choose from."""
        assert self.discovered is not None
        labels = [entry.title for entry in home_entries(self.hass)]
        return self.async_show_form(
            step_id="assign_heating",
            data_schema=self.add_suggested_values_to_schema(
                vol.Schema(
                    {
                        vol.Required(CONF_HOME): home_choice(labels),
                        vol.Optional(CONF_NAME): TextSelector(),
                        **BACKFILL_FIELDS,
                    }
                ),
                user_input or await self._heating_suggestion(topology),
            ),
            errors=refused.errors if refused else None,
            description_placeholders={
                "netatmo_home": topology.name,
                "account": account_title(self.hass, self.discovered[0]),
                "rooms": rooms_text(topology),
                "homes": ", ".join(labels) or NONE,
                **(refused.placeholders if refused else {}),
            },
        )

    async def _heating_suggestion(self, topology: HomeTopology) -> dict[str, Any]:
        """Return what is likely: the home of that name, else the only one without heating.

        Where every home is heated it is a new one.
        """
        named = homes_labelled(self.hass, topology.name)
        unheated = [
            entry
            for entry in home_entries(self.hass)
            if not entry.get_subentries_of_type(SUBENTRY_HEATING)
        ]
        home: ConfigEntry | None = None
        for likely in (named, unheated):
            if home is None and len(likely) == 1:
                (home,) = likely
        suggestion: dict[str, Any] = {
            CONF_NAME: await async_part_name(self.hass, "heating", names_in(home)),
            **await async_heating_day(home),
        }
        if home is not None:
            suggestion[CONF_HOME] = home.title
        elif not unheated and topology.name:
            suggestion[CONF_HOME] = topology.name
        return suggestion

    @callback
    def _topology(self) -> HomeTopology:
        """Return the Netatmo home as it is now, else as it was found."""
        assert self.discovered is not None
        account, home_id = self.discovered
        hub = heating_hubs(self.hass).get(account)
        return self._found if hub is None else hub.homes.get(home_id, self._found)


async def async_discover_home(
    hass: HomeAssistant, account: str, topology: HomeTopology
) -> str | None:
    """Make a Netatmo home a discovered item; return its flow's id, None where it may not be."""
    return await async_offer(
        hass,
        {
            CONF_ACCOUNT: account,
            CONF_HARDWARE: topology.home_id,
            CONF_TOPOLOGY: topology,
        },
    )


@callback
def home_offers(hass: HomeAssistant, hub: HeatingHub) -> dict[str, Offer]:
    """Return the homes of an account that can be heated, and how each is offered."""
    return {
        topology.home_id: partial(async_discover_home, hass, hub.key, topology)
        for topology in live_homes(hub)
    }


async def async_discover_homes(
    hass: HomeAssistant, account: str, homes: Iterable[HomeTopology]
) -> NextFlow | None:
    """Make an account's homes that heat discovered items; return the first for `next_flow`."""
    used = hardware_known(hass)
    return first_offer(
        [
            await async_discover_home(hass, account, topology)
            for topology in homes
            if topology.heated_rooms and (account, topology.home_id) not in used
        ]
    )
