"""Config flow of Energy Homes: accounts, homes and the sources of homes."""

from collections.abc import Mapping
from typing import Any, Final, override

from homeassistant.config_entries import (
    ConfigEntry,
    ConfigFlowResult,
    ConfigSubentryFlow,
    OptionsFlow,
)
from homeassistant.core import callback

from .accounts.kinds import is_account, kind_of
from .const import CONF_KIND, DOMAIN, SUBENTRY_METER, SUBENTRY_SENSORS, EntryKind
from .flows.imports.homes import ImportSteps
from .flows.kind import AccountFlow
from .flows.kinds import FLOWS, VendorSteps
from .flows.sources.assign import next_assignment
from .flows.sources.meter import MeterSubentryFlow
from .flows.sources.sensing import SensingSteps
from .flows.sources.sensing_host import SensorsSubentryFlow
from .homes.directory import is_home

MENU: Final = ["home", *(kind.value for kind in FLOWS)]
"""What can be added."""


class EnergyHomesConfigFlow(VendorSteps, SensingSteps, ImportSteps, domain=DOMAIN):
    """Sets up homes and accounts; the kind of an entry is in its data."""

    VERSION = 1

    @classmethod
    @callback
    @override
    def async_get_supported_subentry_types(
        cls, config_entry: ConfigEntry
    ) -> dict[str, type[ConfigSubentryFlow]]:
        """Return what can be added to an entry: sources to homes, boards to accounts."""
        if is_home(config_entry):
            return {
                SUBENTRY_METER: MeterSubentryFlow,
                **{
                    kind: part
                    for flow in FLOWS.values()
                    for kind, part in flow.home_parts.items()
                },
                SUBENTRY_SENSORS: SensorsSubentryFlow,
            }
        return {**_flow_of(config_entry).subentries} if is_account(config_entry) else {}

    @classmethod
    @callback
    @override
    def async_supports_options_flow(cls, config_entry: ConfigEntry) -> bool:
        """Return whether an entry has options."""
        return is_account(config_entry) and _flow_of(config_entry).options is not None

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: ConfigEntry) -> OptionsFlow:
        """Return the flow of an account's options."""
        options = _flow_of(config_entry).options
        assert options is not None
        return options()

    @override
    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask what to add."""
        return self.async_show_menu(step_id="user", menu_options=MENU)

    async def async_step_reauth(
        self, entry_data: Mapping[str, Any]
    ) -> ConfigFlowResult:
        """Ask for new credentials after an account's cloud refused the old ones."""
        reauth = FLOWS[EntryKind(entry_data[CONF_KIND])].reauth
        assert reauth is not None
        return await reauth(self)

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Reconfigure a home or an account."""
        entry = self._get_reconfigure_entry()
        if is_home(entry):
            return await self.async_step_reconfigure_home()
        return await _flow_of(entry).reconfigure(self)

    @override
    async def async_on_create_entry(self, result: ConfigFlowResult) -> ConfigFlowResult:
        """Go on with the next hardware that has no home."""
        next_flow = None
        if self.async_offer is not None:
            next_flow = await self.async_offer()
        elif self.discovered is not None:
            next_flow = next_assignment(self.hass, self.discovered)
        if next_flow is not None:
            result["next_flow"] = next_flow
        return result


def _flow_of(entry: ConfigEntry) -> AccountFlow:
    """Return what forms do about an account's entry."""
    return FLOWS[kind_of(entry).entry_kind]
