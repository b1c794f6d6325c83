"""A clock that is set back, in a whole Home Assistant."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from homeassistant.components.recorder import Recorder
from homeassistant.core import HomeAssistant
import pytest

from custom_components.energy_homes.accounts.efergy.hub import EfergyHub
from custom_components.energy_homes.accounts.registry import DATA_ACCOUNTS, AccountState
from custom_components.energy_homes.metering.model import PowerReading
from tests.builders import account_entry, set_up
from tests.simulator_client import MILL_TOKEN, SimulatorClient
from tests.virtual import VirtualTime

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
SUMMARY = "getCurrentValuesSummary"
SID = "720001"

type SetBack = Callable[[timedelta], Awaitable[None]]


@pytest.fixture
def set_back(
    hass: HomeAssistant, virtual: VirtualTime, monkeypatch: pytest.MonkeyPatch
) -> SetBack:
    """Return how to set the wall clock back, which leaves the loop's clock alone."""

    async def async_set_back(back: timedelta) -> None:
        """Set the clock back, in Home Assistant as in the cloud."""
        time_s = hass.loop.time
        monkeypatch.setattr(hass.loop, "time", lambda: time_s() + back.total_seconds())
        await virtual.move_to(virtual.now - back)

    return async_set_back


@pytest.fixture
async def hub(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    simulator: SimulatorClient,
    virtual: VirtualTime,
) -> EfergyHub:
    """Set an account up and let it run for some minutes."""
    entry = account_entry(MILL_TOKEN, "efergy_mill")
    await set_up(hass, entry)
    await virtual.run(5 * MINUTE)
    hub: EfergyHub = entry.runtime_data
    return hub


@pytest.mark.parametrize("back", [MINUTE, HOUR, 20 * HOUR])
async def test_polling_goes_on(
    hass: HomeAssistant,
    hub: EfergyHub,
    simulator: SimulatorClient,
    virtual: VirtualTime,
    set_back: SetBack,
    back: timedelta,
) -> None:
    """Polls keep their pace, and new readings come within minutes."""
    told: list[PowerReading] = []
    hass.data[DATA_ACCOUNTS].subscribe(
        "efergy_mill",
        SID,
        lambda update: told.extend(
            [update.reading] if isinstance(update.reading, PowerReading) else []
        ),
    )
    await set_back(back)
    simulator.clear_calls()
    await virtual.run(2 * MINUTE)
    begin = virtual.now
    await virtual.run(18 * MINUTE)
    assert 38 <= simulator.calls(MILL_TOKEN)[SUMMARY] <= 43
    assert hub.state is AccountState.CONNECTED
    assert hub.powers.nonsense_count == 0
    stamps = [reading.at for reading in told if begin <= reading.at <= virtual.now]
    assert len(stamps) >= 35
    assert virtual.now - told[-1].at < MINUTE
    assert hub.meter_update(SID).reading == told[-1]


@pytest.mark.parametrize(
    ("fault", "state"),
    [("daily_limit", AccountState.QUOTA), ("http_503", AccountState.OUTAGE)],
)
async def test_waiting_ends(
    hub: EfergyHub,
    simulator: SimulatorClient,
    virtual: VirtualTime,
    set_back: SetBack,
    fault: str,
    state: AccountState,
) -> None:
    """A wait that had begun is as long as it was to be."""
    simulator.fault(fault)
    await virtual.run(HOUR)
    assert hub.state is state
    await set_back(timedelta(days=1))
    simulator.clear_faults()
    await virtual.run(HOUR)
    assert hub.state is AccountState.CONNECTED
    assert hub.meter_update(SID).reading is not None


async def test_the_summary_is_tried_again(
    hub: EfergyHub,
    simulator: SimulatorClient,
    virtual: VirtualTime,
    set_back: SetBack,
) -> None:
    """The household's power stands in for no longer than it was to be."""
    simulator.fault("method_failed", command=SUMMARY)
    await virtual.run(10 * MINUTE)
    assert hub.powers.standing_in
    await set_back(HOUR)
    simulator.clear_faults()
    await virtual.run(11 * MINUTE)
    assert not hub.powers.standing_in


@pytest.mark.heavy
async def test_spent_budget_is_not_spent_for_ever(
    hub: EfergyHub,
    simulator: SimulatorClient,
    virtual: VirtualTime,
    set_back: SetBack,
) -> None:
    """Calls counted in a time that is yet to come leave room for polling."""
    await virtual.run(4 * HOUR)
    await set_back(6 * HOUR)
    simulator.clear_calls()
    await virtual.run(HOUR)
    assert hub.state is AccountState.CONNECTED
    assert 115 <= simulator.calls(MILL_TOKEN)[SUMMARY] <= 125
    assert 115 <= hub.calls_last_hour <= 125
