"""Hours of power that Home Assistant did not see are in the sensors' own statistics."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from homeassistant.components.recorder import get_instance
from homeassistant.components.recorder.statistics import statistics_during_period
from homeassistant.helpers import entity_registry as er
import pytest

from custom_components.energy_homes.const import DOMAIN
from custom_components.energy_homes.ledger import source_key
from custom_components.energy_homes.metering.model import (
    SLOT,
    MeterRole,
    Provenance,
    Slot,
    unknown_slot,
)
from tests.statistics.world import HOME_ID, HOUR, KEY, SOURCE_ID, World

pytestmark = pytest.mark.recorder

OTHER_ID = "01JD0000000000000000000004"
METER = source_key(SOURCE_ID)


class Powers:
    """The power sensors of a home and of its meter, beside its energy and a bystander."""

    def __init__(self, world: World, unit: str) -> None:
        """Stand for sensors that nothing was said of yet."""
        self.world = world
        self.unit = unit
        for unique_id, name in ((HOME_ID, "home_power"), (SOURCE_ID, "meter_power")):
            er.async_get(world.hass).async_get_or_create(
                "sensor", DOMAIN, f"{unique_id}_power", suggested_object_id=name
            )

    def open(self) -> None:
        """Begin to keep their statistics true, also after a restart."""
        register = self.world.reconciler.async_register_power
        register(KEY, lambda: "sensor.home_power")
        register(METER, lambda: "sensor.meter_power")

    def shows(self, power: float | None) -> None:
        """Set both sensors to a power in W; None where they are unavailable."""
        attributes: dict[str, Any] = {
            "device_class": "power",
            "state_class": "measurement",
            "unit_of_measurement": self.unit,
        }
        if power is not None and self.unit == "kW":
            power /= 1000
        for name in ("sensor.home_power", "sensor.meter_power"):
            state = "unavailable" if power is None else str(power)
            self.world.hass.states.async_set(name, state, attributes)

    async def ticks(self, powers: Sequence[float | None]) -> None:
        """Live through slots with these powers in W."""
        for power in powers:
            self.shows(power)
            await self.world.tick(None if power is None else power / 12000)

    async def know(
        self,
        start: datetime,
        powers: Sequence[float | None],
        *,
        source_id: str = SOURCE_ID,
        role: MeterRole = MeterRole.GRID,
    ) -> None:
        """Learn from the vendor what the powers in W were; negative ones flow out."""
        slots = [
            unknown_slot(start + n * SLOT)
            if power is None
            else Slot(
                start=start + n * SLOT,
                energy=max(power, 0) / 12000,
                returned=max(-power, 0) / 12000,
                provenance=Provenance.VENDOR,
            )
            for n, power in enumerate(powers)
        ]
        await self.world.ledger.slots.async_settle(source_id, role, slots, [])

    async def rows(
        self, entity_id: str = "sensor.home_power"
    ) -> dict[datetime, tuple[float, float, float]]:
        """Return what the recorder has of each hour: mean, lowest and highest, in W."""
        await self.world.done()
        rows = await get_instance(self.world.hass).async_add_executor_job(
            statistics_during_period,
            self.world.hass,
            self.world.now - timedelta(days=30),
            None,
            {entity_id},
            "hour",
            {"power": "W"},
            {"mean", "min", "max"},
        )
        return {
            datetime.fromtimestamp(row["start"], self.world.now.tzinfo): (
                row["mean"] or 0.0,
                row["min"] or 0.0,
                row["max"] or 0.0,
            )
            for row in rows.get(entity_id, [])
        }

    async def reconcile(self) -> int:
        """Compare both now; return how many rows were written, once they are."""
        written = await self.world.reconciler.async_reconcile(f"power:{KEY}")
        written += await self.world.reconciler.async_reconcile(f"power:{METER}")
        await self.world.done()
        return written


@pytest.fixture
def unit() -> str:
    """Return the unit that the sensors are shown in."""
    return "W"


@pytest.fixture
async def powers(world: World, unit: str) -> Powers:
    """Return sensors whose statistics are kept true, of a meter that is there from now on."""
    await world.ledger.sources.async_add(SOURCE_ID, HOME_ID, live_from=world.now)
    powers = Powers(world, unit)
    powers.open()
    return powers


def near(mean: float, low: float, high: float) -> Any:
    """Return an hour's powers, to what the ledger resolves."""
    return pytest.approx((mean, low, high), abs=2e-3)


@pytest.mark.heavy
@pytest.mark.parametrize("unit", ["W", "kW"])
async def test_the_past_and_an_outage(world: World, powers: Powers) -> None:
    """Hours get what became known, also below zero; others stay to the last digit."""
    first = world.now
    await powers.ticks([100.0] * 11 + [400.0] + [200.0] * 6)
    powers.shows(None)
    await world.off([0.0] * 36, known=False)
    await world.restart()
    powers.open()
    await world.compile_missing()
    await powers.ticks([300.0] * 7)
    before = await powers.rows()
    assert set(before) == {first, first + HOUR, first + 4 * HOUR}

    await powers.know(first - 2 * HOUR, [600.0, -120.0] * 12)
    await powers.know(first + HOUR + 6 * SLOT, [500.0] * 10 + [None, 800.0] * 10)
    await powers.ticks([300.0])
    expected = before | {
        first - 2 * HOUR: near(240.0, -120.0, 600.0),
        first - HOUR: near(240.0, -120.0, 600.0),
        first + HOUR: near(350.0, 200.0, 500.0),
        first + 2 * HOUR: near((4 * 500 + 4 * 800) / 8, 500.0, 800.0),
        first + 3 * HOUR: near(800.0, 800.0, 800.0),
    }
    for entity_id in ("sensor.home_power", "sensor.meter_power"):
        assert await powers.rows(entity_id) == expected
    # What they wrote is seen to be there by the next run, and then nothing is left.
    assert await powers.reconcile() == 0
    for key in (KEY, METER):
        assert await world.ledger.powers.async_due(key) == []
    await world.assert_bystander_untouched()


async def test_an_hour_in_progress_waits(world: World, powers: Powers) -> None:
    """Nothing is written of an hour that the recorder has not compiled."""
    first = world.now
    await powers.ticks([100.0] * 3 + [None] * 5)
    await powers.know(first + 3 * SLOT, [100.0] * 5)
    assert await powers.reconcile() == 0
    await powers.ticks([100.0] * 5)
    assert await powers.rows() == {first: near(100, 100, 100)}
    assert await powers.reconcile() == 0
    assert await world.ledger.powers.async_due(KEY) == []
    await world.assert_bystander_untouched()


async def test_a_kill_before_the_recorder_wrote_loses_nothing(
    world: World, powers: Powers
) -> None:
    """An hour is done only when its row was seen; it may become better known until then."""
    first = world.now
    await powers.ticks([100.0] * 2)
    await world.reconciler.async_stop()
    await powers.know(first - HOUR, [600.0] * 11)
    (due,) = await world.ledger.powers.async_due(KEY)
    await powers.know(first - SLOT, [0.0])
    await world.ledger.powers.async_done(KEY, [due])
    assert await powers.reconcile() == 2
    assert await powers.rows() == {first - HOUR: near(550, 0, 600)}
    assert len(await world.ledger.powers.async_due(KEY)) == 1
    assert await powers.reconcile() == 0
    assert await world.ledger.powers.async_due(KEY) == []


async def test_an_hour_that_comes_in_two_parts(world: World, powers: Powers) -> None:
    """A row follows what becomes known of its hour, whoever wrote it."""
    first = world.now
    await powers.ticks([100.0] * 11 + [None] * 3)
    await powers.know(first - HOUR + 6 * SLOT, [600.0] * 6)
    await powers.ticks([100.0])
    assert (await powers.rows())[first - HOUR] == near(600, 600, 600)
    await powers.know(first - HOUR, [300.0] * 6)
    await powers.know(first + 11 * SLOT, [900.0])
    await powers.ticks([100.0] * 2)

    rows = await powers.rows()
    assert rows == {
        first - HOUR: near(450, 300, 600),
        first: near((11 * 100 + 900) / 12, 100, 900),
    }
    assert await powers.rows("sensor.meter_power") == rows
    assert await powers.reconcile() == 0
    assert await world.ledger.powers.async_due(KEY) == []
    await world.assert_bystander_untouched()


async def test_a_home_with_two_meters(world: World, powers: Powers) -> None:
    """A home's power is known where no grid meter's is unknown; submeters do not count."""
    first = world.now
    await world.ledger.sources.async_add(OTHER_ID, HOME_ID, live_from=first)
    await powers.ticks([100.0] * 2)
    await powers.know(first, [50.0] * 2, source_id=OTHER_ID)
    await powers.know(first - 3 * HOUR, [600.0] * 36)
    await powers.ticks([100.0])
    # The other meter's past is not known yet.
    assert await powers.rows() == {}
    assert len(await powers.rows("sensor.meter_power")) == 3
    (due,) = await world.ledger.powers.async_due(KEY)
    assert due.start == first

    await powers.know(
        first - 2 * HOUR, [200.0] * 6 + [None] * 3 + [300.0] * 3, source_id=OTHER_ID
    )
    await powers.know(
        first - HOUR, [1.0] * 12, source_id=OTHER_ID, role=MeterRole.SUBMETER
    )
    await powers.know(first - HOUR, [600.0])
    await powers.ticks([100.0])
    assert await powers.rows() == {first - 2 * HOUR: near(2500 / 3, 800.0, 900.0)}
    assert await world.ledger.powers.async_due("home:nobody:grid") == []
    await world.assert_bystander_untouched()


async def test_a_generation_meter(world: World, powers: Powers) -> None:
    """What a home generates has hours of its own."""
    first = world.now
    await world.ledger.sources.async_add(OTHER_ID, HOME_ID, live_from=first)
    await powers.know(
        first - HOUR, [240.0] * 12, source_id=OTHER_ID, role=MeterRole.GENERATION
    )
    key = f"home:{HOME_ID}:generation"
    assert [hour.start for hour in await world.ledger.powers.async_due(key)] == [
        first - HOUR
    ]
    assert await world.ledger.powers.async_due(KEY) == []
    (row,) = await world.ledger.powers.async_hours(key, first - HOUR, first)
    assert row.start == first - HOUR
    assert row[1:] == near(240.0, 240.0, 240.0)
    assert await world.ledger.powers.async_hours(KEY, first - HOUR, first) == []
    await world.ledger.homes.async_forget(HOME_ID)
    assert await world.ledger.powers.async_due(key) == []
