"""Options of a board: what can be switched on, and what cannot be."""

from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.energy_homes.accounts.pulse_board.known import boards_of
from custom_components.energy_homes.boards.options import BoardOptions
from tests.board_kit import CONFIG
from tests.builders import board_entry, home_entry, set_up
from tests.flows.helpers import placeholders, read_texts, suggested

pytestmark = pytest.mark.usefixtures("recorder_mock")

SHEET = "https://script.example.com/macros/s/secret/exec?key=1"
OFF = {"push_nightly": False, "mqtt": False}


@pytest.fixture
async def board(hass: HomeAssistant) -> ConfigEntry:
    """Return a board that is set up, without options."""
    entry: ConfigEntry = board_entry()
    await set_up(hass, entry)
    return entry


async def start(hass: HomeAssistant, board: ConfigEntry) -> ConfigFlowResult:
    """Start to change a board's options."""
    form = await hass.config_entries.options.async_init(board.entry_id)
    assert form["step_id"] == "init"
    read_texts("options", form)
    return form


async def submit(
    hass: HomeAssistant, form: ConfigFlowResult, **fields: Any
) -> ConfigFlowResult:
    """Fill in the form."""
    result = await hass.config_entries.options.async_configure(
        form["flow_id"], {**OFF, **fields}
    )
    read_texts("options", result)
    await hass.async_block_till_done()
    return result


async def test_all_options(hass: HomeAssistant, board: ConfigEntry) -> None:
    """They are kept, shown again, take effect at once, and go when they are emptied."""
    MockConfigEntry(domain="mqtt").add_to_hass(hass)
    hub = board.runtime_data
    form = await start(hass, board)
    assert placeholders(form) == {"board": "Harbour board"}
    assert suggested(form) == BoardOptions().as_data()
    done = await submit(
        hass,
        form,
        push_url=f" {SHEET} ",
        push_nightly=True,
        webhook_address=" 192.168.1.20 ",
        mqtt=True,
        mqtt_prefix="/harbour/flat/",
    )
    assert done["type"] is FlowResultType.CREATE_ENTRY
    kept = BoardOptions.from_data(board.options)
    assert kept == BoardOptions(
        push_url=SHEET,
        push_nightly=True,
        webhook_address="192.168.1.20",
        mqtt=True,
        mqtt_prefix="harbour/flat",
    )
    assert SHEET not in repr(kept)
    assert board.runtime_data is not hub
    assert boards_of(hass).at("192.168.1.20") is board.runtime_data

    form = await start(hass, board)
    assert suggested(form) == kept.as_data()
    await submit(hass, form)
    assert BoardOptions.from_data(board.options) == BoardOptions()
    assert boards_of(hass).at("192.168.1.20") is None


CANNOT_BE: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({"push_url": "script.example.com"}, {"push_url": "invalid_push_url"}),
    ({"push_url": "ftp://example.com"}, {"push_url": "invalid_push_url"}),
    ({"push_nightly": True}, {"push_url": "push_url_needed"}),
    ({"push_nightly": True, "push_url": " "}, {"push_url": "push_url_needed"}),
    ({"webhook_address": "board"}, {"webhook_address": "invalid_webhook_address"}),
    (
        {"webhook_address": "203.0.113.7"},
        {"webhook_address": "invalid_webhook_address"},
    ),
    # Whatever a proxy on this machine passes on comes from there.
    (
        {"webhook_address": "127.0.0.1"},
        {"webhook_address": "invalid_webhook_address"},
    ),
    ({"webhook_address": "::1"}, {"webhook_address": "invalid_webhook_address"}),
    (
        {"webhook_address": "192.168.1.0/24"},
        {"webhook_address": "invalid_webhook_address"},
    ),
    ({"mqtt": True}, {"mqtt": "mqtt_missing"}),
    ({"mqtt_prefix": "harbour/#"}, {"mqtt_prefix": "invalid_mqtt_prefix"}),
    ({"mqtt_prefix": "+/flat"}, {"mqtt_prefix": "invalid_mqtt_prefix"}),
    ({"mqtt_prefix": "a\x00b"}, {"mqtt_prefix": "invalid_mqtt_prefix"}),
    ({"mqtt_prefix": "x" * 201}, {"mqtt_prefix": "invalid_mqtt_prefix"}),
]


async def test_what_cannot_be(
    hass: HomeAssistant, board: ConfigEntry, subtests: pytest.Subtests
) -> None:
    """It is said at its field, nothing is kept, and the form goes on with what was typed."""
    form = await start(hass, board)
    for fields, error in CANNOT_BE:
        with subtests.test(str(fields)):
            form = await submit(hass, form, **fields)
            assert form["errors"] == error
            assert suggested(form).items() >= fields.items()
    assert board.options == {}
    done = await submit(hass, form, webhook_address="FE80::20")
    assert done["type"] is FlowResultType.CREATE_ENTRY
    assert board.options["webhook_address"] == "fe80::20"


async def test_one_board_for_an_address(
    hass: HomeAssistant, board: ConfigEntry
) -> None:
    """The second board is told which one has it; the first may keep it."""
    await submit(hass, await start(hass, board), webhook_address="192.168.1.20")
    other = board_entry(CONFIG, key="other", title="Barn board")
    await set_up(hass, other)
    form = await submit(
        hass, await start(hass, other), webhook_address="::ffff:192.168.1.20"
    )
    assert form["errors"] == {"webhook_address": "webhook_address_used"}
    assert placeholders(form)["other"] == "Harbour board"
    done = await submit(hass, await start(hass, board), webhook_address="192.168.1.20")
    assert done["type"] is FlowResultType.CREATE_ENTRY


async def test_other_entries_have_no_options(hass: HomeAssistant) -> None:
    """A home is reconfigured, it has no options."""
    home = home_entry("Attic")
    await set_up(hass, home)
    assert not home.supports_options
