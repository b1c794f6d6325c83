"""Two days that nobody heard of a room are in its sensor's statistics, from the vendor."""

from datetime import datetime
from typing import Any

from homeassistant.components.recorder import Recorder, get_instance
from homeassistant.components.recorder.tasks import (
    CompileMissingStatisticsTask,
    RecorderTask,
    StatisticsTask,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_recorder_block_till_done,
)

from custom_components.energy_homes.const import DOMAIN
from custom_components.energy_homes.ledger.opening import DATA_LEDGER
from custom_components.energy_homes.metering.model import SLOT
from custom_components.energy_homes.statistics.reconcile import DATA_RECONCILE
from tests.builders import (
    heating_source,
    heating_subentry,
    home_entry,
    netatmo_account_entry,
    netatmo_credential,
)
from tests.netatmo_control import NetatmoControl
from tests.rooms.world import HOUR, MINUTE, HeatedWorld
from tests.statistics.temperatures import TemperatureRows, temperature_rows
from tests.virtual import VirtualTime

pytestmark = [pytest.mark.recorder, pytest.mark.slow]

ELM = "Elm Street"
MEASURE = "getroommeasure"
BYSTANDER = "sensor.bystander"


class Recorded:
    """A heated home, a bystander, and the recorder that compiles both."""

    def __init__(self, elm: HeatedWorld) -> None:
        """Stand for a home that is not set up yet."""
        self.elm = elm
        self._hass = elm.hass
        self._virtual = elm.virtual

    def entity_id(self, room: str) -> str:
        """Return the temperature sensor of a room."""
        unique_id = f"{self.elm.record(room).room_id}_temperature"
        entity_id = er.async_get(self._hass).async_get_entity_id(
            "sensor", DOMAIN, unique_id
        )
        assert entity_id is not None
        return entity_id

    async def do(self, task: RecorderTask) -> None:
        """Have the recorder do something, and everybody react."""
        get_instance(self._hass).queue_task(task)
        await async_recorder_block_till_done(self._hass)
        await self._virtual.settle()
        await async_recorder_block_till_done(self._hass)

    async def live(self, slots: int) -> None:
        """Live through slots, each of which the recorder compiles."""
        for _ in range(slots):
            begin = self._virtual.now
            self._hass.states.async_set(
                BYSTANDER,
                str(begin.minute),
                {
                    "device_class": "temperature",
                    "state_class": "measurement",
                    "unit_of_measurement": "°C",
                },
            )
            await self._virtual.run(SLOT)
            await self.do(StatisticsTask(begin, True))

    async def rows(self, entity_id: str) -> TemperatureRows:
        """Return what the recorder has of each hour: mean, lowest and highest."""
        return await temperature_rows(self._hass, entity_id)


@pytest.fixture
async def recorded(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    netatmo: NetatmoControl,
    virtual: VirtualTime,
    hass_storage: dict[str, Any],
) -> Recorded:
    """Return Elm Street after two hours, on the hour."""
    await netatmo_credential(hass)
    home = home_entry(ELM, heating_subentry(heating_source(netatmo, ELM)))
    elm = HeatedWorld(
        hass, virtual, netatmo, netatmo_account_entry(netatmo), home, hass_storage
    )
    await elm.start()
    await virtual.run(4 * MINUTE)
    recorded = Recorded(elm)
    await recorded.live(23)
    return recorded


def by_hour(samples: dict[datetime, float]) -> dict[datetime, list[float]]:
    """Return what the vendor has of a room by the hour."""
    found: dict[datetime, list[float]] = {}
    for at, temperature in samples.items():
        found.setdefault(at.replace(minute=0), []).append(temperature)
    return found


async def test_two_days_off_are_in_the_statistics(
    recorded: Recorded, netatmo: NetatmoControl, virtual: VirtualTime
) -> None:
    """Every hour has its mean, lowest and highest temperature; a second run writes nothing."""
    elm, begin = recorded.elm, virtual.now
    hass = elm.hass
    kitchen = recorded.entity_id("Kitchen")
    before = await recorded.rows(kitchen)
    assert before.keys() == {begin - HOUR, begin - 2 * HOUR}

    await elm.unload_home()
    assert await hass.config_entries.async_unload(elm.account.entry_id)
    await virtual.move_to(begin + 48 * HOUR)
    await recorded.do(CompileMissingStatisticsTask())
    bystander = await recorded.rows(BYSTANDER)
    assert len(bystander) == 50
    assert await hass.config_entries.async_setup(elm.account.entry_id)
    await elm.load_home()
    asked = netatmo.calls().get(MEASURE, 0)
    await recorded.live(30)

    # One call for each room, whenever it was that the look for gaps came.
    assert netatmo.calls()[MEASURE] - asked == len(elm.heating.rooms)
    for room in ("Kitchen", "Living room"):
        rows = await recorded.rows(recorded.entity_id(room))
        hours = by_hour(netatmo.samples(ELM, room, begin, begin + 48 * HOUR))
        assert len(hours) == 48
        assert hours.keys() <= rows.keys()
        # Of the first hour Home Assistant saw something itself.
        del hours[begin]
        for hour, some in hours.items():
            mean, low, high = rows[hour]
            assert mean == pytest.approx(sum(some) / len(some), abs=0.051)
            assert (low, high) == pytest.approx((min(some), max(some)), abs=2e-3)
    rows = await recorded.rows(kitchen)
    assert {hour: rows[hour] for hour in before} == before

    reconciler = hass.data[DATA_RECONCILE]
    for record in elm.heating.rooms:
        assert await reconciler.async_reconcile(f"room:{record.room_id}") == 0
        assert await hass.data[DATA_LEDGER].rooms.async_due(record.room_id) == []
    await hass.services.async_call(DOMAIN, "repair_gaps", {}, blocking=True)
    await async_recorder_block_till_done(hass)
    assert await recorded.rows(kitchen) == rows
    after = await recorded.rows(BYSTANDER)
    assert {hour: after[hour] for hour in bystander} == bystander
