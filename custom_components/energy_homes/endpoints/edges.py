"""What a board's options switch on; other accounts have none of it."""

from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant

from ..accounts.pulse_board.hub import PulseBoardHub
from ..accounts.pulse_board.known import boards_of
from ..boards.options import BoardOptions
from ..const import CONF_KIND, EntryKind
from .mqtt import TopicFollower
from .push import BoardPush, async_forget_nights


async def async_start_edges(hass: HomeAssistant, entry: ConfigEntry[Any]) -> None:
    """Push a board's readings on, and hear it by its address or by MQTT, as its options say."""
    hub = entry.runtime_data
    if not isinstance(hub, PulseBoardHub):
        return
    options = BoardOptions.from_data(entry.options)
    push = BoardPush(hass, hub, options)
    await push.async_start()
    entry.async_on_unload(push.async_stop)
    if options.webhook_address is not None:
        entry.async_on_unload(
            boards_of(hass).attach_address(hub, options.webhook_address)
        )
    if options.mqtt:
        topics = TopicFollower(hass, hub, options.mqtt_prefix)
        await topics.async_start()
        entry.async_on_unload(topics.async_stop)


async def async_forget_edges(hass: HomeAssistant, entry: ConfigEntry[Any]) -> None:
    """Delete what was stored for a board besides its counts, once its entry is removed."""
    if entry.data[CONF_KIND] == EntryKind.PULSE_BOARD:
        await async_forget_nights(hass, entry.unique_id or entry.entry_id)


async def async_stop_edges(hass: HomeAssistant) -> None:
    """Stop every board, before the ledger is closed."""
    await boards_of(hass).async_stop()
