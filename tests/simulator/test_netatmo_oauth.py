"""Netatmo's authorize page and token endpoint."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from simulator.scenario import (
    NETATMO_REFRESH_TOKEN,
    NETATMO_TERRACE_REFRESH_TOKEN,
    NETATMO_TERRACE_USER,
)
from tests.netatmo_control import NETATMO_CLIENT_ID, NETATMO_USER
from tests.simulator.netatmo_kit import ELM, Answer, App

BACK = "https://my.home-assistant.io/redirect/oauth?x=1"
ASKED = {
    "client_id": NETATMO_CLIENT_ID,
    "redirect_uri": BACK,
    "scope": "read_thermostat write_thermostat",
    "state": "a state/with &",
}


def went_back(answer: Answer) -> dict[str, str]:
    """Return what the application is told by the browser's way back."""
    assert answer.status == 302
    location = answer.headers["Location"]
    assert location.startswith("https://my.home-assistant.io/redirect/oauth?")
    return {
        name: values[0] for name, values in parse_qs(urlsplit(location).query).items()
    }


async def test_the_whole_dance(app: App) -> None:
    """Page, button, code, tokens, and a call with them."""
    page = await app.authorize(**ASKED)
    assert page.status == 200
    for word in (b"Yes, I accept", b'id="refuse"', NETATMO_USER.encode()):
        assert word in page.body
    back = went_back(await app.decide(**ASKED, user=NETATMO_USER, decision="accept"))
    assert back["state"] == ASKED["state"]
    assert back["x"] == "1"
    code = {"grant_type": "authorization_code", "code": back["code"]}
    tokens = await app.ask_token(**code, redirect_uri=BACK)
    assert tokens.status == 200
    assert set(tokens.json) == {
        "scope",
        "access_token",
        "refresh_token",
        "expires_in",
        "expire_in",
    }
    assert tokens.json["expires_in"] == tokens.json["expire_in"] == 10_800
    assert tokens.json["scope"] == ["read_thermostat", "write_thermostat"]
    app.token = tokens.json["access_token"]
    homes = (await app.post("homesdata")).json["body"]["homes"]
    assert [home["name"] for home in homes] == ["Elm Street", "Mill Cottage"]
    again = await app.ask_token(**code, redirect_uri=BACK)
    assert (again.status, again.json) == (400, {"error": "invalid_grant"})


async def test_refusal(app: App) -> None:
    """Somebody says no."""
    back = went_back(await app.decide(**ASKED, decision="refuse"))
    assert back["error"] == "access_denied"
    assert "code" not in back


async def test_unknown_client(app: App) -> None:
    """An application that nobody registered."""
    back = went_back(await app.authorize(**ASKED | {"client_id": "nobody"}))
    assert back["error"] == "invalid_client"
    wrong = await app.refresh(NETATMO_REFRESH_TOKEN, client_secret="wrong")
    assert (wrong.status, wrong.json) == (400, {"error": "invalid_client"})


async def test_approval_at_once(app: App) -> None:
    """Without a page: as the query says, or as ordered."""
    auto = await app.authorize(**ASKED, auto="1")
    assert "code" in went_back(auto)
    app.control.settings(approves=NETATMO_TERRACE_USER)
    back = went_back(await app.authorize(**ASKED))
    tokens = await app.ask_token(
        grant_type="authorization_code", code=back["code"], redirect_uri=BACK
    )
    app.token = tokens.json["access_token"]
    user = (await app.post("homesdata")).json["body"]["user"]
    assert user["email"] == NETATMO_TERRACE_USER


async def test_a_code_belongs_to_its_address_and_time(app: App) -> None:
    """A code is no good with another address, or too late."""
    for wait, address in ((0, "https://elsewhere.example"), (601, BACK)):
        back = went_back(await app.authorize(**ASKED, auto="1"))
        app.simulator.step(timedelta(seconds=wait))
        answer = await app.ask_token(
            grant_type="authorization_code", code=back["code"], redirect_uri=address
        )
        assert (answer.status, answer.json) == (400, {"error": "invalid_grant"})


async def test_rotation(app: App) -> None:
    """Each refresh voids the token it was made with, and no other user's."""
    first = await app.refresh(NETATMO_REFRESH_TOKEN)
    second = first.json["refresh_token"]
    assert second != NETATMO_REFRESH_TOKEN
    old = await app.refresh(NETATMO_REFRESH_TOKEN)
    assert (old.status, old.json) == (400, {"error": "invalid_grant"})
    assert (await app.refresh(second)).status == 200
    assert (await app.refresh(NETATMO_TERRACE_REFRESH_TOKEN)).status == 200


async def test_without_rotation(app: App) -> None:
    """The vendor has at times given the same refresh token back."""
    app.control.settings(rotates=False)
    for _ in range(2):
        answer = await app.refresh(NETATMO_REFRESH_TOKEN)
        assert answer.json["refresh_token"] == NETATMO_REFRESH_TOKEN


async def test_lost_answer_costs_the_token(app: App) -> None:
    """A reply that is cut has rotated the token all the same."""
    app.simulator.fault("empty_body", command="token", count=1)
    assert (await app.refresh(NETATMO_REFRESH_TOKEN)).body == b""
    assert (await app.refresh(NETATMO_REFRESH_TOKEN)).status == 400


async def test_refused_refresh_costs_nothing(app: App) -> None:
    """A quota, an overload or a bad gateway leave the token good."""
    for fault, status in (
        ("usage_403", 403),
        ("usage_429", 429),
        ("too_many_connections", 400),
        ("http_502", 502),
        ("http_503", 503),
        ("empty_403", 403),
    ):
        app.simulator.fault(fault, command="token", count=1)
        assert (await app.refresh(NETATMO_REFRESH_TOKEN)).status == status
    assert (await app.refresh(NETATMO_REFRESH_TOKEN)).status == 200


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token"}, "invalid_grant"),
    ],
)
async def test_bad_requests(app: App, fields: dict[str, str], word: str) -> None:
    """What the endpoint does not give tokens for."""
    answer = await app.ask_token(**fields)
    assert (answer.status, answer.json) == (400, {"error": word})


async def test_access_tokens_end(app: App) -> None:
    """After three hours of simulated time; missing and unknown ones are told apart."""
    assert (await app.post("homesdata")).status == 200
    app.simulator.step(timedelta(seconds=10_799))
    assert (await app.post("homesdata")).status == 200
    app.simulator.step(timedelta(seconds=1))
    assert (await app.post("homesdata")).error == (403, 3, "Access token expired")
    app.token = "unknown"
    assert (await app.post("homesdata")).error == (403, 2, "Invalid access token")
    app.token = ""
    assert (await app.post("homesdata")).error == (401, 1, "Access token is missing")


async def test_expire_and_revoke(app: App) -> None:
    """Tokens end by order, too."""
    app.control.expire()
    assert (await app.post("homesdata")).error[1] == 3
    app.control.revoke()
    assert (await app.post("homesdata")).error[1] == 2
    assert (await app.refresh(NETATMO_REFRESH_TOKEN)).json == {"error": "invalid_grant"}


async def test_scope(app: App) -> None:
    """Reading and writing are granted separately; nothing asked is a weather station."""
    words = "Application does not have the good scope rights"
    app.sign_in(scope=("read_thermostat",))
    assert (await app.post("homesdata")).status == 200
    assert (await app.set_room("Kitchen", temp=20)).error == (403, 13, words)
    back = went_back(await app.authorize(**ASKED | {"scope": ""}, auto="1"))
    tokens = await app.ask_token(
        grant_type="authorization_code", code=back["code"], redirect_uri=BACK
    )
    assert tokens.json["scope"] == ["read_station"]
    app.token = tokens.json["access_token"]
    assert (await app.post("homesdata")).error == (403, 13, words)


async def test_old_way_of_authorizing(app: App) -> None:
    """The token may stand in the query."""
    home_id = app.control.home_id(ELM)
    status, _ = app.control.call("homestatus", app.token, home_id=home_id)
    assert status == 200
