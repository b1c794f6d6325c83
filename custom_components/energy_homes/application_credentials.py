"""Applications that people make at Netatmo's, as Home Assistant's application credentials."""

from typing import Final

from aiohttp import hdrs
from homeassistant.components.application_credentials import ClientCredential
from homeassistant.core import HomeAssistant
from homeassistant.helpers import http
from homeassistant.helpers.config_entry_oauth2_flow import (
    AUTH_CALLBACK_PATH,
    MY_AUTH_CALLBACK_PATH,
)
from homeassistant.helpers.network import NoURLAvailableError, get_url

from .accounts.netatmo.oauth import NetatmoImplementation

APPS_URL: Final = "https://dev.netatmo.com/apps"
"""Where applications are made."""


async def async_get_auth_implementation(
    hass: HomeAssistant, auth_domain: str, credential: ClientCredential
) -> NetatmoImplementation:
    """Return the application of a credential."""
    return NetatmoImplementation(hass, auth_domain, credential)


async def async_get_description_placeholders(hass: HomeAssistant) -> dict[str, str]:
    """Return where to make an application, and which address to give it."""
    return {"apps_url": APPS_URL, "redirect_url": _redirect_url(hass)}


def _redirect_url(hass: HomeAssistant) -> str:
    """Return where the browser comes back to: to the address that it is at."""
    if "my" in hass.config.components:
        return MY_AUTH_CALLBACK_PATH
    request = http.current_request.get()
    if request is not None and (origin := request.headers.get(hdrs.ORIGIN)):
        return f"{origin}{AUTH_CALLBACK_PATH}"
    try:
        return f"{get_url(hass, prefer_external=True)}{AUTH_CALLBACK_PATH}"
    except NoURLAvailableError:
        return AUTH_CALLBACK_PATH
