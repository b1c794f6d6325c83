"""An outage of a vendor's cloud is nowhere in the hours of the Energy dashboard."""

from datetime import UTC, datetime, timedelta
from typing import Any

from homeassistant.components.recorder import Recorder, get_instance
from homeassistant.components.recorder.statistics import statistics_during_period
from homeassistant.components.recorder.tasks import StatisticsTask
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_recorder_block_till_done,
)

from custom_components.energy_homes.const import DOMAIN
from custom_components.energy_homes.homes import DATA_HOMES
from custom_components.energy_homes.ledger import home_key
from simulator.scenario import MILL_TOKEN
from tests.builders import (
    account_entry,
    efergy_revision,
    home_entry,
    meter_subentry,
    set_up,
)
from tests.simulator_client import SimulatorClient
from tests.virtual import VirtualTime

pytestmark = [pytest.mark.recorder, pytest.mark.slow]

HOUR = timedelta(hours=1)
SLOT = timedelta(minutes=5)
ENERGY = "sensor.mill_cottage_energy"
BYSTANDER = "sensor.bystander"
COUNTER = {
    "unit_of_measurement": "kWh",
    "device_class": "energy",
    "state_class": "total_increasing",
}


class Life:
    """Lets a home, its vendor and the recorder live through time together."""

    def __init__(self, hass: HomeAssistant, virtual: VirtualTime) -> None:
        """Begin now."""
        self._hass = hass
        self._virtual = virtual
        self._slots = 0

    async def live(self, total: timedelta) -> None:
        """Let time pass; the recorder compiles every five minutes of it."""
        for _ in range(total // SLOT):
            begin = datetime.now(UTC)
            self._slots += 1
            self._hass.states.async_set(BYSTANDER, str(self._slots), COUNTER)
            await self._virtual.run(SLOT)
            get_instance(self._hass).queue_task(StatisticsTask(begin, True))
            for _ in range(2):
                await async_recorder_block_till_done(self._hass)
                await self._virtual.settle()

    async def hours(self, entity_id: str, since: datetime) -> list[Any]:
        """Return an entity's hourly rows with what was used in each hour."""
        rows = await get_instance(self._hass).async_add_executor_job(
            statistics_during_period,
            self._hass,
            since,
            None,
            {entity_id},
            "hour",
            {"energy": "kWh"},
            {"change", "sum"},
        )
        return rows[entity_id]


async def test_three_hours_without_the_cloud(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    simulator: SimulatorClient,
    virtual: VirtualTime,
    start: datetime,
) -> None:
    """Each hour has what was used in it, also the one after; a second repair writes nothing."""
    hass.states.async_set(BYSTANDER, "0", COUNTER)
    await set_up(
        hass,
        account_entry(MILL_TOKEN, "efergy_mill"),
        home_entry(
            "Mill Cottage",
            meter_subentry("mill", efergy_revision("efergy_mill", "720001")),
        ),
    )
    life = Life(hass, virtual)
    await life.live(2 * HOUR)
    simulator.fault("http_503")
    await life.live(3 * HOUR)
    simulator.clear_faults()
    await life.live(3 * HOUR)

    rows = await life.hours(ENERGY, start)
    assert len(rows) >= 7
    for number, row in enumerate(rows[1:7], 1):
        truth = simulator.truth(start + number * HOUR, start + (number + 1) * HOUR)
        assert row["change"] == pytest.approx(
            truth["homes"]["Mill Cottage"]["energy_kwh"], rel=1e-3
        )
    sums = [row["sum"] for row in rows]
    assert sums == sorted(sums)
    bystander = await life.hours(BYSTANDER, start)
    assert [row["change"] for row in bystander[1:7]] == [12] * 6

    answer: Any = await hass.services.async_call(
        DOMAIN, "repair_gaps", {}, blocking=True, return_response=True
    )
    assert answer["Mill Cottage"]["vendor"] == 0
    homes = hass.data[DATA_HOMES]
    key = home_key(homes.get("Mill Cottage").home_id, "grid")
    assert await homes.true_up.async_reconcile(key) == 0
    assert await life.hours(ENERGY, start) == rows
