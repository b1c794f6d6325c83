"""The past of a home is imported, from the simulated vendor's history."""

from datetime import date

from homeassistant.components.recorder import Recorder
from homeassistant.core import HomeAssistant
import pytest

from custom_components.energy_homes.past_job import JobState
from simulator.scenario import MILL_TOKEN

from .builders import state_of
from .past_kit import HOUR, PROGRESS, SWITCH, from_vendor, job_of, set_up_mill, true_kwh
from .simulator_client import SimulatorClient
from .virtual import VirtualTime


async def test_past_is_imported_by_itself(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    simulator: SimulatorClient,
    virtual: VirtualTime,
) -> None:
    """From the day on that was chosen: minutes of the last day, hours before it."""
    await set_up_mill(hass, date(2026, 10, 1))
    await virtual.settle()

    job = job_of(hass)
    print(job)
    assert job.state is JobState.DONE
    print(simulator.calls(MILL_TOKEN))
    found = await from_vendor(hass)
    print(len(found), found[0], found[-1])
    print(
        state_of(hass, PROGRESS),
        state_of(hass, SWITCH),
        hass.states.get("sensor.mill_cottage_energy"),
    )
    assert sum(s.energy for s in found) == pytest.approx(
        true_kwh(simulator, found[0].start, found[-1].end)
    )
    await virtual.run(HOUR)
    print(simulator.calls(MILL_TOKEN))
    print(hass.states.get("sensor.mill_cottage_energy"))
    assert 0
