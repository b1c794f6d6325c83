"""Many homes and accounts in one call."""

from datetime import UTC, datetime
from typing import Any

from homeassistant.components.recorder import Recorder
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
import pytest
import voluptuous as vol

from custom_components.energy_homes.const import DOMAIN
from custom_components.energy_homes.flows.forms import time_zones
from custom_components.energy_homes.metering.model import MeterRole
from tests.builders import (
    account_entry,
    efergy_revision,
    home_entry,
    meter_subentry,
    set_up,
)
from tests.flows.helpers import (
    ELM_ACCOUNT,
    ELM_GRID,
    ELM_SOLAR,
    MILL_ACCOUNT,
    MILL_GRID,
    POWER,
    TERRACE_ACCOUNT,
    discovered,
    homes,
    import_homes,
    sources,
)
from tests.simulator_client import ELM_TOKEN, MILL_TOKEN, TERRACE_TOKEN, SimulatorClient


def result(home: str, result: str, *meters: str) -> dict[str, Any]:
    """Return the answer for a home that did not fail."""
    return {"home": home, "result": result, "meters": list(meters)}


@pytest.fixture
async def ready(
    hass: HomeAssistant, cloud: SimulatorClient, clamp: str
) -> SimulatorClient:
    """Return the cloud of a Home Assistant that has our actions."""
    await set_up(hass, home_entry("Attic"))
    return cloud


async def test_import_homes_and_their_accounts(
    hass: HomeAssistant, ready: SimulatorClient, clamp: str
) -> None:
    """One call makes homes, accounts and meters; the same call again changes nothing."""
    items: tuple[dict[str, Any], ...] = (
        {"label": "Elm Street", "efergy": {"token": ELM_TOKEN}},
        {
            "label": "Mill Cottage",
            "time_zone": "Europe/Berlin",
            "since": "2026-10-01",
            "meters": [
                {
                    "name": "Main",
                    "token": MILL_TOKEN,
                    "server": "energyhive",
                    "sid": MILL_GRID,
                },
                {"entity": clamp, "role": "submeter"},
            ],
        },
        {"label": "Empty"},
    )
    first = await import_homes(hass, *items)
    assert first == [
        result("Elm Street", "created", "Electricity meter", "Solar meter"),
        result("Mill Cottage", "created", "Main", "Submeter"),
        result("Empty", "created"),
    ]
    entries = hass.config_entries.async_entries(DOMAIN)
    assert {entry.state for entry in entries} == {ConfigEntryState.LOADED}
    assert {entry.unique_id for entry in entries} >= {ELM_ACCOUNT, MILL_ACCOUNT}
    grid, solar = sources(homes(hass)["Elm Street"])
    assert (grid.role, grid.revisions[0].hardware_id) == (MeterRole.GRID, ELM_GRID)
    assert (solar.role, solar.revisions[0].hardware_id) == (
        MeterRole.GENERATION,
        ELM_SOLAR,
    )
    mill = homes(hass)["Mill Cottage"]
    assert mill.data["time_zone"] == "Europe/Berlin"
    assert [source.revisions[0].since for source in sources(mill)] == [
        datetime(2026, 9, 30, 22, tzinfo=UTC)
    ] * 2
    assert discovered(hass) == []

    before = [entry.as_dict() for entry in entries]
    ready.fault("http_503")
    again = await import_homes(hass, *items)
    assert again == [
        result("Elm Street", "exists"),
        result("Mill Cottage", "exists"),
        result("Empty", "exists"),
    ]
    after = [entry.as_dict() for entry in hass.config_entries.async_entries(DOMAIN)]
    assert after == before


async def test_import_into_a_home_that_is_there(
    hass: HomeAssistant, ready: SimulatorClient, clamp: str
) -> None:
    """What is missing is added; label and time zone stay."""
    item = {"label": "ATTIC ", "time_zone": "Asia/Tokyo", "meters": [{"entity": clamp}]}
    assert await import_homes(hass, item) == [
        result("Attic", "updated", "Electricity meter")
    ]
    assert homes(hass)["Attic"].data["time_zone"] == "Europe/London"
    await set_up(hass, account_entry(MILL_TOKEN, MILL_ACCOUNT))
    ready.clear_calls()
    answer = await import_homes(
        hass, {**item, "efergy": {"token": MILL_TOKEN}, "since": "2026-10-01T06:00:00Z"}
    )
    assert answer == [result("Attic", "updated", "Electricity meter 2")]
    assert ready.calls(MILL_TOKEN) == {}
    assert sources(homes(hass)["Attic"])[1].revisions[0] == efergy_revision(
        MILL_ACCOUNT, MILL_GRID, datetime(2026, 10, 1, 6, tzinfo=UTC)
    )
    assert discovered(hass) == []


async def test_import_two_homes_of_one_account(
    hass: HomeAssistant, ready: SimulatorClient
) -> None:
    """The sid says which; other meters of the account wait as discovered items."""
    answer = await import_homes(
        hass,
        {"label": "One", "efergy": {"token": TERRACE_TOKEN}},
        {"label": "One", "efergy": {"token": TERRACE_TOKEN, "sid": "73"}},
        {"label": "One", "efergy": {"token": TERRACE_TOKEN, "sid": "730001"}},
    )
    assert [item["result"] for item in answer] == ["failed", "failed", "created"]
    assert answer[0]["error"] == "sid_needed"
    assert "730001, 730002" in answer[0]["message"]
    assert answer[1]["error"] == "unknown_sid"
    assert "730001, 730002" in answer[1]["message"]
    assert discovered(hass) == [f"{TERRACE_ACCOUNT}_730002"]

    answer = await import_homes(
        hass,
        {"label": "Two", "efergy": {"token": TERRACE_TOKEN, "sid": "730002"}},
        {"label": "Two", "efergy": {"token": TERRACE_TOKEN, "sid": "730001"}},
    )
    assert answer[0] == result("Two", "created", "Electricity meter")
    assert answer[1]["error"] == "hardware_used"
    assert "“One”" in answer[1]["message"]
    assert discovered(hass) == []


async def test_import_by_role(hass: HomeAssistant, ready: SimulatorClient) -> None:
    """A role picks the meter where the sid is left out; a submeter is listed as grid."""
    answer = await import_homes(
        hass,
        {
            "label": "Elm",
            "meters": [
                {"token": ELM_TOKEN, "role": "generation", "name": "Roof"},
                {"token": ELM_TOKEN, "role": "submeter"},
                {"token": ELM_TOKEN, "sid": ELM_SOLAR},
            ],
        },
        {
            "label": "Mill",
            "meters": [{"token": MILL_TOKEN, "role": "generation"}],
        },
    )
    assert answer[0] == result("Elm", "created", "Roof", "Submeter")
    assert [s.revisions[0].hardware_id for s in sources(homes(hass)["Elm"])] == [
        ELM_SOLAR,
        ELM_GRID,
    ]
    assert answer[1]["error"] == "unknown_sid"
    assert "Mill" not in homes(hass)


FAILED: list[tuple[dict[str, Any], str]] = [
    ({"label": " "}, "label_needed"),
    ({"label": "X", "time_zone": "Mars/Base"}, "unknown_time_zone"),
    ({"label": "X", "meters": [{"entity": "sensor.nowhere"}]}, "unknown_entity"),
    ({"label": "X", "efergy": {"token": "no-such-token"}}, "invalid_token"),
    ({"label": "X", "efergy": {"token": " "}}, "token_needed"),
    (
        {"label": "X", "efergy": {"token": MILL_TOKEN, "server": "other"}},
        "url_needed",
    ),
    (
        {
            "label": "X",
            "meters": [
                {"entity": "sensor.clamp", "name": "A"},
                {"entity": "sensor.other", "name": "a"},
            ],
        },
        "duplicate_name",
    ),
    ({"label": "Twin"}, "ambiguous_home"),
    ({"label": "X", "efergy": {"account": "Efergy 1234"}}, "unknown_account"),
    (
        {"label": "X", "since": "0001-01-01", "time_zone": "Asia/Tokyo"},
        "import_failed",
    ),
]


async def test_failed_homes_add_nothing_and_stop_nobody(
    hass: HomeAssistant, ready: SimulatorClient, subtests: pytest.Subtests
) -> None:
    """Each home stands for itself; one that fails says why and leaves no trace."""
    hass.states.async_set("sensor.other", "1", POWER)
    await set_up(hass, home_entry("Twin", home_id="1"), home_entry("twin", home_id="2"))
    before = set(hass.config_entries.async_entry_ids())
    *failed, last = await import_homes(
        hass, *(item for item, _ in FAILED), {"label": "Next"}
    )

    for answer, (_, error) in zip(failed, FAILED, strict=True):
        with subtests.test(error):
            assert (answer["result"], answer["error"]) == ("failed", error)
            assert answer["message"]
            assert "no-such-token" not in str(answer)
    assert last == result("Next", "created")
    after = set(hass.config_entries.async_entry_ids())
    assert after - before == {homes(hass)["Next"].entry_id}
    assert before <= after


async def test_cloud_is_away(hass: HomeAssistant, ready: SimulatorClient) -> None:
    """A home whose account cannot be asked fails, and succeeds later."""
    item = {"label": "Mill", "efergy": {"token": MILL_TOKEN}}
    ready.fault("http_503")
    (answer,) = await import_homes(hass, item)
    assert answer["error"] == "cannot_connect"
    assert ready.url in answer["message"]
    assert set(homes(hass)) == {"Attic"}

    ready.clear_faults()
    assert await import_homes(hass, item) == [
        result("Mill", "created", "Electricity meter")
    ]


async def test_account_under_another_token(
    hass: HomeAssistant, ready: SimulatorClient
) -> None:
    """Another token of an account that is there finds the account, and stays out."""
    await set_up(hass, account_entry("gone", MILL_ACCOUNT))
    answer = await import_homes(
        hass, {"label": "Mill", "efergy": {"token": MILL_TOKEN}}
    )
    assert answer == [result("Mill", "created", "Electricity meter")]
    (account,) = [
        entry
        for entry in hass.config_entries.async_entries(DOMAIN)
        if entry.unique_id == MILL_ACCOUNT
    ]
    assert account.data["token"] == "gone"


async def test_lost_account_comes_back(
    hass: HomeAssistant, ready: SimulatorClient
) -> None:
    """An account that was removed is added again, and its home is what it was."""
    await set_up(
        hass,
        home_entry(
            "Mill", meter_subentry("s", efergy_revision(MILL_ACCOUNT, MILL_GRID))
        ),
    )
    before = sources(homes(hass)["Mill"])
    answer = await import_homes(
        hass, {"label": "Mill", "efergy": {"token": MILL_TOKEN}}
    )
    assert answer == [result("Mill", "updated")]
    assert sources(homes(hass)["Mill"]) == before
    (account,) = [
        entry
        for entry in hass.config_entries.async_entries(DOMAIN)
        if entry.unique_id == MILL_ACCOUNT
    ]
    assert account.state is ConfigEntryState.LOADED


OF_ANOTHER_SHAPE: list[dict[str, Any]] = [
    {"meters": []},
    {"label": "X", "rooms": 3},
    {"label": "X", "since": "yesterday"},
    {"label": "X", "meters": [{"name": "neither entity nor token"}]},
    {"label": "X", "meters": [{"entity": "sensor.a", "role": "wind"}]},
    {"label": "X", "efergy": {"token": "t", "server": "nowhere"}},
    {"label": "X", "efergy": {"account": "a", "token": "t"}},
]


async def test_items_of_another_shape(
    recorder_mock: Recorder, hass: HomeAssistant, subtests: pytest.Subtests
) -> None:
    """What is no home at all is refused as a whole."""
    await set_up(hass, home_entry("Attic"))
    for item in OF_ANOTHER_SHAPE:
        with subtests.test(str(item)), pytest.raises(vol.Invalid):
            await import_homes(hass, item)
    assert set(homes(hass)) == {"Attic"}


async def test_import_from_an_account_that_is_there(
    hass: HomeAssistant, ready: SimulatorClient
) -> None:
    """An account is named by its title or its unique id, so that no token is written."""
    mill = account_entry(MILL_TOKEN, MILL_ACCOUNT)
    await set_up(hass, mill, account_entry(TERRACE_TOKEN, TERRACE_ACCOUNT))
    hass.config_entries.async_update_entry(mill, title="Efergy 0311")
    answer = await import_homes(
        hass,
        {"label": "Mill", "meters": [{"account": " EFERGY 0311", "name": "Main"}]},
        {"label": "One", "efergy": {"account": TERRACE_ACCOUNT, "sid": "730001"}},
        {"label": "Two", "efergy": {"account": "Efergy", "sid": "730003"}},
    )
    assert answer[:2] == [
        result("Mill", "created", "Main"),
        result("One", "created", "Electricity meter"),
    ]
    assert answer[2]["error"] == "unknown_sid"
    again = await import_homes(
        hass, {"label": "Mill", "efergy": {"account": MILL_ACCOUNT}}
    )
    assert again == [result("Mill", "exists")]

    hass.config_entries.async_update_entry(mill, title="Efergy")
    (refused,) = await import_homes(
        hass, {"label": "Both", "efergy": {"account": "efergy"}}
    )
    assert refused["error"] == "ambiguous_account"
    assert MILL_ACCOUNT in refused["message"]
    assert TERRACE_ACCOUNT in refused["message"]


async def test_import_from_an_account_that_is_not_loaded(
    hass: HomeAssistant, ready: SimulatorClient
) -> None:
    """The account is asked with its own token, and stays as it is."""
    mill = account_entry(MILL_TOKEN, MILL_ACCOUNT)
    await set_up(hass, mill)
    await hass.config_entries.async_unload(mill.entry_id)
    before = mill.as_dict()
    answer = await import_homes(
        hass, {"label": "Mill", "efergy": {"account": MILL_ACCOUNT}}
    )
    assert answer == [result("Mill", "created", "Electricity meter")]
    assert mill.as_dict() == before


async def test_import_that_is_ended_on_the_way(
    hass: HomeAssistant, ready: SimulatorClient
) -> None:
    """What a flow did not add is not told as added; other homes are."""
    ready.add_account(
        "fake-token-a", "aa11", [{"sid": "81", "role": "grid", "seed": 7}]
    )
    ready.add_account(
        "fake-token-b", "aa11", [{"sid": "82", "role": "grid", "seed": 8}]
    )
    answer = await import_homes(
        hass,
        {
            "label": "Flat",
            "meters": [
                {"token": "fake-token-a", "sid": "81"},
                {"token": "fake-token-b", "sid": "82"},
            ],
        },
        {"label": "Next"},
    )
    assert answer[0]["error"] == "import_aborted"
    assert "is already set up" in answer[0]["message"]
    assert answer[1] == result("Next", "created")


def test_time_zones_are_read_from_the_disk_once() -> None:
    """Many homes in one call do not walk through the disk each."""
    assert time_zones() is time_zones()
    assert "Europe/London" in time_zones()
