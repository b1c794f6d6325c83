"""Who an account is: by its user, by its token, or by its homes."""

from collections.abc import AsyncIterator
import json
import time
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from homeassistant.components.application_credentials import ClientCredential
from homeassistant.core import HomeAssistant
import pytest

from custom_components.energy_homes.accounts.netatmo.check import (
    NetatmoCheck,
    async_check_netatmo,
)
from custom_components.energy_homes.accounts.netatmo.oauth import NetatmoImplementation
from custom_components.energy_homes.accounts.netatmo.tokens import (
    async_exchange_refresh_token,
)
from custom_components.energy_homes.clouds.errors import CloudNonsenseError
from custom_components.energy_homes.const import DOMAIN
from simulator.scenario import NETATMO_REFRESH_TOKEN
from tests.clouds.netatmo.cloud import FIRST_TOKEN, NetatmoCloud
from tests.netatmo_control import (
    NETATMO_CLIENT_ID,
    NETATMO_CLIENT_SECRET,
    NETATMO_USER,
    NetatmoControl,
)

CREDENTIAL = ClientCredential(NETATMO_CLIENT_ID, NETATMO_CLIENT_SECRET)


@pytest.fixture
async def cloud(
    socket_enabled: None, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[NetatmoCloud]:
    """Return a cloud that answers what the test wants."""
    cloud = NetatmoCloud()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", cloud.handle)
    async with TestServer(app) as server:
        cloud.url = str(server.make_url(""))
        monkeypatch.setenv("ENERGY_HOMES_NETATMO_URL", cloud.url)
        yield cloud


async def check(
    hass: HomeAssistant, cloud: NetatmoCloud, body: Any, access: str = FIRST_TOKEN
) -> NetatmoCheck:
    """Look at an account for which the cloud answers with a body."""
    cloud.taken = access
    cloud.reply(json.dumps({"status": "ok", "body": body}).encode())
    return await async_check_netatmo(
        hass,
        NetatmoImplementation(hass, DOMAIN, CREDENTIAL),
        {
            "access_token": access,
            "refresh_token": "refresh-secret",
            "expires_at": time.time() + 3600,
        },
    )


def homes(*ids: str) -> dict[str, Any]:
    """Return a body with homes and without a user."""
    return {"homes": [{"id": home_id, "name": home_id} for home_id in ids]}


async def test_by_the_user(hass: HomeAssistant, cloud: NetatmoCloud) -> None:
    """The vendor's own id of the user comes first."""
    found = await check(
        hass, cloud, homes("b") | {"user": {"id": "5a3f9c"}}, "other|access-secret"
    )

    assert (found.unique_id, found.title) == ("netatmo_5a3f9c", "Netatmo 3f9c")
    assert "secret" not in repr(found)


async def test_by_the_token(hass: HomeAssistant, cloud: NetatmoCloud) -> None:
    """Where the user is not told the token says who it is."""
    found = await check(hass, cloud, homes("b"), "5a3f9c|access-secret")

    assert (found.unique_id, found.title) == ("netatmo_5a3f9c", "Netatmo 3f9c")


async def test_by_the_homes(hass: HomeAssistant, cloud: NetatmoCloud) -> None:
    """Where nothing says who it is the smallest home does, never the token."""
    found = await check(hass, cloud, homes("home-b", "home-a"))

    assert found.unique_id == "netatmo_home_home-a"
    assert found.title == "Netatmo me-a"
    assert found.is_account("netatmo_home_home-a")
    assert found.is_account("netatmo_home_home-b")
    assert not found.is_account("netatmo_home_home-c")
    assert found.is_account("netatmo_5a3f9c", {"home-b", "home-x"})
    assert not found.is_account("netatmo_5a3f9c", {"home-x"})
    assert not found.is_account("netatmo_5a3f9c")


async def test_a_known_user_is_no_other(
    hass: HomeAssistant, cloud: NetatmoCloud
) -> None:
    """A home that two users share does not make them one account."""
    found = await check(hass, cloud, homes("a") | {"user": {"id": "other"}})

    assert not found.is_account("netatmo_5a3f9c", {"a"})


async def test_a_reply_without_a_list_is_nonsense(
    hass: HomeAssistant, cloud: NetatmoCloud
) -> None:
    """An account is not believed to be empty because its reply is."""
    with pytest.raises(CloudNonsenseError):
        await check(hass, cloud, {})


async def test_a_token_that_is_not_taken_is_refreshed_first(
    hass: HomeAssistant, netatmo: NetatmoControl
) -> None:
    """Tokens of an earlier import may be old; what is saved is the newest."""
    implementation = NetatmoImplementation(hass, DOMAIN, CREDENTIAL)
    token = await async_exchange_refresh_token(
        hass, implementation, NETATMO_REFRESH_TOKEN
    )
    netatmo.expire()
    found = await async_check_netatmo(hass, implementation, token)

    assert {home.name for home in found.heated_homes} == {"Elm Street", "Mill Cottage"}
    assert found.token["refresh_token"] != token["refresh_token"]
    good = netatmo.overview()["users"][NETATMO_USER]["refresh_tokens"]
    assert good == [found.token["refresh_token"]]
