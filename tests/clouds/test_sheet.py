"""Readings for a spreadsheet's script: the call, and what goes wrong with it."""

from collections.abc import AsyncIterator
from socket import socket

from aiohttp import ClientSession
import pytest

from custom_components.energy_homes.clouds.errors import (
    CloudError,
    CloudOutageError,
    CloudRequestError,
)
from custom_components.energy_homes.clouds.sheet import (
    PushRefusedError,
    is_push_url,
    push,
    push_url,
)
from tests.endpoints.receiver import SCRIPT, Receiver

READINGS = (279.97, 0, 3362.785, 12.0)


@pytest.fixture
async def receiver(socket_enabled: None) -> AsyncIterator[Receiver]:
    """Return who takes readings."""
    receiver = Receiver()
    async with receiver.serve():
        yield receiver


@pytest.mark.parametrize(
    ("address", "called"),
    [
        (
            "https://example.com/exec",
            "https://example.com/exec?function=updateSheet&dataString=279.97,0.00",
        ),
        (
            " https://example.com/exec?key=a%26b+c&x=1&function=old#part",
            (
                "https://example.com/exec?key=a%26b+c&x=1"
                "&function=updateSheet&dataString=279.97,0.00"
            ),
        ),
        (
            "http://user:pw@192.168.1.7:8080/?dataString=1",
            (
                "http://user:pw@192.168.1.7:8080/"
                "?function=updateSheet&dataString=279.97,0.00"
            ),
        ),
    ],
)
def test_what_is_called(address: str, called: str) -> None:
    """The address keeps the query that it has; values have two decimals."""
    assert str(push_url(address, (279.97, 0.0))) == called


@pytest.mark.parametrize(
    "address",
    [
        "",
        "example.com/exec",
        "ftp://example.com",
        "file:///etc/passwd",
        "http://",
        "http://[",
        "https://x:99999999",
    ],
)
async def test_what_is_no_address(address: str) -> None:
    """Nothing but an address of a server by http or https."""
    assert not is_push_url(address)
    with pytest.raises(CloudRequestError):
        push_url(address, READINGS)


async def test_push(receiver: Receiver) -> None:
    """The readings arrive once, by a redirect, as the old server sent them."""
    async with ClientSession() as session:
        assert await push(session, receiver.url, READINGS) == 200
        receiver.location = None
        assert await push(session, f"{receiver.url}?sheet=2", READINGS[:1]) == 200
    assert receiver.queries == [
        "function=updateSheet&dataString=279.97,0.00,3362.78,12.00",
        "sheet=2&function=updateSheet&dataString=279.97",
    ]


async def failure(receiver: Receiver, address: str | None = None) -> CloudError:
    """Return how a push fails."""
    async with ClientSession() as session:
        with pytest.raises(CloudError) as caught:
            await push(session, address or receiver.url, READINGS)
    error: BaseException | None = caught.value
    while error is not None:
        assert SCRIPT not in f"{error!r} {error}"
        error = error.__cause__ or error.__context__
    return caught.value


@pytest.mark.parametrize("status", [204, 400, 403, 404, 429, 500, 503])
async def test_status(receiver: Receiver, status: int) -> None:
    """What is no success is told with its status."""
    receiver.status = status
    if status == 204:
        async with ClientSession() as session:
            assert await push(session, receiver.url, READINGS) == 204
        return
    error = await failure(receiver)
    assert isinstance(error, PushRefusedError)
    assert error.status == status


async def test_redirects_that_lead_nowhere(receiver: Receiver) -> None:
    """They end, and the address is not told."""
    receiver.location = f"/macros/s/{SCRIPT}/exec"
    assert isinstance(await failure(receiver), CloudOutageError)
    assert len(receiver.queries) == 5
    receiver.location = f"file:///{SCRIPT}"
    assert isinstance(await failure(receiver), CloudRequestError)


async def test_nobody_there(receiver: Receiver) -> None:
    """A receiver that is not there is an outage."""
    with socket() as silent:
        # Bound by us, so that nobody else can listen there.
        silent.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{silent.getsockname()[1]}/{SCRIPT}"
        assert isinstance(await failure(receiver, nobody), CloudOutageError)
