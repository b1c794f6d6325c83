"""Steps of a Netatmo account: adding, reauthenticating and reconfiguring it."""

from functools import partial
import logging
from typing import Any, Final, cast, override

from homeassistant.config_entries import (
    SOURCE_REAUTH,
    SOURCE_RECONFIGURE,
    ConfigEntry,
    ConfigFlowResult,
)
from homeassistant.const import CONF_TOKEN
from homeassistant.core import callback
from homeassistant.helpers.config_entry_oauth2_flow import AbstractOAuth2FlowHandler
import voluptuous as vol

from ...accounts.netatmo.check import NetatmoCheck, async_check_netatmo
from ...accounts.netatmo.oauth import NetatmoImplementation
from ...accounts.netatmo.records import Token
from ...accounts.netatmo.tokens import CONF_AUTH_IMPLEMENTATION, async_replace_token
from ...clouds.errors import (
    CloudAuthError,
    CloudError,
    CloudOutageError,
    CloudQuotaError,
)
from ...clouds.netatmo.errors import CloudRefusedError, Refusal
from ...clouds.netatmo.oauth import SCOPES, missing_scopes
from ...const import CONF_KIND, DOMAIN, EntryKind
from ...homes.inventory import NONE, hardware_ever_used
from ..account import AccountSteps
from ..refused import BASE
from .assign import async_discover_homes

_LOGGER = logging.getLogger(__name__)

CONF_IMPLEMENTATION: Final = "implementation"

_VENDOR: Final = "Netatmo"


def netatmo_data(implementation: str, token: Token) -> dict[str, Any]:
    """Return the data of a Netatmo account's entry."""
    return {
        CONF_KIND: EntryKind.NETATMO.value,
        CONF_AUTH_IMPLEMENTATION: implementation,
        CONF_TOKEN: token,
    }


class NetatmoSteps(AccountSteps, AbstractOAuth2FlowHandler):
    """Steps of a Netatmo account, each of which signs in at the vendor's."""

    DOMAIN = DOMAIN

    _token: Token | None = None

    @property
    @override
    def logger(self) -> logging.Logger:
        """Return where Home Assistant's own steps log."""
        return _LOGGER

    async def async_step_netatmo(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Begin to add an account."""
        return await self.async_step_pick_implementation()

    async def async_step_reauth_netatmo(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Say that somebody has to sign in again, then lead there."""
        entry = self._get_reauth_entry()
        if user_input is None:
            return self.async_show_form(
                step_id="reauth_netatmo",
                data_schema=vol.Schema({}),
                description_placeholders={"account": entry.title},
            )
        return await self.async_step_pick_implementation(
            {CONF_IMPLEMENTATION: entry.data[CONF_AUTH_IMPLEMENTATION]}
        )

    async def async_step_reconfigure_netatmo(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Sign in again, also with another application."""
        return await self.async_step_pick_implementation()

    @override
    async def async_step_creation(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Get the tokens and look at the account; an outage can be sat out."""
        implementation = cast(NetatmoImplementation, self.flow_impl)
        try:
            if self._token is None:
                self._token = await implementation.async_redeem(self.external_data)
            if missing := missing_scopes(self._token):
                return self._scope_missing(missing)
            check = await async_check_netatmo(self.hass, implementation, self._token)
        except CloudAuthError:
            return self.async_abort(
                reason="sign_in_refused",
                description_placeholders={"application": implementation.name},
            )
        except CloudRefusedError as err:
            if err.reason is Refusal.SCOPE:
                return self._scope_missing(SCOPES)
            return self._no_heating(_VENDOR, NONE)
        except CloudQuotaError:
            return self._try_again("netatmo_quota")
        except CloudOutageError:
            return self._try_again("netatmo_outage")
        except CloudError:
            return self._try_again("netatmo_nonsense")
        self._token = check.token
        return await self._async_take(check, implementation.domain)

    async def async_step_try_again(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Go on where the cloud was out of order."""
        return await self.async_step_creation()

    async def _async_take(
        self, check: NetatmoCheck, implementation: str
    ) -> ConfigFlowResult:
        """Add the account, or give the account that this is about its new tokens."""
        if self.source == SOURCE_REAUTH:
            return await self._async_renew(
                self._get_reauth_entry(), check, implementation
            )
        if self.source == SOURCE_RECONFIGURE:
            return await self._async_renew(
                self._get_reconfigure_entry(), check, implementation
            )
        if not check.heated_homes:
            return self._no_heating(
                check.title, ", ".join(home.name for home in check.homes) or NONE
            )
        await self.async_set_unique_id(check.unique_id)
        await self._async_hand_on(check, implementation)
        self._abort_if_unique_id_configured(
            description_placeholders={"account": check.title}
        )
        self.async_offer = partial(
            async_discover_homes, self.hass, check.unique_id, check.homes
        )
        return self.async_create_entry(
            title=check.title, data=netatmo_data(implementation, check.token)
        )

    async def _async_renew(
        self, entry: ConfigEntry, check: NetatmoCheck, implementation: str
    ) -> ConfigFlowResult:
        """Give an account new tokens, where they are its own."""
        assert entry.unique_id is not None
        used = {
            home_id
            for account, home_id in hardware_ever_used(self.hass)
            if account == entry.unique_id
        }
        if not check.is_account(entry.unique_id, used):
            await self._async_hand_on(check, implementation)
            return self.async_abort(
                reason="wrong_account",
                description_placeholders={
                    "account": entry.title,
                    "other": check.title,
                },
            )
        return self.async_update_reload_and_abort(
            entry,
            data=await async_replace_token(
                self.hass, entry, implementation, check.token
            ),
        )

    async def _async_hand_on(self, check: NetatmoCheck, implementation: str) -> None:
        """Give tokens to the account that they are of, where that is set up already.

        Signing in may have voided the tokens that it had from the same application.
        """
        entry = self.hass.config_entries.async_entry_for_domain_unique_id(
            DOMAIN, check.unique_id
        )
        if entry is None or entry.data.get(CONF_AUTH_IMPLEMENTATION) != implementation:
            return
        data = await async_replace_token(self.hass, entry, implementation, check.token)
        self.hass.config_entries.async_update_entry(entry, data=data)
        if entry.disabled_by is None:
            self.hass.config_entries.async_schedule_reload(entry.entry_id)

    @callback
    def _try_again(self, error: str) -> ConfigFlowResult:
        """Show what is out of order."""
        return self.async_show_form(
            step_id="try_again", data_schema=vol.Schema({}), errors={BASE: error}
        )

    @callback
    def _scope_missing(self, scopes: tuple[str, ...]) -> ConfigFlowResult:
        """End the flow: the user did not allow what is needed."""
        return self.async_abort(
            reason="missing_scope",
            description_placeholders={"scopes": ", ".join(scopes)},
        )

    @callback
    def _no_heating(self, account: str, homes: str) -> ConfigFlowResult:
        """End the flow: the account has nothing for us."""
        return self.async_abort(
            reason="no_heating",
            description_placeholders={"account": account, "homes": homes},
        )
