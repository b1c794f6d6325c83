"""What Particle's cloud answers: boards, variables, tokens, pages, refusals."""

from datetime import timedelta
import json
from typing import Any

from aiohttp import ClientError
import pytest

from simulator.particle.published import slot_kwh
from tests.particle_control import (
    MILL_BOARD,
    PARTICLE_EXPIRED_TOKEN,
    PARTICLE_NO_EVENTS_TOKEN,
    PARTICLE_ODD_TOKEN,
    PARTICLE_PRODUCT,
    PARTICLE_PRODUCT_TOKEN,
    PARTICLE_TOKEN,
)
from tests.simulator.conftest import NOON
from tests.simulator.netatmo_kit import Answer
from tests.simulator.particle_kit import Person
from tests.simulator_client import ELM_TOKEN, to_ms

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
NOON_TEXT = "2026-11-18T12:00:10.000Z"
DENIED = {
    "error": "Permission Denied",
    "info": "I didn't recognize that device name or ID, "
    "try opening https://api.particle.io/v1/devices?access_token=undefined",
}
PRODUCT = f"products/{PARTICLE_PRODUCT}"


def refused(answer: Answer) -> tuple[int, Any]:
    """Return status and body."""
    return answer.status, answer.json


async def test_token(person: Person) -> None:
    """A token tells when it ends; it is looked for in the header only."""
    answer = await person.get("access_tokens/current")
    assert answer.json == {
        "expires_at": "2027-02-16T12:00:10.000Z",
        "client": "particle",
        "scopes": ["devices:get", "devices:list", "events:get", "variables:get"],
        "orgs": [],
    }
    person.control.renew()
    answer = await person.get("access_tokens/current")
    assert answer.json["expires_at"] is None

    person.token = None
    assert refused(await person.get("devices", access_token=PARTICLE_TOKEN)) == (
        400,
        {
            "error": "invalid_request",
            "error_description": "The access token was not found",
        },
    )


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("ffff" * 10, "The access token provided is invalid."),
        (PARTICLE_EXPIRED_TOKEN, "The access token provided has expired."),
    ],
)
@pytest.mark.parametrize(
    "path", ["access_tokens/current", "devices", "devices/1", "devices/events"]
)
async def test_bad_tokens(person: Person, token: str, words: str, path: str) -> None:
    """Both are refused with the same word, whatever is asked."""
    person.token = token
    assert refused(await person.get(path)) == (
        401,
        {"error": "invalid_token", "error_description": words},
    )


async def test_tokens_end(person: Person) -> None:
    """A token is good up to its end."""
    person.control.expire(at=NOON + MINUTE)
    person.control.simulator.step(MINUTE - timedelta(milliseconds=1))
    assert (await person.get("devices")).status == 200
    person.control.simulator.step(timedelta(milliseconds=1))
    assert (await person.get("devices")).status == 401


async def test_scopes(person: Person) -> None:
    """A token that is good for less is refused what it is not good for."""
    person.token = PARTICLE_NO_EVENTS_TOKEN
    assert (await person.get("devices")).status == 200
    assert (await person.board()).status == 200
    for answer in (await person.board("/power"), await person.get("devices/events")):
        assert answer.status == 403
        assert answer.json["error"] == "insufficient_scope"


async def test_devices(person: Person) -> None:
    """A user's boards are a bare list."""
    (board,) = (await person.get("devices")).json
    assert board == {
        "id": person.control.device_id(),
        "name": MILL_BOARD,
        "last_app": None,
        "last_ip_address": "203.0.113.7",
        "last_heard": NOON_TEXT,
        "last_handshake_at": NOON_TEXT,
        "product_id": 6,
        "connected": True,
        "online": True,
        "platform_id": 6,
        "cellular": False,
        "notes": None,
        "status": "normal",
        "current_build_target": "3.3.1",
        "system_firmware_version": "3.3.1",
        "default_build_target": "3.3.1",
    }
    assert len(board["id"]) == 24
    assert int(board["id"], 16)

    person.control.add("another", product=9)
    person.control.rename("another", "Another board")
    names = {b["name"]: b["product_id"] for b in (await person.get("devices")).json}
    assert names == {MILL_BOARD: 6, "Another board": 9}
    person.control.remove("Another board")
    assert len((await person.get("devices")).json) == 1


async def test_one_device(person: Person) -> None:
    """A board tells its variables with their types."""
    person.token = PARTICLE_ODD_TOKEN
    board = (await person.board("", "odd")).json
    assert board["variables"] == {
        "text": "string",
        "door": "bool",
        "temperature": "double",
    }
    assert board["functions"] == []


async def test_variables(person: Person) -> None:
    """Numbers, text that holds JSON, and truth values."""
    truth = person.control.truth()
    answer = (await person.board("/power")).json
    assert answer["result"] == pytest.approx(truth["power_w"] + 5.5, abs=0.11)
    del answer["result"]
    assert answer == {
        "cmd": "VarReturn",
        "name": "power",
        "coreInfo": {
            "last_app": "",
            "last_heard": NOON_TEXT,
            "connected": True,
            "last_handshake_at": NOON_TEXT,
            "deviceID": person.control.device_id(),
            "product_id": 6,
        },
    }
    person.token = PARTICLE_ODD_TOKEN

    async def result(board: str, name: str) -> Any:
        """Return a variable of an odd board."""
        return (await person.board(f"/{name}", board)).json["result"]

    assert await result("odd", "door") in {True, False}
    assert set(json.loads(await result("odd", "text"))) == {"value"}
    charge = await result("battery", "SoC")
    assert 35 <= charge <= 95
    assert await result("battery", "V") == pytest.approx(11.6 + 0.013 * charge)


async def test_refused_variables(person: Person) -> None:
    """A variable or a board that there is not, or that is somebody else's."""
    assert refused(await person.board("/Power")) == (
        404,
        {"ok": False, "error": "Variable not found"},
    )
    for device in ("0123456789abcdef01234567", person.control.device_id("odd")):
        assert refused(await person.get(f"devices/{device}")) == (403, DENIED)
        assert refused(await person.get(f"devices/{device}/power")) == (403, DENIED)
        assert refused(await person.get(f"devices/{device}/events")) == (403, DENIED)


async def test_offline(person: Person) -> None:
    """A board that is gone times out at once; the cloud notices later."""
    person.control.offline()
    person.control.simulator.step(49 * SECOND)
    assert refused(await person.board("/power")) == (408, {"error": "Timed out."})
    assert refused(await person.board("/nothing")) == (408, {"error": "Timed out."})
    board = (await person.board()).json
    assert (board["online"], board["connected"]) == (True, True)
    assert (board["variables"], board["functions"]) == (None, None)
    assert board["last_heard"] == NOON_TEXT
    person.control.simulator.step(SECOND)
    board = (await person.get("devices")).json[0]
    assert (board["online"], board["connected"]) == (False, False)

    person.control.online()
    board = (await person.board()).json
    assert board["online"]
    assert board["variables"] == {"power": "double"}
    assert board["last_handshake_at"] == "2026-11-18T12:01:00.000Z"
    assert (await person.board("/power")).status == 200


async def test_never_online(person: Person) -> None:
    """A board that was never there."""
    person.token = PARTICLE_ODD_TOKEN
    assert (await person.board("", "attic")).json["variables"] is None
    assert (await person.board("/V", "attic")).status == 408


async def test_product(person: Person) -> None:
    """A product's token is good for the product, and an owner's token too."""
    person.token = PARTICLE_PRODUCT_TOKEN
    for path in ("devices", "devices/events", f"devices/{'0' * 24}"):
        assert refused(await person.get(path)) == (403, DENIED)
    listed = (await person.get(f"{PRODUCT}/devices")).json
    assert [board["name"] for board in listed["devices"]] == ["terrace-1", "terrace-2"]
    assert {board["product_id"] for board in listed["devices"]} == {PARTICLE_PRODUCT}
    assert listed["meta"] == {
        "page": 1,
        "per_page": 25,
        "total_pages": 1,
        "total_records": 2,
    }
    device = listed["devices"][0]["id"]
    assert (await person.get(f"{PRODUCT}/devices/{device}")).json["variables"] == {}
    for path, status in (
        (f"{PRODUCT}/devices/{device}/power", 404),
        (f"{PRODUCT}/devices/{person.control.device_id()}", 404),
        ("products/1/devices", 404),
        ("products/a-slug/devices", 404),
    ):
        answer = await person.get(path)
        assert answer.status == status
        assert answer.json["ok"] is False

    person.token = PARTICLE_TOKEN
    assert refused(await person.get(f"{PRODUCT}/devices")) == (403, DENIED)
    person.control.token("aa" * 20, owner="terraces@example.com")
    person.token = "aa" * 20
    assert len((await person.get(f"{PRODUCT}/devices")).json["devices"]) == 2


async def test_pages(person: Person) -> None:
    """A long list comes in pages, and nothing follows the last."""
    person.token = PARTICLE_PRODUCT_TOKEN
    owner = "terraces@example.com"
    for number in range(58):
        person.control.add(f"board {number}", owner, product=PARTICLE_PRODUCT)
    names = []
    for page in (1, 2, 3, 4):
        listed = (await person.get(f"{PRODUCT}/devices", page=page)).json
        assert listed["meta"]["total_pages"] == 3
        names.append([board["name"] for board in listed["devices"]])
    assert list(map(len, names)) == [25, 25, 10, 0]
    assert len({name for page in names for name in page}) == 60
    listed = (await person.get(f"{PRODUCT}/devices", perPage=60)).json
    assert len(listed["devices"]) == 60


async def test_call_limit(person: Person) -> None:
    """Ten thousand calls in five minutes, of whoever calls from the address."""
    person.control.spend(calls=9_999)
    assert (await person.get("devices")).status == 200
    person.control.simulator.step(MINUTE)
    person.token = PARTICLE_ODD_TOKEN
    for path in ("devices", "devices/events", "access_tokens/current"):
        assert (await person.get(path)).status == 429
    person.control.simulator.step(4 * MINUTE - timedelta(milliseconds=1))
    assert (await person.get("devices")).status == 429
    person.control.simulator.step(timedelta(milliseconds=1))
    assert (await person.get("devices")).status == 200
    assert person.control.overview()["used"]["127.0.0.1"] == {"calls": 1, "opens": 0}


@pytest.mark.parametrize(
    ("fault", "status", "words"),
    [
        ("http_401", 401, b"invalid_token"),
        ("http_403", 403, b"Permission Denied"),
        ("http_404", 404, b"Variable not found"),
        ("http_408", 408, b"Timed out."),
        ("http_429", 429, b"Too many requests"),
        ("http_500", 500, b"Internal error"),
        ("http_502", 502, b"Bad Gateway"),
        ("http_503", 503, b"Unavailable"),
        ("html", 200, b"<html>"),
        ("empty_body", 200, b""),
        ("garbage", 200, b'"id"'),
        ("wrong_type", 200, b'{"devices": ['),
        ("byte_by_byte", 200, b'"platform_id"'),
    ],
)
async def test_faults(person: Person, fault: str, status: int, words: bytes) -> None:
    """Each comes as ordered, once, and to no other call."""
    person.control.simulator.fault(fault, command="devices", count=1)
    assert (await person.get("access_tokens/current")).status == 200
    answer = await person.get("devices")
    assert answer.status == status
    assert words in answer.body
    assert isinstance((await person.get("devices")).json, list)
    assert person.control.calls() == {"token": 1, "devices": 2}


async def test_an_object_becomes_a_list(person: Person) -> None:
    """The wrong type of one board."""
    person.control.simulator.fault("wrong_type", command="device", count=1)
    assert isinstance((await person.board()).json, list)


async def test_broken_calls(person: Person) -> None:
    """Connections that break before or in an answer."""
    for fault in ("cut", "connection_reset"):
        # A client repeats a call that was reset before any answer.
        person.control.simulator.fault(fault, command="devices", count=2)
        with pytest.raises(ClientError):
            await person.get("devices")
        person.control.simulator.clear_faults()


async def test_held_calls(person: Person) -> None:
    """A time-out comes to an end."""
    person.control.simulator.fault("timeout", "devices", count=1, seconds=0.01)
    assert (await person.get("devices")).status == 200


async def test_each_cloud_has_its_own_faults(person: Person) -> None:
    """One vendor's fault is neither suffered nor used up by another."""
    simulator = person.control.simulator
    for fault in ("usage_429", "bad_token", "http_429"):
        simulator.fault(fault, count=1)
    assert (await person.get("devices")).status == 429
    assert (await person.get("devices")).status == 200
    assert simulator.efergy("getStatus", ELM_TOKEN)["status"] == "error"
    status, _ = simulator.raw("GET", "/api/homesdata?access_token=x")
    assert status == 403


async def test_truth(person: Person) -> None:
    """What is true of a board, what it published, and the energy of that."""
    person.control.simulator.step(timedelta(minutes=21))
    begin = NOON + 5 * MINUTE - 10 * SECOND
    truth = person.control.truth(from_=begin, to=begin + 10 * MINUTE)
    assert truth["id"] == person.control.device_id()
    assert truth["online"] is True
    power = [(at_ms, float(data)) for at_ms, data in truth["published"]["power"]]
    assert 140 <= len(power) <= 150
    mean_w = sum(watts for _, watts in power) / len(power)
    assert truth["published_kwh"] == pytest.approx(mean_w / 6000, rel=0.01)
    assert truth["published_kwh"] == pytest.approx(
        truth["energy_kwh"] + 5.5 / 6000, rel=0.01
    )
    starts = [to_ms(begin), to_ms(begin + 5 * MINUTE)]
    assert [start for start, _ in truth["slots"]] == starts
    assert sum(kwh for _, kwh in truth["slots"]) == pytest.approx(
        truth["published_kwh"]
    )
    home = person.control.simulator.truth(begin, begin + 10 * MINUTE)["homes"]
    assert "published" not in home["Mill Cottage"]["boards"][MILL_BOARD]
    assert truth["energy_kwh"] < home["Mill Cottage"]["energy_kwh"]


async def test_apparent_power(person: Person) -> None:
    """A board takes every voltage for 120 V and every ampere for a useful one."""
    person.token = PARTICLE_ODD_TOKEN
    person.control.simulator.step(MINUTE)
    truth = person.control.truth("older")
    assert truth["power_w"] == 150
    for _, data in truth["published"]["Apparent Power"]:
        assert float(data) == pytest.approx(150 / 0.8 * 120 / 230 + 5.5, abs=0.11)


def test_slots() -> None:
    """Two readings that are more than ten seconds apart leave a slot unknown."""
    readings = [(at_ms, 60.0) for at_ms in range(-4_000, 304_001, 4_000)]
    assert slot_kwh(readings, 0) == pytest.approx(0.005)
    assert slot_kwh(readings, 300_000) is None
    assert slot_kwh(readings[:-3], 0) is None
    with_gap = [r for r in readings if r[0] != 100_000]
    assert slot_kwh(with_gap, 0) == pytest.approx(0.005)
    with_gap = [r for r in readings if r[0] not in {100_000, 104_000}]
    assert slot_kwh(with_gap, 0) is None
