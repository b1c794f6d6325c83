"""What the steps of every kind of account have in common."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from homeassistant.config_entries import (
    ConfigEntry,
    ConfigFlow,
    ConfigFlowResult,
    FlowType,
)
from homeassistant.const import CONF_TOKEN
from homeassistant.core import callback
import voluptuous as vol

from .forms import TOKEN
from .refused import Refused

type NextFlow = tuple[FlowType, str]
"""The flow that follows one that ends, for `next_flow`."""


class AccountSteps(ConfigFlow):
    """Steps of an account."""

    async_offer: Callable[[], Awaitable[NextFlow | None]] | None = None
    """Makes what a new account has discovered items, and returns the first; set when it is added."""

    @callback
    def known_already(self, account: str) -> ConfigFlowResult:
        """End the flow: the account is there already."""
        return self.async_abort(
            reason="already_configured", description_placeholders={"account": account}
        )

    async def async_renew_token(
        self,
        step_id: str,
        user_input: Mapping[str, Any] | None,
        change: Callable[[ConfigEntry, Mapping[str, Any]], Awaitable[ConfigFlowResult]],
    ) -> ConfigFlowResult:
        """Ask for a new token of an account that needs one, until it is taken.

        `change` takes the account's entry and its data with the new token. It ends the flow,
        or raises Refused.
        """
        entry = self._get_reauth_entry()
        refused: Refused | None = None
        if user_input is not None:
            try:
                return await change(entry, {**entry.data, **user_input})
            except Refused as err:
                refused = err
        return self.show_fields(
            step_id,
            vol.Schema({vol.Required(CONF_TOKEN): TOKEN}),
            refused,
            account=entry.title,
        )

    @callback
    def show_fields(
        self,
        step_id: str,
        schema: vol.Schema,
        refused: Refused | None,
        **placeholders: str,
    ) -> ConfigFlowResult:
        """Show a form, and why what was typed cannot be taken."""
        return self.async_show_form(
            step_id=step_id,
            data_schema=schema,
            errors=refused.errors if refused else None,
            description_placeholders={
                **placeholders,
                **(refused.placeholders if refused else {}),
            },
        )
