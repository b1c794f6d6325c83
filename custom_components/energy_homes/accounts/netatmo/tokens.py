"""The access tokens of Netatmo accounts: valid, the newest, and never lost."""

from typing import Any, Final, cast, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_TOKEN
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import (
    ConfigEntryAuthFailed,
    ConfigEntryNotReady,
    ImplementationUnavailableError,
    UnknownImplementationError,
)
from homeassistant.helpers.config_entry_oauth2_flow import (
    async_get_config_entry_implementation,
)
from homeassistant.util import dt as dt_util

from ...clouds.errors import CloudAuthError, CloudError
from ...clouds.netatmo.client import TokenProvider
from ...const import DOMAIN
from .book import CONF_REFRESH_TOKEN, async_token_book, netatmo_entries
from .oauth import NetatmoImplementation
from .records import Token

CONF_ACCESS_TOKEN: Final = "access_token"
CONF_AUTH_IMPLEMENTATION: Final = "auth_implementation"
CONF_EXPIRES_AT: Final = "expires_at"

EXPIRES_SOON_S: Final = 20
"""A token that expires within so many seconds is refreshed before it is used."""


class LooseTokens(TokenProvider):
    """Tokens of an account that has no entry yet; `token` is the newest."""

    def __init__(self, implementation: NetatmoImplementation, token: Token) -> None:
        """Take an application and tokens that it was given."""
        self._implementation = implementation
        self._token = token

    @override
    def __repr__(self) -> str:
        """Return the account without its tokens."""
        return f"<{type(self).__name__} {self._implementation.domain}>"

    @property
    def client_id(self) -> str:
        """Return the application's id, which the vendor counts calls by."""
        return self._implementation.client_id

    @property
    def token(self) -> Token:
        """Return the newest tokens."""
        return self._token

    @override
    async def __call__(self) -> str:
        """Return an access token that is valid as far as is known."""
        left_s = self.token[CONF_EXPIRES_AT] - dt_util.utcnow().timestamp()
        if left_s <= EXPIRES_SOON_S:
            try:
                await self._async_refresh()
            except CloudAuthError:
                raise
            except CloudError:
                if left_s <= 0:
                    raise
        return self._access_token

    @override
    async def force_refresh(self, refused: str) -> str:
        """Return another access token than `refused`, which the cloud did not take."""
        if self._access_token == refused:
            await self._async_refresh()
        return self._access_token

    @property
    def _access_token(self) -> str:
        """Return the newest access token."""
        return cast(str, self.token[CONF_ACCESS_TOKEN])

    async def _async_refresh(self) -> None:
        """Get the tokens that follow the newest ones, where nobody got them meanwhile."""
        spent: str = self.token[CONF_REFRESH_TOKEN]
        token = await self._implementation.async_refresh(spent)
        if self.token[CONF_REFRESH_TOKEN] == spent:
            self._take(token)

    def _take(self, token: Token) -> None:
        """Use tokens from now on."""
        self._token = token


class NetatmoTokens(LooseTokens):
    """Tokens of an account's entry, which always has the newest ones."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        implementation: NetatmoImplementation,
    ) -> None:
        """Take an account and its application."""
        super().__init__(implementation, entry.data[CONF_TOKEN])
        self._hass = hass
        self._entry = entry

    @property
    @override
    def token(self) -> Token:
        """Return the newest tokens; signing in again may have changed them."""
        return cast(Token, self._entry.data[CONF_TOKEN])

    @override
    def _take(self, token: Token) -> None:
        """Store tokens in the entry."""
        # A refresh may end after the entry was removed.
        if self._hass.config_entries.async_get_entry(self._entry.entry_id) is not None:
            self._hass.config_entries.async_update_entry(
                self._entry, data={**self._entry.data, CONF_TOKEN: token}
            )


async def async_netatmo_tokens(
    hass: HomeAssistant, entry: ConfigEntry
) -> NetatmoTokens:
    """Return the tokens of an account, newer ones where the entry was saved too late.

    Raises ConfigEntryAuthFailed where the account's application is gone, and
    ConfigEntryNotReady where it cannot be had now.
    """
    book = await async_token_book(hass)
    if (newer := book.newer(entry.data[CONF_TOKEN][CONF_REFRESH_TOKEN])) is not None:
        hass.config_entries.async_update_entry(
            entry,
            data={
                **entry.data,
                CONF_AUTH_IMPLEMENTATION: newer.implementation,
                CONF_TOKEN: newer.token,
            },
        )
    try:
        implementation = await async_get_config_entry_implementation(hass, entry)
    except UnknownImplementationError as err:
        raise ConfigEntryAuthFailed(
            translation_domain=DOMAIN,
            translation_key="application_gone",
            translation_placeholders={"account": entry.title},
        ) from err
    except ImplementationUnavailableError as err:
        raise ConfigEntryNotReady(
            translation_domain=DOMAIN,
            translation_key="application_unavailable",
            translation_placeholders={"account": entry.title},
        ) from err
    return NetatmoTokens(hass, entry, cast(NetatmoImplementation, implementation))


async def async_exchange_refresh_token(
    hass: HomeAssistant, implementation: NetatmoImplementation, refresh_token: str
) -> dict[str, Any]:
    """Return the tokens for a refresh token that somebody gave, stored before.

    A token that was spent here before gives what followed it, without a request. Raises
    CloudError by kind, CloudAuthError where the token is void or another application's.
    """
    return dict(await implementation.async_refresh(refresh_token))


async def async_find(hass: HomeAssistant, refresh_token: str) -> ConfigEntry | None:
    """Return the account that a refresh token is or was of, also one spent long ago."""
    record = (await async_token_book(hass)).find(refresh_token)
    for entry in netatmo_entries(hass):
        present: str = entry.data[CONF_TOKEN][CONF_REFRESH_TOKEN]
        if present == refresh_token:
            return entry
        if (
            record is not None
            and (await async_token_book(hass)).find(present) is record
        ):
            return entry
    return None


async def async_replace_token(
    hass: HomeAssistant, entry: ConfigEntry, implementation: str, token: Token
) -> dict[str, Any]:
    """Store that an account gets tokens by another way; return the entry's new data.

    A refresh token that the tokens were got for becomes one of the account's own.
    """
    book = await async_token_book(hass)
    await book.async_replace(
        entry.data[CONF_TOKEN][CONF_REFRESH_TOKEN], implementation, token
    )
    return {
        **entry.data,
        CONF_AUTH_IMPLEMENTATION: implementation,
        CONF_TOKEN: token,
    }


async def async_forget_tokens(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Forget what was stored of an account's tokens, once its entry is removed."""
    book = await async_token_book(hass)
    await book.async_forget(entry.data[CONF_TOKEN][CONF_REFRESH_TOKEN])
