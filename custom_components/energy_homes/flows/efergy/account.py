"""Steps of an Efergy account: adding, reauthenticating and reconfiguring it."""

from collections.abc import Mapping
from typing import Any

from homeassistant.config_entries import ConfigFlow, ConfigFlowResult
from homeassistant.const import CONF_TOKEN, CONF_URL
from homeassistant.core import callback
import voluptuous as vol

from ...accounts.efergy.check import AccountCheck
from ...const import CONF_SERVER
from ...homes.inventory import account_entries
from ..forms import SERVER_FIELDS, TOKEN
from ..refused import Refused
from .checking import Credentials, async_check, refuse_empty, refuse_other_account


class AccountSteps(ConfigFlow):
    """Steps of an Efergy account."""

    account_check: AccountCheck | None = None
    """What the cloud said when this flow added an account."""

    async def async_step_efergy(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for an account's token and server, and try them."""
        refused: Refused | None = None
        if user_input is not None:
            try:
                credentials = Credentials.read(user_input)
                for entry in account_entries(self.hass):
                    if entry.data[CONF_TOKEN] == credentials.token:
                        return self._already_configured(entry.title)
                check = await async_check(self.hass, credentials)
                refuse_empty(check)
            except Refused as err:
                refused = err
            else:
                await self.async_set_unique_id(check.unique_id)
                self._abort_if_unique_id_configured(
                    description_placeholders={"account": check.title}
                )
                self.account_check = check
                return self.async_create_entry(
                    title=check.title, data=credentials.as_data()
                )
        return self._account_form(
            "efergy", {vol.Required(CONF_TOKEN): TOKEN}, user_input, refused
        )

    async def async_step_reauth(
        self, entry_data: Mapping[str, Any]
    ) -> ConfigFlowResult:
        """Ask for a new token after the cloud refused the old one."""
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Take a new token of the same account."""
        entry = self._get_reauth_entry()
        refused: Refused | None = None
        if user_input is not None:
            try:
                credentials = Credentials.read({**entry.data, **user_input})
                check = await async_check(self.hass, credentials)
                refuse_other_account(self.hass, entry, check, credentials.token)
            except Refused as err:
                refused = err
            else:
                return self.async_update_reload_and_abort(
                    entry, data=credentials.as_data()
                )
        return self.async_show_form(
            step_id="reauth_confirm",
            data_schema=vol.Schema({vol.Required(CONF_TOKEN): TOKEN}),
            errors=refused.errors if refused else None,
            description_placeholders={
                "account": entry.title,
                **(refused.placeholders if refused else {}),
            },
        )

    async def async_step_reconfigure_efergy(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Change the server of an account, or its token."""
        entry = self._get_reconfigure_entry()
        refused: Refused | None = None
        if user_input is not None:
            try:
                credentials = Credentials.read(
                    {CONF_TOKEN: entry.data[CONF_TOKEN], **user_input}
                )
                check = await async_check(self.hass, credentials)
                refuse_other_account(self.hass, entry, check, credentials.token)
            except Refused as err:
                refused = err
            else:
                return self.async_update_reload_and_abort(
                    entry, data=credentials.as_data()
                )
        return self._account_form(
            "reconfigure_efergy",
            {vol.Optional(CONF_TOKEN): TOKEN},
            entry.data if user_input is None else user_input,
            refused,
            account=entry.title,
        )

    @callback
    def _account_form(
        self,
        step_id: str,
        token_field: dict[vol.Marker, Any],
        shown: Mapping[str, Any] | None,
        refused: Refused | None,
        **placeholders: str,
    ) -> ConfigFlowResult:
        """Show an account's fields with what was typed, but for the token."""
        fields = {**token_field, **SERVER_FIELDS}
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(
                vol.Schema(fields),
                {
                    key: value
                    for key, value in (shown or {}).items()
                    if key in (CONF_SERVER, CONF_URL)
                },
            ),
            errors=refused.errors if refused else None,
            description_placeholders={
                **placeholders,
                **(refused.placeholders if refused else {}),
            },
        )

    @callback
    def _already_configured(self, account: str) -> ConfigFlowResult:
        """End the flow: the account is there already."""
        return self.async_abort(
            reason="already_configured", description_placeholders={"account": account}
        )
