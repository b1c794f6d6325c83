"""Steps of a Particle account: adding, reauthenticating and reconfiguring it."""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any, override

from homeassistant.config_entries import ConfigEntry, ConfigEntryState, ConfigFlowResult
from homeassistant.const import CONF_TOKEN, CONF_URL
from homeassistant.core import callback
from homeassistant.helpers.selector import TextSelector
import voluptuous as vol

from ...accounts.particle.board import Board
from ...accounts.particle.check import ParticleCheck, counted_client
from ...accounts.particle.hub import async_adopted
from ...accounts.particle.listen import async_listen
from ...clouds.errors import CloudAuthError, CloudError
from ...const import CONF_PRODUCT, EntryKind
from ...homes.inventory import account_entries, hubs
from ..account import AccountSteps, NextFlow
from ..forms import TOKEN, URL
from ..refused import Refused
from ..sources.assign import async_discover_all
from .checking import (
    ParticleCredentials,
    account_with_boards,
    async_check_credentials,
    refusal,
    refuse_boardless,
    refuse_other_boards,
)


class ParticleSteps(AccountSteps):
    """Steps of a Particle account."""

    _particle: ParticleCredentials
    _particle_input: dict[str, Any]
    _particle_found: ParticleCheck
    _listening: asyncio.Task[tuple[Board, ...]] | None = None

    async def async_step_particle(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for a token, which boards it is about, and the server; try them."""
        if user_input is None:
            return self._particle_form(None, None)
        self._particle_input = user_input
        try:
            self._particle = ParticleCredentials.read(user_input)
            for entry in account_entries(self.hass, EntryKind.PARTICLE):
                if (entry.data[CONF_TOKEN], entry.data.get(CONF_PRODUCT)) == (
                    self._particle.token,
                    self._particle.product,
                ):
                    return self.known_already(entry.title)
            check = await async_check_credentials(self.hass, self._particle)
            refuse_boardless(check)
        except Refused as refused:
            return self._particle_form(user_input, refused)
        await self.async_set_unique_id(check.unique_id)
        self._abort_if_unique_id_configured(
            description_placeholders={"account": check.title}
        )
        if (other := account_with_boards(self.hass, check)) is not None:
            return self.known_already(other.title)
        self._particle_found = check
        return await self.async_step_particle_listen()

    async def async_step_particle_listen(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Listen until the boards have said what they are."""
        if self._listening is None:
            client = counted_client(
                self.hass,
                self._particle.token,
                self._particle.url,
                self._particle.product,
            )
            self._listening = self.hass.async_create_background_task(
                async_listen(client, self._particle_found.boards),
                "listening to Particle boards",
            )
        if not self._listening.done():
            return self.async_show_progress(
                step_id="particle_listen",
                progress_action="particle_listen",
                progress_task=self._listening,
            )
        return self.async_show_progress_done(next_step_id="particle_heard")

    async def async_step_particle_heard(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Add the account, unless it may not be listened to."""
        assert self._listening is not None
        listening, self._listening = self._listening, None
        try:
            boards = await listening
        except CloudAuthError:
            return self._particle_form(
                self._particle_input, Refused("no_events", CONF_TOKEN)
            )
        except CloudError as err:
            return self._particle_form(
                self._particle_input, refusal(err, self._particle)
            )
        self.async_offer = partial(
            self._async_offer_boards, self._particle_found.unique_id, boards
        )
        return self.async_create_entry(
            title=self._particle_found.title, data=self._particle.as_data()
        )

    async def _async_offer_boards(
        self, account: str, boards: tuple[Board, ...]
    ) -> NextFlow | None:
        """Offer the boards of an account that was added, with what they said to this flow."""
        meters = async_adopted(hubs(self.hass).get(account), boards)
        return await async_discover_all(self.hass, account, meters)

    async def async_step_reauth_particle(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Take a new token of the same account."""
        return await self.async_renew_token(
            "reauth_particle", user_input, self._async_change_particle
        )

    async def async_step_reconfigure_particle(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Change the token of an account, or its server."""
        entry = self._get_reconfigure_entry()
        refused: Refused | None = None
        if user_input is not None:
            kept = {
                CONF_TOKEN: entry.data[CONF_TOKEN],
                CONF_PRODUCT: entry.data.get(CONF_PRODUCT),
            }
            try:
                return await self._async_change_particle(entry, {**kept, **user_input})
            except Refused as err:
                refused = err
        return self.show_fields(
            "reconfigure_particle",
            self.add_suggested_values_to_schema(
                vol.Schema(
                    {vol.Optional(CONF_TOKEN): TOKEN, vol.Optional(CONF_URL): URL}
                ),
                _without_token(entry.data if user_input is None else user_input),
            ),
            refused,
            account=entry.title,
        )

    async def _async_change_particle(
        self, entry: ConfigEntry, fields: Mapping[str, Any]
    ) -> ConfigFlowResult:
        """Store other credentials of the same account, and reload it; raises Refused."""
        credentials = ParticleCredentials.read(fields)
        check = await async_check_credentials(self.hass, credentials)
        refuse_other_boards(self.hass, entry, check)
        # The listener may reload at once, so that the state says nothing afterwards.
        loaded = entry.state is ConfigEntryState.LOADED
        result = self.async_update_and_abort(entry, data=credentials.as_data())
        if not loaded:
            self.hass.config_entries.async_schedule_reload(entry.entry_id)
        return result

    @callback
    @override
    def async_remove(self) -> None:
        """Listen no more when somebody closes the flow."""
        if self._listening is not None:
            self._listening.cancel()
        super().async_remove()

    @callback
    def _particle_form(
        self, shown: Mapping[str, Any] | None, refused: Refused | None
    ) -> ConfigFlowResult:
        """Show an account's fields with what was typed, but for the token."""
        return self.show_fields(
            "particle",
            self.add_suggested_values_to_schema(
                vol.Schema(
                    {
                        vol.Required(CONF_TOKEN): TOKEN,
                        vol.Optional(CONF_PRODUCT): TextSelector(),
                        vol.Optional(CONF_URL): URL,
                    }
                ),
                _without_token(shown or {}),
            ),
            refused,
        )


def _without_token(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields that may be shown again."""
    return {
        key: value for key, value in fields.items() if key in (CONF_PRODUCT, CONF_URL)
    }
