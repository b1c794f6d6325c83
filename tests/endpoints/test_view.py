"""The board's endpoint: true answers for those who know the secret, none for others."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from aiohttp import FormData
from aiohttp.test_utils import TestClient
from freezegun.api import FrozenDateTimeFactory
from hass_nabucasa import remote
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.energy_homes.accounts.pulse_board.hub import PulseBoardHub
from custom_components.energy_homes.accounts.pulse_board.known import (
    STRANGERS,
    boards_of,
)
from custom_components.energy_homes.boards.config import BoardConfig
from custom_components.energy_homes.endpoints.view import (
    BODY_WITHIN_S,
    async_register_board_view,
)
from custom_components.energy_homes.ledger import Ledger
from tests.board_kit import KEY, SECRET, ledger_at, started_hub
from tests.endpoints.abuse import flood

URL: Final = f"/api/energy_homes/board/{SECRET}"
SENSORS: Final = f"{URL}/v1/sensors/update"
OK: Final = (200, "WEBHOOK 200 OK\n")
PUBLIC: Final = "203.0.113.7"

type Client = TestClient[Any, Any]


@pytest.fixture
def real_clock() -> None:
    """Leave the clock alone: a frozen one tells the log of requests no time zone."""


@pytest.fixture
async def ledger(
    request: pytest.FixtureRequest, hass: HomeAssistant, tmp_path: Path
) -> AsyncIterator[Ledger]:
    """Return an open ledger; who waits for it waits by a clock that stands still.

    Not so in tests that are slow: their limits are over by the clock on the wall.
    """
    slow = request.node.get_closest_marker("slow") is not None
    if not slow and "real_clock" not in request.fixturenames:
        request.getfixturevalue("freezer")
    ledger = ledger_at(hass, tmp_path)
    await ledger.async_open()
    yield ledger
    await ledger.async_close()


@pytest.fixture
async def hub(hass: HomeAssistant, ledger: Ledger) -> AsyncIterator[PulseBoardHub]:
    """Return a board that only local addresses may be."""
    hub = await started_hub(hass, ledger)
    yield hub
    await hub.async_stop()


@pytest.fixture
async def client(
    hass: HomeAssistant,
    hub: PulseBoardHub,
    socket_enabled: None,
    hass_client_no_auth: ClientSessionGenerator,
) -> Client:
    """Return who calls Home Assistant by a proxy that it trusts."""
    proxies = {"use_x_forwarded_for": True, "trusted_proxies": ["127.0.0.1"]}
    assert await async_setup_component(hass, "http", {"http": proxies})
    async_register_board_view(hass)
    client: Client = await hass_client_no_auth()
    return client


async def get(client: Client, query: str, **headers: str) -> tuple[int, str]:
    """Send a query as a board does."""
    async with client.get(f"{URL}?{query}", headers=headers) as response:
        return response.status, await response.text()


async def post(client: Client, data: Any, **headers: str) -> tuple[int, str]:
    """Send a body as a board does."""
    async with client.post(URL, data=data, headers=headers) as response:
        return response.status, await response.text()


async def test_pulses_by_any_way(client: Client, hub: PulseBoardHub) -> None:
    """Query, form and JSON are answered with the line that boards look for."""
    assert await get(client, "powerup=true") == OK
    assert await get(client, "channel=1&millis=1000") == OK
    form = FormData({"channel": "1", "millis": "4600"})
    async with client.post(URL, data=form) as response:
        assert (response.status, await response.text()) == OK
        assert response.content_type == "text/plain"
    async with client.post(URL, json={"channel": 1, "millis": 8200}) as response:
        assert (response.status, await response.text()) == OK
    assert await get(client, "channel=1&millis=-2147483648") == OK
    assert hub.book.channels[1].pulses == 4


async def test_query_is_decoded_once(client: Client, hub: PulseBoardHub) -> None:
    """An encoded sign is a text, not one more field."""
    status, text = await get(client, "channel=1%26millis%3D1000")
    assert status == 400
    assert "WEBHOOK 400 Bad Request" in text
    assert await get(client, "channel=%31&millis=1000") == OK
    assert hub.book.channels[1].pulses == 1


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("", "unknown"),
        ("hello=world", "unknown"),
        ("channel=1", "incomplete"),
        ("channel=0&millis=1", "channel"),
        ("channel=65&millis=1", "channel"),
        ("channel=1&millis=abc", "millis"),
        ("channel=1&millis=4294967296", "millis"),
        ("channel=1&millis=1.5", "millis"),
        ("channel=1&metercount=0", "metercount"),
        ("channel=1&channel=2&millis=1", "repeated"),
        ("powerup=perhaps", "flag"),
        ("channel=%ff&millis=1", "unreadable"),
        ("&".join(f"f{n}=1" for n in range(40)), "too_large"),
    ],
)
async def test_what_nobody_can_use(
    client: Client, hub: PulseBoardHub, query: str, problem: str
) -> None:
    """It is said what was wrong, counted, and nothing changes."""
    status, text = await get(client, query)
    assert status in {400, 413}
    assert text.startswith(f"WEBHOOK {status} ")
    assert dict(hub.hearing.counts) == {problem: 1}
    assert hub.book.commits == 0
    assert hub.presence.last_heard is None


async def test_set_meter_is_off(client: Client, hub: PulseBoardHub) -> None:
    """The board is told that its meter count was not taken."""
    status, text = await get(client, "channel=1&metercount=336279")
    assert (status, text) == (403, "WEBHOOK 403 Forbidden: set meter is off\n")
    hub.hearing.let_set_meter(True)
    assert await get(client, "channel=1&metercount=336279") == OK
    assert hub.book.channels[1].reading == 3362.79


async def test_ledger_fails(client: Client, hub: PulseBoardHub, ledger: Ledger) -> None:
    """The status is true, and the line makes the board try again."""
    await ledger.async_close()
    assert await get(client, "channel=1&millis=1") == (503, "WEBHOOK 102 Processing\n")
    assert (await get(client, "powerup=true"))[0] == 503
    await ledger.async_open()
    assert await get(client, "channel=1&millis=1") == OK
    assert hub.book.channels[1].pulses == 1


@pytest.mark.parametrize(
    "address",
    ["192.168.1.20", "10.0.0.3", "172.20.1.1", "fd12::7", "fe80::1", "::1"],
)
async def test_local_addresses(
    client: Client, hub: PulseBoardHub, address: str
) -> None:
    """A board may call from the same network, also by a proxy that is trusted."""
    assert await get(client, "foo=bar", **{"X-Forwarded-For": address}) == OK


@pytest.mark.parametrize(
    "address", [PUBLIC, "2001:db8::7", "::ffff:203.0.113.7", "100.64.0.1"]
)
async def test_other_addresses(
    hass: HomeAssistant, client: Client, hub: PulseBoardHub, address: str
) -> None:
    """From elsewhere the right secret is answered as a wrong one is."""
    told = await get(client, "channel=1&millis=1", **{"X-Forwarded-For": address})
    assert told == (404, "")
    assert hub.book.channels[1].pulses == 0
    assert boards_of(hass).strangers == 1


async def test_cloud_is_not_local(
    hass: HomeAssistant,
    hub: PulseBoardHub,
    socket_enabled: None,
    hass_client_no_auth: ClientSessionGenerator,
) -> None:
    """What comes by Home Assistant's own cloud only seems to come from this machine."""
    assert await async_setup_component(hass, "http", {})
    async_register_board_view(hass)
    hass.config.components.add("cloud")
    # Requests have the context in which their server was started.
    token = remote.is_cloud_request.set(True)
    client: Client = await hass_client_no_auth()
    remote.is_cloud_request.reset(token)
    assert await get(client, "channel=1&millis=1") == (404, "")
    assert hub.book.channels[1].pulses == 0


async def test_mapped_address_is_local(client: Client, hub: PulseBoardHub) -> None:
    """An IPv4 address that IPv6 carries is what it is."""
    headers = {"X-Forwarded-For": "::ffff:192.168.1.20"}
    assert await get(client, "foo=bar", **headers) == OK


async def test_board_that_is_opened(
    hass: HomeAssistant, hub: PulseBoardHub, ledger: Ledger, client: Client
) -> None:
    """Its owner may let it call from anywhere."""
    secret = f"{SECRET}-open"
    config = BoardConfig(secret=secret, open_to_all=True)
    opened = await started_hub(hass, ledger, config=config, key="open")
    async with client.get(
        f"/api/energy_homes/board/{secret}?channel=3&millis=1",
        headers={"X-Forwarded-For": PUBLIC},
    ) as response:
        assert response.status == 200
    assert opened.book.channels[3].pulses == 1
    assert 3 not in hub.book.channels
    await opened.async_stop()


@pytest.mark.parametrize(
    "secret",
    ["x", SECRET[:-1], f"{SECRET}0", SECRET.upper(), "%C3%A4", "%FF", "a" * 4000],
)
async def test_unknown_secret(client: Client, hub: PulseBoardHub, secret: str) -> None:
    """The answer says nothing."""
    for call in (client.get, client.post):
        url = f"/api/energy_homes/board/{secret}?channel=1&millis=1"
        async with call(url) as response:
            assert (response.status, await response.text()) == (404, "")
    url = f"/api/energy_homes/board/{secret}/v1/sensors/update"
    async with client.put(url, json={}) as response:
        assert (response.status, await response.text()) == (404, "")
    assert hub.book.channels[1].pulses == 0


async def test_board_that_is_gone(client: Client, hub: PulseBoardHub) -> None:
    """A board that is not loaded is not known."""
    await hub.async_stop()
    assert await get(client, "channel=1&millis=1") == (404, "")


async def test_guessing_is_limited_and_disturbs_no_board(
    freezer: FrozenDateTimeFactory, client: Client, hub: PulseBoardHub
) -> None:
    """Who guesses is soon not answered; the board behind the same address is."""
    statuses = []
    for number in range(60):
        async with client.get(f"/api/energy_homes/board/{number}") as response:
            statuses.append(response.status)
    assert statuses[0] == 404
    assert statuses[-1] == 429
    assert await get(client, "channel=1&millis=1") == OK


async def test_many_strangers_take_bounded_memory(
    hass: HomeAssistant, client: Client, hub: PulseBoardHub
) -> None:
    """No address that asks makes us remember more than a bound."""
    boards = boards_of(hass)
    for number in range(5 * STRANGERS):
        boards.stranger_may_ask(f"2001:db8:{number:x}::1", 0.0)
    assert len(boards._limit) == STRANGERS
    assert boards.strangers == 5 * STRANGERS
    assert not boards.stranger_may_ask("198.51.100.1", 0.0)


@pytest.mark.heavy
async def test_one_board_cannot_flood(
    freezer: FrozenDateTimeFactory, client: Client, hub: PulseBoardHub
) -> None:
    """Beyond its rate a board is told to wait, with the line that makes it repeat."""
    replies = [await get(client, "foo=bar") for _ in range(410)]
    assert replies[:400] == [OK] * 400
    assert replies[400:] == [(429, "WEBHOOK 102 Processing\n")] * 10
    assert hub.hearing.counts["too_many"] == 10
    freezer.tick(1)
    assert await get(client, "foo=bar") == OK


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"x" * 3000, {}),
        (b"channel=1&millis=1&" + b"x" * 10_000_000, {}),
        (b"{" * 2000, {}),
        (b"[" * 2048, {"Content-Type": "application/json"}),
        (b'{"channel":1,"millis":1,"channel":2}', {}),
        (b'{"channel":[1],"millis":{"a":1}}', {}),
        (b'{"channel":1e999,"millis":NaN}', {}),
        (b'{"channel":true,"millis":null}', {}),
        (b'"channel"', {"Content-Type": "application/json"}),
        (b"\xff\xfe\x00", {}),
        (b"channel=1&millis=1", {"Content-Encoding": "gzip"}),
        (b"channel=1&millis=1", {"Content-Encoding": "nonsense"}),
    ],
)
async def test_bodies_of_no_board(
    client: Client, hub: PulseBoardHub, body: bytes, headers: dict[str, str]
) -> None:
    """Huge, nested, broken or compressed: refused, and nothing changes."""
    status, _ = await post(client, body, **headers)
    assert status in {400, 413}
    assert hub.book.commits == 0


async def test_huge_body_without_a_length(client: Client, hub: PulseBoardHub) -> None:
    """What comes in pieces is read up to the limit and no further."""
    sent = 0

    async def pieces() -> AsyncIterator[bytes]:
        """Send for as long as somebody reads."""
        nonlocal sent
        for _ in range(10_000):
            sent += 1000
            yield b"x" * 1000
            await asyncio.sleep(0)

    status, text = await post(client, pieces())
    assert status == 413
    assert text.startswith("WEBHOOK 413 ")
    assert hub.hearing.counts["too_large"] == 1


async def test_body_that_breaks_off(
    client: Client, hub: PulseBoardHub, caplog: pytest.LogCaptureFixture
) -> None:
    """A request that is cut, or chunked wrongly, changes nothing and hurts nobody."""
    assert client.port is not None
    head = f"POST {URL} HTTP/1.1\r\nHost: x\r\n"
    for rest in (
        "Content-Length: 100\r\n\r\nchannel=1&millis=1",
        "Transfer-Encoding: chunked\r\n\r\nzz\r\nchannel=1\r\n",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nchann",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nchann\r\nzz\r\n",
        "\r\nnonsense",
    ):
        reader, writer = await asyncio.open_connection(client.host, client.port)
        writer.write(f"{head}{rest}".encode())
        writer.write_eof()
        assert b"200 OK" not in await reader.read(1000)
        writer.close()
    assert hub.book.commits == 0
    assert "could not be answered" not in caplog.text
    assert await get(client, "channel=1&millis=1") == OK


async def opened_post(
    client: Client, hub: PulseBoardHub, head: str
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Return a request whose body is being waited for."""
    assert client.port is not None
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(f"POST {URL} HTTP/1.1\r\nHost: x\r\n{head}".encode())
    while not hub.calls_last_hour:  # noqa: ASYNC110
        await asyncio.sleep(0)
    return reader, writer


async def test_body_that_does_not_come(
    hass: HomeAssistant, client: Client, hub: PulseBoardHub
) -> None:
    """Nobody is waited for without an end."""
    head = "Content-Length: 18\r\n\r\nchannel=1"
    reader, writer = await opened_post(client, hub, head)
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=BODY_WITHIN_S))
    answer = await reader.readuntil(b"in time\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    writer.close()
    assert hub.hearing.counts["unreadable"] == 1


async def test_home_assistant_stops(
    hass: HomeAssistant, client: Client, hub: PulseBoardHub
) -> None:
    """A board is told to come again when Home Assistant is on its way down."""
    hass.set_state(CoreState.stopping)
    assert await get(client, "powerup=true") == (503, "WEBHOOK 102 Processing\n")
    hass.set_state(CoreState.running)


@pytest.mark.slow
async def test_ten_thousand_requests_of_garbage(
    client: Client, hub: PulseBoardHub, caplog: pytest.LogCaptureFixture
) -> None:
    """None is taken for a pulse, none fails inside, and the board is heard after it."""
    caplog.set_level("WARNING", "aiohttp.access")
    statuses = await flood(client)
    assert statuses.total() == 10_000
    assert set(statuses) <= {400, 413, 422, 429}
    assert hub.book.commits == 0
    assert sum(hub.hearing.counts.values()) == 10_000
    assert SECRET not in caplog.text
    assert "Traceback" not in caplog.text
    while await get(client, "channel=1&millis=1") != OK:
        pass


async def test_secret_is_in_no_log(
    real_clock: None,
    client: Client,
    hub: PulseBoardHub,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Not even where everything is logged."""
    caplog.set_level("DEBUG")
    assert await get(client, "debug=true") == OK
    assert await get(client, "channel=1&millis=1") == OK
    assert (await get(client, "channel=1&millis=x"))[0] == 400
    await get(client, "foo=bar", **{"X-Forwarded-For": PUBLIC})
    assert (await get(client, "x=../../etc"))[0] == 400
    assert "/api/energy_homes/board/**?channel=1" in caplog.text
    assert SECRET not in caplog.text
    assert not [record for record in caplog.records if SECRET in str(vars(record))]


async def test_error_inside(
    client: Client, hub: PulseBoardHub, caplog: pytest.LogCaptureFixture
) -> None:
    """What nobody foresaw is answered as a failure and logged without the secret."""

    def fail() -> None:
        """Be in trouble."""
        raise RuntimeError("somebody's own trouble")

    hub.hearing.push_asked.add(fail)
    assert await get(client, "pushtogoogle=true") == (500, "WEBHOOK 100 error\n")
    assert "somebody's own trouble" in caplog.text
    assert SECRET not in caplog.text


async def test_daemon_reports(client: Client, hub: PulseBoardHub) -> None:
    """A daemon is answered as its own server answered it."""
    report = {
        "host_id": "pi",
        "sensors": {
            "a": {"type": "dummy", "value": 21.5, "alias": "Hall"},
            "b": {"type": "dummy", "value": None},
        },
    }
    async with client.put(SENSORS, json=report) as response:
        assert response.status == 201
        assert await response.json() == {"status": "ok", "ids": ["pi_a", "pi_b"]}
    assert hub.sensing.sensors.all["pi", "a"].reading.temperature == 21.5

    sensors: dict[str, Any] = report["sensors"]  # type: ignore[assignment]
    sensors["a"]["value"] = "warm"
    async with client.put(SENSORS, json=report) as response:
        assert response.status == 400
        assert (await response.json())["status"] == "partial"
    assert hub.sensing.sensors.all["pi", "a"].reading.temperature == 21.5
    for body, status in (
        (b"{", 400),
        (b"{}", 422),
        (b'{"host_id":"pi","sensors":{"a":1}}', 400),
        (b" " * 70_000, 413),
    ):
        async with client.put(SENSORS, data=body) as response:
            assert response.status == status
            assert (await response.json())["status"] in {"error", "failed"}


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods(client: Client, hub: PulseBoardHub, method: str) -> None:
    """What no board does is refused."""
    async with client.request(method, f"{URL}?channel=1&millis=1") as response:
        assert response.status == 405
    assert hub.book.commits == 0


async def test_answers_come_after_the_commit(
    client: Client, hub: PulseBoardHub, ledger: Ledger
) -> None:
    """When the board reads its answer, the ledger has the pulse."""
    for number in range(1, 20):
        assert await get(client, f"channel=1&millis={number * 1000}") == OK
        assert (await ledger.boards.async_load(KEY))[1]["pulses"] == number
