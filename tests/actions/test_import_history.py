"""The action that imports the past: from vendors, a CSV, a file or a statistic."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.auth.models import User
from homeassistant.components.recorder import Recorder
from homeassistant.components.recorder.models import (
    StatisticMeanType,
    StatisticMetaData,
)
from homeassistant.components.recorder.statistics import async_add_external_statistics
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import (
    HomeAssistantError,
    ServiceValidationError,
    Unauthorized,
)
import pytest
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)
import voluptuous as vol

from custom_components.energy_homes.const import DOMAIN
from custom_components.energy_homes.history.backfill import DATA_BACKFILL
from custom_components.energy_homes.ledger.opening import DATA_LEDGER
from tests.builders import (
    board_revision,
    entity_revision,
    home_entry,
    meter_subentry,
    set_up,
    state_of,
)
from tests.history.backfill_kit import (
    HOUR,
    SWITCH,
    from_vendor,
    import_history,
    job_of,
    set_up_mill,
    slots,
    total,
    turn,
)
from tests.simulator_client import SimulatorClient
from tests.virtual import VirtualTime

START = "2026-11-01"
NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
async def shed(
    recorder_mock: Recorder, hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """Set up a home with two meters that say nothing by themselves."""
    freezer.move_to(datetime(2026, 11, 18, 10, 0, tzinfo=UTC))
    await set_up(
        hass,
        home_entry(
            "Shed",
            meter_subentry("grid", entity_revision("sensor.grid")),
            meter_subentry("kiln", board_revision(1), name="Kiln"),
        ),
    )
    freezer.tick(HOUR)


async def test_import_from_the_vendor(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    simulator: SimulatorClient,
    virtual: VirtualTime,
) -> None:
    """It answers when all is there; asked again it costs nothing, further back what is new."""
    await set_up_mill(hass)
    answer = (await import_history(hass, start=START))["Mill Cottage"]
    (meter,) = answer["meters"]
    assert answer["rooms"] == []
    assert meter == {
        "name": "Electricity meter",
        "state": "done",
        "problem": None,
        "found": meter["filled"],
        "filled": meter["filled"],
        "from": {"meter": meter["filled"]},
        "left": 0,
        "calls": 2,
        "since": "2026-11-01T00:00:00+00:00",
        "until": "2026-11-18T09:50:00+00:00",
    }
    assert len(await from_vendor(hass)) == meter["filled"]

    again = await import_history(hass, home="mill cottage ", start=START)
    (meter,) = again["Mill Cottage"]["meters"]
    assert (meter["state"], meter["found"], meter["calls"]) == ("done", 0, 0)
    assert meter["since"] == "2026-11-01T00:00:00+00:00"

    span = {"start": "2026-10-01 12:02", "end": "2026-10-02T12:00:00Z"}
    answer = await import_history(hass, meter="ELECTRICITY meter", **span)
    (meter,) = answer["Mill Cottage"]["meters"]
    assert meter["since"] == "2026-10-01T11:05:00+00:00"
    assert meter["until"] == "2026-10-02T12:00:00+00:00"
    assert meter["filled"] == 299
    assert state_of(hass, "sensor.mill_cottage_history_import") == "100.0"


async def test_what_has_to_wait_is_told(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    simulator: SimulatorClient,
    virtual: VirtualTime,
) -> None:
    """The action does not wait for a vendor that is away; the import goes on by itself."""
    await set_up_mill(hass)
    for command in ("getHV", "getTimeSeries"):
        simulator.fault("http_503", command=command)
    (meter,) = (await import_history(hass, start=START))["Mill Cottage"]["meters"]
    assert (meter["state"], meter["problem"]) == ("waiting", "cloud")
    assert state_of(hass, SWITCH) == "on"
    simulator.clear_faults()
    # What waits is tried at once where somebody asks, and goes down as far as is wanted now.
    (meter,) = (await import_history(hass, start="2026-11-10"))["Mill Cottage"][
        "meters"
    ]
    assert meter["state"] == "done"
    assert meter["since"] == "2026-11-10T00:00:00+00:00"
    # Without an answer it is begun all the same.
    await hass.services.async_call(
        DOMAIN, "import_history", {"start": START}, blocking=True
    )
    await virtual.settle()
    assert job_of(hass).begin == NOVEMBER


async def test_unloaded_while_it_waits(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    simulator: SimulatorClient,
    virtual: VirtualTime,
) -> None:
    """Home Assistant that stops keeps nobody waiting."""
    await set_up_mill(hass)
    simulator.fault("timeout", command="getHV")
    asked = hass.async_create_task(import_history(hass, start=START))
    await virtual.settle()
    assert not asked.done()
    await hass.data[DATA_BACKFILL].async_stop()
    (meter,) = (await asked)["Mill Cottage"]["meters"]
    assert meter["state"] == "running"
    await turn(hass, "off")
    assert state_of(hass, SWITCH) == "off"


READINGS = """time,reading
2026-11-10T00:00:00Z,100
2026-11-10T01:00:00Z,101.2
2026-11-10T02:00:00Z,103.6
"""


async def test_csv(hass: HomeAssistant, shed: None) -> None:
    """What a CSV tells fills slots as a vendor does; a second time nothing is missing."""
    answer = await import_history(hass, meter="kiln", csv=READINGS)
    assert answer == {
        "Shed": {
            "meters": [
                {
                    "name": "Kiln",
                    "problem": None,
                    "found": 24,
                    "filled": 24,
                    "from": {"csv": 24},
                    "left": 0,
                    "refused_lines": [],
                }
            ],
            "rooms": [],
        }
    }
    found = await from_vendor(hass, "kiln")
    assert [slot.energy for slot in found] == pytest.approx([0.1] * 12 + [0.2] * 12)
    assert await slots(hass, "grid") == []
    (meter,) = (await import_history(hass, meter="Kiln", csv=READINGS))["Shed"][
        "meters"
    ]
    assert (meter["found"], meter["from"]) == (0, {})


async def test_csv_of_a_span(hass: HomeAssistant, shed: None) -> None:
    """Only what is asked for, in the home's time, and nothing of what is yet to come."""
    energies = "start;energy\n" + "".join(
        f"2026-{month}-18 {hour:02}:00;0,24\n"
        for month in ("09", "11")
        for hour in range(24)
    )
    span = {"start": "2026-09-18 22:00", "end": "2026-11-18 02:00"}
    answer = await import_history(hass, meter="Electricity meter", csv=energies, **span)
    (meter,) = answer["Shed"]["meters"]
    assert meter["filled"] == 4 * 12
    assert meter["left"] == meter["found"] - 48
    await import_history(hass, meter="Electricity meter", csv=energies)
    found = await from_vendor(hass, "grid")
    assert found[-1].end == datetime(2026, 11, 18, 10, 50, tzinfo=UTC)
    assert total(found) == pytest.approx(0.24 * 24 + 0.02 * 130)


async def test_csv_that_says_nothing(hass: HomeAssistant, shed: None) -> None:
    """Cells that are empty are times of which nothing is known."""
    text = "start,end,energy\n2026-11-10T00:00:00Z,2026-11-10T01:00:00Z,\n"
    (meter,) = (await import_history(hass, meter="Kiln", csv=text))["Shed"]["meters"]
    assert (meter["found"], meter["filled"]) == (0, 0)


async def test_csv_file(hass: HomeAssistant, shed: None, tmp_path: Path) -> None:
    """A file of a folder that Home Assistant may read, by its name or its whole path."""
    media = Path(hass.config.path("media"))
    media.mkdir()
    (media / "kiln.csv").write_text("\ufeff" + READINGS)
    hass.config.allowlist_external_dirs = {str(media)}
    (meter,) = (await import_history(hass, meter="Kiln", file="media/kiln.csv"))[
        "Shed"
    ]["meters"]
    assert meter["from"] == {"csv": 24}
    refused = [
        ("kiln.csv", "kiln.csv” is in no folder"),
        ("/etc/passwd", "media"),
        ("media/../secrets.yaml", "no folder"),
        ("media/nowhere.csv", "No such file"),
        ("media", "Is a directory|no folder"),
    ]
    (media / "odd.csv").write_bytes(b"time,reading\n\xff\xfe")
    for name, told in [*refused, ("media/odd.csv", "byte 13")]:
        with pytest.raises(ServiceValidationError, match=told):
            await import_history(hass, meter="Kiln", file=name)


async def test_statistic(
    recorder_mock: Recorder, hass: HomeAssistant, shed: None
) -> None:
    """Who comes from another integration brings its statistics along."""
    async_add_external_statistics(
        hass,
        StatisticMetaData(
            mean_type=StatisticMeanType.NONE,
            has_sum=True,
            name="Old meter",
            source="old",
            statistic_id="old:meter",
            unit_class="energy",
            unit_of_measurement="kWh",
        ),
        [
            {
                "start": NOVEMBER + number * HOUR,
                "state": number * 1.2,
                "sum": number * 1.2,
            }
            for number in range(5)
        ],
    )
    await async_wait_recording_done(hass)
    answer = await import_history(
        hass, meter="Electricity meter", statistic_id="old:meter"
    )
    (meter,) = answer["Shed"]["meters"]
    assert meter["from"] == {"statistics": meter["filled"]}
    found = await from_vendor(hass, "grid")
    assert total(found) == pytest.approx(4.8)
    with pytest.raises(ServiceValidationError, match=r"old:nothing.*old:meter"):
        await import_history(
            hass, meter="Electricity meter", statistic_id="old:nothing"
        )


WRONG_INPUT: list[tuple[dict[str, Any], str]] = [
    ({"home": "Nowhere"}, "Nowhere.*Shed"),
    ({"meter": "Cellar"}, "Cellar.*Electricity meter, Kiln"),
    ({"meter": ["Kiln", "Cellar"]}, "Cellar"),
    ({"meter": "Kiln"}, "Shed"),
    ({"start": "2026-11-18 12:00"}, "2026-11-18T12:00"),
    ({"start": "2026-11-10", "end": "2026-11-10"}, "2026-11-10"),
    ({"csv": READINGS}, "Electricity meter, Kiln"),
    ({"csv": READINGS, "meter": ["Kiln", "Electricity meter"]}, "one meter"),
    ({"csv": READINGS, "file": "x.csv", "meter": "Kiln"}, "csv, file"),
    ({"csv": "", "meter": "Kiln"}, "no line below"),
    ({"csv": "time,reading\nsoon,1\n", "meter": "Kiln"}, "Line 2.*soon"),
    ({"csv": "time,reading\n2026-11-01,x\n", "meter": "Kiln"}, "Line 2.*x"),
    ({"csv": "time\n2026-11-01\n", "meter": "Kiln"}, "names: time"),
    ({"csv": "time,kwh\n2026-11-01,1,2\n", "meter": "Kiln"}, "3 cells.*2 columns"),
]


async def test_wrong_input_changes_nothing(
    hass: HomeAssistant, shed: None, subtests: pytest.Subtests
) -> None:
    """It is named, with what there is to choose from."""
    for data, told in WRONG_INPUT:
        with subtests.test(told), pytest.raises(ServiceValidationError, match=told):
            await import_history(hass, **data)

    assert await slots(hass, "kiln") == await slots(hass, "grid") == []
    assert hass.data[DATA_BACKFILL].jobs.of_home("home-shed") == []


async def test_fields(hass: HomeAssistant, shed: None) -> None:
    """What is no time at all does not pass the schema."""
    with pytest.raises(vol.Invalid):
        await import_history(hass, start="soon")


async def test_home_without_meters(
    recorder_mock: Recorder, hass: HomeAssistant
) -> None:
    """Names and choices of homes that have nothing."""
    await set_up(hass, home_entry("Attic"))
    with pytest.raises(ServiceValidationError, match="Attic"):
        await import_history(hass)
    with pytest.raises(ServiceValidationError, match="“Attic”: -"):
        await import_history(hass, csv=READINGS)


async def test_ledger_that_takes_nothing(hass: HomeAssistant, shed: None) -> None:
    """What cannot be stored is told."""
    (entry,) = hass.config_entries.async_entries(DOMAIN)
    await entry.runtime_data.coordinator.async_stop()
    with pytest.raises(HomeAssistantError, match="Shed Kiln"):
        await import_history(hass, meter="Kiln", csv=READINGS)
    await hass.data[DATA_LEDGER].async_close()
    with pytest.raises(HomeAssistantError, match="ledger"):
        await import_history(hass, meter="Kiln", csv=READINGS)


async def test_admins_only(
    hass: HomeAssistant, shed: None, hass_read_only_user: User
) -> None:
    """Whoever may only look imports nothing."""
    with pytest.raises(Unauthorized):
        await hass.services.async_call(
            DOMAIN,
            "import_history",
            {},
            blocking=True,
            context=Context(user_id=hass_read_only_user.id),
        )
