"""The Netatmo client over real HTTP."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
import json
import logging
import traceback
from zoneinfo import ZoneInfo

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
import pytest

from custom_components.energy_homes.clouds.errors import (
    CloudAuthError,
    CloudBusyError,
    CloudError,
    CloudNonsenseError,
    CloudOutageError,
    CloudQuotaError,
    CloudRequestError,
)
from custom_components.energy_homes.clouds.netatmo.client import (
    MAX_POINTS,
    NetatmoClient,
)
from custom_components.energy_homes.clouds.netatmo.errors import (
    CloudRefusedError,
    CloudTokenExpiredError,
    Refusal,
)
from custom_components.energy_homes.clouds.netatmo.models import (
    MeasurePoint,
    MeasureScale,
)
from custom_components.energy_homes.heating.model import HomeMode
from custom_components.energy_homes.heating.netatmo.model import (
    FOREVER,
    RoomCall,
    VendorMode,
)
from custom_components.energy_homes.heating.netatmo.plan import RoomCommand
from tests.patience import PATIENCE_S

from .cloud import FIRST_TOKEN, FRESH_TOKEN, OK, NetatmoCloud, Tokens

NOW = datetime(2026, 11, 18, 10, 0, tzinfo=UTC)
NOW_S = int(NOW.timestamp())
HOUR = timedelta(hours=1)
MANUAL = RoomCommand(
    call=RoomCall.SETROOMTHERMPOINT,
    room_id="R1",
    mode=VendorMode.MANUAL,
    temperature=20.5,
    until=NOW + HOUR,
)
BY_STATE = RoomCommand(
    call=RoomCall.SETSTATE,
    room_id="R1",
    mode=VendorMode.MANUAL,
    temperature=7,
    until=FOREVER,
)
HOME = RoomCommand(call=RoomCall.SETROOMTHERMPOINT, room_id="R1", mode=VendorMode.HOME)
REFUSED = b'{"error":{"code":21,"message":"mode not authorized"}}'
type Ask = Callable[[NetatmoClient], Awaitable[object]]
READS: list[Ask] = [
    lambda client: client.homes(),
    lambda client: client.status("H1"),
    lambda client: client.room_series(
        "H1", "R1", ["temperature"], MeasureScale.HOUR, NOW, NOW + HOUR
    ),
    lambda client: client.series(
        "G1", "M1", ["boileron"], MeasureScale.MAX, NOW, NOW + HOUR
    ),
]
ORDERS: list[Ask] = [
    lambda client: client.set_room("H1", MANUAL),
    lambda client: client.set_room("H1", BY_STATE),
    lambda client: client.set_home_mode("H1", HomeMode.AWAY),
    lambda client: client.switch_schedule("H1", "S1"),
]


@pytest.fixture
async def netatmo(socket_enabled: None) -> AsyncIterator[NetatmoCloud]:
    """Return a cloud that is listening."""
    cloud = NetatmoCloud()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", cloud.handle)
    async with TestServer(app) as server:
        cloud.url = str(server.make_url("/"))
        yield cloud


@pytest.fixture
def tokens() -> Tokens:
    """Return the client's token provider."""
    return Tokens()


@pytest.fixture
def calls() -> list[str]:
    """Return the methods that the client was about to call."""
    return []


@pytest.fixture
def client(
    netatmo: NetatmoCloud,
    session: aiohttp.ClientSession,
    tokens: Tokens,
    calls: list[str],
) -> NetatmoClient:
    """Return a client of the cloud."""
    return NetatmoClient(
        session, tokens, netatmo.url, on_call=calls.append, timeout_s=PATIENCE_S
    )


async def test_reading(netatmo: NetatmoCloud, client: NetatmoClient) -> None:
    """Reads are posted forms, and the token is in the header alone."""
    netatmo.reply(b'{"body":{"homes":[{"id":"H1","name":"Home"}]},"status":"ok"}')
    assert [home.name for home in (await client.homes()).homes] == ["Home"]
    assert netatmo.asked[-1].form == {}
    await client.homes("H1")
    assert netatmo.asked[-1].form == {"home_id": "H1"}
    netatmo.reply(b'{"body":{"home":{"id":"H1","rooms":[{"id":"R1"}]}}}')
    assert (await client.status("H1")).rooms.keys() == {"R1"}
    assert netatmo.asked[-1].form == {"home_id": "H1"}
    assert [asked.path for asked in netatmo.asked] == [
        "/api/homesdata",
        "/api/homesdata",
        "/api/homestatus",
    ]
    assert {asked.method for asked in netatmo.asked} == {"POST"}
    assert {asked.query for asked in netatmo.asked} == {""}
    assert {asked.authorization for asked in netatmo.asked} == {f"Bearer {FIRST_TOKEN}"}


async def test_driving_a_room(netatmo: NetatmoCloud, client: NetatmoClient) -> None:
    """A command names its room, the temperature where there is one, and the end in seconds."""
    assert await client.set_room("H1", MANUAL)
    assert netatmo.asked[-1].path == "/api/setroomthermpoint"
    assert netatmo.asked[-1].form == {
        "home_id": "H1",
        "room_id": "R1",
        "mode": "manual",
        "temp": "20.5",
        "endtime": str(NOW_S + 3600),
    }
    assert await client.set_room("H1", HOME)
    assert netatmo.asked[-1].form == {"home_id": "H1", "room_id": "R1", "mode": "home"}
    assert await client.set_room("H1", BY_STATE)
    assert netatmo.asked[-1].path == "/api/setstate"
    assert netatmo.asked[-1].document == {
        "home": {
            "id": "H1",
            "rooms": [
                {
                    "id": "R1",
                    "therm_setpoint_mode": "manual",
                    "therm_setpoint_temperature": 7,
                    "therm_setpoint_end_time": 2147483647,
                }
            ],
        }
    }
    home = RoomCommand(call=RoomCall.SETSTATE, room_id="R1", mode=VendorMode.HOME)
    assert await client.set_room("H1", home)
    assert netatmo.asked[-1].document == {
        "home": {"id": "H1", "rooms": [{"id": "R1", "therm_setpoint_mode": "home"}]}
    }


async def test_an_end_within_a_second(
    netatmo: NetatmoCloud, client: NetatmoClient
) -> None:
    """An end is never sent earlier than it is, whatever its zone."""
    until = (NOW + timedelta(milliseconds=1)).astimezone(ZoneInfo("Asia/Kathmandu"))
    await client.set_home_mode("H1", HomeMode.FROST_GUARD, until=until)
    assert netatmo.asked[-1].form["endtime"] == str(NOW_S + 1)


async def test_driving_a_home(netatmo: NetatmoCloud, client: NetatmoClient) -> None:
    """Modes have the vendor's names."""
    assert await client.set_home_mode("H1", HomeMode.AWAY)
    assert netatmo.asked[-1].path == "/api/setthermmode"
    assert netatmo.asked[-1].form == {"home_id": "H1", "mode": "away"}
    assert await client.set_home_mode("H1", HomeMode.FROST_GUARD, until=NOW)
    assert netatmo.asked[-1].form["mode"] == "hg"
    assert await client.set_home_mode("H1", HomeMode.SCHEDULE, schedule_id="S1")
    assert netatmo.asked[-1].form == {
        "home_id": "H1",
        "mode": "schedule",
        "schedule_id": "S1",
    }
    assert await client.switch_schedule("H1", "S2")
    assert netatmo.asked[-1].path == "/api/switchhomeschedule"
    assert netatmo.asked[-1].form == {"home_id": "H1", "schedule_id": "S2"}


async def test_series(netatmo: NetatmoCloud, client: NetatmoClient) -> None:
    """Series are half-open, in steps whose beginnings are told."""
    netatmo.reply(
        json.dumps(
            {
                "body": [
                    {"beg_time": NOW_S, "step_time": 3600, "value": [[18], [19], [20]]}
                ]
            }
        ).encode()
    )
    points = await client.room_series(
        "H1",
        "R1",
        ["temperature", "sp_temperature"],
        MeasureScale.HOUR,
        NOW,
        NOW + 2 * HOUR,
    )
    assert points == (MeasurePoint(NOW, (18,)), MeasurePoint(NOW + HOUR, (19,)))
    assert netatmo.asked[-1].path == "/api/getroommeasure"
    assert netatmo.asked[-1].form == {
        "home_id": "H1",
        "room_id": "R1",
        "type": "temperature,sp_temperature",
        "scale": "1hour",
        "date_begin": str(NOW_S),
        "date_end": str(NOW_S + 7200),
        "limit": "1024",
        "optimize": "true",
        "real_time": "true",
    }
    points = await client.series(
        "G1",
        "M1",
        ["boileron"],
        MeasureScale.MAX,
        NOW,
        NOW + HOUR,
        limit=MAX_POINTS * 2,
        real_time=False,
    )
    assert len(points) == 1
    asked = netatmo.asked[-1]
    assert asked.path == "/api/getmeasure"
    assert (asked.form["device_id"], asked.form["module_id"]) == ("G1", "M1")
    assert (asked.form["limit"], asked.form["real_time"]) == ("1024", "false")


@pytest.mark.parametrize("ask", READS + ORDERS)
async def test_an_expired_token_is_refreshed_once(
    netatmo: NetatmoCloud,
    client: NetatmoClient,
    tokens: Tokens,
    calls: list[str],
    ask: Ask,
) -> None:
    """A call whose token is not taken is repeated once with a fresh one, and both count."""
    netatmo.taken = FRESH_TOKEN
    netatmo.reply(b'{"status":"ok","body":{}}')
    await ask(client)
    assert tokens.refreshes == 1
    assert [asked.authorization for asked in netatmo.asked] == [
        f"Bearer {FIRST_TOKEN}",
        f"Bearer {FRESH_TOKEN}",
    ]
    assert len(calls) == 2


async def test_calls_refused_together_refresh_once(
    netatmo: NetatmoCloud, client: NetatmoClient, tokens: Tokens
) -> None:
    """The first refreshes, the others get what it got."""
    netatmo.taken = FRESH_TOKEN
    await asyncio.gather(*(client.set_room("H1", MANUAL) for _ in range(5)))
    assert tokens.refreshes == 1


async def test_a_fresh_token_that_is_not_taken(
    netatmo: NetatmoCloud, client: NetatmoClient, tokens: Tokens
) -> None:
    """There is no third attempt."""
    netatmo.taken = "another"
    with pytest.raises(CloudTokenExpiredError) as caught:
        await client.homes()
    assert isinstance(caught.value, CloudAuthError)
    assert caught.value.__context__ is None
    assert (tokens.refreshes, len(netatmo.asked)) == (1, 2)


@pytest.mark.parametrize(
    "refusal",
    [CloudAuthError("no"), CloudQuotaError("later"), CloudOutageError("down")],
)
async def test_a_refresh_that_fails(
    netatmo: NetatmoCloud, session: aiohttp.ClientSession, refusal: CloudError
) -> None:
    """Its own kind is passed on: a quota of the token endpoint is no bad credential."""
    netatmo.taken = FRESH_TOKEN
    client = NetatmoClient(session, Tokens(refusal), netatmo.url)
    with pytest.raises(CloudError) as caught:
        await client.homes()
    assert caught.value is refusal
    assert len(netatmo.asked) == 1


async def test_no_other_error_refreshes(
    netatmo: NetatmoCloud, client: NetatmoClient, tokens: Tokens
) -> None:
    """Quota, refusal, outage and nonsense leave the token alone, and are not repeated."""
    for status, body, kind in (
        (403, b'{"error":{"code":26,"message":"User usage reached"}}', CloudQuotaError),
        (429, b'{"error":{"code":26}}', CloudQuotaError),
        (429, b'{"error":{"code":11}}', CloudBusyError),
        (403, b"", CloudOutageError),
        (400, REFUSED, CloudRefusedError),
        (502, b"<html></html>", CloudOutageError),
        (302, b"", CloudOutageError),
        (200, b"[]", CloudNonsenseError),
    ):
        netatmo.reply(body, status, {"Location": "/elsewhere", "Retry-After": "60"})
        netatmo.asked.clear()
        with pytest.raises(CloudError) as caught:
            await client.status("H1")
        assert type(caught.value) is kind
        assert len(netatmo.asked) == 1
    assert tokens.refreshes == 0


async def test_how_long_to_wait(netatmo: NetatmoCloud, client: NetatmoClient) -> None:
    """What the vendor asks to wait comes along."""
    netatmo.reply(b"", 429, {"Retry-After": "60"})
    with pytest.raises(CloudQuotaError) as caught:
        await client.homes()
    assert caught.value.retry_after == timedelta(minutes=1)


@pytest.mark.parametrize("order", ORDERS)
async def test_commands_that_are_refused(
    netatmo: NetatmoCloud, client: NetatmoClient, order: Ask
) -> None:
    """The vendor's code and words come along; what is so already is no refusal."""
    netatmo.reply(REFUSED, 400)
    with pytest.raises(CloudRefusedError) as caught:
        await order(client)
    assert (caught.value.code, caught.value.reason) == (21, Refusal.INVALID)
    assert caught.value.vendor_message == "mode not authorized"
    netatmo.reply(b'{"error":{"code":7,"message":"Nothing to modify"}}', 400)
    assert await order(client) is False
    netatmo.reply(b'{"status":"ok","body":{"errors":[{"code":6,"id":"M1"}]}}')
    with pytest.raises(CloudRefusedError) as caught:
        await order(client)
    assert caught.value.reason is Refusal.UNREACHABLE
    netatmo.reply(b'{"status":"failed"}')
    with pytest.raises(CloudNonsenseError):
        await order(client)
    netatmo.reply(OK)
    assert await order(client) is True


@pytest.mark.parametrize("ask", READS + ORDERS)
async def test_nobody_learns_the_token(
    netatmo: NetatmoCloud,
    client: NetatmoClient,
    caplog: pytest.LogCaptureFixture,
    ask: Ask,
) -> None:
    """It is in no exception, log or repr, also where the vendor quotes it."""
    caplog.set_level(logging.DEBUG)
    quoted = json.dumps({"error": {"code": 21, "message": f"bad {FIRST_TOKEN}"}})
    for body, status in ((b"", 500), (quoted.encode(), 400), (b"<html>", 403)):
        netatmo.reply(body, status)
        with pytest.raises(CloudError) as caught:
            await ask(client)
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None
        assert FIRST_TOKEN not in "".join(traceback.format_exception(caught.value))
        assert FIRST_TOKEN not in repr(vars(caught.value))
    assert FIRST_TOKEN not in caplog.text
    assert FIRST_TOKEN not in repr(client)


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("http://127.0.0.1:1", CloudOutageError),
        ("not an address", CloudRequestError),
        ("ftp://127.0.0.1", CloudRequestError),
        ("http://[::1", CloudRequestError),
        ("", CloudRequestError),
    ],
)
async def test_addresses(
    session: aiohttp.ClientSession, address: str, kind: type[CloudError]
) -> None:
    """An address where nobody answers is an outage, an impossible one our mistake."""
    client = NetatmoClient(session, Tokens(), address)
    with pytest.raises(CloudError) as caught:
        await client.homes()
    assert type(caught.value) is kind
    assert caught.value.__context__ is None


async def test_slash_at_the_end_of_the_address(
    netatmo: NetatmoCloud, session: aiohttp.ClientSession
) -> None:
    """An address may end in a slash or not."""
    for address in (netatmo.url, netatmo.url.rstrip("/")):
        await NetatmoClient(session, Tokens(), address).homes()
    assert {asked.path for asked in netatmo.asked} == {"/api/homesdata"}
