"""Fixtures of the flows' tests."""

from homeassistant.components.recorder import Recorder
from homeassistant.core import HomeAssistant
import pytest

from tests.simulator_client import SimulatorClient
from tests.virtual import VirtualTime

from .helpers import POWER


@pytest.fixture
def cloud(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    simulator: SimulatorClient,
    virtual: VirtualTime,
) -> SimulatorClient:
    """Return the cloud that a Home Assistant in virtual time talks to."""
    return simulator


@pytest.fixture
def clamp(recorder_mock: Recorder, hass: HomeAssistant) -> str:
    """Return a power entity that is not in the entity registry."""
    hass.states.async_set("sensor.clamp", "230", POWER)
    return "sensor.clamp"
