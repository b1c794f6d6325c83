"""Config flow of Energy Homes: accounts, homes and the sources of homes."""

from collections.abc import Mapping
from typing import Any, override

from homeassistant.config_entries import (
    ConfigEntry,
    ConfigFlowResult,
    ConfigSubentryFlow,
    OptionsFlow,
)
from homeassistant.core import callback

from .accounts.particle.hub import async_adopted
from .const import (
    CONF_KIND,
    DOMAIN,
    SUBENTRY_HEATING,
    SUBENTRY_METER,
    SUBENTRY_PARTICLE_BOARD,
    SUBENTRY_SENSORS,
    EntryKind,
)
from .flows.efergy.account import AccountSteps
from .flows.imports.homes import ImportSteps
from .flows.netatmo.account import NetatmoSteps
from .flows.netatmo.assign import HeatingSteps, async_discover_homes
from .flows.netatmo.part import NetatmoHomeSubentryFlow
from .flows.particle.account import ParticleSteps
from .flows.particle.board import ParticleBoardSubentryFlow
from .flows.pulse_board.account import BoardSteps
from .flows.pulse_board.change import BoardChangeSteps
from .flows.pulse_board.options import BoardOptionsFlow
from .flows.sources.assign import async_discover_all, next_assignment
from .flows.sources.meter import MeterSubentryFlow
from .flows.sources.sensing import SensingSteps
from .flows.sources.sensing_host import SensorsSubentryFlow
from .homes.inventory import hubs, live_meters


class EnergyHomesConfigFlow(
    AccountSteps,
    NetatmoSteps,
    BoardSteps,
    BoardChangeSteps,
    ParticleSteps,
    SensingSteps,
    HeatingSteps,
    ImportSteps,
    domain=DOMAIN,
):
    """Sets up homes and accounts; the kind of an entry is in its data."""

    VERSION = 1

    @classmethod
    @callback
    @override
    def async_get_supported_subentry_types(
        cls, config_entry: ConfigEntry
    ) -> dict[str, type[ConfigSubentryFlow]]:
        """Return what can be added to an entry: sources to homes, boards to accounts."""
        if config_entry.data.get(CONF_KIND) == EntryKind.HOME:
            return {
                SUBENTRY_METER: MeterSubentryFlow,
                SUBENTRY_HEATING: NetatmoHomeSubentryFlow,
                SUBENTRY_SENSORS: SensorsSubentryFlow,
            }
        if config_entry.data.get(CONF_KIND) == EntryKind.PARTICLE:
            return {SUBENTRY_PARTICLE_BOARD: ParticleBoardSubentryFlow}
        return {}

    @classmethod
    @callback
    @override
    def async_supports_options_flow(cls, config_entry: ConfigEntry) -> bool:
        """Return whether an entry has options: a pulse board has."""
        return config_entry.data.get(CONF_KIND) == EntryKind.PULSE_BOARD

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: ConfigEntry) -> OptionsFlow:
        """Return the flow of a board's options."""
        return BoardOptionsFlow()

    @override
    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask what to add."""
        return self.async_show_menu(
            step_id="user",
            menu_options=["home", "efergy", "netatmo", "pulse_board", "particle"],
        )

    @override
    async def async_step_reauth(
        self, entry_data: Mapping[str, Any]
    ) -> ConfigFlowResult:
        """Ask for new credentials after an account's cloud refused the old ones."""
        if entry_data[CONF_KIND] == EntryKind.NETATMO:
            return await self.async_step_reauth_netatmo()
        if entry_data[CONF_KIND] == EntryKind.PARTICLE:
            return await self.async_step_reauth_particle()
        return await super().async_step_reauth(entry_data)

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Reconfigure a home or an account."""
        match self._get_reconfigure_entry().data[CONF_KIND]:
            case EntryKind.HOME:
                return await self.async_step_reconfigure_home()
            case EntryKind.NETATMO:
                return await self.async_step_reconfigure_netatmo()
            case EntryKind.PULSE_BOARD:
                return await self.async_step_reconfigure_pulse_board()
            case EntryKind.PARTICLE:
                return await self.async_step_reconfigure_particle()
        return await self.async_step_reconfigure_efergy()

    @override
    async def async_on_create_entry(self, result: ConfigFlowResult) -> ConfigFlowResult:
        """Go on with the next meter or heating that has no home."""
        next_flow = None
        if self.account_check is not None:
            next_flow = await async_discover_all(
                self.hass, self.account_check.unique_id, self.account_check.meters
            )
        elif self.netatmo_check is not None:
            next_flow = await async_discover_homes(
                self.hass, self.netatmo_check.unique_id, self.netatmo_check.homes
            )
        elif self.board_key is not None:
            board = hubs(self.hass).get(self.board_key)
            next_flow = await async_discover_all(
                self.hass, self.board_key, () if board is None else live_meters(board)
            )
        elif self.particle_check is not None:
            account = self.particle_check.unique_id
            next_flow = await async_discover_all(
                self.hass,
                account,
                async_adopted(hubs(self.hass).get(account), self.particle_boards),
            )
        elif self.discovered is not None:
            next_flow = next_assignment(self.hass, self.discovered)
        if next_flow is not None:
            result["next_flow"] = next_flow
        return result
