"""What is shown at once, and what may wait."""

from datetime import timedelta

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.energy_homes.meters.pace import Pace

EVERY = timedelta(seconds=10)


class Calls:
    """Counts calls."""

    def __init__(self) -> None:
        """Begin without any."""
        self.count = 0

    def __call__(self) -> None:
        """Count one."""
        self.count += 1


@pytest.fixture
def calls() -> Calls:
    """Return what is called."""
    return Calls()


async def test_news_at_once_and_the_rest_in_its_time(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, calls: Calls
) -> None:
    """What waits is told once for all, and news takes it along."""
    pace = Pace(hass, EVERY, calls)
    pace.soon()
    assert calls.count == 1
    pace.soon()
    pace.soon()
    assert calls.count == 1
    pace.now()
    assert calls.count == 2
    freezer.tick(2 * EVERY)
    async_fire_time_changed(hass)
    assert calls.count == 2
    pace.now()
    pace.soon()
    freezer.tick(2 * EVERY)
    async_fire_time_changed(hass)
    assert calls.count == 4


async def test_stop_forgets_what_waits(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, calls: Calls
) -> None:
    """Nobody is called any more; stopping twice is no harm."""
    pace = Pace(hass, EVERY, calls)
    pace.now()
    pace.soon()
    pace.async_stop()
    pace.async_stop()
    freezer.tick(2 * EVERY)
    async_fire_time_changed(hass)
    assert calls.count == 1
