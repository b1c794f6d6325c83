"""What a board's options switch on."""

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant

from ..accounts.pulse_board.hub import PulseBoardHub
from ..accounts.pulse_board.known import boards_of
from ..boards.options import BoardOptions
from .mqtt import TopicFollower
from .push import BoardPush


async def async_start_edges(
    hass: HomeAssistant, entry: ConfigEntry[PulseBoardHub], hub: PulseBoardHub
) -> None:
    """Push a board's readings on, and hear it by its address or by MQTT, as its options say."""
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
