"""A hundred boards at an event a second: nothing is lost, and nothing grows."""

from collections.abc import Mapping
from datetime import timedelta
import tracemalloc

from homeassistant.components.recorder import Recorder
from homeassistant.core import HomeAssistant
import pytest

from tests.builders import particle_entry, set_up
from tests.particle_control import PARTICLE_TOKEN, ParticleControl
from tests.virtual import VirtualTime

from .load import Received, add_boards, follow, published

pytestmark = pytest.mark.slow

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
ACCOUNT = "particle_account"
BOARDS = 100
KEPT_BYTES = 64 * 1024


def all_came(
    heard: Mapping[str, Received], told: Mapping[str, tuple[int, float]]
) -> None:
    """Check that what was heard is what was published, but for the last second."""
    assert set(heard) == set(told)
    for board_id, (count, watts) in told.items():
        came = heard[board_id]
        assert count - 1 <= came.count <= count
        assert came.disordered == 0
        assert came.watts == pytest.approx(watts * came.count / count, rel=0.001)


async def run(
    hass: HomeAssistant, virtual: VirtualTime, particle: ParticleControl, minutes: int
) -> dict[str, Received]:
    """Let boards speak for a while, and check that all was heard."""
    ids = add_boards(particle, BOARDS)
    await set_up(hass, particle_entry(PARTICLE_TOKEN, ACCOUNT))
    await virtual.settle()
    heard = follow(hass, ACCOUNT, ids)
    begin = virtual.now
    for _ in range(minutes // 10 or 1):
        await virtual.run(min(minutes, 10) * MINUTE)
    all_came(heard, published(particle, begin, virtual.now))
    return heard


async def test_two_minutes(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    virtual: VirtualTime,
    particle: ParticleControl,
) -> None:
    """Every event of every board comes once, on one stream."""
    heard = await run(hass, virtual, particle, 2)
    assert sum(came.count for came in heard.values()) >= BOARDS * 119
    assert particle.calls()["events"] == 1


@pytest.mark.slow
async def test_an_hour(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    virtual: VirtualTime,
    particle: ParticleControl,
) -> None:
    """Nothing lost in an hour, and what our code keeps is as much as after ten minutes."""
    ids = add_boards(particle, BOARDS)
    await set_up(hass, particle_entry(PARTICLE_TOKEN, ACCOUNT))
    await virtual.settle()
    heard = follow(hass, ACCOUNT, ids)
    begin = virtual.now
    await virtual.run(10 * MINUTE)
    tracemalloc.start()
    try:
        await virtual.run(10 * MINUTE)
        before = kept_bytes()
        await virtual.run(40 * MINUTE)
        assert kept_bytes() - before < KEPT_BYTES
    finally:
        tracemalloc.stop()
    all_came(heard, published(particle, begin, virtual.now))
    assert sum(came.count for came in heard.values()) >= BOARDS * 3599
    assert particle.calls()["events"] == 1


def kept_bytes() -> int:
    """Return how much of what our code allocated is still there."""
    snapshot = tracemalloc.take_snapshot().filter_traces(
        [tracemalloc.Filter(True, "*/energy_homes/*")]
    )
    return sum(statistic.size for statistic in snapshot.statistics("filename"))
