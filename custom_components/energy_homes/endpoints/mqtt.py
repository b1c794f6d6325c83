"""Boards that publish to the broker of Home Assistant's own MQTT integration."""

from datetime import datetime, timedelta
import logging
from typing import TYPE_CHECKING, Final

from homeassistant.config_entries import (
    SIGNAL_CONFIG_ENTRY_CHANGED,
    ConfigEntry,
    ConfigEntryChange,
    ConfigEntryState,
)
from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.event import async_call_later
from homeassistant.util import dt as dt_util

from ..accounts.pulse_board.hub import PulseBoardHub
from ..boards.message import BUSY, BoardMessage, PowerUp, Pulse
from ..boards.refused import BoardMessageError
from ..boards.topics import TOPICS, read_topic

if TYPE_CHECKING:
    from homeassistant.components.mqtt import ReceiveMessage

_LOGGER = logging.getLogger(__name__)

MQTT_DOMAIN: Final = "mqtt"

QOS: Final = 1
"""A broker sends each message at least once; one that comes twice is not counted twice."""

AGAIN_AFTER: Final = timedelta(seconds=2)
MAX_AGAIN: Final = 30
MAX_WAITING: Final = 1000
"""A board does not repeat what it has published, so what could not be kept is tried again."""


class TopicFollower:
    """Hands what a board publishes to its hub, as if it came by HTTP.

    It subscribes whenever the MQTT integration is loaded, and again when that comes back.
    """

    def __init__(self, hass: HomeAssistant, hub: PulseBoardHub, prefix: str) -> None:
        """Prepare for a board whose topics begin with a prefix."""
        self._hass = hass
        self._hub = hub
        self._prefix = f"{prefix}/" if prefix else ""
        self._stop_watching: CALLBACK_TYPE | None = None
        self._unsubscribe: list[CALLBACK_TYPE] = []
        self._waiting: dict[object, CALLBACK_TYPE] = {}

    async def async_start(self) -> None:
        """Follow the MQTT integration, which may be loaded already."""
        self._stop_watching = async_dispatcher_connect(
            self._hass, SIGNAL_CONFIG_ENTRY_CHANGED, self._entry_changed
        )
        for entry in self._hass.config_entries.async_loaded_entries(MQTT_DOMAIN):
            self._entry_changed(ConfigEntryChange.UPDATED, entry)

    @callback
    def async_stop(self) -> None:
        """Listen no more."""
        if self._stop_watching is not None:
            self._stop_watching()
            self._stop_watching = None
        self._listen_no_more()
        for cancel in self._waiting.values():
            cancel()
        self._waiting.clear()

    @callback
    def _listen_no_more(self) -> None:
        """Unsubscribe from everything."""
        while self._unsubscribe:
            self._unsubscribe.pop()()

    @callback
    def _entry_changed(self, change: ConfigEntryChange, entry: ConfigEntry) -> None:
        """Subscribe when the integration is loaded, not any more when it goes."""
        if entry.domain != MQTT_DOMAIN:
            return
        if entry.state is ConfigEntryState.LOADED and not self._unsubscribe:
            self._hass.async_create_task(
                self._async_subscribe(), f"{self._hub.title} topics"
            )
        elif entry.state is ConfigEntryState.UNLOAD_IN_PROGRESS:
            # Later its client is another, which would keep what is subscribed now.
            self._listen_no_more()

    async def _async_subscribe(self) -> None:
        """Subscribe to the board's topics."""
        # Its requirements are there only where somebody has set it up.
        from homeassistant.components import mqtt

        try:
            for topic in TOPICS:
                self._unsubscribe.append(
                    await mqtt.async_subscribe(
                        self._hass,
                        f"{self._prefix}{topic}",
                        self._received,
                        qos=QOS,
                        encoding=None,
                    )
                )
        except HomeAssistantError as err:
            _LOGGER.warning("The topics of %s are not heard: %s", self._hub.title, err)

    @callback
    def _received(self, message: ReceiveMessage) -> None:
        """Take what the board has published."""
        arrival = dt_util.utcnow()
        if not self._hub.requests.admit():
            return
        payload = message.payload
        try:
            said = read_topic(
                message.topic.removeprefix(self._prefix),
                payload if isinstance(payload, bytes) else str(payload).encode(),
                retained=message.retain,
            )
        except BoardMessageError as err:
            self._hub.hearing.refused(err.problem)
            return
        match said:
            case None:
                self._hub.hearing.counts["retained"] += 1
            case Pulse() | PowerUp():
                self._hass.async_create_task(
                    self._async_hear(said, arrival), f"{self._hub.title} message"
                )
            case _:
                self._hub.take_state(said, arrival)

    async def _async_hear(
        self, message: BoardMessage, arrival: datetime, tried: int = 1
    ) -> None:
        """Let the hub keep a message, again later where it cannot."""
        if await self._hub.async_hear(message, arrival) is not BUSY:
            return
        if (
            tried == MAX_AGAIN
            or len(self._waiting) >= MAX_WAITING
            or self._stop_watching is None
        ):
            self._hub.hearing.counts["lost"] += 1
            _LOGGER.warning(
                "What %s published could not be kept: a pulse may be lost",
                self._hub.title,
            )
            return
        key = object()

        async def again(_now: datetime) -> None:
            """Try again."""
            self._waiting.pop(key, None)
            await self._async_hear(message, arrival, tried + 1)

        job = HassJob(again, "board message", cancel_on_shutdown=True)
        self._waiting[key] = async_call_later(self._hass, AGAIN_AFTER, job)
