"""Config flow of Energy Homes: accounts, homes and the meters of homes."""

from typing import Any, override

from homeassistant.config_entries import (
    ConfigEntry,
    ConfigFlowResult,
    ConfigSubentryFlow,
)
from homeassistant.core import callback

from .const import CONF_KIND, DOMAIN, SUBENTRY_METER, EntryKind
from .flows.account import AccountSteps
from .flows.assign import AssignSteps, async_discover_all, next_assignment
from .flows.importing import ImportSteps
from .flows.meter import MeterSubentryFlow


class EnergyHomesConfigFlow(AccountSteps, AssignSteps, ImportSteps, domain=DOMAIN):
    """Sets up homes and accounts; the kind of an entry is in its data."""

    VERSION = 1

    @classmethod
    @callback
    @override
    def async_get_supported_subentry_types(
        cls, config_entry: ConfigEntry
    ) -> dict[str, type[ConfigSubentryFlow]]:
        """Return what can be added to an entry: meters to homes."""
        if config_entry.data.get(CONF_KIND) == EntryKind.HOME:
            return {SUBENTRY_METER: MeterSubentryFlow}
        return {}

    @override
    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask what to add."""
        return self.async_show_menu(step_id="user", menu_options=["home", "efergy"])

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Reconfigure a home or an account."""
        if self._get_reconfigure_entry().data.get(CONF_KIND) == EntryKind.HOME:
            return await self.async_step_reconfigure_home()
        return await self.async_step_reconfigure_efergy()

    @override
    async def async_on_create_entry(self, result: ConfigFlowResult) -> ConfigFlowResult:
        """Go on with the next meter that has no home."""
        next_flow = None
        if self.account_check is not None:
            next_flow = await async_discover_all(
                self.hass, self.account_check.unique_id, self.account_check.meters
            )
        elif self.discovered is not None:
            next_flow = next_assignment(self.hass, self.discovered)
        if next_flow is not None:
            result["next_flow"] = next_flow
        return result
