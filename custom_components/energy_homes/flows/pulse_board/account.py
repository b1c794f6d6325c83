"""Steps of a pulse board: adding it, and saying what its sketch has to call."""

from functools import partial
from ipaddress import ip_address
from secrets import token_urlsafe
from typing import Any, Final

from homeassistant.config_entries import ConfigFlowResult
from homeassistant.const import CONF_NAME
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.selector import (
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
)
from homeassistant.util.network import is_ip_address
from homeassistant.util.ulid import ulid_now
import voluptuous as vol
from yarl import URL

from ...accounts.pulse_board.entry import board_data
from ...boards.config import BoardConfig, ChannelConfig
from ...boards.message import MAX_CHANNEL, read_channel
from ...boards.refused import BoardMessageError
from ...const import EntryKind
from ...endpoints.view import BOARD_URL
from ...homes.inventory import NONE, account_entries, hubs, live_meters
from ...metering.model import MeterRole
from ...metering.pulses import default_settings
from ..account import AccountSteps, NextFlow
from ..refused import Refused
from ..sources.assign import async_discover_all

CONF_CHANNELS: Final = "channels"

SECRET_BYTES: Final = 24
"""As much chance as nobody guesses; a sketch has room for the 32 characters."""

USUAL_CHANNELS: Final = range(1, 9)
"""The channels of the boards that there are."""

CHANNELS: Final = SelectSelector(
    SelectSelectorConfig(
        options=[str(number) for number in USUAL_CHANNELS],
        multiple=True,
        custom_value=True,
        mode=SelectSelectorMode.DROPDOWN,
    )
)


class BoardSteps(AccountSteps):
    """Steps of a pulse board."""

    _board_name: str
    _board_config: BoardConfig

    async def async_step_pulse_board(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask what the board is called and which of its channels have a meter."""
        refused: Refused | None = None
        if user_input is not None:
            try:
                self._board_name = board_name(self.hass, user_input[CONF_NAME])
                channels = new_channels(user_input[CONF_CHANNELS])
            except Refused as err:
                refused = err
            else:
                self._board_config = BoardConfig(
                    secret=token_urlsafe(SECRET_BYTES), channels=channels
                )
                return await self.async_step_pulse_board_address()
        return self.async_show_form(
            step_id="pulse_board",
            data_schema=self.add_suggested_values_to_schema(
                vol.Schema(
                    {
                        vol.Required(CONF_NAME): TextSelector(),
                        vol.Required(CONF_CHANNELS, default=["1"]): CHANNELS,
                    }
                ),
                user_input,
            ),
            errors=refused.errors if refused else None,
            description_placeholders=refused.placeholders if refused else None,
        )

    async def async_step_pulse_board_address(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show what the board's sketch has to call, then add the board."""
        if user_input is not None:
            key = f"{EntryKind.PULSE_BOARD}_{ulid_now()}"
            await self.async_set_unique_id(key)
            self.async_offer = partial(self._async_offer_channels, key)
            return self.async_create_entry(
                title=self._board_name, data=board_data(self._board_config)
            )
        return self.async_show_form(
            step_id="pulse_board_address",
            data_schema=vol.Schema({}),
            description_placeholders={
                "board": self._board_name,
                **board_address(self.hass, self._board_config.secret),
            },
        )

    async def _async_offer_channels(self, key: str) -> NextFlow | None:
        """Offer the channels of a board that was added."""
        hub = hubs(self.hass).get(key)
        return await async_discover_all(
            self.hass, key, () if hub is None else live_meters(hub)
        )


@callback
def board_name(hass: HomeAssistant, text: str) -> str:
    """Return a board's name; raises Refused where there is none, or another has it."""
    if not (name := text.strip()):
        raise Refused("board_name_needed", CONF_NAME)
    for entry in account_entries(hass, EntryKind.PULSE_BOARD):
        if entry.title.strip().casefold() == name.casefold():
            raise Refused("duplicate_board", CONF_NAME, name=entry.title)
    return name


def new_channels(numbers: list[str]) -> dict[int, ChannelConfig]:
    """Return new channels as they begin; the first is thought to be the whole home's.

    Raises Refused for what is no channel.
    """
    channels: dict[int, ChannelConfig] = {}
    for number in sorted(channel_number(text, CONF_CHANNELS) for text in numbers):
        channels[number] = ChannelConfig(
            name=f"Channel {number}",
            role=MeterRole.SUBMETER if channels else MeterRole.GRID,
            settings=default_settings(number),
        )
    return channels


def channel_number(text: str, field: str) -> int:
    """Return the number of a channel; raises Refused for what is none."""
    try:
        return read_channel(text.strip())
    except BoardMessageError:
        raise Refused(
            "channel_number", field, number=text, highest=str(MAX_CHANNEL)
        ) from None


@callback
def board_address(hass: HomeAssistant, secret: str) -> dict[str, str]:
    """Return host, port and path of the endpoint, as a board on this network calls it.

    That is the internal address where somebody has set one that a board can call, for
    boards speak no TLS; else the address on which Home Assistant listens.
    """
    host = port = NONE
    if (api := hass.config.api) is not None:
        everywhere = is_ip_address(api.host) and ip_address(api.host).is_unspecified
        host, port = api.local_ip if everywhere else api.host, str(api.port)
    if (internal := hass.config.internal_url) is not None:
        url = URL(internal)
        if url.scheme == "http" and url.host is not None:
            host, port = url.host, str(url.port)
    return {"host": host, "port": port, "path": BOARD_URL.format(secret=secret)}
