"""Changing a pulse board: channels, access, address and secret; its channels as meters."""

from datetime import timedelta
from typing import Any

from homeassistant.components.recorder import Recorder
from homeassistant.config_entries import ConfigEntryState, ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.energy_homes.accounts.pulse_board.hub import PulseBoardHub
from custom_components.energy_homes.accounts.pulse_board.known import boards_of
from custom_components.energy_homes.boards.config import BoardConfig
from custom_components.energy_homes.const import SUBENTRY_METER
from custom_components.energy_homes.metering.model import MeterRole
from tests.board_kit import KEY, SECRET, pulse
from tests.builders import (
    board_entry,
    board_revision,
    home_entry,
    meter_subentry,
    set_up,
    state_of,
)
from tests.flows.helpers import (
    discovered,
    homes,
    import_homes,
    next_form,
    placeholders,
    read_texts,
    sources,
    start_change,
    start_meter,
    submit,
    submit_meter,
)
from tests.virtual import VirtualTime

METER = {
    "name": "Cellar",
    "role": "generation",
    "pulses_per_kwh": 500,
    "cap": 4000,
    "deviation": 5,
}


@pytest.fixture
async def board(recorder_mock: Recorder, hass: HomeAssistant) -> MockConfigEntry:
    """Return a board with two channels, which no home has."""
    entry = board_entry()
    await set_up(hass, entry)
    return entry


def config_of(entry: MockConfigEntry) -> BoardConfig:
    """Return a board as it is stored."""
    return BoardConfig.from_data(entry.data)


async def change(
    hass: HomeAssistant, entry: MockConfigEntry, item: str
) -> ConfigFlowResult:
    """Start to change a board, and choose an item of the menu."""
    menu = await entry.start_reconfigure_flow(hass)
    assert menu["type"] is FlowResultType.MENU
    read_texts("config", menu)
    form = await hass.config_entries.flow.async_configure(
        menu["flow_id"], {"next_step_id": item}
    )
    read_texts("config", form)
    return form


async def test_channel_is_changed_without_losing_a_count(
    hass: HomeAssistant, board: MockConfigEntry
) -> None:
    """Another rate holds from the next pulse on; what was counted stays, in kWh."""
    for stamp in (1000, 4600, 8200):
        await pulse(board.runtime_data, stamp)
    form = await change(hass, board, "board_channel")
    form = await submit(hass, form, channel="1")
    assert placeholders(form) == {"board": "Harbour board", "channel": "1"}
    done = await submit(hass, form, **METER)
    assert done["reason"] == "reconfigure_successful"

    channel = config_of(board).channels[1]
    assert (channel.name, channel.role) == ("Cellar", MeterRole.GENERATION)
    assert config_of(board).secret == SECRET
    assert list(config_of(board).channels) == [1, 2]
    hub: PulseBoardHub = board.runtime_data
    assert hub.meters["1"].name == "Cellar"
    assert hub.book.channels[1].pulses == 3
    assert hub.book.channels[1].energy == pytest.approx(0.003)
    await pulse(hub, 11_800)
    assert hub.book.channels[1].energy == pytest.approx(0.005)
    assert hub.reports.present(1).power == pytest.approx(2000)


async def test_any_channel_can_be_set_up(
    hass: HomeAssistant, board: MockConfigEntry
) -> None:
    """A channel beyond those in the list is offered to homes from then on."""
    form = await change(hass, board, "board_channel")
    form = await submit(hass, form, channel="0")
    assert form["errors"] == {"channel": "channel_number"}
    form = await submit(hass, form, channel="12")
    assert form["data_schema"] is not None
    suggested = {
        str(key): (key.description or {}).get("suggested_value")
        for key in form["data_schema"].schema
    }
    assert suggested == {
        "name": "Channel 12",
        "role": "grid",
        "pulses_per_kwh": 1000,
        "cap": 2500,
        "deviation": 10,
    }
    for name, error in ((" ", "channel_name_needed"), ("meter 2", "duplicate_channel")):
        form = await submit(hass, form, **{**METER, "name": name})
        assert form["errors"] == {"name": error}
    await submit(hass, form, **METER)
    assert {number: c.name for number, c in config_of(board).channels.items()} == {
        1: "Meter 1",
        2: "Meter 2",
        12: "Cellar",
    }
    assert set(discovered(hass)) == {f"{KEY}_1", f"{KEY}_2", f"{KEY}_12"}


async def test_channels_are_listed_also_while_the_board_is_not_loaded(
    hass: HomeAssistant, board: MockConfigEntry
) -> None:
    """What is set up, and what boards have."""
    await pulse(board.runtime_data, 1000, channel=11)
    assert await listed(hass, board) == [*"12345678", "11"]
    assert await hass.config_entries.async_unload(board.entry_id)
    assert await listed(hass, board) == [*"12345678"]


async def listed(hass: HomeAssistant, board: MockConfigEntry) -> list[str]:
    """Return the channels to choose from."""
    form = await change(hass, board, "board_channel")
    assert form["data_schema"] is not None
    options = form["data_schema"].schema["channel"].config["options"]
    assert options[0]["label"] == "1: Meter 1"
    hass.config_entries.flow.async_abort(form["flow_id"])
    return [option["value"] for option in options]


async def test_access(hass: HomeAssistant, board: MockConfigEntry) -> None:
    """A board is opened to all addresses, and everything else stays."""
    before = config_of(board)
    form = await change(hass, board, "board_access")
    await submit(hass, form, open_to_all=True)
    assert config_of(board) == BoardConfig(
        secret=before.secret, open_to_all=True, channels=before.channels
    )
    assert board.runtime_data.config.open_to_all


async def test_address_is_shown_again(
    hass: HomeAssistant, board: MockConfigEntry
) -> None:
    """Looking at it changes nothing."""
    before = dict(board.data)
    form = await change(hass, board, "board_shown")
    assert placeholders(form) == {
        "board": "Harbour board",
        "host": "10.10.10.10",
        "port": "8123",
        "path": f"/api/energy_homes/board/{SECRET}",
    }
    done = await submit(hass, form)
    assert done["reason"] == "nothing_changed"
    assert dict(board.data) == before


async def test_new_secret_holds_once_it_is_submitted(
    hass: HomeAssistant, board: MockConfigEntry
) -> None:
    """The old path is refused from then on, and what was counted stays."""
    await pulse(board.runtime_data, 1000)
    form = await change(hass, board, "board_secret")
    path = placeholders(form)["path"]
    form = await hass.config_entries.flow.async_configure(form["flow_id"])
    assert placeholders(form)["path"] == path
    assert boards_of(hass).find(SECRET) is board.runtime_data
    await submit(hass, form)

    secret = config_of(board).secret
    assert path == f"/api/energy_homes/board/{secret}"
    assert boards_of(hass).find(SECRET) is None
    hub = boards_of(hass).find(secret)
    assert hub is board.runtime_data
    assert hub is not None
    assert hub.book.channels[1].pulses == 1
    assert hub.book.channels[1].settings == config_of(board).channels[1].settings


async def test_channel_that_is_heard_is_offered(
    hass: HomeAssistant, board: MockConfigEntry
) -> None:
    """One click makes it a meter, just as with an account's meters."""
    assert f"{KEY}_5" not in discovered(hass)
    await pulse(board.runtime_data, 1000, channel=5)
    await hass.async_block_till_done()
    (flow,) = (
        flow
        for flow in hass.config_entries.flow.async_progress()
        if flow["context"].get("unique_id") == f"{KEY}_5"
    )
    form = await hass.config_entries.flow.async_configure(flow["flow_id"])
    assert placeholders(form)["meter"] == "Channel 5"
    result = await submit(hass, form, home="Harbour Flat", role="grid")
    assert result["type"] is FlowResultType.CREATE_ENTRY
    (source,) = sources(homes(hass)["Harbour Flat"])
    assert source.revisions[0].hardware == f"pulse_board:{KEY}:5"
    assert f"{KEY}_5" not in discovered(hass)
    form = await next_form(hass, result)
    assert placeholders(form)["meter"] == "Meter 1"


async def test_channel_as_a_meter_of_a_home(
    hass: HomeAssistant, board: MockConfigEntry
) -> None:
    """The home's own flow lists it, adds it once, and puts it behind another meter."""
    await set_up(hass, home_entry("Quay", meter_subentry("quay", board_revision(2))))
    home = homes(hass)["Quay"]
    form = await start_change(hass, home, "replace")
    read_texts(SUBENTRY_METER, form)
    done = await submit_meter(hass, form, meter=f"{KEY}/1", since="2026-11-18")
    assert done["reason"] == "replaced"
    (source,) = sources(home)
    assert [revision.hardware_id for revision in source.revisions] == ["2", "1"]
    assert source.revisions[1].hardware == f"pulse_board:{KEY}:1"

    form = await start_meter(hass, home)
    form = await submit_meter(hass, form, meter=f"{KEY}/2")
    assert placeholders(form)["meter"] == "Meter 2"
    await submit_meter(hass, form, name="Kitchen", role="submeter")
    kitchen = sources(home)[1]
    assert kitchen.revisions[0].hardware == f"pulse_board:{KEY}:2"


async def test_new_home_begins_with_a_channel(
    hass: HomeAssistant, board: MockConfigEntry
) -> None:
    """The flow of a home offers channels too."""
    form = await hass.config_entries.flow.async_init(
        "energy_homes", context={"source": "user"}
    )
    form = await hass.config_entries.flow.async_configure(
        form["flow_id"], {"next_step_id": "home"}
    )
    form = await submit(
        hass, form, label="Quay", time_zone="Europe/London", meter=f"{KEY}/1"
    )
    await submit(hass, form, role="grid")
    (source,) = sources(homes(hass)["Quay"])
    assert source.revisions[0].hardware == f"pulse_board:{KEY}:1"


def channel_of(sid: str, **fields: Any) -> dict[str, Any]:
    """Return a board's channel as the action names it."""
    return {"account": "harbour BOARD", "sid": sid, **fields}


@pytest.mark.parametrize("loaded", [True, False])
async def test_import_names_channels(
    hass: HomeAssistant, board: MockConfigEntry, loaded: bool
) -> None:
    """A board's channel is imported as an account's meter is; twice changes nothing."""
    if not loaded:
        assert await hass.config_entries.async_unload(board.entry_id)
    item = {
        "label": "Quay",
        "meters": [channel_of("1"), channel_of("2", name="Kitchen", role="submeter")],
    }
    assert await import_homes(hass, item) == [
        {
            "home": "Quay",
            "result": "created",
            "meters": ["Electricity meter", "Kitchen"],
        }
    ]
    assert [
        source.revisions[0].hardware for source in sources(homes(hass)["Quay"])
    ] == [
        f"pulse_board:{KEY}:1",
        f"pulse_board:{KEY}:2",
    ]
    (again,) = await import_homes(hass, item)
    assert again["result"] == "exists"
    (failed,) = await import_homes(
        hass, {"label": "Other", "meters": [channel_of("9")]}
    )
    assert failed["error"] == "unknown_sid"
    (failed,) = await import_homes(
        hass, {"label": "Other", "meters": [{"account": "Harbour board"}]}
    )
    assert failed["error"] == "sid_needed"


async def test_swap_to_a_channel_keeps_the_total(
    recorder_mock: Recorder, hass: HomeAssistant, virtual: VirtualTime
) -> None:
    """A meter whose hardware becomes another channel goes on counting from its total."""
    board = board_entry()
    home = home_entry(
        "Quay",
        meter_subentry(
            "quay",
            board_revision(1),
            board_revision(2, virtual.now + timedelta(seconds=610)),
        ),
    )
    await set_up(hass, board, home)
    hub: PulseBoardHub = board.runtime_data
    for number in range(1, 41):
        await virtual.run(timedelta(seconds=30))
        await pulse(hub, number * 30_000)
        await pulse(hub, number * 30_000 + 1, channel=2)
    await virtual.run(timedelta(minutes=7))
    assert board.state is ConfigEntryState.LOADED
    # 20 of the first channel, and those of the second one since then.
    assert state_of(hass, "sensor.quay_energy") == "0.04"
