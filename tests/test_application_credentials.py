"""What people are told when they add an application of their own."""

from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.typing import (
    ClientSessionGenerator,
    WebSocketGenerator,
)

from custom_components.energy_homes.const import DOMAIN
from tests.flows.helpers import TEXTS

CALLBACK = "/auth/external/callback"


@pytest.mark.parametrize(
    ("component", "urls", "redirect_url"),
    [
        ("my", {}, "https://my.home-assistant.io/redirect/oauth"),
        (
            "http",
            {"external_url": "https://home.example.com"},
            f"https://home.example.com{CALLBACK}",
        ),
        ("http", {}, CALLBACK),
    ],
)
async def test_the_redirect_address_is_told(
    hass: HomeAssistant,
    hass_ws_client: WebSocketGenerator,
    component: str,
    urls: dict[str, str],
    redirect_url: str,
) -> None:
    """The dialog says where to make an application and which address to enter there."""
    assert await async_setup_component(hass, component, {})
    assert await async_setup_component(hass, "application_credentials", {})
    hass.config.api = None
    hass.config.internal_url = None
    hass.config.external_url = urls.get("external_url")
    client = await hass_ws_client(hass)
    await client.send_json_auto_id({"type": "application_credentials/config"})
    answer = await client.receive_json()

    named = answer["result"]["integrations"][DOMAIN]["description_placeholders"]
    assert DOMAIN in answer["result"]["domains"]
    assert named == {
        "apps_url": "https://dev.netatmo.com/apps",
        "redirect_url": redirect_url,
    }
    text = TEXTS["application_credentials"]["description"].format(**named)
    assert redirect_url in text


async def test_the_browser_says_where_it_is(
    hass: HomeAssistant,
    hass_client_no_auth: ClientSessionGenerator,
    hass_access_token: str,
) -> None:
    """Without a redirecting service the browser comes back to the address it is at."""
    assert await async_setup_component(hass, "websocket_api", {})
    assert await async_setup_component(hass, "application_credentials", {})
    client = await hass_client_no_auth()
    async with client.ws_connect(
        "/api/websocket", headers={"Origin": "https://my.own.example"}
    ) as socket:
        await socket.receive_json()
        await socket.send_json({"type": "auth", "access_token": hass_access_token})
        await socket.receive_json()
        await socket.send_json({"id": 1, "type": "application_credentials/config"})
        answer = await socket.receive_json()

    named = answer["result"]["integrations"][DOMAIN]["description_placeholders"]
    assert named["redirect_url"] == f"https://my.own.example{CALLBACK}"
