"""Faults, calls and clock: the knobs of the simulator."""

import asyncio
from datetime import timedelta
import json
import os
from pathlib import Path
import signal
import subprocess
import sys
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout
import pytest

from simulator.faults import Fault
from tests.patience import PATIENCE_S
from tests.simulator.conftest import NOON
from tests.simulator_client import (
    ELM_TOKEN,
    MILL_TOKEN,
    SimulatorClient,
    start_simulator,
    to_ms,
)

SUMMARY = "getCurrentValuesSummary"
BODIES = {
    "bad_token": {"status": "error", "description": "bad token"},
    "bad_token_capital": {"status": "error", "desc": "Bad token"},
    "method_failed": {"status": "error", "desc": "Method call failed"},
    "empty_list": [],
}
ERROR_IDS = {
    "daily_limit": 404,
    "bad_request": 400,
    "no_household": 400,
    "error_500_body": 500,
}


async def ask(
    session: ClientSession, simulator: SimulatorClient, command: str = SUMMARY
) -> tuple[int, bytes]:
    """Call the cloud as any client does."""
    url = f"{simulator.url}/mobile_proxy/{command}"
    timeout = ClientTimeout(total=PATIENCE_S)
    parameters = {"token": MILL_TOKEN}
    async with session.get(url, params=parameters, timeout=timeout) as response:
        return response.status, await response.read()


async def reply(
    session: ClientSession, simulator: SimulatorClient, command: str = SUMMARY
) -> Any:
    """Return the JSON of a call."""
    return json.loads((await ask(session, simulator, command))[1])


@pytest.mark.parametrize("name", BODIES)
async def test_error_bodies(
    noon: SimulatorClient, session: ClientSession, name: str
) -> None:
    """Documented errors come with status 200."""
    noon.fault(name)
    assert await ask(session, noon) == (200, json.dumps(BODIES[name]).encode())


@pytest.mark.parametrize("name", ERROR_IDS)
async def test_error_ids(
    noon: SimulatorClient, session: ClientSession, name: str
) -> None:
    """Numbered errors carry their number."""
    noon.fault(name)
    assert (await reply(session, noon))["error"]["id"] == ERROR_IDS[name]


@pytest.mark.parametrize(
    ("name", "status", "words"),
    [
        ("html", 200, b"<html>"),
        ("empty_body", 200, b""),
        ("garbage", 200, b'{"age"'),
        ("http_500", 500, b""),
        ("http_503", 503, b""),
    ],
)
async def test_raw_replies(
    noon: SimulatorClient,
    session: ClientSession,
    name: str,
    status: int,
    words: bytes,
) -> None:
    """Replies that are no JSON, or no success."""
    noon.fault(name)
    got, body = await ask(session, noon)
    assert got == status
    assert words in body


async def test_wrong_shapes(noon: SimulatorClient, session: ClientSession) -> None:
    """Empty data, the wrong type and old stamps in otherwise good replies."""
    good = await reply(session, noon)
    noon.fault("no_data", count=1)
    assert [entry["data"] for entry in await reply(session, noon)] == [[], []]
    noon.fault("wrong_type", count=2)
    assert await reply(session, noon) == good[0]
    assert isinstance(await reply(session, noon, "getInstant"), list)
    noon.fault("stale", count=2)
    stale = await reply(session, noon)
    assert stale[0]["age"] > good[0]["age"] + 3600
    assert int(next(iter(stale[0]["data"][0]))) < int(next(iter(good[0]["data"][0])))
    instant = await reply(session, noon, "getInstant")
    assert instant["age"] == stale[0]["age"]
    assert str(instant["last_reading_time"]) in stale[0]["data"][0]


@pytest.mark.parametrize(("name", "count"), [("cut", 1), ("connection_reset", 2)])
async def test_broken_connections(
    noon: SimulatorClient, session: ClientSession, name: str, count: int
) -> None:
    """A connection that breaks is an error, and the next call is good.

    Of a reset the client makes a second call by itself.
    """
    good = await reply(session, noon)
    noon.fault(name, count=count)
    with pytest.raises(ClientError):
        await ask(session, noon)
    assert await reply(session, noon) == good
    assert noon.calls(MILL_TOKEN) == {SUMMARY: 2 + count}


async def test_byte_by_byte(noon: SimulatorClient, session: ClientSession) -> None:
    """A dribbled reply is a good one."""
    good = await reply(session, noon)
    noon.fault("byte_by_byte")
    assert await reply(session, noon) == good


async def test_timeout(noon: SimulatorClient, session: ClientSession) -> None:
    """A call is held until the caller gives up, or for the given time."""
    noon.fault("timeout", count=1)
    call = asyncio.ensure_future(ask(session, noon))
    while noon.held == 0:  # noqa: ASYNC110
        await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await reply(session, noon)
    while noon.held:  # noqa: ASYNC110
        await asyncio.sleep(0)
    noon.fault("timeout", count=1, seconds=0.05)
    assert await reply(session, noon)


async def test_whom_a_fault_hits(noon: SimulatorClient, session: ClientSession) -> None:
    """A fault is for a command and a token, and living calls live on."""
    noon.fault("html", command=SUMMARY)
    noon.fault("garbage", token=ELM_TOKEN)
    assert b"<html>" in (await ask(session, noon))[1]
    assert (await reply(session, noon, "getInstant"))["reading"] > 0
    noon.clear_faults()
    assert await reply(session, noon)


async def test_count(noon: SimulatorClient, session: ClientSession) -> None:
    """A fault ends after its count, one without a count does not."""
    noon.fault("http_500", count=2)
    noon.fault("http_503")
    statuses = [(await ask(session, noon))[0] for _ in range(5)]
    assert statuses == [500, 500, 503, 503, 503]


def test_fault_list(noon: SimulatorClient) -> None:
    """The list says what is active and what there is."""
    noon.fault("timeout", SUMMARY, ELM_TOKEN, count=3, seconds=1.5)
    listed = noon.request("GET", "/_control/faults")
    assert listed["active"] == [
        {
            "fault": "timeout",
            "command": SUMMARY,
            "token": ELM_TOKEN,
            "count": 3,
            "seconds": 1.5,
        }
    ]
    assert noon.fault_names() == list(Fault)


@pytest.mark.parametrize(
    ("path", "order"),
    [
        ("faults", {"fault": "earthquake"}),
        ("faults", {"fault": "html", "count": 0}),
        ("meters", {"token": ELM_TOKEN, "sid": "710001", "action": "paint"}),
        ("meters", {"token": ELM_TOKEN, "action": "add"}),
        ("accounts", {"token": "x"}),
        ("clock", {"set_ms": "noon"}),
    ],
)
def test_bad_orders(noon: SimulatorClient, path: str, order: dict[str, Any]) -> None:
    """A bad order is refused and changes nothing."""
    before = noon.request("GET", "/_control/accounts")
    assert noon.raw("POST", f"/_control/{path}", order)[0] == 400
    assert noon.request("GET", "/_control/faults")["active"] == []
    assert noon.request("GET", "/_control/accounts") == before


def test_calls(noon: SimulatorClient) -> None:
    """Calls are counted by token and command, faults and strangers too."""
    noon.efergy("getInstant", ELM_TOKEN)
    noon.fault("method_failed")
    noon.efergy("getInstant", ELM_TOKEN)
    noon.efergy("getStatus", "nobody")
    assert noon.calls(ELM_TOKEN) == {"getInstant": 2}
    assert noon.calls("nobody") == {"getStatus": 1}
    assert noon.calls(MILL_TOKEN) == {}
    assert noon.call_log() == [
        (to_ms(NOON), ELM_TOKEN, "getInstant"),
        (to_ms(NOON), ELM_TOKEN, "getInstant"),
        (to_ms(NOON), "nobody", "getStatus"),
    ]
    noon.clear_calls()
    assert noon.call_log() == []


def test_clock(noon: SimulatorClient) -> None:
    """A frozen clock moves by order only; a running one by itself too."""
    assert noon.now == NOON
    noon.step(timedelta(minutes=90))
    assert noon.now == NOON + timedelta(minutes=90)
    noon.set(NOON)
    assert noon.now == NOON
    assert noon.request("POST", "/_control/clock", {"running": True})["running"]
    noon.step(timedelta(days=1))
    assert timedelta(days=1) <= noon.now - NOON < timedelta(days=1, minutes=1)
    assert not noon.request("POST", "/_control/clock", {"running": False})["running"]
    assert noon.now == noon.now


def test_truth_window(noon: SimulatorClient) -> None:
    """The truth is that of the asked window, the last hour by default."""
    begin, middle = NOON - timedelta(hours=2), NOON - timedelta(hours=1)

    def energy(**window: Any) -> float:
        """Return what one home used in a window."""
        used: float = noon.truth(**window)["homes"]["Mill Cottage"]["energy_kwh"]
        return used

    both = energy(from_=begin, to=middle) + energy(from_=middle, to=NOON)
    assert both == pytest.approx(energy(from_=begin, to=NOON))
    assert energy() == pytest.approx(energy(from_=middle, to=NOON), abs=1e-6)
    home = noon.truth()["homes"]["Elm Street"]
    assert home["temperatures"] == {}
    assert home["power_w"] == home["meters"]["710001"]["power_w"]
    assert {meter["role"] for meter in home["meters"].values()} == {
        "grid",
        "generation",
    }
    assert {meter["token"] for meter in home["meters"].values()} == {ELM_TOKEN}


def test_reset(noon: SimulatorClient) -> None:
    """A reset brings everything back."""
    before = noon.truth(NOON - timedelta(hours=1), NOON)
    noon.fault("html")
    noon.meter(ELM_TOKEN, "710001", "remove")
    noon.add_account("x", "y", [])
    noon.step(timedelta(days=3))
    noon.reset(NOON)
    assert noon.truth(NOON - timedelta(hours=1), NOON) == before
    assert noon.request("GET", "/_control/faults")["active"] == []
    assert len(noon.request("GET", "/_control/accounts")["accounts"]) == 3
    assert noon.call_log() == []


def test_process(socket_enabled: None, tmp_path: Path) -> None:
    """The process writes its address, agrees with any other, and ends when told."""
    info = tmp_path / "simulator.json"
    readings = []
    for _ in range(2):
        process, url = start_simulator(
            "--info",
            str(info),
            "--frozen",
            str(to_ms(NOON) // 1000),
            parent_pid=os.getpid(),
        )
        with process:
            written = json.loads(info.read_text())
            assert written["url"] == url
            assert {account["token"] for account in written["accounts"]} > {MILL_TOKEN}
            client = SimulatorClient(url)
            readings.append(client.efergy(SUMMARY, MILL_TOKEN))
            client.close()
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE_S) == 0
    assert readings[0] == readings[1]


def test_process_does_not_outlive_its_parent() -> None:
    """The simulator ends by itself when the process it was started for is gone."""
    parent = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with parent:
        process, _ = start_simulator(parent_pid=parent.pid)
        parent.communicate(b"\n")
    with process:
        assert process.wait(PATIENCE_S) == 0
