"""The past of a home is imported, from the simulated vendor's history."""

import copy
from datetime import UTC, date, datetime
import json
from typing import Any

from homeassistant.components.recorder import Recorder
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.energy_homes.accounts.registry import DATA_ACCOUNTS
from custom_components.energy_homes.const import DOMAIN
from custom_components.energy_homes.history.backfill import DATA_BACKFILL, Backfill
from custom_components.energy_homes.history.job import JobState
from custom_components.energy_homes.history.subjects import subjects_of
from custom_components.energy_homes.homes.directory import DATA_HOMES
from custom_components.energy_homes.ledger.opening import DATA_LEDGER
from custom_components.energy_homes.metering.model import Provenance
from custom_components.energy_homes.models import Problem
from simulator.scenario import ELM_TOKEN, MILL_TOKEN
from tests.builders import (
    account_entry,
    board_entry,
    board_revision,
    efergy_revision,
    home_entry,
    meter_subentry,
    set_up,
    state_of,
)
from tests.simulator_client import SimulatorClient
from tests.virtual import VirtualTime

from .backfill_kit import (
    ACCOUNT,
    DAY,
    HOUR,
    MILL_SID,
    MINUTE,
    PROGRESS,
    SWITCH,
    from_vendor,
    household_kwh,
    imported_from,
    job_of,
    mill_meter,
    set_up_mill,
    slots,
    total,
    true_kwh,
    turn,
)

OCTOBER = date(2026, 10, 1)
FIRST = datetime(2026, 9, 30, 23, 0, tzinfo=UTC)
"""Midnight of the first of October in the home's zone."""

STORE = f"{DOMAIN}.past"


def stop_after(hass: HomeAssistant, home: MockConfigEntry, steps: int) -> None:
    """Stop the import of a home after so many steps from now."""
    backfill = hass.data[DATA_BACKFILL]
    left = steps

    def told() -> None:
        """Count a step."""
        nonlocal left
        left -= 1
        if left == 0:
            remove()
            hass.async_create_task(backfill.async_pause(home.runtime_data))

    remove = backfill.jobs.async_add_listener(home.data["home_id"], told)


async def restart(hass: HomeAssistant, home: MockConfigEntry) -> None:
    """Go on as another run does: from the store, with the home set up again."""
    homes = hass.data[DATA_HOMES]
    await hass.config_entries.async_unload(home.entry_id)
    # Nothing is written then: a kill leaves as much.
    await hass.data[DATA_BACKFILL].async_stop()
    hass.data[DATA_BACKFILL] = Backfill(
        hass, homes, hass.data[DATA_ACCOUNTS], hass.data[DATA_LEDGER]
    )
    await hass.data[DATA_BACKFILL].async_start()
    await hass.config_entries.async_setup(home.entry_id)


@pytest.mark.heavy
async def test_past_is_imported_by_itself(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    simulator: SimulatorClient,
    virtual: VirtualTime,
) -> None:
    """From the day on that was chosen: minutes of the last day, hours before it."""
    await set_up_mill(hass, OCTOBER)
    await virtual.settle()

    job = job_of(hass)
    assert job.state is JobState.DONE
    assert job.problem is None
    assert job.begin == FIRST
    assert job.found == job.filled["meter"]
    assert simulator.calls(MILL_TOKEN)["getHV"] == job.calls == 3
    assert simulator.calls(MILL_TOKEN)["getFirstData"] == 1
    assert state_of(hass, PROGRESS) == "100.0"
    assert state_of(hass, SWITCH) == "off"

    found = await from_vendor(hass)
    assert len(found) == job.found
    assert found[0].start == FIRST
    # Slots of the last day are as they were, those of a day before only by the hour.
    for slot in found[-200::40]:
        assert slot.energy == pytest.approx(
            true_kwh(simulator, slot.start, slot.end), rel=1e-3
        )
    hour = [slot for slot in found if slot.start.date() == date(2026, 10, 20)][:12]
    assert total(hour) == pytest.approx(
        true_kwh(simulator, hour[0].start, hour[-1].end), rel=1e-3
    )
    assert max(slot.energy or 0 for slot in hour) == pytest.approx(hour[0].energy)
    assert total(found) == pytest.approx(household_kwh(simulator, found), rel=1e-3)

    assert float(state_of(hass, "sensor.mill_cottage_energy")) == 0
    # What lies between the past and the first own slot is a gap, which is repaired.
    await virtual.run(90 * MINUTE)
    assert Provenance.UNKNOWN not in [slot.provenance for slot in await slots(hass)]
    assert simulator.calls(MILL_TOKEN)["getHV"] == 4


@pytest.mark.heavy
async def test_a_year_stopped_at_half_and_resumed(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    simulator: SimulatorClient,
    virtual: VirtualTime,
) -> None:
    """A year is a dozen calls; it is stopped, outlives a restart, and goes on."""
    token = "simulated-old-house-token"
    begin = virtual.now - 365 * DAY
    simulator.add_account(token, "01d40u5e", [])
    simulator.meter(token, "790001", "add", at=begin, home="Old House")
    home = home_entry(
        "Mill Cottage",
        meter_subentry("mill", efergy_revision("efergy_old", "790001")),
    )
    await set_up(hass, account_entry(token, "efergy_old"), home)
    assert state_of(hass, PROGRESS) == "unknown"
    # The first is that it began.
    stop_after(hass, home, 4)
    await turn(hass, "on")
    await virtual.settle()

    job = job_of(hass)
    assert job.state is JobState.STOPPED
    assert simulator.calls(token)["getHV"] == job.calls == 3
    assert state_of(hass, SWITCH) == "off"
    assert 16 < float(state_of(hass, PROGRESS)) < 18

    await restart(hass, home)
    await virtual.settle()
    assert job_of(hass).state is JobState.STOPPED
    assert job_of(hass).begin == job.begin
    while job_of(hass).state is JobState.STOPPED:
        # Not all at once: the simulator takes a while for a year.
        stop_after(hass, home, 3)
        await turn(hass, "on")
        await virtual.settle()
    job = job_of(hass)
    assert job.state is JobState.DONE
    assert simulator.calls(token)["getHV"] == job.calls == 13
    assert simulator.calls(token)["getFirstData"] == 1
    found = await from_vendor(hass)
    assert found[0].start - begin < 2 * HOUR
    assert total(found) == pytest.approx(
        household_kwh(simulator, found, token), rel=1e-3
    )
    assert hass_storage[STORE]["data"]["jobs"][0]["state"] == "done"


async def test_kill_between_commit_and_note(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    simulator: SimulatorClient,
    virtual: VirtualTime,
) -> None:
    """Slots that are committed and not noted cost no second call and no energy."""
    noted: list[dict[str, Any]] = []
    _, home = await set_up_mill(hass)
    backfill = hass.data[DATA_BACKFILL]
    backfill.jobs.async_add_listener(
        home.data["home_id"],
        lambda: noted.append(copy.deepcopy(hass_storage[STORE])),
    )
    await backfill.async_begin(home.runtime_data, subjects_of(home.runtime_data), FIRST)
    await virtual.settle()
    calls = simulator.calls(MILL_TOKEN)["getHV"]
    before = await slots(hass)
    assert job_of(hass).state is JobState.DONE
    assert calls == 3

    # The first step is noted, and three were committed.
    hass_storage[STORE] = noted[1]
    (job,) = noted[1]["data"]["jobs"]
    assert (job["state"], job["calls"]) == ("running", 1)
    await restart(hass, home)
    await virtual.settle()
    assert job_of(hass).state is JobState.DONE
    assert simulator.calls(MILL_TOKEN)["getHV"] == calls
    # The live slot of the time in between is not known yet.
    assert [slot for slot in await slots(hass) if slot.known] == before


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ("daily_limit", Problem.CALL_LIMIT),
        ("bad_token", Problem.CREDENTIALS),
        ("http_503", Problem.CLOUD),
        ("garbage", Problem.NONSENSE),
    ],
)
async def test_trouble_is_waited_for(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    simulator: SimulatorClient,
    virtual: VirtualTime,
    fault: str,
    problem: Problem,
) -> None:
    """What cannot be asked now is told, and asked an hour later; polls go on."""
    for command in ("getFirstData", "getHV", "getTimeSeries"):
        simulator.fault(fault, command=command)
    await set_up_mill(hass, OCTOBER)
    await virtual.settle()
    job = job_of(hass)
    assert (job.state, job.problem) == (JobState.WAITING, problem)
    waiting = hass.states.get(PROGRESS)
    assert waiting is not None
    assert waiting.state == "0.0"
    assert waiting.attributes["waits_for"] == [problem.value]
    assert state_of(hass, SWITCH) == "on"

    simulator.clear_calls()
    await virtual.run(59 * MINUTE)
    assert "getFirstData" not in simulator.calls(MILL_TOKEN)
    assert simulator.calls(MILL_TOKEN)["getCurrentValuesSummary"] >= 115
    simulator.clear_faults()
    await virtual.run(2 * MINUTE)
    assert job.state is JobState.DONE
    assert job.begin == FIRST
    assert hass.states.get(PROGRESS).attributes["waits_for"] is None  # type: ignore[union-attr]


@pytest.mark.heavy
async def test_history_leaves_calls_for_gaps(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    simulator: SimulatorClient,
    virtual: VirtualTime,
) -> None:
    """An import stops where a fifth of the day's calls is left, and goes on by itself."""
    account = account_entry(MILL_TOKEN, ACCOUNT)
    minute = int((virtual.now - DAY + 90 * MINUTE).timestamp()) // 60
    hass_storage[f"{DOMAIN}.account.{account.entry_id}"] = {
        "version": 1,
        "data": {"budget": {"history": [[minute, 78]]}, "inventory": {}},
    }
    await set_up(hass, account, home_entry("Mill Cottage", mill_meter(OCTOBER)))
    await virtual.settle()
    job = job_of(hass)
    assert (job.state, job.problem) == (JobState.WAITING, Problem.CALL_LIMIT)
    assert simulator.calls(MILL_TOKEN)["getHV"] == 1
    await virtual.run(HOUR + MINUTE)
    assert job.problem is Problem.CALL_LIMIT
    assert job.calls == 1
    # The gap of the first minutes was repaired meanwhile.
    assert simulator.calls(MILL_TOKEN)["getHV"] == 2
    # The calls of yesterday count no more.
    await virtual.run(HOUR)
    assert job.state is JobState.DONE


async def test_what_waits_is_tried_after_a_restart(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    simulator: SimulatorClient,
    virtual: VirtualTime,
) -> None:
    """A cloud that is away for the account is not asked; another run asks at once."""
    _, home = await set_up_mill(hass)
    simulator.fault("http_503")
    await virtual.run(MINUTE)
    await turn(hass, "on")
    await virtual.settle()
    assert job_of(hass).problem is Problem.CLOUD
    assert "getHV" not in simulator.calls(MILL_TOKEN)
    simulator.clear_faults()
    await virtual.run(2 * MINUTE)
    assert job_of(hass).state is JobState.WAITING
    await restart(hass, home)
    await virtual.settle()
    assert job_of(hass).state is JobState.DONE


async def test_account_that_comes_later(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    simulator: SimulatorClient,
    virtual: VirtualTime,
) -> None:
    """A home whose account is not there waits for it, and for no hour."""
    await set_up(hass, home_entry("Mill Cottage", mill_meter(OCTOBER)))
    await virtual.settle()
    assert job_of(hass).problem is Problem.ACCOUNT
    await set_up(hass, account_entry(MILL_TOKEN, ACCOUNT))
    await virtual.settle()
    assert job_of(hass).state is JobState.DONE


async def test_household_where_the_series_is_dead(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    simulator: SimulatorClient,
    virtual: VirtualTime,
) -> None:
    """The only meter's past is the household's, which is then asked at once."""
    simulator.fault("method_failed", command="getHV")
    await set_up_mill(hass, OCTOBER)
    await virtual.settle()
    job = job_of(hass)
    assert job.state is JobState.DONE
    assert list(job.filled) == ["household"]
    assert simulator.calls(MILL_TOKEN)["getHV"] == 1
    assert simulator.calls(MILL_TOKEN)["getTimeSeries"] == 3
    found = await from_vendor(hass)
    assert job.found - len(found) <= 12
    assert total(found) == pytest.approx(household_kwh(simulator, found), rel=1e-3)


@pytest.mark.heavy
async def test_meters_of_one_account_take_turns(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    simulator: SimulatorClient,
    virtual: VirtualTime,
) -> None:
    """Each has its own series; the household's is nobody's where there are several."""
    home = home_entry(
        "Elm Street",
        imported_from(
            meter_subentry("grid", efergy_revision("efergy_elm", "710001")), OCTOBER
        ),
        imported_from(
            meter_subentry(
                "sun",
                efergy_revision("efergy_elm", "710002"),
                name="Solar",
            ),
            OCTOBER,
        ),
    )
    simulator.fault("http_503", command="getHV")
    await set_up(hass, account_entry(ELM_TOKEN, "efergy_elm"), home)
    await virtual.settle()
    assert job_of(hass, "grid").problem is job_of(hass, "sun").problem is Problem.CLOUD
    assert "getTimeSeries" not in simulator.calls(ELM_TOKEN)
    assert simulator.calls(ELM_TOKEN)["getFirstData"] == 1
    simulator.clear_faults()
    stop_after(hass, home, 3)
    await virtual.run(HOUR)
    assert [job_of(hass, name).calls for name in ("grid", "sun")] == [2, 1]


async def test_nothing_earlier(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    simulator: SimulatorClient,
    virtual: VirtualTime,
) -> None:
    """Where nobody says when data begin two empty months are the end of them."""
    simulator.fault("http_503", command="getFirstData")
    await set_up_mill(hass)
    await turn(hass, "on")
    await virtual.settle()
    job = job_of(hass)
    assert job.state is JobState.DONE
    assert job.empty == 2
    assert simulator.calls(MILL_TOKEN)["getFirstData"] == 1
    assert simulator.calls(MILL_TOKEN)["getHV"] == 5
    # Both were asked of the household as well.
    assert simulator.calls(MILL_TOKEN)["getTimeSeries"] == 2
    with pytest.raises(ServiceValidationError, match="Mill Cottage"):
        await turn(hass, "on")
    assert state_of(hass, SWITCH) == "off"


async def test_only_the_time_of_the_own_hardware(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    simulator: SimulatorClient,
    virtual: VirtualTime,
) -> None:
    """A meter that was replaced is asked for its own time, and the one before for its."""
    changed = datetime(2026, 10, 20, 12, 2, tzinfo=UTC)
    home = home_entry(
        "Mill Cottage",
        imported_from(
            meter_subentry(
                "mill",
                efergy_revision("efergy_elm", "710001"),
                efergy_revision(ACCOUNT, MILL_SID, changed),
            ),
            OCTOBER,
        ),
    )
    await set_up(
        hass,
        account_entry(ELM_TOKEN, "efergy_elm"),
        account_entry(MILL_TOKEN, ACCOUNT),
        home,
    )
    await virtual.settle()
    assert job_of(hass).state is JobState.DONE
    found = await from_vendor(hass)
    at = datetime(2026, 10, 20, 12, tzinfo=UTC)
    newer = [slot for slot in found if slot.start >= at]
    assert total(newer) == pytest.approx(household_kwh(simulator, newer), rel=1e-3)
    older = [slot for slot in found if slot.start < at]
    assert total(older) == pytest.approx(
        household_kwh(simulator, older, ELM_TOKEN), rel=1e-3
    )


async def test_meter_that_was_something_else_before(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    simulator: SimulatorClient,
    virtual: VirtualTime,
) -> None:
    """What a board counted before nobody can be asked for."""
    changed = datetime(2026, 11, 1, tzinfo=UTC)
    home = home_entry(
        "Mill Cottage",
        imported_from(
            meter_subentry(
                "mill",
                board_revision(1),
                efergy_revision(ACCOUNT, MILL_SID, changed),
            ),
            OCTOBER,
        ),
        meter_subentry("board", board_revision(2), name="Board"),
    )
    await set_up(hass, board_entry(), account_entry(MILL_TOKEN, ACCOUNT), home)
    await virtual.settle()
    assert job_of(hass).state is JobState.DONE
    assert job_of(hass).begin == changed
    assert hass.data[DATA_BACKFILL].jobs.get("board") is None


@pytest.mark.heavy
async def test_home_and_meter_that_go(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    simulator: SimulatorClient,
    virtual: VirtualTime,
) -> None:
    """Of what is removed nothing is imported, and nothing kept; a home that is away waits."""
    home = home_entry(
        "Mill Cottage",
        mill_meter(OCTOBER),
        imported_from(
            meter_subentry("old", efergy_revision("efergy_elm", "710001"), name="Old"),
            OCTOBER,
        ),
    )
    simulator.fault("http_503", command="getHV")
    simulator.fault("http_503", command="getTimeSeries")
    await set_up(hass, account_entry(MILL_TOKEN, ACCOUNT), home)
    await virtual.settle()
    await hass.config_entries.async_unload(home.entry_id)
    simulator.clear_faults()
    await virtual.run(2 * HOUR)
    assert job_of(hass).begin == job_of(hass).end

    old = next(s for s in home.subentries.values() if s.title == "Old")
    hass.config_entries.async_remove_subentry(home, old.subentry_id)
    await hass.config_entries.async_setup(home.entry_id)
    await virtual.settle()
    assert hass.data[DATA_BACKFILL].jobs.get("old") is None
    assert job_of(hass).state is JobState.DONE
    await hass.config_entries.async_remove(home.entry_id)
    assert hass_storage[STORE]["data"] == {"jobs": []}


@pytest.mark.heavy
async def test_ledger_that_takes_nothing(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    simulator: SimulatorClient,
    virtual: VirtualTime,
) -> None:
    """A closed ledger is waited for, as a cloud is."""
    await set_up_mill(hass)
    ledger = hass.data[DATA_LEDGER]
    await ledger.async_close()
    await turn(hass, "on")
    await virtual.settle()
    assert job_of(hass).problem is Problem.LEDGER
    await ledger.async_open()
    await virtual.run(61 * MINUTE)
    assert job_of(hass).state is JobState.DONE


async def test_diagnostics(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    simulator: SimulatorClient,
    virtual: VirtualTime,
) -> None:
    """How far an import is, without ids."""
    _, home = await set_up_mill(hass, OCTOBER)
    await virtual.settle()
    told = await get_diagnostics_for_config_entry(hass, hass_client, home)
    (job,) = told["imports"].values()
    assert job["state"] == "done"
    assert job["begin"] == FIRST.isoformat()
    assert job["filled"] == {"meter": job["found"]}
    assert MILL_SID not in json.dumps(told["imports"])
