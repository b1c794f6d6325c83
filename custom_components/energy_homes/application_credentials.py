"""Applications that people make at their vendor's, as Home Assistant's application credentials."""

from aiohttp import hdrs
from homeassistant.components.application_credentials import ClientCredential
from homeassistant.core import HomeAssistant
from homeassistant.helpers import http
from homeassistant.helpers.config_entry_oauth2_flow import (
    AUTH_CALLBACK_PATH,
    MY_AUTH_CALLBACK_PATH,
    AbstractOAuth2Implementation,
)
from homeassistant.helpers.network import NoURLAvailableError, get_url

from .accounts.kinds import APPLICATION


async def async_get_auth_implementation(
    hass: HomeAssistant, auth_domain: str, credential: ClientCredential
) -> AbstractOAuth2Implementation:
    """Return the application of a credential."""
    return APPLICATION.implementation(hass, auth_domain, credential)


async def async_get_description_placeholders(hass: HomeAssistant) -> dict[str, str]:
    """Return where to make an application, and which address to give it."""
    return {"apps_url": APPLICATION.made_at, "redirect_url": _redirect_url(hass)}


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
