"""The address of boards with burnt-in firmware: for one board each, and nobody else."""

from typing import Any, Final

from aiohttp.test_utils import TestClient
from hass_nabucasa import remote
from homeassistant.components.recorder import Recorder
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.energy_homes.accounts.pulse_board.hub import PulseBoardHub
from custom_components.energy_homes.accounts.pulse_board.known import boards_of
from custom_components.energy_homes.accounts.registry import DATA_ACCOUNTS
from custom_components.energy_homes.boards.options import BoardOptions
from tests.board_kit import CONFIG, KEY
from tests.builders import board_entry, set_up

OK: Final = (200, "WEBHOOK 200 OK\n")
BOARD: Final = "192.168.1.20"

type Client = TestClient[Any, Any]


@pytest.fixture
def board() -> ConfigEntry:
    """Return a board that is not set up yet."""
    entry: ConfigEntry = board_entry()
    return entry


@pytest.fixture
async def client(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    board: ConfigEntry,
    socket_enabled: None,
    hass_client_no_auth: ClientSessionGenerator,
) -> Client:
    """Return who calls Home Assistant, with a board, by a proxy that it trusts."""
    proxies = {"use_x_forwarded_for": True, "trusted_proxies": ["127.0.0.1"]}
    assert await async_setup_component(hass, "http", {"http": proxies})
    await set_up(hass, board)
    client: Client = await hass_client_no_auth()
    return client


async def switch(
    hass: HomeAssistant, board: ConfigEntry, address: str | None
) -> PulseBoardHub:
    """Set the board's address as the options flow does; return its hub."""
    options = BoardOptions(webhook_address=address).as_data()
    hass.config_entries.async_update_entry(board, options=options)
    await hass.config_entries.async_reload(board.entry_id)
    return hub_of(hass)


def hub_of(hass: HomeAssistant, key: str = KEY) -> PulseBoardHub:
    """Return a board's hub."""
    hub = hass.data[DATA_ACCOUNTS].hubs[key]
    assert isinstance(hub, PulseBoardHub)
    return hub


async def call(
    client: Client,
    query: str = "channel=1&millis=1000",
    method: str = "GET",
    address: str = BOARD,
    **headers: str,
) -> tuple[int, str]:
    """Call as a board does."""
    async with client.request(
        method,
        f"/webhook.php?{query}",
        headers={"X-Forwarded-For": address, **headers},
    ) as response:
        return response.status, await response.text()


async def test_comes_and_goes_with_the_option(
    hass: HomeAssistant, board: ConfigEntry, client: Client
) -> None:
    """Off by default; switched on and off while Home Assistant runs."""
    assert await call(client) == (404, "")
    hub = await switch(hass, board, BOARD)
    assert await call(client) == OK
    assert hub.book.channels[1].pulses == 1
    hub = await switch(hass, board, None)
    assert await call(client, "channel=1&millis=2000") == (404, "")
    assert hub.book.channels[1].pulses == 1
    hub = await switch(hass, board, "192.168.1.30")
    assert await call(client) == (404, "")
    assert (await call(client, address="192.168.1.30"))[0] == 200
    assert boards_of(hass).strangers == 3


async def test_all_that_boards_say(
    hass: HomeAssistant, board: ConfigEntry, client: Client
) -> None:
    """By GET and POST, in a query and in a form, with the line that they look for."""
    hub = await switch(hass, board, BOARD)
    for query in ("powerup=true", "foo=bar", "debug=false", "stop=true"):
        assert await call(client, query) == OK
        assert await call(client, query, "POST") == OK
    headers = {"X-Forwarded-For": BOARD}
    form = {"channel": "2", "millis": "1000"}
    async with client.post("/webhook.php", data=form, headers=headers) as response:
        assert (response.status, await response.text()) == OK
    assert hub.book.channels[2].pulses == 1
    status, text = await call(client, "channel=1&metercount=336279")
    assert (status, text.split(":")[0]) == (403, "WEBHOOK 403 Forbidden")
    status, text = await call(client, "channel=99&millis=1")
    assert status == 400
    assert text.startswith("WEBHOOK 400 Bad Request: ")
    assert hub.hearing.counts["channel"] == 1
    assert (await call(client, "x" * 3000))[0] == 413


OTHERS = ("192.168.1.21", "192.168.1.2", "127.0.0.1", "203.0.113.7", "fe80::20", "::1")
OTHER_METHODS = ("PUT", "DELETE", "OPTIONS", "PATCH")


async def test_nobody_else(
    hass: HomeAssistant,
    board: ConfigEntry,
    client: Client,
    subtests: pytest.Subtests,
) -> None:
    """Others are told nothing, and are counted."""
    hub = await switch(hass, board, BOARD)
    for number, address in enumerate(OTHERS, start=1):
        with subtests.test(address):
            assert await call(client, address=address) == (404, "")
            assert boards_of(hass).strangers == number
    assert hub.book.channels[1].pulses == 0


async def test_other_methods(
    hass: HomeAssistant,
    board: ConfigEntry,
    client: Client,
    subtests: pytest.Subtests,
) -> None:
    """Not even that there is something is told, on or off."""
    for method in OTHER_METHODS:
        with subtests.test(method, on=False):
            assert await call(client, method=method) == (404, "")
    hub = await switch(hass, board, BOARD)
    for method in OTHER_METHODS:
        with subtests.test(method, on=True):
            assert await call(client, method=method) == (404, "")
    assert hub.book.channels[1].pulses == 0


async def test_address_is_the_true_one(
    hass: HomeAssistant,
    board: ConfigEntry,
    recorder_mock: Recorder,
    socket_enabled: None,
    hass_client_no_auth: ClientSessionGenerator,
) -> None:
    """What somebody who is no trusted proxy says of an address is not believed."""
    assert await async_setup_component(hass, "http", {})
    await set_up(hass, board)
    client: Client = await hass_client_no_auth()
    hub = await switch(hass, board, BOARD)
    status, _ = await call(client)
    assert status in {400, 404}
    status, _ = await call(client, Forwarded=f"for={BOARD}")
    assert status in {400, 404}
    assert hub.book.channels[1].pulses == 0


async def test_proxy_that_passes_on_more_than_one_address(
    hass: HomeAssistant, board: ConfigEntry, client: Client
) -> None:
    """The one that counts is that which the trusted proxy has seen."""
    hub = await switch(hass, board, BOARD)
    status, _ = await call(client, address=f"{BOARD}, 203.0.113.7")
    assert status == 404
    assert hub.book.channels[1].pulses == 0
    assert (await call(client, address=f"203.0.113.7, {BOARD}"))[0] == 200


async def test_never_by_the_cloud(
    hass: HomeAssistant,
    board: ConfigEntry,
    recorder_mock: Recorder,
    socket_enabled: None,
    hass_client_no_auth: ClientSessionGenerator,
) -> None:
    """What comes by Home Assistant's own cloud is not the board, whatever its address."""
    proxies = {"use_x_forwarded_for": True, "trusted_proxies": ["127.0.0.1"]}
    assert await async_setup_component(hass, "http", {"http": proxies})
    await set_up(hass, board)
    hass.config.components.add("cloud")
    # Requests have the context in which their server was started.
    token = remote.is_cloud_request.set(True)
    client: Client = await hass_client_no_auth()
    remote.is_cloud_request.reset(token)
    hub = await switch(hass, board, BOARD)
    assert await call(client) == (404, "")
    assert hub.book.channels[1].pulses == 0


async def test_each_board_has_its_own(
    hass: HomeAssistant, board: ConfigEntry, client: Client
) -> None:
    """Two boards are told apart; one that goes takes only its own address away."""
    first = await switch(hass, board, BOARD)
    other = board_entry(CONFIG, key="other", title="Barn board")
    other.add_to_hass(hass)
    options = BoardOptions(webhook_address="192.168.1.30").as_data()
    hass.config_entries.async_update_entry(other, options=options)
    await set_up(hass)
    await hass.config_entries.async_setup(other.entry_id)
    assert await call(client) == OK
    assert await call(client, "channel=1&millis=7", address="192.168.1.30") == OK
    assert (
        first.book.channels[1].pulses
        == hub_of(hass, "other").book.channels[1].pulses
        == 1
    )
    await hass.config_entries.async_remove(other.entry_id)
    assert await call(client, address="192.168.1.30") == (404, "")
    assert (await call(client, "channel=1&millis=4600"))[0] == 200


async def test_strangers_are_limited_and_disturb_no_board(
    hass: HomeAssistant, board: ConfigEntry, client: Client
) -> None:
    """Who tries again and again is soon not answered; the board is."""
    await switch(hass, board, BOARD)
    statuses = [(await call(client, address="192.168.1.66"))[0] for _ in range(40)]
    assert statuses[0] == 404
    assert 429 in statuses
    assert await call(client) == OK


async def test_address_that_somebody_else_took_over(hass: HomeAssistant) -> None:
    """Whoever detaches late takes away only what is still theirs."""
    boards = boards_of(hass)
    first, second = object(), object()
    detach = boards.attach_address(first, BOARD)  # type: ignore[arg-type]
    boards.attach_address(second, BOARD)  # type: ignore[arg-type]
    detach()
    assert boards.at(BOARD) is second
    assert boards.at(None) is None
