"""The token endpoint: what it gives, what it refuses, and that no secret gets out."""

import json
from typing import Any

import aiohttp
import pytest

from custom_components.energy_homes.clouds.errors import (
    CloudAuthError,
    CloudError,
    CloudNonsenseError,
    CloudOutageError,
    CloudQuotaError,
)
from custom_components.energy_homes.clouds.netatmo.oauth import (
    SCOPES,
    missing_scopes,
    request_token,
)
from tests.clouds.conftest import Cloud
from tests.patience import PATIENCE_S

NOW_S = 1_800_000_000.0
FORM = {
    "grant_type": "refresh_token",
    "refresh_token": "old-refresh-secret",
    "client_id": "id",
    "client_secret": "client-secret",
}
GOOD: dict[str, Any] = {
    "scope": list(SCOPES),
    "access_token": "user|access",
    "refresh_token": "user|refresh",
    "expires_in": 10_800,
    "expire_in": 10_800,
}


async def ask(session: aiohttp.ClientSession, cloud: Cloud) -> dict[str, Any]:
    """Spend a refresh token."""
    return await request_token(
        session, f"{cloud.url}oauth2/token", FORM, now_s=NOW_S, timeout_s=PATIENCE_S
    )


def without(*names: str, **changes: Any) -> dict[str, Any]:
    """Return a good reply that lacks something, or has something else."""
    kept = {name: value for name, value in GOOD.items() if name not in names}
    return kept | changes


async def test_tokens_with_an_end_by_our_clock(
    session: aiohttp.ClientSession, cloud: Cloud
) -> None:
    """The vendor tells how long a token lives, our clock when that is."""
    cloud.reply(json.dumps(GOOD).encode())

    assert await ask(session, cloud) == {
        "access_token": "user|access",
        "refresh_token": "user|refresh",
        "expires_in": 10_800,
        "expires_at": NOW_S + 10_800,
        "scope": list(SCOPES),
    }
    assert cloud.asked == [("/oauth2/token", {})]


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (without("refresh_token"), {"refresh_token": "old-refresh-secret"}),
        (without("scope"), {"access_token": "user|access"}),
        (without("expires_in"), {"expires_at": NOW_S + 10_800}),
        (without(expires_in="60"), {"expires_in": 60}),
        (without(expires_in=0), {"expires_at": NOW_S}),
    ],
)
async def test_odd_replies_that_can_be_used(
    session: aiohttp.ClientSession,
    cloud: Cloud,
    reply: dict[str, Any],
    expected: dict[str, Any],
) -> None:
    """A refresh token that is not replaced stays; the vendor's other spelling counts."""
    cloud.reply(json.dumps(reply).encode())
    tokens = await ask(session, cloud)

    assert tokens | expected == tokens


@pytest.mark.parametrize(
    "reply",
    [
        without("access_token"),
        without(access_token=""),
        without(access_token=7),
        without(refresh_token=7),
        without("expires_in", "expire_in"),
        without(expires_in="soon"),
        without(expires_in=-1),
        without(expires_in=[60]),
        {},
        ["tokens"],
    ],
)
async def test_replies_without_tokens_are_nonsense(
    session: aiohttp.ClientSession, cloud: Cloud, reply: object
) -> None:
    """What lacks a token is no reason to ask anybody to sign in."""
    cloud.reply(json.dumps(reply).encode())
    with pytest.raises(CloudNonsenseError):
        await ask(session, cloud)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, b'{"error":"invalid_grant"}', CloudAuthError),
        (400, b'{"error":"invalid_client"}', CloudAuthError),
        (400, b'{"error":"too_many_connections"}', CloudQuotaError),
        (403, b'{"error":{"code":26,"message":"User usage reached"}}', CloudQuotaError),
        (429, b"", CloudQuotaError),
        (403, b"", CloudOutageError),
        (401, b"", CloudOutageError),
        (302, b"", CloudOutageError),
        (502, b"<html>502</html>", CloudOutageError),
        (200, b"<html>soon</html>", CloudOutageError),
        (200, b"", CloudOutageError),
    ],
)
async def test_refusals_by_kind(
    session: aiohttp.ClientSession,
    cloud: Cloud,
    status: int,
    body: bytes,
    error: type[CloudError],
) -> None:
    """Only the vendor's own words are a refusal."""
    cloud.reply(body, status, {"Location": "http://elsewhere.invalid/"})
    with pytest.raises(error):
        await ask(session, cloud)
    assert len(cloud.asked) == 1


async def test_a_vendor_that_quotes_the_request_gives_no_secret_away(
    session: aiohttp.ClientSession, cloud: Cloud
) -> None:
    """Secrets are taken out of what an error says."""
    said = {"error": {"code": 21, "message": f"bad {FORM['refresh_token']} {FORM}"}}
    cloud.reply(json.dumps(said).encode(), 400)
    with pytest.raises(CloudError) as raised:
        await ask(session, cloud)

    assert "secret" not in str(raised.value).replace("client_secret", "")
    assert "bad **" in str(raised.value)


@pytest.mark.parametrize(
    ("told", "missing"),
    [
        ({"scope": list(SCOPES)}, ()),
        ({"scope": "read_thermostat write_thermostat read_station"}, ()),
        ({"scope": "read_thermostat"}, ("write_thermostat",)),
        ({"scope": []}, SCOPES),
        ({"scope": None}, ()),
        ({}, ()),
    ],
)
def test_scopes(told: dict[str, Any], missing: tuple[str, ...]) -> None:
    """What a token does not allow is known where the vendor tells."""
    assert missing_scopes(told) == missing
