"""A board's options in diagnostics: which there are, never where they lead to."""

import json

from homeassistant.components.recorder import Recorder
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from custom_components.energy_homes.boards.options import BoardOptions
from custom_components.energy_homes.boards.remote import RemoteReading, RemoteUpdate
from custom_components.energy_homes.diagnostics import (
    async_get_config_entry_diagnostics,
)
from tests.board_kit import SECRET
from tests.builders import board_entry, set_up

from .receiver import SCRIPT


async def test_options_without_their_secrets(
    recorder_mock: Recorder, hass: HomeAssistant
) -> None:
    """An address may hold a secret, and a network's own addresses are nobody's business."""
    board = board_entry()
    board.add_to_hass(hass)
    options = BoardOptions(
        push_url=f"https://example.com/{SCRIPT}",
        webhook_address="192.168.1.20",
        mqtt_prefix="attic",
    )
    hass.config_entries.async_update_entry(board, options=options.as_data())
    await set_up(hass)
    await hass.config_entries.async_setup(board.entry_id)
    reading = RemoteReading(key="k", sensor_id="28-a", temperature=1.0, alias="Hall")
    board.runtime_data.sensing.take(
        RemoteUpdate(host_id="pi-of-jane", readings=(reading,)), dt_util.utcnow()
    )
    told = await async_get_config_entry_diagnostics(hass, board)
    assert told["account"]["options"] == {
        "push": True,
        "push_nightly": False,
        "webhook": True,
        "mqtt": False,
        "mqtt_prefix": True,
    }
    assert told["account"]["sensors_by_host"] == [1]
    text = json.dumps(told, default=str)
    for secret in (SCRIPT, SECRET, "192.168.1.20", "attic", "pi-of-jane", "Hall"):
        assert secret not in text
