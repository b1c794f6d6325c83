"""A home, its vendor and the recorder living through time together, and what must hold."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from homeassistant.components.recorder import get_instance
from homeassistant.components.recorder.statistics import statistics_during_period
from homeassistant.components.recorder.tasks import StatisticsTask
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_recorder_block_till_done,
)

from custom_components.energy_homes.const import DOMAIN
from custom_components.energy_homes.homes.directory import DATA_HOMES
from custom_components.energy_homes.ledger import home_key
from custom_components.energy_homes.statistics.reconcile import DATA_RECONCILE
from tests.simulator_client import SimulatorClient
from tests.virtual import VirtualTime

HOUR: Final = timedelta(hours=1)
SLOT: Final = timedelta(minutes=5)
RESOLVED_KWH: Final = 1e-4
"""What the vendor's minutes resolve in an hour, where hardly anything was used."""

HOME: Final = "Mill Cottage"
ENERGY: Final = "sensor.mill_cottage_energy"
BYSTANDER: Final = "sensor.bystander"
COUNTER: Final = {
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
        self._plan: dict[datetime, Callable[[], object]] = {}
        hass.states.async_set(BYSTANDER, "0", COUNTER)

    def at(self, instant: datetime, act: Callable[[], object]) -> None:
        """Let something happen at an instant that is to come."""
        self._plan[instant] = act

    async def live(self, total: timedelta) -> None:
        """Let time pass; the recorder compiles every five minutes of it."""
        for _ in range(total // SLOT):
            begin = datetime.now(UTC)
            self._slots += 1
            self._hass.states.async_set(BYSTANDER, str(self._slots), COUNTER)
            for instant in sorted(at for at in self._plan if at < begin + SLOT):
                await self._virtual.run(instant - datetime.now(UTC))
                self._plan.pop(instant)()
            await self._virtual.run(begin + SLOT - datetime.now(UTC))
            get_instance(self._hass).queue_task(StatisticsTask(begin, True))
            for _ in range(2):
                await async_recorder_block_till_done(self._hass)
                await self._virtual.settle()

    async def live_coarsely(self, total: timedelta) -> None:
        """Let hours pass in steps of half an hour, and the recorder compile them all."""
        for _ in range(total // HOUR):
            begin = datetime.now(UTC)
            self._slots += 12
            self._hass.states.async_set(BYSTANDER, str(self._slots), COUNTER)
            await self._virtual.step(HOUR, HOUR / 2)
            for number in range(12):
                get_instance(self._hass).queue_task(
                    StatisticsTask(begin + number * SLOT, number == 11)
                )
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

    async def assert_true(
        self, truth: dict[datetime, float], begin: datetime, *, rel: float = 1e-3
    ) -> None:
        """Check the hours that a truth tells of, and that there is nothing left to do."""
        rows = await self.hours(ENERGY, begin - HOUR)
        sums = [row["sum"] for row in rows]
        assert sums == sorted(sums)
        changes = {
            datetime.fromtimestamp(row["start"], UTC): row["change"] for row in rows
        }
        assert {hour: changes[hour] for hour in truth} == pytest.approx(
            truth, rel=rel, abs=RESOLVED_KWH
        )
        bystander = await self.hours(BYSTANDER, begin)
        assert [row["change"] for row in bystander[1 : len(truth)]] == [12] * (
            len(truth) - 1
        )
        answer: Any = await self._hass.services.async_call(
            DOMAIN, "repair_gaps", {}, blocking=True, return_response=True
        )
        assert answer[HOME]["vendor"] == 0
        homes = self._hass.data[DATA_HOMES]
        key = home_key(homes.get(HOME).home_id, "grid")
        assert await self._hass.data[DATA_RECONCILE].async_reconcile(key) == 0
        assert await self.hours(ENERGY, begin - HOUR) == rows


def truth_of(
    simulator: SimulatorClient, begin: datetime, hours: int
) -> dict[datetime, float]:
    """Return what was really used in the home in each hour."""
    return {
        begin + n * HOUR: float(
            simulator.truth(begin + n * HOUR, begin + (n + 1) * HOUR)["homes"][HOME][
                "energy_kwh"
            ]
        )
        for n in range(hours)
    }
