"""Hours of a room's temperature that were repaired are in its sensor's own statistics."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from homeassistant.helpers import entity_registry as er
import pytest

from custom_components.energy_homes.const import DOMAIN
from custom_components.energy_homes.metering.model import SLOT, Provenance
from custom_components.energy_homes.metering.temperature import RoomSlot
from tests.statistics.temperatures import TemperatureRows, temperature_rows
from tests.statistics.world import HOME_ID, HOUR, World

pytestmark = pytest.mark.recorder

ROOM = "01JD0000000000000000000003"
KEY = f"room:{ROOM}"
UNIQUE_ID = f"{ROOM}_temperature"


class Kitchen:
    """A room with a temperature sensor, in a home with a meter and a bystander."""

    def __init__(self, world: World, unit: str) -> None:
        """Stand for a sensor that nothing was said of yet."""
        self.world = world
        self.unit = unit
        er.async_get(world.hass).async_get_or_create(
            "sensor", DOMAIN, UNIQUE_ID, suggested_object_id="kitchen_temperature"
        )

    @property
    def entity_id(self) -> str | None:
        """Return the present id of the sensor."""
        registry = er.async_get(self.world.hass)
        return registry.async_get_entity_id("sensor", DOMAIN, UNIQUE_ID)

    async def open(self) -> None:
        """Begin to keep its statistics true, also after a restart."""
        await self.world.ledger.rooms.async_add(ROOM, HOME_ID)
        self.world.reconciler.async_register_room(
            ROOM, lambda: self.entity_id, "Kitchen"
        )

    def shows(self, temperature: float | None) -> None:
        """Set the sensor; None where it is unavailable."""
        entity_id = self.entity_id
        assert entity_id is not None
        attributes: dict[str, Any] = {
            "device_class": "temperature",
            "state_class": "measurement",
            "unit_of_measurement": self.unit,
        }
        if temperature is not None and self.unit == "°F":
            temperature = temperature * 9 / 5 + 32
        self.world.hass.states.async_set(
            entity_id,
            "unavailable" if temperature is None else str(temperature),
            attributes,
        )

    async def ticks(self, temperatures: Sequence[float | None]) -> None:
        """Live through slots with these temperatures."""
        for temperature in temperatures:
            self.shows(temperature)
            await self.world.tick(0.1)

    async def repair(
        self,
        start: datetime,
        means: Sequence[float],
        provenance: Provenance = Provenance.VENDOR,
    ) -> None:
        """Learn from the vendor what the room was like in slots; ±0.5 °C around a mean."""
        slots = [
            RoomSlot(
                start=start + n * SLOT,
                mean=mean,
                low=mean - 0.5,
                high=mean + 0.5,
                provenance=provenance,
            )
            for n, mean in enumerate(means)
        ]
        await self.world.ledger.rooms.async_settle(ROOM, slots)

    async def rows(self) -> TemperatureRows:
        """Return what the recorder has of each hour: mean, lowest and highest, in °C."""
        await self.world.done()
        entity_id = self.entity_id
        assert entity_id is not None
        return await temperature_rows(self.world.hass, entity_id)

    async def reconcile(self) -> int:
        """Compare now; return how many rows were written, once they are."""
        written = await self.world.reconciler.async_reconcile(KEY)
        await self.world.done()
        return written


@pytest.fixture
def unit() -> str:
    """Return the unit that the sensor is shown in."""
    return "°C"


@pytest.fixture
async def kitchen(world: World, unit: str) -> Kitchen:
    """Return a room whose statistics are kept true."""
    kitchen = Kitchen(world, unit)
    await kitchen.open()
    return kitchen


def near(mean: float, low: float, high: float) -> Any:
    """Return an hour's temperatures, to what the ledger resolves."""
    return pytest.approx((mean, low, high), abs=2e-3)


@pytest.mark.heavy
@pytest.mark.parametrize("unit", ["°C", "°F"])
async def test_an_outage_is_filled_in(world: World, kitchen: Kitchen) -> None:
    """Three hours off are repaired; what Home Assistant saw stays to the last digit."""
    first = world.now
    await kitchen.ticks([19.0] * 11 + [20.0] + [21.0] * 6)
    kitchen.shows(None)
    await world.off([0.1] * 36)
    await world.restart()
    await kitchen.open()
    await world.compile_missing()
    await kitchen.ticks([18.0] * 7)
    before = await kitchen.rows()
    assert set(before) == {first, first + HOUR, first + 4 * HOUR}

    # The vendor knows the outage; the hour before it is half measured, half repaired.
    await world.ledger.rooms.async_settle(
        ROOM,
        [
            RoomSlot(
                start=first + HOUR + n * SLOT,
                mean=21.0,
                low=21.0,
                high=21.0,
                provenance=Provenance.MEASURED,
            )
            for n in range(6)
        ],
    )
    await kitchen.repair(first + HOUR + 6 * SLOT, [22.0] * 6 + [17.0, 19.0] * 12)
    await world.tick(0.1)

    rows = await kitchen.rows()
    assert rows == before | {
        first + HOUR: near(21.5, 21.0, 22.5),
        first + 2 * HOUR: near(18.0, 16.5, 19.5),
        first + 3 * HOUR: near(18.0, 16.5, 19.5),
    }
    assert rows[first] == before[first]
    assert await kitchen.reconcile() == 0
    assert await world.ledger.rooms.async_due(ROOM) == []
    assert await kitchen.rows() == rows
    await world.assert_bystander_untouched()


async def test_an_hour_that_is_not_compiled_waits(
    world: World, kitchen: Kitchen
) -> None:
    """A repair of the hour in progress is written when the recorder has compiled it."""
    first = world.now
    await kitchen.ticks([19.0] * 2 + [None] * 6)
    await kitchen.repair(first + 2 * SLOT, [25.0] * 6)
    for _ in range(4):
        assert await kitchen.reconcile() == 0
        await kitchen.ticks([19.0])
    assert await kitchen.rows() == {first: near(25.0, 24.5, 25.5)}
    # One bit after the other makes the hour better known.
    await kitchen.repair(first + SLOT, [13.0], Provenance.INTERPOLATED)
    await kitchen.ticks([19.0])
    assert await kitchen.rows() == {first: near(163 / 7, 12.5, 25.5)}
    await world.assert_bystander_untouched()


async def test_a_kill_before_the_recorder_wrote_loses_nothing(
    world: World, kitchen: Kitchen
) -> None:
    """An hour is done only when its row was seen to be right."""
    first = world.now
    await kitchen.ticks([19.0] * 13)
    await world.reconciler.async_stop()
    await kitchen.repair(first, [25.0])
    assert await kitchen.reconcile() == 1
    (due,) = await world.ledger.rooms.async_due(ROOM)
    assert due.start == first
    # What becomes known meanwhile keeps the hour due.
    await kitchen.repair(first + SLOT, [26.0])
    await world.ledger.rooms.async_done(ROOM, [due])
    assert await kitchen.reconcile() == 1
    assert await kitchen.reconcile() == 0
    assert await world.ledger.rooms.async_due(ROOM) == []
    assert await kitchen.rows() == {first: near(25.5, 24.5, 26.5)}


async def test_a_renamed_sensor_and_one_that_has_no_statistics(
    world: World, kitchen: Kitchen
) -> None:
    """Nothing is written where there is nothing, and no second statistic is begun."""
    first = world.now
    await kitchen.repair(first - HOUR, [25.0] * 12)
    assert await kitchen.reconcile() == 0
    await kitchen.ticks([19.0] * 7)
    old = kitchen.entity_id
    assert old is not None
    world.hass.states.async_remove(old)
    er.async_get(world.hass).async_update_entity(
        old, new_entity_id="sensor.our_kitchen"
    )
    await kitchen.ticks([19.0] * 7)
    rows = await kitchen.rows()
    assert kitchen.entity_id == "sensor.our_kitchen"
    assert rows == {
        first - HOUR: near(25.0, 24.5, 25.5),
        first: near(19.0, 19.0, 19.0),
    }
    assert await world.rows(old) == []


async def test_a_sensor_that_is_renamed_meanwhile_waits(
    world: World, kitchen: Kitchen
) -> None:
    """An id that is old when the rows are known is not written to."""
    first = world.now
    await kitchen.ticks([19.0] * 13)
    await world.reconciler.async_stop()
    ids = iter([kitchen.entity_id, None])
    unregister = world.reconciler.async_register_room(
        ROOM, lambda: next(ids), "Kitchen"
    )
    await kitchen.repair(first, [25.0])
    await kitchen.reconcile()
    assert await kitchen.rows() == {first: near(19.0, 19.0, 19.0)}
    unregister()
    await kitchen.open()
    assert await kitchen.reconcile() == 1
    assert await kitchen.rows() == {first: near(25.0, 24.5, 25.5)}


@pytest.mark.parametrize("unit", ["W"])
async def test_what_is_no_temperature_is_left_alone(
    world: World, kitchen: Kitchen
) -> None:
    """A statistic in another kind of unit is not ours to write."""
    first = world.now
    await kitchen.ticks([19.0] * 13)
    await kitchen.repair(first, [25.0])
    assert await kitchen.reconcile() == 0
