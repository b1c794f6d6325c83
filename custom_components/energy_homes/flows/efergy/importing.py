"""Efergy accounts of homes that are imported."""

from typing import Final, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_TOKEN, CONF_URL
from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from ...const import (
    CONF_ACCOUNT,
    CONF_SERVER,
    DOMAIN,
    EfergyServer,
    EntryKind,
    SourceKind,
)
from ...homes.inventory import account_entries, hubs, live_meters
from ..forms import Fields
from ..imports.accounts import Given, MeterAccount, MeterImport
from .checking import Credentials, async_check, refuse_empty

CREDENTIALS: Final[Fields] = {
    vol.Required(CONF_TOKEN): cv.string,
    vol.Optional(CONF_SERVER): vol.Coerce(EfergyServer),
    vol.Optional(CONF_URL): cv.string,
}


class EfergyImport(MeterImport):
    """Comes by Efergy accounts; one that is asked is known by its token."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Start without an account."""
        self._hass = hass
        self._known: dict[str, MeterAccount] = {}

    @override
    def entry_with(self, given: Given) -> ConfigEntry | None:
        """Return the account that has a token."""
        token = given[CONF_TOKEN].strip()
        return next(
            (
                entry
                for entry in account_entries(self._hass, EntryKind.EFERGY)
                if entry.data[CONF_TOKEN] == token
            ),
            None,
        )

    @override
    async def async_account(
        self, given: Given, entry: ConfigEntry | None
    ) -> MeterAccount:
        """Return an account with its meters; raises Refused where it does not answer."""
        credentials = Credentials.read(
            entry.data if entry is not None and CONF_ACCOUNT in given else given
        )
        if (known := self._known.get(credentials.token)) is None:
            known = self._known[credentials.token] = self._loaded(
                entry
            ) or await self._async_asked(credentials, entry)
        return known

    def _loaded(self, entry: ConfigEntry | None) -> MeterAccount | None:
        """Return an account that is loaded and has meters that report."""
        if entry is None or entry.unique_id is None:
            return None
        hub = hubs(self._hass).get(entry.unique_id)
        if hub is None or not (live := live_meters(hub)):
            return None
        return MeterAccount(
            key=entry.unique_id,
            title=entry.title,
            kind=SourceKind.EFERGY,
            meters=live,
            tells_submeters=False,
        )

    async def _async_asked(
        self, credentials: Credentials, entry: ConfigEntry | None
    ) -> MeterAccount:
        """Ask an account which meters it has."""
        check = await async_check(self._hass, credentials)
        refuse_empty(check)
        there = entry or self._hass.config_entries.async_entry_for_domain_unique_id(
            DOMAIN, check.unique_id
        )
        return MeterAccount(
            key=(there and there.unique_id) or check.unique_id,
            title=check.title,
            kind=SourceKind.EFERGY,
            meters=[meter for meter in check.meters if not meter.ghost],
            tells_submeters=False,
            data=credentials.as_data() if there is None else None,
        )
