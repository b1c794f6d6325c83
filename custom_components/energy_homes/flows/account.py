"""What the steps of every kind of account have in common."""

from collections.abc import Awaitable, Callable

from homeassistant.config_entries import ConfigFlow, ConfigFlowResult, FlowType
from homeassistant.core import callback

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
