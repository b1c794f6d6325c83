"""Steps of an Efergy account: adding, reauthenticating and reconfiguring it."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry, ConfigFlowResult
from homeassistant.const import CONF_TOKEN, CONF_URL
from homeassistant.core import callback
from homeassistant.helpers.selector import (
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
)
import voluptuous as vol

from ...const import CONF_SERVER, EfergyServer, EntryKind
from ...homes.inventory import account_entries
from ..account import AccountSteps
from ..forms import TOKEN, URL, Fields
from ..refused import Refused
from ..sources.assign import async_discover_all
from .checking import Credentials, async_check, refuse_empty, refuse_other_account

SERVER: Final = SelectSelector(
    SelectSelectorConfig(
        options=[server.value for server in EfergyServer],
        translation_key="server",
        mode=SelectSelectorMode.DROPDOWN,
    )
)
SERVER_FIELDS: Final[Fields] = {
    vol.Required(CONF_SERVER, default=EfergyServer.ENGAGE.value): SERVER,
    vol.Optional(CONF_URL): URL,
}


class EfergySteps(AccountSteps):
    """Steps of an Efergy account."""

    async def async_step_efergy(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for an account's token and server, and try them."""
        refused: Refused | None = None
        if user_input is not None:
            try:
                credentials = Credentials.read(user_input)
                for entry in account_entries(self.hass, EntryKind.EFERGY):
                    if entry.data[CONF_TOKEN] == credentials.token:
                        return self.known_already(entry.title)
                check = await async_check(self.hass, credentials)
                refuse_empty(check)
            except Refused as err:
                refused = err
            else:
                await self.async_set_unique_id(check.unique_id)
                self._abort_if_unique_id_configured(
                    description_placeholders={"account": check.title}
                )
                self.async_offer = partial(
                    async_discover_all, self.hass, check.unique_id, check.meters
                )
                return self.async_create_entry(
                    title=check.title, data=credentials.as_data()
                )
        return self._account_form(
            "efergy", {vol.Required(CONF_TOKEN): TOKEN}, user_input, refused
        )

    async def async_step_reauth_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Take a new token of the same account."""
        return await self.async_renew_token(
            "reauth_confirm", user_input, self._async_change_efergy
        )

    async def async_step_reconfigure_efergy(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Change the server of an account, or its token."""
        entry = self._get_reconfigure_entry()
        refused: Refused | None = None
        if user_input is not None:
            try:
                return await self._async_change_efergy(
                    entry, {CONF_TOKEN: entry.data[CONF_TOKEN], **user_input}
                )
            except Refused as err:
                refused = err
        return self._account_form(
            "reconfigure_efergy",
            {vol.Optional(CONF_TOKEN): TOKEN},
            entry.data if user_input is None else user_input,
            refused,
            account=entry.title,
        )

    async def _async_change_efergy(
        self, entry: ConfigEntry, fields: Mapping[str, Any]
    ) -> ConfigFlowResult:
        """Store other credentials of the same account; raises Refused."""
        credentials = Credentials.read(fields)
        check = await async_check(self.hass, credentials)
        refuse_other_account(self.hass, entry, check, credentials.token)
        return self.async_update_reload_and_abort(entry, data=credentials.as_data())

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
        return self.show_fields(
            step_id,
            self.add_suggested_values_to_schema(
                vol.Schema({**token_field, **SERVER_FIELDS}),
                {
                    key: value
                    for key, value in (shown or {}).items()
                    if key in (CONF_SERVER, CONF_URL)
                },
            ),
            refused,
            **placeholders,
        )
