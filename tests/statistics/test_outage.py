"""An outage of a vendor's cloud is nowhere in the hours of the Energy dashboard."""

from datetime import datetime, timedelta

from homeassistant.components.recorder import Recorder
from homeassistant.core import HomeAssistant
import pytest

from simulator.scenario import ELM_TOKEN, MILL_TOKEN
from tests.builders import (
    account_entry,
    efergy_revision,
    home_entry,
    meter_subentry,
    set_up,
)
from tests.simulator_client import SimulatorClient
from tests.virtual import VirtualTime

from .life import HOME, HOUR, Life, truth_of

pytestmark = [pytest.mark.recorder, pytest.mark.slow]

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
MILL_SID = "720001"


@pytest.fixture
async def life(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    simulator: SimulatorClient,
    virtual: VirtualTime,
) -> Life:
    """Set up Mill Cottage with its account; its vendor and the recorder go on with it."""
    life = Life(hass, virtual)
    await set_up(
        hass,
        account_entry(MILL_TOKEN, "efergy_mill"),
        home_entry(
            HOME, meter_subentry("mill", efergy_revision("efergy_mill", MILL_SID))
        ),
    )
    return life


async def test_three_hours_without_the_cloud(
    life: Life, simulator: SimulatorClient, start: datetime
) -> None:
    """Each hour has what was used in it, also the one after; a second repair writes nothing."""
    await life.live(2 * HOUR)
    simulator.fault("http_503")
    await life.live(3 * HOUR)
    simulator.clear_faults()
    await life.live(3 * HOUR)
    await life.assert_true(truth_of(simulator, start + HOUR, 6), start)


@pytest.mark.parametrize(
    "back",
    [
        pytest.param(10 * MINUTE, id="after ten minutes"),
        pytest.param(44 * MINUTE + 58 * SECOND, id="just before a slot ends"),
        pytest.param(45 * MINUTE + 40 * SECOND, id="before a slot is settled"),
        pytest.param(60 * MINUTE, id="at the full hour"),
        pytest.param(60 * MINUTE - SECOND, id="just before the hourly look"),
        pytest.param(60 * MINUTE + SECOND, id="just after the hourly look"),
    ],
)
async def test_cloud_is_back_at_an_awkward_moment(
    life: Life,
    simulator: SimulatorClient,
    start: datetime,
    back: timedelta,
) -> None:
    """Whenever it is back, no energy is lost and none is there twice."""
    await life.live(HOUR)
    simulator.fault("http_503")
    life.at(start + HOUR + back, simulator.clear_faults)
    await life.live(4 * HOUR)
    await life.assert_true(truth_of(simulator, start + HOUR, 3), start)


async def test_meter_is_swapped_inside_an_outage(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    simulator: SimulatorClient,
    virtual: VirtualTime,
    start: datetime,
) -> None:
    """Each of the two meters is asked for its own time; the home's hours have both."""
    swapped = start + 2 * HOUR + 30 * MINUTE
    life = Life(hass, virtual)
    await set_up(
        hass,
        account_entry(ELM_TOKEN, "efergy_elm"),
        account_entry(MILL_TOKEN, "efergy_mill"),
        home_entry(
            HOME,
            meter_subentry(
                "mill",
                efergy_revision("efergy_elm", "710001"),
                efergy_revision("efergy_mill", MILL_SID, swapped),
            ),
        ),
    )
    await life.live(HOUR + 40 * MINUTE)
    simulator.fault("http_503")
    await life.live(HOUR + 40 * MINUTE)
    simulator.clear_faults()
    await life.live(2 * HOUR + 40 * MINUTE)

    def used(home: str, sid: str, begin: datetime, end: datetime) -> float:
        """Return what a meter measured."""
        meters = simulator.truth(begin, end)["homes"][home]["meters"]
        return float(meters[sid]["energy_kwh"])

    def truth(begin: datetime, end: datetime) -> float:
        """Return what the home used, as far as its meters were its own."""
        cut = max(begin, min(end, swapped))
        before = used("Elm Street", "710001", begin, cut) if begin < cut else 0
        return before + (used(HOME, MILL_SID, cut, end) if cut < end else 0)

    hours = [start + number * HOUR for number in range(1, 5)]
    await life.assert_true({hour: truth(hour, hour + HOUR) for hour in hours}, start)


async def test_two_days_without_the_cloud(
    life: Life, simulator: SimulatorClient, start: datetime
) -> None:
    """All 48 hours have what was used in them."""
    await life.live(HOUR)
    simulator.fault("http_503")
    await life.live_coarsely(48 * HOUR)
    simulator.clear_faults()
    await life.live(3 * HOUR)
    await life.assert_true(truth_of(simulator, start + HOUR, 50), start)


async def test_twelve_days_without_the_cloud(
    life: Life, simulator: SimulatorClient, start: datetime
) -> None:
    """The oldest of its hours as well as the newest, longer than the recorder keeps states."""
    await life.live(HOUR)
    simulator.fault("http_503")
    await life.live_coarsely(12 * 24 * HOUR)
    simulator.clear_faults()
    await life.live(3 * HOUR)
    await life.assert_true(truth_of(simulator, start + HOUR, 12 * 24 + 2), start)
