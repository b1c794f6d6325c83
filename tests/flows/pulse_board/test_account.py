"""Pulse boards: adding one, and what its sketch has to call."""

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.setup import async_setup_component
import pytest

from custom_components.energy_homes.accounts.pulse_board.known import boards_of
from custom_components.energy_homes.const import DOMAIN, EntryKind
from custom_components.energy_homes.ledger.opening import DATA_LEDGER
from tests.flows.helpers import homes, next_form, placeholders, start, submit

pytestmark = pytest.mark.usefixtures("recorder_mock")


async def add_board(hass: HomeAssistant, name: str, *channels: str) -> ConfigEntry:
    """Add a board through its flow; return its entry."""
    form = await start(hass, "pulse_board")
    address = await submit(hass, form, name=name, channels=list(channels))
    result = await submit(hass, address)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    return result["result"]


async def test_board_is_added_and_continues_into_its_home(hass: HomeAssistant) -> None:
    """The secret is made, its address shown, and each channel is asked for in turn."""
    form = await start(hass, "pulse_board")
    address = await submit(hass, form, name=" Harbour board ", channels=["2", "1"])
    assert address["step_id"] == "pulse_board_address"
    told = placeholders(address)
    result = await submit(hass, address)

    entry = result["result"]
    assert entry.title == "Harbour board"
    assert entry.state is ConfigEntryState.LOADED
    assert entry.data["kind"] == EntryKind.PULSE_BOARD
    assert told["path"] == f"/api/energy_homes/board/{entry.data['secret']}"
    assert len(entry.data["secret"]) == 32
    assert entry.data["secret"] not in (entry.unique_id or "")
    assert boards_of(hass).find(entry.data["secret"]) is entry.runtime_data

    form = await next_form(hass, result)
    assert placeholders(form)["meter"] == "Channel 1"
    assert placeholders(form)["account"] == "Harbour board"
    result = await submit(hass, form, home="Harbour Flat", role="grid")
    form = await next_form(hass, result)
    assert placeholders(form)["meter"] == "Channel 2"
    result = await submit(
        hass, form, home="Harbour Flat", name="Kitchen", role="submeter"
    )
    assert result["reason"] == "assigned"
    home = homes(hass)["Harbour Flat"]
    assert [
        (subentry.title, revision["kind"], revision["account"], revision["hardware"])
        for subentry in home.subentries.values()
        for revision in subentry.data["revisions"]
    ] == [
        ("Electricity meter", "pulse_board", entry.unique_id, "1"),
        ("Kitchen", "pulse_board", entry.unique_id, "2"),
    ]


@pytest.mark.parametrize(
    ("listens_on", "internal_url", "host", "port"),
    [
        ("10.10.10.10", None, "10.10.10.10", "8123"),
        ("127.0.0.1", None, "127.0.0.1", "8123"),
        ("0.0.0.0", None, "10.10.10.10", "8123"),
        ("::", None, "10.10.10.10", "8123"),
        ("hass.local", None, "hass.local", "8123"),
        ("0.0.0.0", "http://home.example:80", "home.example", "80"),
        ("0.0.0.0", "http://home.example", "home.example", "80"),
        ("0.0.0.0", "https://home.example", "10.10.10.10", "8123"),
        (None, None, "-", "-"),
    ],
)
async def test_address_is_one_that_a_board_can_call(
    hass: HomeAssistant,
    listens_on: str | None,
    internal_url: str | None,
    host: str,
    port: str,
) -> None:
    """An internal address counts, unless it needs TLS."""
    assert await async_setup_component(hass, "http", {})
    assert hass.config.api is not None
    hass.config.internal_url = internal_url
    if listens_on is None:
        hass.config.api = None
    else:
        hass.config.api.host = listens_on
    form = await start(hass, "pulse_board")
    told = placeholders(await submit(hass, form, name="Board", channels=["1"]))
    assert (told["host"], told["port"]) == (host, port)


async def test_wrong_names_and_channels(hass: HomeAssistant) -> None:
    """What cannot be is refused with what can, and the form goes on."""
    await add_board(hass, "Board", "1")
    form = await start(hass, "pulse_board")
    form = await submit(hass, form, name=" ", channels=["1"])
    assert form["errors"] == {"name": "board_name_needed"}
    form = await submit(hass, form, name="board ", channels=["1"])
    assert form["errors"] == {"name": "duplicate_board"}
    form = await submit(hass, form, name="Other", channels=["1", "65"])
    assert form["errors"] == {"channels": "channel_number"}
    assert placeholders(form) == {"number": "65", "highest": "64"}
    form = await submit(hass, form, name="Other", channels=["64"])
    result = await submit(hass, form)
    assert list(result["result"].data["channels"]) == ["64"]


async def test_board_is_unloaded_and_forgotten(hass: HomeAssistant) -> None:
    """An unloaded board is not heard, a removed one is not remembered."""
    entry = await add_board(hass, "Board", "1")
    ledger = hass.data[DATA_LEDGER]
    await ledger.async_store_board(entry.unique_id or "", {1: {}})
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert boards_of(hass).find(entry.data["secret"]) is None
    assert await ledger.async_board(entry.unique_id or "") == {1: {}}

    await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done()
    assert await ledger.async_board(entry.unique_id or "") == {}
    assert not hass.config_entries.async_entries(DOMAIN)
