"""A meter that is added today has an Energy dashboard with its past tomorrow."""

from datetime import UTC, datetime, timedelta
from typing import Any

from homeassistant.components.recorder import Recorder, get_instance
from homeassistant.components.recorder.statistics import statistics_during_period
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers.event import async_track_state_change_event
import pytest

from custom_components.energy_homes.homes.directory import DATA_HOMES
from custom_components.energy_homes.ledger import home_key
from custom_components.energy_homes.statistics.reconcile import DATA_RECONCILE
from simulator.scenario import MILL_TOKEN
from tests.builders import account_entry, home_entry, set_up
from tests.history.backfill_kit import ACCOUNT, import_history, job_of, mill_meter
from tests.simulator_client import SimulatorClient
from tests.virtual import VirtualTime

from .life import BYSTANDER, ENERGY, HOME, HOUR, Life, truth_of

pytestmark = [pytest.mark.recorder, pytest.mark.slow]

DAYS = 10
POWER = "sensor.mill_cottage_power"


async def powers(hass: HomeAssistant, since: datetime) -> dict[datetime, float]:
    """Return the mean power in W of each hour that the recorder knows of."""
    rows = await get_instance(hass).async_add_executor_job(
        statistics_during_period,
        hass,
        since,
        None,
        {POWER},
        "hour",
        {"power": "W"},
        {"mean"},
    )
    return {
        datetime.fromtimestamp(row["start"], UTC): row["mean"] or 0.0
        for row in rows[POWER]
    }


async def test_the_dashboard_is_full_on_the_first_day(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    simulator: SimulatorClient,
    virtual: VirtualTime,
    start: datetime,
) -> None:
    """Each hour of the past has what was used in it, and nobody sees the total jump."""
    life = Life(hass, virtual)
    first = start.replace(hour=0) - timedelta(days=DAYS)
    await set_up(
        hass,
        account_entry(MILL_TOKEN, ACCOUNT),
        home_entry(HOME, mill_meter(first.date())),
    )
    totals: list[float] = []

    @callback
    def shown(event: Event[EventStateChangedData]) -> None:
        """Keep what the home's energy shows."""
        state = event.data["new_state"]
        assert state is not None
        totals.append(float(state.state))

    forget = async_track_state_change_event(hass, ENERGY, shown)
    await life.live(2 * HOUR)
    forget()
    assert job_of(hass).state == "done"

    # The total is what was used since the meter was added.
    here = simulator.truth(start, start + 2 * HOUR)["homes"][HOME]["energy_kwh"]
    assert totals == sorted(totals)
    assert totals[-1] < here * 1.01

    hours = int((start - first) / HOUR)
    rows = await life.hours(ENERGY, first - HOUR)
    assert [row["start"] for row in rows] == [
        (first + n * HOUR).timestamp() for n in range(hours + 2)
    ]
    sums = [row["sum"] for row in rows]
    assert sums == sorted(sums)
    assert sums[0] == pytest.approx(rows[0]["change"])
    changes = {datetime.fromtimestamp(row["start"], UTC): row["change"] for row in rows}
    for begin in (first, first + timedelta(days=4, hours=5), start - 5 * HOUR):
        for hour, used in truth_of(simulator, begin, 5).items():
            assert changes[hour] == pytest.approx(used, rel=1e-3, abs=1e-4)
    means = await powers(hass, first)
    for hour, used in truth_of(simulator, start - 5 * HOUR, 5).items():
        assert means[hour] == pytest.approx(1000 * used, rel=1e-3, abs=0.1)
    bystander = await life.hours(BYSTANDER, first)
    assert [row["change"] for row in bystander][1:] == [12]

    before = await life.hours(ENERGY, first)
    answer: Any = await import_history(hass, home=HOME, start=first)
    assert answer[HOME]["meters"][0]["found"] == 0
    homes = hass.data[DATA_HOMES]
    key = home_key(homes.get(HOME).home_id, "grid")
    assert await hass.data[DATA_RECONCILE].async_reconcile(key) == 0
    assert await life.hours(ENERGY, first) == before
