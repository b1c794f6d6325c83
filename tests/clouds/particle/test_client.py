"""The Particle client over real HTTP."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from datetime import timedelta
from itertools import pairwise
import logging
import traceback

import aiohttp
from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.energy_homes.clouds.errors import (
    CloudAuthError,
    CloudError,
    CloudNonsenseError,
    CloudOutageError,
    CloudQuotaError,
    CloudRequestError,
)
from custom_components.energy_homes.clouds.particle.client import (
    ParticleCall,
    ParticleClient,
)
from custom_components.energy_homes.clouds.particle.errors import (
    BoardTrouble,
    CloudBoardError,
)
from custom_components.energy_homes.clouds.particle.models import EventBatch
from tests.clouds.conftest import TOKEN
from tests.patience import PATIENCE_S

from .cloud import END, ParticleCloud

BOARD = "0123456789abcdef01234567"
BEARER = f"Bearer {TOKEN}"
EVENT = (
    b'event: power\ndata: {"data":"5.485412","ttl":60,'
    b'"published_at":"2018-06-09T12:00:00.000Z","coreid":"%b"}\n\n' % BOARD.encode()
)

type Ask = Callable[[ParticleClient], Awaitable[object]]


async def listen(client: ParticleClient) -> list[EventBatch]:
    """Return all batches of a stream that ends."""
    return [batch async for batch in client.events()]


ASKS: dict[str, Ask] = {
    "/v1/access_tokens/current": ParticleClient.token_info,
    "/v1/devices": ParticleClient.devices,
    f"/v1/devices/{BOARD}": lambda client: client.device(BOARD),
    f"/v1/devices/{BOARD}/SoC": lambda client: client.variable(BOARD, "SoC"),
    "/v1/devices/events": listen,
}


@pytest.fixture
async def particle(socket_enabled: None) -> AsyncIterator[ParticleCloud]:
    """Return a cloud that is listening."""
    cloud = ParticleCloud()
    async with cloud.serve():
        yield cloud


@pytest.fixture
def calls() -> list[ParticleCall]:
    """Return the calls that the client was about to make."""
    return []


@pytest.fixture
def boards(
    particle: ParticleCloud, session: aiohttp.ClientSession, calls: list[ParticleCall]
) -> ParticleClient:
    """Return a client of all boards of an account."""
    return ParticleClient(
        session,
        TOKEN,
        particle.url,
        on_call=calls.append,
        timeout_s=PATIENCE_S,
        idle_s=PATIENCE_S,
    )


@pytest.fixture
def product(particle: ParticleCloud, session: aiohttp.ClientSession) -> ParticleClient:
    """Return a client of one product's boards."""
    return ParticleClient(
        session, TOKEN, particle.url, product="fridges", timeout_s=PATIENCE_S
    )


async def test_an_account_is_asked(
    particle: ParticleCloud, boards: ParticleClient, calls: list[ParticleCall]
) -> None:
    """Each method is one call, with the token in a header only."""
    particle.reply("/v1/access_tokens/current", {"expires_at": None})
    particle.reply("/v1/devices", [{"id": BOARD, "name": "fridge"}])
    particle.reply(
        f"/v1/devices/{BOARD}", {"id": BOARD, "variables": {"SoC": "double"}}
    )
    particle.reply(f"/v1/devices/{BOARD}/SoC", {"name": "SoC", "result": 51.5})
    assert (await boards.token_info()).expires_at is None
    assert [board.name for board in await boards.devices()] == ["fridge"]
    assert (await boards.device(BOARD)).variables == {"SoC": "double"}
    assert (await boards.variable(BOARD, "SoC")).number == 51.5
    assert [path for path, _, _ in particle.asked] == list(ASKS)[:4]
    assert {token for _, _, token in particle.asked} == {BEARER}
    assert not any(query for _, query, _ in particle.asked)
    assert calls == [ParticleCall.REQUEST] * 4


async def test_a_product_is_asked_page_by_page(
    particle: ParticleCloud, product: ParticleClient
) -> None:
    """All pages are read, each board once; its boards are asked for in the product."""
    path = "/v1/products/fridges/devices"
    for page, ids in {"1": "ab", "2": "bc"}.items():
        document = {"devices": [{"id": i} for i in ids], "meta": {"total_pages": 2}}
        particle.reply(f"{path}?{page}", document)
    particle.reply(f"{path}/a/V", {"result": 12})
    assert [board.board_id for board in await product.devices()] == ["a", "b", "c"]
    assert (await product.variable("a", "V")).number == 12
    particle.script = [EVENT, END]
    assert len(await listen(product)) == 2
    assert [asked for asked, _, _ in particle.asked][
        -1
    ] == "/v1/products/fridges/events"


async def test_a_products_pages_end(
    particle: ParticleCloud, product: ParticleClient
) -> None:
    """A cloud that tells of ever more pages is not asked for ever."""
    path = "/v1/products/fridges/devices"
    particle.reply(path, {"devices": [{"id": "a"}], "meta": {"total_pages": 10**9}})
    assert len(await product.devices()) == 1
    assert len(particle.asked) == 100


async def test_a_stream_is_heard(
    particle: ParticleCloud, boards: ParticleClient, calls: list[ParticleCall]
) -> None:
    """It is open at once; keep-alives are empty; events come whole from any chunks."""
    particle.script = [
        b":ok\n\n",
        b"\n",
        EVENT[:20],
        EVENT[20:] + EVENT,
        b"data: x\n\n",
    ]
    particle.script.append(END)
    first, *others = await listen(boards)
    assert first == EventBatch()
    events = [event for batch in others for event in batch.events]
    assert [(event.name, event.number) for event in events] == [("power", 5.485412)] * 2
    assert sum(batch.nonsense for batch in others) == 1
    ((_, query, token),) = particle.asked
    assert (query, token) == ({}, BEARER)
    assert calls == [ParticleCall.STREAM]


async def test_what_has_gathered_does_not_hold_the_loop(
    particle: ParticleCloud, boards: ParticleClient
) -> None:
    """A thousand events that come at once are taken in slices, and others have turns."""
    particle.script = [EVENT * 1000, END]
    turns = 0

    async def have_turns() -> None:
        """Have a turn whenever somebody may."""
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(have_turns())
    slices = [(len(batch.events), turns) async for batch in boards.events()]
    other.cancel()
    assert sum(size for size, _ in slices) == 1000
    assert max(size for size, _ in slices) < 20
    assert all(before < after for (_, before), (_, after) in pairwise(slices[1:]))


async def test_a_stream_that_falls_silent_has_broken(
    freezer: FrozenDateTimeFactory, particle: ParticleCloud, boards: ParticleClient
) -> None:
    """Silence is an outage, once what was said has been heard."""
    particle.script = [b":ok\n\n", EVENT]
    heard = 0

    async def hear() -> None:
        """Listen until the stream breaks."""
        nonlocal heard
        async for batch in boards.events():
            heard += len(batch.events)

    listening = asyncio.create_task(hear())
    while not heard:  # noqa: ASYNC110
        await asyncio.sleep(0)
    # Long waits end on a whole second.
    freezer.tick(PATIENCE_S + 1)
    with pytest.raises(CloudOutageError, match="no reply in time"):
        await listening
    assert heard == len(particle.asked) == 1


async def test_a_stream_that_is_cut_has_broken(
    particle: ParticleCloud, boards: ParticleClient
) -> None:
    """A connection that breaks in the middle of a line is an outage."""
    particle.script = [b":ok\n\n", EVENT[:20]]
    particle.cut = True
    with pytest.raises(CloudOutageError) as caught:
        await listen(boards)
    assert caught.value.__context__ is None


async def test_a_listener_may_leave(
    particle: ParticleCloud, boards: ParticleClient, session: aiohttp.ClientSession
) -> None:
    """A stream that is closed by us leaves no connection behind."""
    particle.script = [b":ok\n\n", EVENT]
    async with aclosing(boards.events()) as stream:
        assert await anext(stream) == EventBatch()
    assert session.connector is not None
    assert not session.connector._acquired


async def test_a_page_is_no_stream(
    particle: ParticleCloud, boards: ParticleClient
) -> None:
    """Somebody else's page with status 200 is an outage."""
    particle.replies["/v1/devices/events"] = (200, b"<html>", {})
    with pytest.raises(CloudOutageError, match="not a stream"):
        await listen(boards)


async def test_a_long_refusal_is_not_read_to_its_end(
    particle: ParticleCloud, boards: ParticleClient
) -> None:
    """A page of any length is an outage, and no more of it is kept than it takes."""
    particle.replies["/v1/devices/events"] = (403, b"<p>" * 200_000, {})
    with pytest.raises(CloudOutageError, match="HTTP status 403"):
        await listen(boards)


async def test_nothing_is_no_stream(
    particle: ParticleCloud, boards: ParticleClient
) -> None:
    """A success without a stream is an outage."""
    particle.replies["/v1/devices/events"] = (204, b"", {})
    with pytest.raises(CloudOutageError, match="HTTP status 204"):
        await listen(boards)


@pytest.mark.parametrize("path", ASKS)
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (302, CloudOutageError),
        (400, CloudRequestError),
        (401, CloudAuthError),
        (429, CloudQuotaError),
        (500, CloudOutageError),
        (503, CloudOutageError),
    ],
)
async def test_each_refusal_is_of_one_kind(
    particle: ParticleCloud,
    boards: ParticleClient,
    caplog: pytest.LogCaptureFixture,
    path: str,
    status: int,
    kind: type[CloudError],
) -> None:
    """Whatever is asked, a status means the same, and nobody learns the token from it."""
    caplog.set_level(logging.DEBUG)
    particle.reply(path, {"error": TOKEN}, status, **{"Retry-After": "7"})
    with pytest.raises(CloudError) as caught:
        await ASKS[path](boards)
    assert type(caught.value) is kind
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert TOKEN not in "".join(traceback.format_exception(caught.value))
    assert TOKEN not in caplog.text
    if isinstance(caught.value, CloudQuotaError):
        assert caught.value.retry_after == timedelta(seconds=7)


@pytest.mark.parametrize(
    ("status", "trouble"),
    [
        (403, BoardTrouble.FORBIDDEN),
        (404, BoardTrouble.UNKNOWN),
        (408, BoardTrouble.OFFLINE),
    ],
)
async def test_a_boards_trouble_is_its_own(
    particle: ParticleCloud,
    boards: ParticleClient,
    status: int,
    trouble: BoardTrouble,
) -> None:
    """A board that is offline, unknown or somebody else's says nothing of the account."""
    for path in (f"/v1/devices/{BOARD}", f"/v1/devices/{BOARD}/SoC"):
        particle.reply(path, {"error": "Timed out."}, status)
        with pytest.raises(CloudBoardError) as caught:
            await ASKS[path](boards)
        assert caught.value.trouble is trouble


async def test_a_body_that_is_no_reply_says_for_what(
    particle: ParticleCloud, boards: ParticleClient
) -> None:
    """Garbage is nonsense, and the error has no body in it."""
    particle.reply("/v1/devices", b"garbage")
    with pytest.raises(CloudNonsenseError, match="boards: reply is not JSON") as caught:
        await boards.devices()
    assert caught.value.__context__ is None


@pytest.mark.parametrize("base_url", ["", "nowhere", "http://[", "ftp://127.0.0.1"])
async def test_an_impossible_address_is_our_mistake(
    session: aiohttp.ClientSession, base_url: str
) -> None:
    """It is told from a cloud that is away."""
    client = ParticleClient(session, TOKEN, base_url)
    for ask in ASKS.values():
        with pytest.raises(CloudRequestError):
            await ask(client)


async def test_nobody_listening_is_an_outage(session: aiohttp.ClientSession) -> None:
    """No connection is an outage for requests and for streams."""
    client = ParticleClient(session, TOKEN, "http://127.0.0.1:9")
    for ask in ASKS.values():
        with pytest.raises(CloudOutageError):
            await ask(client)


@pytest.mark.parametrize("odd", ["../access_tokens", "", "a b", "x" * 65])
async def test_an_odd_name_is_not_asked_for(
    particle: ParticleCloud, boards: ParticleClient, odd: str
) -> None:
    """What cannot be a part of an address never leaves."""
    for ask in (boards.device(odd), boards.variable(BOARD, odd)):
        with pytest.raises(CloudRequestError):
            await ask
    assert not particle.asked


async def test_a_call_may_be_refused_by_us(
    particle: ParticleCloud, session: aiohttp.ClientSession
) -> None:
    """A limit of our own stops a call before it is made."""

    def refuse(call: ParticleCall) -> None:
        """Refuse."""
        raise CloudQuotaError(f"no {call}")

    client = ParticleClient(session, TOKEN, particle.url, on_call=refuse)
    for ask in ASKS.values():
        with pytest.raises(CloudQuotaError):
            await ask(client)
    assert not particle.asked


async def test_the_token_is_in_no_repr(boards: ParticleClient) -> None:
    """Nobody learns the token from a log of the client."""
    assert TOKEN not in repr(boards)
