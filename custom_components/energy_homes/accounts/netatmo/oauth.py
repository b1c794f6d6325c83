"""The OAuth application of Netatmo accounts."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, override

from aiohttp import RequestInfo
from homeassistant.components.application_credentials import (
    AuthImplementation,
    AuthorizationServer,
    ClientCredential,
)
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import (
    OAuth2TokenRequestConnectionError,
    OAuth2TokenRequestReauthError,
    OAuth2TokenRequestTransientError,
)
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.util import dt as dt_util
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from ...clouds.errors import CloudAuthError, CloudError, CloudQuotaError
from ...clouds.netatmo.oauth import AUTHORIZE_PATH, SCOPES, TOKEN_PATH, request_token
from ...const import DOMAIN
from .book import async_token_book
from .records import Token
from .server import netatmo_url

_NOTHING: CIMultiDictProxy[str] = CIMultiDictProxy(CIMultiDict())


class NetatmoImplementation(AuthImplementation):
    """An application that somebody made at Netatmo's.

    Tokens that replace others are on disk before they are returned, and only the vendor's
    own refusal counts as one: a quota or an outage never asks anybody to sign in again.
    """

    def __init__(
        self, hass: HomeAssistant, auth_domain: str, credential: ClientCredential
    ) -> None:
        """Take the application's credential."""
        server = netatmo_url()
        super().__init__(
            hass,
            auth_domain,
            credential,
            AuthorizationServer(
                authorize_url=f"{server}{AUTHORIZE_PATH}",
                token_url=f"{server}{TOKEN_PATH}",
            ),
        )

    @override
    def __repr__(self) -> str:
        """Return the application without its secret."""
        return f"<{type(self).__name__} {self.domain}>"

    @property
    @override
    def extra_authorize_data(self) -> dict[str, str]:
        """Return what the user is asked for."""
        return {"scope": " ".join(SCOPES)}

    async def async_redeem(self, external_data: Mapping[str, Any]) -> Token:
        """Return the tokens for the code that the user came back with.

        Raises CloudError by kind.
        """
        return await self._async_request(
            {
                "grant_type": "authorization_code",
                "code": external_data["code"],
                "redirect_uri": external_data["state"]["redirect_uri"],
                "scope": " ".join(SCOPES),
            }
        )

    async def async_refresh(self, refresh_token: str) -> Token:
        """Return the tokens that follow a refresh token, stored; raises CloudError by kind."""

        async def async_request(refresh_token: str) -> Token:
            """Spend the refresh token."""
            return await self._async_request(
                {"grant_type": "refresh_token", "refresh_token": refresh_token}
            )

        book = await async_token_book(self.hass)
        return await book.async_refresh(refresh_token, self.domain, async_request)

    @override
    async def _token_request(self, data: dict[str, Any]) -> dict[str, Any]:
        """Return tokens the way that Home Assistant's own sessions ask for them."""
        failure: Exception
        try:
            if data["grant_type"] == "refresh_token":
                return dict(await self.async_refresh(data["refresh_token"]))
            return await self._async_request(data)
        except CloudAuthError:
            failure = OAuth2TokenRequestReauthError(
                request_info=self._request_info,
                status=HTTPStatus.BAD_REQUEST,
                message="The vendor refuses the grant",
                domain=DOMAIN,
            )
        except CloudQuotaError:
            failure = OAuth2TokenRequestTransientError(
                request_info=self._request_info,
                status=HTTPStatus.TOO_MANY_REQUESTS,
                message="The vendor's call limit is reached",
                domain=DOMAIN,
            )
        except CloudError:
            failure = OAuth2TokenRequestConnectionError(domain=DOMAIN)
        raise failure

    async def _async_request(self, form: Mapping[str, str]) -> Token:
        """Return what the token endpoint gives this application."""
        return await request_token(
            async_get_clientsession(self.hass),
            self.token_url,
            {
                **form,
                "client_id": self.client_id,
                "client_secret": self.client_secret,
            },
            now_s=dt_util.utcnow().timestamp(),
        )

    @property
    def _request_info(self) -> RequestInfo:
        """Return what an error may tell of a request: where it went."""
        url = URL(self.token_url)
        return RequestInfo(url, "POST", _NOTHING, url)
