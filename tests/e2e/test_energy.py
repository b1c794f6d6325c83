"""The energy of a running demo against what its meters published, in real time."""

from datetime import UTC, datetime, timedelta

import pytest

from demo.api import Api
from demo.energy import HomeEntities, state_of
from demo.wait import until
from tests.e2e.expected import AROUND, SETTLE_DELAY, SLOT, slot_energy, slot_start
from tests.e2e.running import RunningDemo
from tests.e2e.shown import GRID_METERS, LOADER, entities, powers
from tests.particle_control import ParticleControl
from tests.simulator_client import SimulatorClient

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(1500)]

SPARE = timedelta(seconds=15)
BOARD_ENERGY = "sensor.mill_cottage_fridge_and_microwave_energy"


async def test_energy_grows_by_the_first_complete_slot(
    demo: RunningDemo, api: Api
) -> None:
    """Once the first complete slot has settled, each home has grown by what was published.

    So has the meter of the board on one home's circuit, which adds nothing to that home.
    """
    simulator = demo.simulator()
    homes = await entities(api)
    await powers(api, homes)
    await until(lambda: state_of(api, BOARD_ENERGY), "the board", seconds=60)
    # Both homes have been read by now, so that the slot that begins next is complete.
    start = slot_start(datetime.now(UTC)) + SLOT

    async def over() -> bool | None:
        """Return True when the slot is over, and all before it have settled."""
        return datetime.now(UTC) > start + SLOT or None

    async def settled() -> bool | None:
        """Return True when the slot must have settled."""
        return datetime.now(UTC) > start + SLOT + SETTLE_DELAY + SPARE or None

    await until(over, "the end of the first slot", seconds=900, every=5)
    # Only now: until then the vendor's history may tell the slot in which it all began.
    before = await energies(api, homes)
    board = await until(lambda: state_of(api, BOARD_ENERGY), "the board", seconds=60)
    await until(settled, "the first slot", seconds=300, every=5)
    after = await energies(api, homes)
    grown = {label: after[label] - before[label] for label in homes}
    expected = {
        label: slot_energy(readings_around(simulator, sid, start), start)
        for label, sid in GRID_METERS.items()
    }
    assert grown == pytest.approx(expected, rel=1e-3)
    published = ParticleControl(simulator).truth(from_=start, to=start + SLOT)
    assert await state_of(api, BOARD_ENERGY) == pytest.approx(
        board + published["published_kwh"], abs=2e-6, rel=1e-3
    )
    unexpected = [line for line in demo.log_lines() if LOADER not in line]
    assert unexpected == []


async def energies(api: Api, homes: dict[str, HomeEntities]) -> dict[str, float]:
    """Return the energy total of each home, which is always there."""
    totals = {label: await state_of(api, home.energy) for label, home in homes.items()}
    return {label: total for label, total in totals.items() if total is not None}


def readings_around(
    simulator: SimulatorClient, sid: str, start: datetime
) -> list[tuple[int, int]]:
    """Return what a meter published around a slot."""
    return simulator.published(sid, start - AROUND, start + SLOT + AROUND)
