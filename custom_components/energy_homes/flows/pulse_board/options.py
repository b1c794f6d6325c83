"""Options of a pulse board: where its readings are pushed on to, and how else it may call."""

from typing import Any, Final

from homeassistant.config_entries import (
    ConfigEntry,
    ConfigFlowResult,
    OptionsFlowWithReload,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.selector import (
    BooleanSelector,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)
from homeassistant.util.network import is_local, is_loopback
import voluptuous as vol

from ...boards.options import BoardOptions
from ...boards.rate import parsed_address
from ...clouds.sheet import is_push_url
from ...const import EntryKind
from ...homes.inventory import account_entries
from ..refused import Refused

CONF_PUSH_URL: Final = "push_url"
CONF_PUSH_NIGHTLY: Final = "push_nightly"
CONF_WEBHOOK_ADDRESS: Final = "webhook_address"
CONF_MQTT: Final = "mqtt"
CONF_MQTT_PREFIX: Final = "mqtt_prefix"

MAX_PREFIX: Final = 200
"""The characters of the longest prefix of topics."""

OPTION_FIELDS: Final = {
    vol.Optional(CONF_PUSH_URL): TextSelector(
        TextSelectorConfig(type=TextSelectorType.URL, autocomplete="off")
    ),
    vol.Required(CONF_PUSH_NIGHTLY, default=False): BooleanSelector(),
    vol.Optional(CONF_WEBHOOK_ADDRESS): TextSelector(),
    vol.Required(CONF_MQTT, default=False): BooleanSelector(),
    vol.Optional(CONF_MQTT_PREFIX): TextSelector(),
}


class BoardOptionsFlow(OptionsFlowWithReload):
    """Asks for a board's options."""

    async def async_step_init(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for all of them; what is left empty is off."""
        refused: Refused | None = None
        if user_input is not None:
            try:
                options = read_options(self.hass, self.config_entry, user_input)
            except Refused as err:
                refused = err
            else:
                return self.async_create_entry(data=options.as_data())
        kept = BoardOptions.from_data(self.config_entry.options).as_data()
        return self.async_show_form(
            step_id="init",
            data_schema=self.add_suggested_values_to_schema(
                vol.Schema(OPTION_FIELDS), user_input or kept
            ),
            errors=refused.errors if refused else None,
            description_placeholders={
                "board": self.config_entry.title,
                **(refused.placeholders if refused else {}),
            },
        )


@callback
def read_options(
    hass: HomeAssistant, entry: ConfigEntry, fields: dict[str, Any]
) -> BoardOptions:
    """Return the options that a form gave; raises Refused for what cannot be."""
    push_url = fields.get(CONF_PUSH_URL, "").strip() or None
    if push_url is not None and not is_push_url(push_url):
        raise Refused("invalid_push_url", CONF_PUSH_URL)
    if fields[CONF_PUSH_NIGHTLY] and push_url is None:
        raise Refused("push_url_needed", CONF_PUSH_URL)
    if fields[CONF_MQTT] and not hass.config_entries.async_entries("mqtt"):
        raise Refused("mqtt_missing", CONF_MQTT)
    return BoardOptions(
        push_url=push_url,
        push_nightly=fields[CONF_PUSH_NIGHTLY],
        webhook_address=_webhook_address(
            hass, entry, fields.get(CONF_WEBHOOK_ADDRESS, "").strip()
        ),
        mqtt=fields[CONF_MQTT],
        mqtt_prefix=_prefix(fields.get(CONF_MQTT_PREFIX, "")),
    )


@callback
def _webhook_address(hass: HomeAssistant, entry: ConfigEntry, text: str) -> str | None:
    """Return a board's own address; raises Refused where it is none, or another board's.

    This machine's own one is none: whatever a proxy here passes on comes from it.
    """
    if not text:
        return None
    address = parsed_address(text)
    if address is None or not is_local(address) or is_loopback(address):
        raise Refused("invalid_webhook_address", CONF_WEBHOOK_ADDRESS, address=text)
    for other in account_entries(hass, EntryKind.PULSE_BOARD):
        known = BoardOptions.from_data(other.options).webhook_address
        if other.entry_id != entry.entry_id and known == str(address):
            raise Refused(
                "webhook_address_used",
                CONF_WEBHOOK_ADDRESS,
                address=text,
                other=other.title,
            )
    return str(address)


def _prefix(text: str) -> str:
    """Return a prefix of topics without slashes around; raises Refused for what is none."""
    prefix = text.strip().strip("/")
    if len(prefix) > MAX_PREFIX or not prefix.isprintable() or {"+", "#"} & {*prefix}:
        raise Refused("invalid_mqtt_prefix", CONF_MQTT_PREFIX)
    return prefix
