"""Signing in at the simulated vendor's, as a browser does it."""

from collections.abc import Mapping
from http import HTTPStatus
from http.client import HTTPConnection
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from homeassistant.config_entries import ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from tests.flows.helpers import read_texts
from tests.netatmo_control import NETATMO_USER, NetatmoControl
from tests.patience import PATIENCE_S

CALLBACK = "/auth/external/callback"


class SigningIn:
    """Leads flows through the vendor's authorize page and back."""

    def __init__(
        self,
        hass: HomeAssistant,
        netatmo: NetatmoControl,
        client: ClientSessionGenerator,
    ) -> None:
        """Take the two servers that a browser goes between."""
        self.netatmo = netatmo
        self._hass = hass
        self._client = client

    async def sign_in(
        self, step: Mapping[str, Any], user: str = NETATMO_USER
    ) -> ConfigFlowResult:
        """Accept as a user what a flow's external step leads to; return what follows."""
        self.netatmo.settings(approves=user)
        return await self.come_back(step, self.answer(step))

    async def refuse(self, step: Mapping[str, Any]) -> ConfigFlowResult:
        """Come back without having accepted."""
        state = dict(parse_qsl(urlsplit(step["url"]).query))["state"]
        return await self.come_back(
            step, urlencode({"state": state, "error": "access_denied"})
        )

    def answer(self, step: Mapping[str, Any]) -> str:
        """Open the authorize page, which approves at once; return what it goes back with."""
        assert step["type"] is FlowResultType.EXTERNAL_STEP
        address = urlsplit(step["url"])
        assert address.hostname is not None
        connection = HTTPConnection(address.hostname, address.port, timeout=PATIENCE_S)
        connection.request("GET", f"{address.path}?{address.query}")
        response = connection.getresponse()
        assert response.status == HTTPStatus.FOUND, response.read()
        back = response.getheader("Location") or ""
        connection.close()
        assert back.startswith(f"https://example.com{CALLBACK}?")
        return urlsplit(back).query

    async def come_back(self, step: Mapping[str, Any], query: str) -> ConfigFlowResult:
        """Return to Home Assistant with the vendor's answer; return what follows."""
        client = await self._client()
        response = await client.get(f"{CALLBACK}?{query}")
        assert response.status == HTTPStatus.OK
        result = await self._hass.config_entries.flow.async_configure(step["flow_id"])
        read_texts("config", result)
        await self._hass.async_block_till_done()
        return result
