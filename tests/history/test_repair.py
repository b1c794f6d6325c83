"""Gaps of a home are found and repaired, from the simulated vendor's history."""

from datetime import UTC, datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.energy_homes.const import DOMAIN
from custom_components.energy_homes.history.repair import DATA_REPAIR
from custom_components.energy_homes.homes.directory import DATA_HOMES
from custom_components.energy_homes.ledger.opening import DATA_LEDGER
from custom_components.energy_homes.metering.model import (
    SLOT,
    MeterRole,
    Provenance,
    Slot,
    unknown_slot,
)
from simulator.scenario import ELM_TOKEN, MILL_TOKEN
from tests.builders import (
    account_entry,
    efergy_revision,
    entity_revision,
    home_entry,
    meter_subentry,
    set_up,
    state_of,
)
from tests.simulator_client import SimulatorClient
from tests.virtual import VirtualTime

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
MILL_SID = "720001"
KNOWN_TO_VENDOR = Provenance.VENDOR
UNKNOWN = Provenance.UNKNOWN


def mill_home() -> MockConfigEntry:
    """Return Mill Cottage with its meter."""
    return home_entry(
        "Mill Cottage",
        meter_subentry("mill", efergy_revision("efergy_mill", MILL_SID)),
    )


@pytest.fixture
async def mill(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    simulator: SimulatorClient,
    virtual: VirtualTime,
) -> MockConfigEntry:
    """Set up Mill Cottage with its account, and let it measure some slots."""
    home = mill_home()
    await set_up(hass, account_entry(MILL_TOKEN, "efergy_mill"), home)
    await virtual.run(12 * MINUTE)
    return home


async def repair(hass: HomeAssistant, **data: object) -> Any:
    """Repair homes on request."""
    return await hass.services.async_call(
        DOMAIN, "repair_gaps", data, blocking=True, return_response=True
    )


async def slots(hass: HomeAssistant, source_id: str = "mill") -> list[Slot]:
    """Return all slots of a source."""
    ledger = hass.data[DATA_LEDGER]
    far = datetime(2100, 1, 1, tzinfo=UTC)
    return await ledger.slots.async_between(
        source_id, datetime(2000, 1, 1, tzinfo=UTC), far
    )


async def origins(hass: HomeAssistant, source_id: str = "mill") -> list[Provenance]:
    """Return where all slots of a source come from."""
    return [slot.provenance for slot in await slots(hass, source_id)]


async def write(
    hass: HomeAssistant, source_id: str, given: list[Slot], role: MeterRole
) -> None:
    """Write slots of the past into the ledger."""
    await hass.data[DATA_LEDGER].slots.async_settle(source_id, role, given, [])


def true_kwh(
    simulator: SimulatorClient, slot: Slot, home: str = "Mill Cottage"
) -> float:
    """Return what was really used in a slot."""
    truth = simulator.truth(slot.start, slot.end)["homes"][home]
    return float(truth["energy_kwh"])


async def test_outage_of_the_cloud_is_filled_by_itself(
    hass: HomeAssistant,
    mill: MockConfigEntry,
    simulator: SimulatorClient,
    virtual: VirtualTime,
) -> None:
    """An hour's outage is in the ledger as it was, with one call, and the total has it."""
    simulator.fault("http_503")
    await virtual.run(HOUR)
    simulator.clear_faults()
    simulator.clear_calls()
    await virtual.run(80 * MINUTE)

    found = await slots(hass)
    filled = [slot for slot in found if slot.provenance is KNOWN_TO_VENDOR]
    assert len(filled) >= 12
    assert UNKNOWN not in [slot.provenance for slot in found[1:]]
    for slot in filled:
        assert slot.energy == pytest.approx(true_kwh(simulator, slot), rel=1e-3)
    assert simulator.calls(MILL_TOKEN)["getHV"] == 1
    assert "getEnergy" not in simulator.calls(MILL_TOKEN)
    begun = hass.data[DATA_LEDGER].sources.live_from("mill")
    assert begun is not None
    total = sum(slot.energy or 0 for slot in found if slot.start >= begun)
    assert float(state_of(hass, "sensor.mill_cottage_energy")) == pytest.approx(total)

    simulator.clear_calls()
    await virtual.run(70 * MINUTE)
    assert "getHV" not in simulator.calls(MILL_TOKEN)


@pytest.mark.heavy
async def test_what_the_vendor_does_not_know_stays_unknown(
    hass: HomeAssistant,
    mill: MockConfigEntry,
    simulator: SimulatorClient,
    virtual: VirtualTime,
) -> None:
    """A meter that was silent: the vendor is asked once, and what it half knows is not taken."""
    simulator.meter(MILL_TOKEN, MILL_SID, "silence")
    await virtual.run(30 * MINUTE)
    simulator.meter(MILL_TOKEN, MILL_SID, "wake")
    simulator.clear_calls()
    await virtual.run(3 * HOUR)

    assert simulator.calls(MILL_TOKEN)["getHV"] == 1
    unknown = (await origins(hass)).count(UNKNOWN)
    assert unknown >= 6
    answer = (await repair(hass))["Mill Cottage"]
    assert answer["left"] == answer["found"] == unknown
    assert answer["calls"] == answer["meters"][0]["calls"] == 1
    assert answer["vendor"] == answer["interpolated"] == 0
    assert answer["meters"][0]["problem"] is None
    assert (
        sum(
            (datetime.fromisoformat(one["end"]) - datetime.fromisoformat(one["start"]))
            / SLOT
            for one in answer["meters"][0]["holes"]
        )
        == unknown
    )


YESTERDAY = {"start": "2026-11-17 12:20", "end": "2026-11-17 14:50"}


async def write_gap(hass: HomeAssistant, source_id: str = "mill") -> None:
    """Let a meter have begun yesterday, and know nothing for two hours and a half."""
    begin = datetime(2026, 11, 17, 12, 20, tzinfo=UTC)
    given = [unknown_slot(begin), unknown_slot(begin + 29 * SLOT)]
    await write(hass, source_id, given, MeterRole.GRID)


async def filled(hass: HomeAssistant, source_id: str = "mill") -> list[Slot]:
    """Return the slots that the vendor knew."""
    return [
        slot
        for slot in await slots(hass, source_id)
        if slot.provenance is KNOWN_TO_VENDOR
    ]


async def test_sums_of_the_household_where_the_series_is_dead(
    hass: HomeAssistant,
    mill: MockConfigEntry,
    simulator: SimulatorClient,
) -> None:
    """Hour by hour and once over the whole: as right as two decimals are."""
    await write_gap(hass)
    simulator.fault("method_failed", command="getHV")
    simulator.clear_calls()

    answer = (await repair(hass, **YESTERDAY))["Mill Cottage"]
    assert (answer["found"], answer["vendor"], answer["left"]) == (30, 30, 0)
    assert answer["calls"] == 5
    assert simulator.calls(MILL_TOKEN) == {"getHV": 1, "getEnergy": 4}
    found = await filled(hass)
    assert len(found) == 30
    truth = [true_kwh(simulator, slot) for slot in found]
    assert sum(slot.energy or 0 for slot in found) == pytest.approx(
        sum(truth), abs=0.0101
    )
    # The middle hour has what was used in it, evenly.
    hour = [slot.energy or 0 for slot in found[8:20]]
    assert sum(hour) == pytest.approx(sum(truth[8:20]), abs=0.0101)
    assert max(hour) == pytest.approx(min(hour))
    again = (await repair(hass, **YESTERDAY))["Mill Cottage"]
    assert (again["found"], again["calls"]) == (0, 0)


async def test_sums_that_say_nothing_are_not_believed(
    hass: HomeAssistant,
    mill: MockConfigEntry,
    simulator: SimulatorClient,
) -> None:
    """A household of which the vendor knows nothing says 0.00, like an empty one."""
    begin = datetime(2026, 11, 17, 12, 20, tzinfo=UTC)
    simulator.meter(MILL_TOKEN, MILL_SID, "silence", at=begin + 30 * MINUTE)
    simulator.meter(MILL_TOKEN, MILL_SID, "wake", at=begin + 125 * MINUTE)
    await write_gap(hass)
    simulator.fault("method_failed", command="getHV")

    answer = (await repair(hass, **YESTERDAY))["Mill Cottage"]
    assert answer["vendor"] == 0
    assert answer["left"] == 30


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ("daily_limit", "call_limit"),
        ("bad_token", "credentials"),
        ("http_503", "cloud"),
        ("garbage", "nonsense"),
    ],
)
async def test_trouble_is_told_and_tried_again(
    hass: HomeAssistant,
    mill: MockConfigEntry,
    simulator: SimulatorClient,
    virtual: VirtualTime,
    fault: str,
    problem: str,
) -> None:
    """What could not be asked is asked an hour later; without a response it is an error."""
    await write_gap(hass)
    simulator.fault(fault, command="getHV")
    simulator.fault(fault, command="getEnergy")
    answer = (await repair(hass, **YESTERDAY))["Mill Cottage"]
    assert answer["meters"][0]["problem"] == problem
    assert (answer["found"], answer["left"]) == (30, 30)
    with pytest.raises(HomeAssistantError, match="Mill Cottage Electricity meter"):
        await hass.services.async_call(DOMAIN, "repair_gaps", {}, blocking=True)

    simulator.clear_faults()
    await virtual.run(HOUR)
    assert UNKNOWN not in (await origins(hass))[:-1]
    await hass.services.async_call(DOMAIN, "repair_gaps", {}, blocking=True)


async def test_account_that_is_not_there(
    recorder_mock: Recorder, hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """Without its account a meter has no history to ask for."""
    freezer.move_to(datetime(2026, 11, 18, 10, 0, tzinfo=UTC))
    await set_up(hass, mill_home())
    await write_gap(hass)
    freezer.tick(HOUR)
    answer = (await repair(hass))["Mill Cottage"]
    assert answer["found"] == answer["left"] == 30
    assert answer["meters"][0]["problem"] == "account"


async def test_account_of_several_meters_has_no_household_sums(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    simulator: SimulatorClient,
    virtual: VirtualTime,
) -> None:
    """Each meter has its own series; where that is dead, sums of all are nobody's."""
    await set_up(
        hass,
        account_entry(ELM_TOKEN, "efergy_elm"),
        home_entry(
            "Elm Street",
            meter_subentry("grid", efergy_revision("efergy_elm", "710001")),
            meter_subentry(
                "sun",
                efergy_revision("efergy_elm", "710002"),
                name="Solar",
                role=MeterRole.GENERATION,
            ),
        ),
    )
    await virtual.run(MINUTE)
    for source_id in ("grid", "sun"):
        await write_gap(hass, source_id)
    simulator.fault("bad_request", command="getHV")
    answer = (await repair(hass, **YESTERDAY))["Elm Street"]
    assert [meter["problem"] for meter in answer["meters"]] == ["cloud", "cloud"]
    assert "getEnergy" not in simulator.calls(ELM_TOKEN)

    simulator.clear_faults()
    answer = (await repair(hass, **YESTERDAY))["Elm Street"]
    assert (answer["found"], answer["vendor"], answer["calls"]) == (60, 60, 2)
    for source_id, sid in (("grid", "710001"), ("sun", "710002")):
        for slot in (await filled(hass, source_id))[::10]:
            meters = simulator.truth(slot.start, slot.end)["homes"]["Elm Street"]
            assert slot.energy == pytest.approx(
                meters["meters"][sid]["energy_kwh"], abs=2e-5
            )


async def test_each_meter_is_asked_for_its_own_time(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    simulator: SimulatorClient,
    virtual: VirtualTime,
) -> None:
    """A meter that was replaced inside a gap: what was before is the old one's."""
    changed = datetime(2026, 11, 17, 13, 32, tzinfo=UTC)
    await set_up(
        hass,
        account_entry(ELM_TOKEN, "efergy_elm"),
        account_entry(MILL_TOKEN, "efergy_mill"),
        home_entry(
            "Mill Cottage",
            meter_subentry(
                "mill",
                efergy_revision("efergy_elm", "710001"),
                efergy_revision("efergy_mill", MILL_SID, changed),
            ),
        ),
    )
    await virtual.run(MINUTE)
    await write_gap(hass)
    answer = (await repair(hass, **YESTERDAY))["Mill Cottage"]
    assert (answer["found"], answer["vendor"], answer["calls"]) == (30, 30, 2)
    for slot in await filled(hass):
        home = "Mill Cottage" if slot.start >= changed - 2 * MINUTE else "Elm Street"
        truth = simulator.truth(slot.start, slot.end)["homes"][home]["meters"]
        sid = MILL_SID if home == "Mill Cottage" else "710001"
        assert slot.energy == pytest.approx(truth[sid]["energy_kwh"], abs=2e-5)


async def test_many_days_are_asked_day_by_day(
    hass: HomeAssistant,
    mill: MockConfigEntry,
    simulator: SimulatorClient,
) -> None:
    """A repair that its budget stops goes on where it was, and the newest is there first."""
    await write(
        hass,
        "mill",
        [unknown_slot(datetime(2026, 11, 10, 12, 0, tzinfo=UTC))],
        MeterRole.GRID,
    )
    simulator.fault("method_failed", command="getHV")
    answer = (await repair(hass))["Mill Cottage"]
    assert answer["meters"][0]["problem"] == "call_limit"
    assert answer["meters"][0]["calls"] > 90
    first = await filled(hass)
    assert len(first) == answer["vendor"]
    assert first[0].start == datetime(2026, 11, 15, 0, 0, tzinfo=UTC)
    assert answer["meters"][0]["holes"] == [
        {"start": "2026-11-10T12:00:00+00:00", "end": "2026-11-15T00:00:00+00:00"}
    ]
    # The household's budget is spent, but not the meter's own series.
    simulator.clear_faults()
    assert (await repair(hass))["Mill Cottage"]["vendor"] == 0


def known(number: int, energy: float) -> Slot:
    """Return a measured slot, so many slots after nine o'clock."""
    return Slot(
        start=datetime(2026, 11, 18, 9, 0, tzinfo=UTC) + number * SLOT,
        energy=energy,
        returned=0.0,
        provenance=Provenance.MEASURED,
    )


async def test_short_gaps_of_an_entity_are_interpolated(
    recorder_mock: Recorder, hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """Two slots in a row between known ones, once no late reading can come any more."""
    freezer.move_to(datetime(2026, 11, 18, 9, 0, tzinfo=UTC))
    await set_up(
        hass, home_entry("Shed", meter_subentry("s", entity_revision("sensor.clamp")))
    )
    freezer.move_to(datetime(2026, 11, 18, 10, 15, tzinfo=UTC))
    given = [known(n, 0.1 * n) for n in (0, 1, 4, 8, 10)]
    await write(hass, "s", given, MeterRole.GRID)
    answer = (await repair(hass))["Shed"]
    assert (answer["found"], answer["interpolated"], answer["left"]) == (6, 0, 6)

    freezer.tick(timedelta(minutes=40))
    answer = (await repair(hass))["Shed"]
    # The hourly look may have come first.
    assert (answer["found"], answer["interpolated"]) in {(6, 3), (3, 0)}
    assert answer["left"] == 3
    found = await slots(hass, "s")
    assert [slot.energy for slot in found[1:5]] == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert [slot.provenance.value for slot in found] == [
        *("measured", "measured", "interpolated", "interpolated", "measured"),
        *("measured", "interpolated", "measured"),
    ]
    assert float(state_of(hass, "sensor.shed_energy")) == pytest.approx(
        sum(slot.energy or 0 for slot in found)
    )


async def test_home_that_is_gone_takes_nothing(
    hass: HomeAssistant,
    mill: MockConfigEntry,
    simulator: SimulatorClient,
) -> None:
    """A home that was unloaded meanwhile is left alone, and asked for again later."""
    await write_gap(hass)
    homes = hass.data[DATA_HOMES]
    home = homes.get("Mill Cottage")
    assert await hass.config_entries.async_unload(mill.entry_id)
    (repaired,) = await hass.data[DATA_REPAIR].async_repair(home)
    assert repaired.problem == "ledger"
    assert await filled(hass) == []
    assert await hass.config_entries.async_setup(mill.entry_id)
    answer = (await repair(hass, **YESTERDAY))["Mill Cottage"]
    assert answer["vendor"] == 30


async def test_repairs_that_make_no_sense(
    recorder_mock: Recorder, hass: HomeAssistant
) -> None:
    """Spans and labels are checked; a home without meters has nothing to repair."""
    await set_up(hass, home_entry("Shed"))
    with pytest.raises(ServiceValidationError, match="is not before the end"):
        await repair(hass, start="2026-11-18 10:00", end="2026-11-18 10:00")
    with pytest.raises(ServiceValidationError, match="no home “Attic”"):
        await repair(hass, home="Attic")
    assert await repair(hass) == {
        "Shed": {
            "found": 0,
            "vendor": 0,
            "interpolated": 0,
            "left": 0,
            "calls": 0,
            "meters": [],
            "room_totals": {
                "found": 0,
                "vendor": 0,
                "interpolated": 0,
                "left": 0,
                "calls": 0,
            },
            "rooms": [],
        }
    }


async def test_ledger_that_fails(
    hass: HomeAssistant, mill: MockConfigEntry, virtual: VirtualTime
) -> None:
    """A ledger that cannot be read is an error on request, and nothing by itself."""
    await hass.data[DATA_LEDGER].async_close()
    with pytest.raises(HomeAssistantError, match="history file cannot be used"):
        await repair(hass)
    await virtual.run(10 * MINUTE)
