"""Refreshing tokens so that none is lost: one refresh at a time, written before use."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_TOKEN
from homeassistant.core import HomeAssistant
from homeassistant.helpers.singleton import singleton
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from ...clouds.errors import CloudOutageError
from ...const import CONF_KIND, DOMAIN, EntryKind
from .records import Token, TokenRecord, TokenRecords, fingerprint

_STORE_VERSION: Final = 1
_STORE_KEY: Final = f"{DOMAIN}.netatmo_tokens"

DATA_BOOK: HassKey[TokenBook] = HassKey(f"{DOMAIN}_netatmo_tokens")

CONF_REFRESH_TOKEN: Final = "refresh_token"

type TokenRequest = Callable[[str], Coroutine[Any, Any, Token]]
"""Spends a refresh token at the vendor's; raises CloudError by kind."""


class TokenBook:
    """The newest tokens of all accounts, on disk before anybody uses them."""

    def __init__(self, hass: HomeAssistant, records: TokenRecords) -> None:
        """Start with what was stored."""
        self._hass = hass
        self._records = records
        self._store = _store(hass)
        self._running: dict[str, asyncio.Task[Token]] = {}
        self._unwanted: set[str] = set()

    def find(self, refresh_token: str) -> TokenRecord | None:
        """Return what is known of a refresh token's grant, be the token spent or not."""
        return self._records.find(refresh_token)

    def newer(self, refresh_token: str) -> TokenRecord | None:
        """Return what took a refresh token's place; None where nothing did."""
        return self._records.newer(refresh_token)

    async def async_refresh(
        self, refresh_token: str, implementation: str, request: TokenRequest
    ) -> Token:
        """Return the tokens that follow a refresh token, asking the vendor once at most.

        Callers with the same token share one request, which goes on also where they are
        cancelled: an answer that nobody takes would be lost. Raises CloudError by kind.
        """
        if (record := self._records.newer(refresh_token)) is not None:
            return record.token
        key = fingerprint(refresh_token)
        if (task := self._running.get(key)) is None:
            if self._hass.is_stopping:
                # What is stored now may be written too late for a machine in a hurry.
                raise CloudOutageError("token: Home Assistant is stopping")
            task = self._running[key] = self._hass.async_create_task(
                self._async_refresh(refresh_token, implementation, request),
                f"{DOMAIN} refresh a token",
            )
            task.add_done_callback(lambda done: self._ended(key, done))
        return await asyncio.shield(task)

    async def async_replace(
        self, refresh_token: str, implementation: str, token: Token
    ) -> None:
        """Note tokens that take a refresh token's place, before an entry gets them."""
        self._records.replace(
            refresh_token, implementation, token, dt_util.utcnow().timestamp()
        )
        await self._async_save()

    async def async_forget(self, refresh_token: str) -> None:
        """Drop what belongs to a refresh token, and what a refresh under way will give."""
        if (key := fingerprint(refresh_token)) in self._running:
            self._unwanted.add(key)
        if self._records.forget(refresh_token):
            await self._async_save()

    async def _async_refresh(
        self, refresh_token: str, implementation: str, request: TokenRequest
    ) -> Token:
        """Spend a refresh token and store what it gave."""
        token = await request(refresh_token)
        if fingerprint(refresh_token) in self._unwanted:
            return token
        record = self._records.renew(
            refresh_token, implementation, token, dt_util.utcnow().timestamp()
        )
        await self._async_save()
        return record.token

    def _ended(self, key: str, task: asyncio.Task[Token]) -> None:
        """Forget a refresh that has ended, also one whose callers have all gone."""
        del self._running[key]
        self._unwanted.discard(key)
        if not task.cancelled():
            task.exception()

    async def _async_save(self) -> None:
        """Write everything and wait until it is written."""
        await self._store.async_save({"records": self._records.as_data()})


@singleton(DATA_BOOK, async_=True)
async def async_token_book(hass: HomeAssistant) -> TokenBook:
    """Return the tokens of all accounts, read at the first call."""
    stored = await _store(hass).async_load() or {"records": []}
    records = TokenRecords(map(TokenRecord.from_data, stored["records"]))
    records.prune(
        [entry.data[CONF_TOKEN][CONF_REFRESH_TOKEN] for entry in netatmo_entries(hass)],
        dt_util.utcnow().timestamp(),
    )
    return TokenBook(hass, records)


def netatmo_entries(hass: HomeAssistant) -> list[ConfigEntry]:
    """Return the entries of all Netatmo accounts, loaded or not."""
    return [
        entry
        for entry in hass.config_entries.async_entries(DOMAIN, include_ignore=False)
        if entry.data.get(CONF_KIND) == EntryKind.NETATMO
    ]


def _store(hass: HomeAssistant) -> Store[dict[str, Any]]:
    """Return where the tokens are, readable for nobody else."""
    return Store(hass, _STORE_VERSION, _STORE_KEY, private=True, atomic_writes=True)
