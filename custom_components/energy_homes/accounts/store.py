"""What an account has to know in the next run of Home Assistant, written in a while."""

from collections.abc import Callable
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.storage import Store

from ..const import DOMAIN

SAVE_WITHIN_S: Final = 300.0
_VERSION: Final = 1


class AccountStore:
    """The store of an account's entry; it holds no credential."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        as_data: Callable[[], dict[str, Any]],
    ) -> None:
        """Prepare to store; `as_data` returns what is to be written."""
        self._hass = hass
        self._store = _store(hass, entry)
        self._as_data = as_data
        self._due_s: float | None = None

    async def async_load(self) -> dict[str, Any] | None:
        """Return what another run has stored, None where there was none."""
        return await self._store.async_load()

    @callback
    def save(self, *, within_s: float = SAVE_WITHIN_S) -> None:
        """Write before so many seconds have passed, however often that is asked for."""
        due_s = self._hass.loop.time() + within_s
        # A store puts a pending write off by every further request for one.
        if self._due_s is None or due_s < self._due_s:
            self._due_s = due_s
            self._store.async_delay_save(self._written, within_s)

    async def async_save(self) -> None:
        """Write now."""
        await self._store.async_save(self._written())

    async def async_flush(self) -> None:
        """Write now what waits to be written, if anything does."""
        if self._due_s is not None:
            await self.async_save()

    @callback
    def _written(self) -> dict[str, Any]:
        """Return what is written now, after which nothing waits."""
        self._due_s = None
        return self._as_data()


async def async_forget_account(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Delete what was stored for an account, once its entry is removed."""
    await _store(hass, entry).async_remove()


def _store(hass: HomeAssistant, entry: ConfigEntry) -> Store[dict[str, Any]]:
    """Return where an account's data are."""
    return Store(hass, _VERSION, f"{DOMAIN}.account.{entry.entry_id}")
