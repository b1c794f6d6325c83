"""Netatmo's limits and faults."""

import asyncio
from datetime import timedelta
import json
from typing import Any

from aiohttp import ClientError
import pytest

from simulator.netatmo.limits import Limits, Over
from simulator.scenario import NETATMO_TERRACE_USER
from tests.netatmo_control import NETATMO_CLIENT_ID, NETATMO_USER
from tests.simulator.conftest import NOON
from tests.simulator.netatmo_kit import ELM, App
from tests.simulator_client import ELM_TOKEN, to_ms

SECOND = timedelta(seconds=1)
USER_REACHED = (429, 26, "User usage reached")
APP_REACHED = (429, 26, "Maximum api usage reached")


async def test_fifty_calls_in_ten_seconds(app: App) -> None:
    """The fifty-first is refused, until the first is ten seconds old."""
    for _ in range(50):
        assert (await app.post("homesdata")).status == 200
    assert (await app.post("homesdata")).error == USER_REACHED
    assert (await app.set_room("Kitchen", temp=20)).error == USER_REACHED
    app.simulator.step(9 * SECOND)
    assert (await app.post("homesdata")).error == USER_REACHED
    app.sign_in(NETATMO_TERRACE_USER)
    assert (await app.post("homesdata")).status == 200
    app.sign_in()
    app.simulator.step(SECOND)
    assert (await app.post("homesdata")).status == 200
    assert app.control.calls(NETATMO_USER) == {"homesdata": 53, "setroomthermpoint": 1}


async def test_five_hundred_calls_in_an_hour(app: App) -> None:
    """A user's hour, whichever program made the calls."""
    app.control.spend(NETATMO_USER, 499)
    app.simulator.step(30 * SECOND)
    assert (await app.post("homesdata")).status == 200
    assert (await app.post("homesdata")).error == USER_REACHED
    app.simulator.step(timedelta(minutes=60) - 30 * SECOND)
    assert (await app.post("homesdata")).status == 200


async def test_two_thousand_calls_of_an_app(app: App) -> None:
    """An app's hour, whoever its users are."""
    for number in range(5):
        app.control.spend(f"user {number}", 400)
    app.simulator.step(30 * SECOND)
    assert (await app.post("homesdata")).error == APP_REACHED
    app.simulator.step(timedelta(minutes=60))
    assert (await app.post("homesdata")).status == 200


def test_short_limit_of_an_app() -> None:
    """Two calls per user in ten seconds, where that is more than the least."""
    limits = Limits()
    limits.quotas.app_short = 3
    users = [f"user {number}" for number in range(10)]
    for user in users:
        assert limits.admit(0, user, "app") in {None, Over.APP}
    assert limits.admit(20_000, users[0], "app") is None
    answers = [limits.admit(20_001, user, "app") for user in users * 2]
    assert answers.count(None) == 19
    assert limits.admit(20_001, "other", "other app") is None


async def test_quotas_are_settings(app: App) -> None:
    """Other limits, the older status, and when to come back."""
    app.control.quotas(user_short=1, status=403, retry_after_s=7)
    assert (await app.post("homesdata")).status == 200
    answer = await app.post("homesdata")
    assert answer.error == (403, 26, "User usage reached")
    assert answer.headers["Retry-After"] == "7"
    assert app.control.overview()["used"]["users"][NETATMO_USER] == {
        "short": 1,
        "hour": 1,
    }


async def test_token_calls_are_not_counted(app: App) -> None:
    """The token endpoint has no share in the quota."""
    app.control.quotas(user_hour=1)
    for _ in range(3):
        tokens = app.control.tokens()
        assert (await app.refresh(tokens["refresh_token"])).status == 200
    assert (await app.post("homesdata")).status == 200


async def test_calls_by_user_and_app(app: App) -> None:
    """Calls are told by user and by app, with their outcome."""
    await app.status()
    await app.post("homestatus")
    now_ms = to_ms(NOON)
    entry = (now_ms, NETATMO_USER, NETATMO_CLIENT_ID, "homestatus")
    assert app.control.log() == [(*entry, 200), (*entry, 400)]
    assert app.control.calls_of_client() == {"homestatus": 2}
    assert app.simulator.calls(NETATMO_USER) == {"homestatus": 2}
    app.simulator.clear_calls()
    assert app.control.log() == []


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("token_missing", 401, 1),
        ("token_invalid", 403, 2),
        ("token_expired", 403, 3),
        ("app_deactivated", 403, 5),
        ("nothing_to_modify", 400, 7),
        ("device_not_found", 404, 9),
        ("missing_argument", 400, 10),
        ("concurrency", 429, 11),
        ("internal", 500, 11),
        ("scope", 403, 13),
        ("could_not_apply", 403, 13),
        ("invalid_argument", 400, 21),
        ("usage_403", 403, 26),
        ("usage_429", 429, 26),
        ("unreachable", 400, 41),
    ],
)
async def test_numbered_errors(app: App, fault: str, status: int, code: int) -> None:
    """Each comes as ordered, does nothing, and goes."""
    app.simulator.fault(fault, command="setroomthermpoint", count=1)
    answer = await app.set_room("Kitchen", temp=23)
    assert (answer.status, answer.json["error"]["code"]) == (status, code)
    assert answer.json["error"]["message"]
    assert app.control.setpoint(ELM, "Kitchen")[0] == "schedule"
    assert (await app.set_room("Kitchen", temp=23)).status == 200


@pytest.mark.parametrize(
    ("fault", "status", "words"),
    [
        ("html", 200, b"<html>"),
        ("empty_body", 200, b""),
        ("garbage", 200, b'{"status"'),
        ("empty_403", 403, b""),
        ("http_406", 406, b""),
        ("http_500", 500, b""),
        ("http_502", 502, b"502 Bad Gateway"),
        ("http_503", 503, b"<html>"),
    ],
)
async def test_raw_replies(app: App, fault: str, status: int, words: bytes) -> None:
    """Replies that are no JSON."""
    app.simulator.fault(fault, token=NETATMO_USER)
    answer = await app.post("homesdata")
    assert answer.status == status
    assert words in answer.body
    with pytest.raises(ValueError):
        json.loads(answer.body)


async def distorted(app: App, fault: str) -> Any:
    """Return a home status as a fault leaves it."""
    app.simulator.fault(fault, command="homestatus", count=1)
    answer = await app.post("homestatus", home_id=app.control.home_id(ELM))
    assert answer.status == 200
    return answer.json


async def test_wrong_shapes(app: App) -> None:
    """Good replies with something missing."""
    assert (await distorted(app, "body_list"))["body"] == []
    assert (await distorted(app, "body_empty"))["body"] == {}
    assert "body" not in await distorted(app, "no_body")
    assert isinstance(await distorted(app, "wrong_type"), list)
    assert (await distorted(app, "status_failed"))["status"] == "failed"
    assert "modules" not in (await distorted(app, "no_modules"))["body"]["home"]
    relay = app.control.module_ids(ELM, "NAPlug")[0]
    gateway = (await distorted(app, "gateway_error"))["body"]
    assert gateway["errors"] == [{"code": 6, "id": relay}]
    assert set(gateway["home"]) == {"id"}


@pytest.mark.parametrize(
    ("fault", "field", "values"),
    [
        ("bare_rooms", "reachable", {False}),
        ("end_null", "therm_setpoint_end_time", {None}),
        ("end_absent", "therm_setpoint_end_time", {"absent"}),
        ("mode_home", "therm_setpoint_mode", {"home"}),
    ],
)
async def test_rooms_of_other_kinds(
    app: App, fault: str, field: str, values: set[object]
) -> None:
    """Rooms that say less, or it in other words."""
    rooms = (await distorted(app, fault))["body"]["home"]["rooms"]
    assert {room.get(field, "absent") for room in rooms} == values


async def test_broken_connections(app: App) -> None:
    """A cut reply was a command that worked, a reset one was none."""
    app.simulator.fault("connection_reset", command="setroomthermpoint", count=2)
    with pytest.raises(ClientError):
        await app.set_room("Kitchen", temp=23)
    assert app.control.setpoint(ELM, "Kitchen")[0] == "schedule"
    app.simulator.clear_faults()
    app.simulator.fault("cut", command="setroomthermpoint", count=1)
    with pytest.raises(ClientError):
        await app.set_room("Kitchen", temp=23)
    assert app.control.setpoint(ELM, "Kitchen")[0] == "manual"


async def test_a_call_that_is_given_up_does_nothing(app: App) -> None:
    """A time-out before the cloud did anything."""
    app.simulator.fault("timeout", command="setroomthermpoint", count=1)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await app.set_room("Kitchen", temp=23)
    assert app.control.setpoint(ELM, "Kitchen")[0] == "schedule"


async def test_each_cloud_has_its_own_faults(app: App) -> None:
    """One vendor's fault is neither suffered nor used up by the other."""
    app.simulator.fault("usage_429", count=1)
    app.simulator.fault("bad_token", count=1)
    assert (await app.post("homesdata")).status == 429
    assert (await app.post("homesdata")).status == 200
    assert app.simulator.efergy("getStatus", ELM_TOKEN) == {
        "status": "error",
        "description": "bad token",
    }


async def test_many_accounts_on_one_app(app: App) -> None:
    """Sixty accounts are made, and polled, in no time."""
    for number in range(60):
        app.control.add_account(
            f"user{number}@example.com",
            f"token-{number}",
            [
                {
                    "name": f"Flat {number}",
                    "history_days": 1,
                    "rooms": [{"name": "Room"}],
                }
            ],
        )
    for number in (0, 59):
        app.sign_in(f"user{number}@example.com")
        assert (await app.rooms(f"Flat {number}"))["Room"]["reachable"]
