"""Heated homes for tests."""

from typing import Any

from homeassistant.components.recorder import Recorder
from homeassistant.core import HomeAssistant
import pytest

from tests.builders import (
    heating_source,
    heating_subentry,
    home_entry,
    netatmo_account_entry,
    netatmo_credential,
)
from tests.netatmo_control import NetatmoControl
from tests.virtual import VirtualTime

from .world import HeatedWorld


@pytest.fixture
async def elm(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    netatmo: NetatmoControl,
    virtual: VirtualTime,
    hass_storage: dict[str, Any],
) -> HeatedWorld:
    """Return Elm Street, not set up yet: a thermostat and three rooms with valves."""
    await netatmo_credential(hass)
    home = home_entry(
        "Elm Street", heating_subentry(heating_source(netatmo, "Elm Street"))
    )
    return HeatedWorld(
        hass, virtual, netatmo, netatmo_account_entry(netatmo), home, hass_storage
    )
