"""The energy of a running demo against what its meters published, in real time."""

from datetime import datetime, timedelta

import pytest

from demo.api import Api
from demo.wait import until
from tests.e2e.expected import AROUND, SETTLE_DELAY, SLOT, slot_energy
from tests.e2e.shared import BOARD_ENERGY, SharedDemo
from tests.e2e.shown import GRID_METERS, LOADER, entities
from tests.particle_control import ParticleControl
from tests.simulator_client import SimulatorClient

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.xdist_group("shared demo"),
    pytest.mark.timeout(1500),
]

SPARE = timedelta(seconds=15)
COMMITTED = timedelta(seconds=15)
"""How late the recorder may have what was shown; it stores every five seconds."""


async def test_energy_grows_by_the_first_complete_slot(
    demo: SharedDemo, api: Api
) -> None:
    """Once the first complete slot has settled, each home has grown by what was published.

    So has the meter of the board on one home's circuit, which adds nothing to that home.
    """
    simulator = demo.simulator()
    start = demo.first_slot
    settled = start + SLOT + SETTLE_DELAY + SPARE

    async def over() -> bool | None:
        """Return True when the slot must have settled, and the recorder knows."""
        return demo.now > settled + COMMITTED or None

    await until(over, "the first slot", seconds=900, every=1)
    totals = {label: home.energy for label, home in (await entities(api)).items()}
    # From its end on: until then the vendor's history may tell the slot in which it all began.
    shown = await recorded(api, [*totals.values(), BOARD_ENERGY], start + SLOT, settled)
    grown = {
        label: shown[energy][-1] - shown[energy][0] for label, energy in totals.items()
    }
    expected = {
        label: slot_energy(readings_around(simulator, sid, start), start)
        for label, sid in GRID_METERS.items()
    }
    assert grown == pytest.approx(expected, abs=2e-6, rel=1e-3)
    published = ParticleControl(simulator).truth(from_=start, to=start + SLOT)
    assert shown[BOARD_ENERGY][-1] == pytest.approx(
        shown[BOARD_ENERGY][0] + published["published_kwh"], abs=2e-6, rel=1e-3
    )
    unexpected = [line for line in demo.log_lines() if LOADER not in line]
    assert unexpected == []


async def recorded(
    api: Api, entity_ids: list[str], begin: datetime, end: datetime
) -> dict[str, list[float]]:
    """Return what entities showed at an instant, and all that they showed up to another."""
    found = await api.command(
        "history/history_during_period",
        start_time=begin.isoformat(),
        end_time=end.isoformat(),
        entity_ids=entity_ids,
        significant_changes_only=False,
        no_attributes=True,
    )
    return {
        entity_id: [float(state["s"]) for state in found[entity_id]]
        for entity_id in entity_ids
    }


def readings_around(
    simulator: SimulatorClient, sid: str, start: datetime
) -> list[tuple[int, int]]:
    """Return what a meter published around a slot."""
    return simulator.published(sid, start - AROUND, start + SLOT + AROUND)
