"""What a heated home tells of itself in diagnostics."""

import json

from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from .world import HeatedWorld


async def test_diagnostics(
    elm: HeatedWorld, hass_client: ClientSessionGenerator
) -> None:
    """Everything about how it works, nothing about who and where."""
    await elm.start()
    await elm.ask("Kitchen", "away")
    reported = await get_diagnostics_for_config_entry(elm.hass, hass_client, elm.home)
    (heating,) = reported["heating"]
    text = json.dumps(reported)

    assert heating["available"] is True
    assert heating["rooms"]["room 2"]["mode"] == "away"
    assert heating["rooms"]["room 2"]["emulated"] is True
    active = heating["rooms"]["room 2"]["held"]
    assert active["command"]["mode"] == "manual"
    assert active["command"]["room"] == "**REDACTED**"
    assert heating["rooms"]["room 1"]["held"] is None
    assert heating["modules"]["module 1"]["kind"] == "NAPlug"
    assert heating["revisions"][0]["hardware"] == "**REDACTED**"
    assert heating["gone"] == {"rooms": 0, "modules": 0}
    for private in (
        elm.account.unique_id,
        *(room.hardware_id for room in elm.heating.rooms),
        *(module.hardware_id for module in elm.heating.modules),
    ):
        assert private is not None
        assert private not in text
