"""Steps that change a pulse board: its channels, who may call, a new secret."""

from dataclasses import replace
from secrets import token_urlsafe
from typing import Any, Final

from homeassistant.config_entries import ConfigFlow, ConfigFlowResult
from homeassistant.const import CONF_NAME, UnitOfPower, UnitOfRatio
from homeassistant.core import callback
from homeassistant.helpers.selector import (
    BooleanSelector,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
)
import voluptuous as vol

from ...accounts.pulse_board.entry import board_data
from ...boards.config import BoardConfig, ChannelConfig
from ...const import CONF_ROLE
from ...homes.inventory import hubs
from ...metering.model import MAX_POWER, MeterRole
from ...metering.pulses import PulseSettings
from ..forms import ROLE
from ..refused import Refused
from .account import SECRET_BYTES, USUAL_CHANNELS, board_address, channel_number

CONF_CAP: Final = "cap"
CONF_CHANNEL: Final = "channel"
CONF_DEVIATION: Final = "deviation"
CONF_OPEN_TO_ALL: Final = "open_to_all"
CONF_PULSES_PER_KWH: Final = "pulses_per_kwh"

LEAST_RATE: Final = 0.001
MOST_DEVIATION: Final = 1000.0

CHANNEL_FIELDS: Final[dict[vol.Marker, Any]] = {
    vol.Required(CONF_NAME): TextSelector(),
    vol.Required(CONF_ROLE): ROLE,
    vol.Required(CONF_PULSES_PER_KWH): NumberSelector(
        NumberSelectorConfig(
            min=LEAST_RATE, max=MAX_POWER, step="any", mode=NumberSelectorMode.BOX
        )
    ),
    vol.Required(CONF_CAP): NumberSelector(
        NumberSelectorConfig(
            min=1,
            max=MAX_POWER,
            step="any",
            unit_of_measurement=UnitOfPower.WATT,
            mode=NumberSelectorMode.BOX,
        )
    ),
    vol.Required(CONF_DEVIATION): NumberSelector(
        NumberSelectorConfig(
            min=0,
            max=MOST_DEVIATION,
            step="any",
            unit_of_measurement=UnitOfRatio.PERCENTAGE,
            mode=NumberSelectorMode.BOX,
        )
    ),
}


class BoardChangeSteps(ConfigFlow):
    """Steps that change a pulse board. Each change reloads it; no count is lost by that."""

    _channel: int
    _new_secret: str | None = None

    async def async_step_reconfigure_pulse_board(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask what to change."""
        return self.async_show_menu(
            step_id="reconfigure_pulse_board",
            menu_options=[
                "board_channel",
                "board_access",
                "board_shown",
                "board_secret",
            ],
            description_placeholders=self._board_placeholders,
        )

    async def async_step_board_channel(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask which channel to change."""
        refused: Refused | None = None
        if user_input is not None:
            try:
                self._channel = channel_number(user_input[CONF_CHANNEL], CONF_CHANNEL)
            except Refused as err:
                refused = err
            else:
                return await self.async_step_board_meter()
        return self.async_show_form(
            step_id="board_channel",
            data_schema=vol.Schema(
                {vol.Required(CONF_CHANNEL): self._channel_choice()}
            ),
            errors=refused.errors if refused else None,
            description_placeholders={
                **self._board_placeholders,
                **(refused.placeholders if refused else {}),
            },
        )

    async def async_step_board_meter(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask what is known of the meter at a channel."""
        config = self._board
        channel = config.channel(self._channel)
        refused: Refused | None = None
        if user_input is not None:
            try:
                name = self._channel_name(user_input[CONF_NAME])
            except Refused as err:
                refused = err
            else:
                changed = ChannelConfig(
                    name=name,
                    role=MeterRole(user_input[CONF_ROLE]),
                    settings=PulseSettings(
                        pulses_per_kwh=user_input[CONF_PULSES_PER_KWH],
                        cap=user_input[CONF_CAP],
                        deviation=user_input[CONF_DEVIATION],
                    ),
                )
                channels = {**config.channels, self._channel: changed}
                return self._change(
                    replace(config, channels=dict(sorted(channels.items())))
                )
        return self.async_show_form(
            step_id="board_meter",
            data_schema=self.add_suggested_values_to_schema(
                vol.Schema(CHANNEL_FIELDS), user_input or channel.as_data()
            ),
            errors=refused.errors if refused else None,
            description_placeholders={
                **self._board_placeholders,
                "channel": str(self._channel),
                **(refused.placeholders if refused else {}),
            },
        )

    async def async_step_board_access(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask who may call."""
        config = self._board
        if user_input is not None:
            return self._change(
                replace(config, open_to_all=user_input[CONF_OPEN_TO_ALL])
            )
        return self.async_show_form(
            step_id="board_access",
            data_schema=self.add_suggested_values_to_schema(
                vol.Schema({vol.Required(CONF_OPEN_TO_ALL): BooleanSelector()}),
                {CONF_OPEN_TO_ALL: config.open_to_all},
            ),
            description_placeholders=self._board_placeholders,
        )

    async def async_step_board_shown(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show once more what the board's sketch has to call."""
        if user_input is not None:
            return self.async_abort(
                reason="nothing_changed",
                description_placeholders=self._board_placeholders,
            )
        return self._address_form("board_shown", self._board.secret)

    async def async_step_board_secret(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show a new path; the old one holds until that is submitted."""
        if self._new_secret is None:
            self._new_secret = token_urlsafe(SECRET_BYTES)
        if user_input is not None:
            return self._change(replace(self._board, secret=self._new_secret))
        return self._address_form("board_secret", self._new_secret)

    @property
    def _board(self) -> BoardConfig:
        """Return the board as it is stored now."""
        return BoardConfig.from_data(self._get_reconfigure_entry().data)

    @property
    def _board_placeholders(self) -> dict[str, str]:
        """Return what the texts name."""
        return {"board": self._get_reconfigure_entry().title}

    @callback
    def _change(self, config: BoardConfig) -> ConfigFlowResult:
        """Store a board as it is to be, and let that take effect."""
        return self.async_update_reload_and_abort(
            self._get_reconfigure_entry(), data=board_data(config)
        )

    @callback
    def _address_form(self, step_id: str, secret: str) -> ConfigFlowResult:
        """Show what the board's sketch has to call."""
        return self.async_show_form(
            step_id=step_id,
            data_schema=vol.Schema({}),
            description_placeholders={
                **self._board_placeholders,
                **board_address(self.hass, secret),
            },
        )

    @callback
    def _channel_choice(self) -> SelectSelector:
        """Return a choice of the channels that are known, and of any other number."""
        config = self._board
        hub = hubs(self.hass).get(self._get_reconfigure_entry().unique_id or "")
        heard = () if hub is None else map(int, hub.meters)
        return SelectSelector(
            SelectSelectorConfig(
                options=[
                    SelectOptionDict(
                        value=str(number),
                        label=f"{number}: {config.channel(number).name}",
                    )
                    for number in sorted({*config.channels, *heard, *USUAL_CHANNELS})
                ],
                custom_value=True,
                mode=SelectSelectorMode.DROPDOWN,
            )
        )

    def _channel_name(self, text: str) -> str:
        """Return a channel's name; raises Refused where it is empty or another's."""
        if not (name := text.strip()):
            raise Refused("channel_name_needed", CONF_NAME)
        for number, other in self._board.channels.items():
            if number != self._channel and other.name.casefold() == name.casefold():
                raise Refused(
                    "duplicate_channel", CONF_NAME, name=name, other=str(number)
                )
        return name
