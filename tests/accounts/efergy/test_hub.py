"""An account's hub in a whole Home Assistant, against the simulated cloud."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
import itertools
import logging
import traceback
from typing import Any

from homeassistant.components.recorder import Recorder
from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryState
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.energy_homes.accounts.efergy.hub import EfergyHub
from custom_components.energy_homes.accounts.patience import NONSENSE_IS_OUTAGE
from custom_components.energy_homes.accounts.registry import (
    DATA_ACCOUNTS,
    AccountState,
    MeterUpdate,
)
from custom_components.energy_homes.clouds.efergy.client import EfergyClient
from custom_components.energy_homes.clouds.errors import CloudQuotaError
from custom_components.energy_homes.const import DOMAIN
from custom_components.energy_homes.metering.model import PowerReading
from tests.builders import account_entry
from tests.simulator_client import ELM_TOKEN, MILL_TOKEN, TERRACE_TOKEN, SimulatorClient
from tests.virtual import VirtualTime

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
SUMMARY = "getCurrentValuesSummary"
INSTANT = "getInstant"
MILL_SID = "720001"

type Start = Callable[[str], Any]


@pytest.fixture
def heard() -> dict[str, list[MeterUpdate]]:
    """Return what the subscribers of the account's meters were told."""
    return {}


@pytest.fixture
def start(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    simulator: SimulatorClient,
    virtual: VirtualTime,
    heard: dict[str, list[MeterUpdate]],
) -> Start:
    """Return how to set an account up, with a subscriber of each of its meters."""

    async def async_start(token: str) -> MockConfigEntry:
        """Set an account up."""
        entry = account_entry(token, f"efergy_{token}")
        entry.add_to_hass(hass)
        await hass.config_entries.async_setup(entry.entry_id)
        await hass.async_block_till_done()
        for home in simulator.truth()["homes"].values():
            for sid, meter in home["meters"].items():
                updates = heard[sid] = []
                hass.data[DATA_ACCOUNTS].subscribe(
                    f"efergy_{meter['token']}", sid, updates.append
                )
        return entry

    return async_start


def hub_of(entry: MockConfigEntry) -> EfergyHub:
    """Return the hub of an account that is loaded."""
    assert entry.state is ConfigEntryState.LOADED
    hub: EfergyHub = entry.runtime_data
    return hub


def state_of(entry: MockConfigEntry) -> AccountState:
    """Return how an account's conversation is going."""
    return hub_of(entry).state


def readings(updates: list[MeterUpdate]) -> list[tuple[datetime, float]]:
    """Return the readings among updates."""
    return [
        (update.reading.at, update.reading.power)
        for update in updates
        if isinstance(update.reading, PowerReading)
    ]


def published(
    simulator: SimulatorClient, sid: str, begin: datetime, end: datetime
) -> list[tuple[datetime, float]]:
    """Return what a meter published in [begin, end)."""
    return [
        (datetime.fromtimestamp(stamp_ms / 1000, UTC), watts)
        for stamp_ms, watts in simulator.published(sid, begin, end)
    ]


@pytest.mark.parametrize(
    ("token", "sids", "calls_per_interval"),
    [
        (MILL_TOKEN, [MILL_SID], 1),
        ("close-together", ["740002", "740010"], 1),
        (ELM_TOKEN, ["710001", "710002"], 2),
        (TERRACE_TOKEN, ["730001", "730002"], 2),
    ],
)
async def test_every_reading_arrives_once(
    simulator: SimulatorClient,
    virtual: VirtualTime,
    start: Start,
    heard: dict[str, list[MeterUpdate]],
    token: str,
    sids: list[str],
    calls_per_interval: int,
) -> None:
    """One call per interval serves all meters where their phases allow, two otherwise."""
    simulator.add_account(
        "close-together",
        "c105e",
        [{"sid": sid, "role": "grid", "seed": 1} for sid in ("740002", "740010")],
    )
    begin = virtual.now
    entry = await start(token)
    await virtual.run(30 * MINUTE)
    for sid in sids:
        got = readings(heard[sid])
        assert got == published(simulator, sid, got[0][0], got[-1][0] + SECOND)
        assert got[0][0] - begin < MINUTE
        assert virtual.now - got[-1][0] < MINUTE
    calls = simulator.calls(token)
    # The form that offers its meters to homes asks once when its history begins.
    assert set(calls) - {"getFirstData"} == {SUMMARY}
    assert calls.get("getFirstData", 1) == 1
    intervals = 60
    assert calls[SUMMARY] <= intervals * calls_per_interval + 2
    hub = hub_of(entry)
    assert state_of(entry) is AccountState.CONNECTED
    assert hub.calls_last_hour == hub.calls_last_day == sum(calls.values())
    assert hub.powers.nonsense_count == 0


async def test_readings_are_seen_soon(
    simulator: SimulatorClient,
    virtual: VirtualTime,
    start: Start,
    heard: dict[str, list[MeterUpdate]],
) -> None:
    """Each poll comes a few seconds after the stamp, so that no power is old."""
    await start(TERRACE_TOKEN)
    await virtual.run(5 * MINUTE)
    for _ in range(60):
        await virtual.run(timedelta(seconds=7))
        for sid in ("730001", "730002"):
            assert virtual.now - readings(heard[sid])[-1][0] <= timedelta(seconds=40)


async def test_refused_token(
    hass: HomeAssistant,
    simulator: SimulatorClient,
    virtual: VirtualTime,
    start: Start,
    heard: dict[str, list[MeterUpdate]],
) -> None:
    """A refused token asks for a new one once and stops asking the cloud."""
    entry = await start(MILL_TOKEN)
    simulator.fault("bad_token")
    await virtual.run(2 * MINUTE)
    calls = simulator.calls(MILL_TOKEN)
    await virtual.run(60 * MINUTE)
    assert simulator.calls(MILL_TOKEN) == calls
    assert state_of(entry) is AccountState.AUTH
    assert heard[MILL_SID][-1] == MeterUpdate(available=False)
    flows = hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    sources = [flow["context"]["source"] for flow in flows]
    assert sources.count(SOURCE_REAUTH) == 1


async def test_call_limit(
    simulator: SimulatorClient,
    virtual: VirtualTime,
    start: Start,
    heard: dict[str, list[MeterUpdate]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A call limit is waited for: few calls, the last value until stale, one message."""
    entry = await start(MILL_TOKEN)
    await virtual.run(MINUTE)
    simulator.fault("daily_limit")
    simulator.clear_calls()
    caplog.clear()
    await virtual.run(2 * MINUTE)
    hub = hub_of(entry)
    assert state_of(entry) is AccountState.QUOTA
    assert hub.last_update_success
    assert heard[MILL_SID][-1].available
    await virtual.run(5 * MINUTE)
    assert heard[MILL_SID][-1] == MeterUpdate(available=False)
    assert hub.meters[MILL_SID].power is not None
    await virtual.run(170 * MINUTE)
    assert simulator.calls(MILL_TOKEN)[SUMMARY] <= 10
    ours = [r for r in caplog.records if r.name.startswith("custom_components")]
    assert [r.levelname for r in ours if r.levelno >= logging.INFO] == ["WARNING"]

    simulator.clear_faults()
    await virtual.run(61 * MINUTE)
    assert state_of(entry) is AccountState.CONNECTED
    assert heard[MILL_SID][-1].reading is not None


async def test_an_end_of_our_own_limit_is_said_once(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    virtual: VirtualTime,
    start: Start,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Polls wait until more than a call has become free, and go on from then."""
    entry = await start(MILL_TOKEN)
    await virtual.run(MINUTE)
    assert await hass.config_entries.async_unload(entry.entry_id)
    now_min = int(virtual.now.timestamp()) // 60
    pairs = [[now_min - 60 + after, 2] for after in range(5, 50, 8)]
    others = 300 - 2 * len(pairs)
    stored = hass_storage[f"energy_homes.account.{entry.entry_id}"]["data"]
    stored["budget"]["live"] = [*pairs, [now_min, others]]
    caplog.clear()
    await hass.config_entries.async_setup(entry.entry_id)
    states = []
    for _ in range(100):
        await virtual.run(MINUTE)
        states.append(state_of(entry))
    told = [r.levelname for r in caplog.records if "call limit" in r.message]
    assert told == ["WARNING", "INFO"]
    changes = [state for state, _ in itertools.groupby(states)]
    assert changes == [AccountState.QUOTA, AccountState.CONNECTED]
    assert 60 <= states.index(AccountState.CONNECTED) <= 70


async def test_call_limit_at_the_start(
    simulator: SimulatorClient, virtual: VirtualTime, start: Start
) -> None:
    """An account whose limit is reached is loaded, and waits."""
    simulator.fault("daily_limit", count=1)
    entry = await start(MILL_TOKEN)
    assert state_of(entry) is AccountState.QUOTA
    await virtual.run(15 * MINUTE)
    assert state_of(entry) is AccountState.CONNECTED


async def test_outage(
    simulator: SimulatorClient,
    virtual: VirtualTime,
    start: Start,
    heard: dict[str, list[MeterUpdate]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An outage is asked about less and less, logged once down and once up."""
    caplog.set_level(logging.DEBUG)
    entry = await start(MILL_TOKEN)
    await virtual.run(MINUTE)
    simulator.fault("http_503")
    simulator.clear_calls()
    caplog.clear()
    await virtual.run(180 * MINUTE)
    hub = hub_of(entry)
    assert state_of(entry) is AccountState.OUTAGE
    assert heard[MILL_SID][-1] == MeterUpdate(available=False)
    assert simulator.calls(MILL_TOKEN)[SUMMARY] < 40
    assert not hub.missing

    simulator.clear_faults()
    await virtual.run(16 * MINUTE)
    assert state_of(entry) is AccountState.CONNECTED
    assert heard[MILL_SID][-1].reading is not None
    told = [
        r.levelname
        for r in caplog.records
        if r.name.startswith("custom_components") and r.levelno >= logging.INFO
    ]
    assert told == ["ERROR", "INFO"]
    assert MILL_TOKEN not in caplog.text


async def test_outage_at_the_start(
    hass: HomeAssistant, simulator: SimulatorClient, virtual: VirtualTime, start: Start
) -> None:
    """Home Assistant tries again to set up an account whose cloud is away."""
    simulator.fault("http_503")
    entry = await start(MILL_TOKEN)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert "Efergy" in str(entry.reason)
    assert MILL_TOKEN not in str(entry.reason)
    simulator.clear_faults()
    await virtual.run(2 * MINUTE)
    assert state_of(entry) is AccountState.CONNECTED


async def test_nonsense(
    simulator: SimulatorClient,
    virtual: VirtualTime,
    start: Start,
    heard: dict[str, list[MeterUpdate]],
) -> None:
    """Nonsense is skipped and counted; too much of it in a row is an outage."""
    entry = await start(TERRACE_TOKEN)
    await virtual.run(MINUTE)
    hub = hub_of(entry)
    few = NONSENSE_IS_OUTAGE - 1
    simulator.fault("wrong_type", command=SUMMARY, count=few)
    await virtual.run(few * MINUTE)
    assert hub.powers.nonsense_count == few
    assert state_of(entry) is AccountState.CONNECTED
    assert all(update.available for update in heard["730001"][1:])
    simulator.fault("garbage", command=SUMMARY)
    simulator.clear_calls()
    await virtual.run(60 * MINUTE)
    assert state_of(entry) is AccountState.OUTAGE
    assert NONSENSE_IS_OUTAGE < simulator.calls(TERRACE_TOKEN)[SUMMARY] < 25
    assert not heard["730001"][-1].available


async def test_household_power_stands_in(
    simulator: SimulatorClient,
    virtual: VirtualTime,
    start: Start,
    heard: dict[str, list[MeterUpdate]],
) -> None:
    """With one meter a dead summary costs no reading, and is tried again now and then."""
    entry = await start(MILL_TOKEN)
    await virtual.run(MINUTE)
    simulator.fault("method_failed", command=SUMMARY)
    simulator.clear_calls()
    await virtual.run(60 * MINUTE)
    hub = hub_of(entry)
    assert state_of(entry) is AccountState.CONNECTED
    assert hub.powers.standing_in
    assert all(update.available for update in heard[MILL_SID][1:])
    got = readings(heard[MILL_SID])
    assert got == published(simulator, MILL_SID, got[0][0], got[-1][0] + SECOND)
    assert simulator.calls(MILL_TOKEN)[SUMMARY] <= 9
    assert simulator.calls(MILL_TOKEN)[INSTANT] <= 122

    simulator.clear_faults()
    await virtual.run(11 * MINUTE)
    assert not hub.powers.standing_in


async def test_household_power_does_not_stand_in_for_two(
    simulator: SimulatorClient, virtual: VirtualTime, start: Start
) -> None:
    """With two meters a dead summary is an outage; a dead getInstant never matters."""
    entry = await start(ELM_TOKEN)
    simulator.fault("http_500", command=INSTANT)
    await virtual.run(5 * MINUTE)
    assert state_of(entry) is AccountState.CONNECTED
    simulator.fault("http_500", command=SUMMARY)
    await virtual.run(2 * MINUTE)
    assert state_of(entry) is AccountState.OUTAGE
    assert set(simulator.calls(ELM_TOKEN)) - {"getFirstData"} == {SUMMARY}


async def test_meters_come_and_go(
    simulator: SimulatorClient,
    virtual: VirtualTime,
    start: Start,
    heard: dict[str, list[MeterUpdate]],
) -> None:
    """A meter that is gone or silent is missing; a new one is there for discovery."""
    entry = await start(TERRACE_TOKEN)
    await virtual.run(2 * MINUTE)
    hub = hub_of(entry)
    simulator.meter(TERRACE_TOKEN, "730001", "remove")
    simulator.meter(TERRACE_TOKEN, "730002", "silence")
    simulator.meter(TERRACE_TOKEN, "730003", "add", seed=7)
    gone = virtual.now
    await virtual.run(MINUTE)
    assert timedelta() <= hub.missing["730001"] - gone <= timedelta(seconds=40)
    assert not heard["730001"][-1].available
    await virtual.run(6 * MINUTE)
    assert set(hub.missing) == {"730001", "730002"}
    assert not heard["730002"][-1].available
    assert not hub.meters["730003"].ghost
    assert set(hub.data.meters) == {"0", "730001", "730002", "730003"}

    simulator.meter(TERRACE_TOKEN, "730002", "wake")
    await virtual.run(2 * MINUTE)
    assert set(hub.missing) == {"730001"}
    assert heard["730002"][-1].available


async def test_unloading_stops_everything(
    hass: HomeAssistant,
    simulator: SimulatorClient,
    virtual: VirtualTime,
    start: Start,
    heard: dict[str, list[MeterUpdate]],
) -> None:
    """After unloading nobody calls; after loading again it is known what was called."""
    entry = await start(MILL_TOKEN)
    await virtual.run(5 * MINUTE)
    calls = simulator.calls(MILL_TOKEN)
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert heard[MILL_SID][-1] == MeterUpdate(available=False)
    await virtual.run(5 * MINUTE)
    assert simulator.calls(MILL_TOKEN) == calls
    assert await hass.config_entries.async_setup(entry.entry_id)
    assert hub_of(entry).calls_last_hour == sum(calls.values()) + 1
    assert heard[MILL_SID][-1].reading is not None


async def test_history_has_a_budget_of_its_own(
    simulator: SimulatorClient, virtual: VirtualTime, start: Start
) -> None:
    """A spent history budget makes no call, and live calls go on."""
    entry = await start(MILL_TOKEN)
    hub = hub_of(entry)
    for _ in range(100 - simulator.calls(MILL_TOKEN).get("getFirstData", 0)):
        assert await hub.calls.async_history(EfergyClient.first_data) is not None
    with pytest.raises(CloudQuotaError) as caught:
        await hub.calls.async_history(EfergyClient.first_data)
    assert caught.value.retry_after is not None
    assert simulator.calls(MILL_TOKEN)["getFirstData"] == 100
    await virtual.run(2 * MINUTE)
    assert state_of(entry) is AccountState.CONNECTED


async def test_a_home_that_fails_does_not_stop_the_others(
    hass: HomeAssistant,
    virtual: VirtualTime,
    start: Start,
    heard: dict[str, list[MeterUpdate]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A subscriber that raises is logged, and polling goes on."""
    await start(TERRACE_TOKEN)

    def fail(update: MeterUpdate) -> None:
        """Fail when a reading comes while running."""
        assert update.reading is None or heard["730002"] == []

    heard["730002"].append(MeterUpdate(available=True))
    accounts = hass.data[DATA_ACCOUNTS]
    accounts.subscribe(f"efergy_{TERRACE_TOKEN}", "no meter", fail)
    accounts._listeners[f"efergy_{TERRACE_TOKEN}", "730001"].insert(0, fail)
    before = len(readings(heard["730002"]))
    await virtual.run(3 * MINUTE)
    assert len(readings(heard["730002"])) >= before + 5
    assert "did not take" in caplog.text


async def test_no_log_knows_the_token(
    hass: HomeAssistant,
    simulator: SimulatorClient,
    virtual: VirtualTime,
    start: Start,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whatever goes wrong, no logger says the token, at no level, nor does an error."""
    caplog.set_level(logging.DEBUG)
    entry = await start(MILL_TOKEN)
    hub = hub_of(entry)
    errors: list[str] = [repr(hub), repr(hub.calls.client)]
    for fault in sorted(set(simulator.fault_names()) - {"timeout"}):
        simulator.fault(fault)
        await hub.async_refresh()
        last = hub.last_exception or Exception()
        errors.extend((*traceback.format_exception(last), str(last), repr(last)))
        simulator.clear_faults()
        assert await hass.config_entries.async_reload(entry.entry_id)
        hub = hub_of(entry)
    assert len(errors) > 20
    assert MILL_TOKEN not in caplog.text
    assert MILL_TOKEN not in "".join(errors)
