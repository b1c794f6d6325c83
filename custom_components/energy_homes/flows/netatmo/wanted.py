"""Which Netatmo home a home that is imported is to have, and the account behind it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ImplementationUnavailableError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.config_entry_oauth2_flow import async_get_implementations
import voluptuous as vol

from ...accounts.netatmo.check import NetatmoCheck, async_check_netatmo, counted_client
from ...accounts.netatmo.oauth import NetatmoImplementation
from ...accounts.netatmo.tokens import (
    CONF_AUTH_IMPLEMENTATION,
    async_exchange_refresh_token,
    async_find,
    async_netatmo_tokens,
    async_replace_token,
)
from ...clouds.errors import (
    CloudAuthError,
    CloudError,
    CloudOutageError,
    CloudQuotaError,
)
from ...clouds.netatmo.errors import CloudRefusedError, Refusal
from ...clouds.netatmo.models import HomeTopology
from ...clouds.netatmo.oauth import SCOPES, missing_scopes
from ...const import CONF_ACCOUNT, DOMAIN, EntryKind
from ...homes.directory import normalized_label
from ...homes.inventory import NONE, heating_sources
from ...models import HeatingSource
from ..forms import CONF_HOME, Fields
from ..imports.accounts import Given, HeatingImport, ImportedAccount, named_account
from ..refused import Refused
from .account import netatmo_data
from .source import async_named_heating, async_zone_of, netatmo_hubs

CONF_CLIENT_ID: Final = "client_id"
CONF_REFRESH_TOKEN: Final = "refresh_token"


CREDENTIALS: Final[Fields] = {
    vol.Required(CONF_REFRESH_TOKEN): cv.string,
    vol.Optional(CONF_CLIENT_ID): cv.string,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedNetatmo(ImportedAccount):
    """An account that heats a home."""

    homes: tuple[HomeTopology, ...]


@dataclass(frozen=True, slots=True)
class WantedHome:
    """The Netatmo home that is to heat a home."""

    hass: HomeAssistant
    account: ImportedNetatmo
    topology: HomeTopology

    async def async_zone(self) -> str:
        """Return the Netatmo home's time zone, Home Assistant's where it has none."""
        return await async_zone_of(self.hass, self.topology)

    async def async_source(
        self,
        home: ConfigEntry | None,
        since: datetime,
        names: Iterable[str],
        import_from: date | None,
    ) -> HeatingSource | None:
        """Return the heating that a home is to have; None where it has it."""
        if home is not None and any(
            home_id == self.topology.home_id
            for _, home_id in _homes_of(self.hass, home)
        ):
            return None
        return await async_named_heating(
            self.hass,
            "",
            (self.account.key, self.topology.home_id),
            self.topology,
            home,
            since=since,
            names=names,
            import_from=import_from,
        )


class NetatmoImport(HeatingImport):
    """The Netatmo accounts of one import: a refresh token is spent once, also in vain."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Start without an account."""
        self._hass = hass
        self._given: dict[tuple[str, str | None], ImportedNetatmo | Refused] = {}
        self._homes: dict[str, tuple[HomeTopology, ...] | Refused] = {}

    @override
    async def async_heats(self, given: Given, home: ConfigEntry | None) -> bool:
        """Return whether a home has the heating that is given, without asking anybody.

        Without the name of a Netatmo home it is enough to have one of the account. Raises
        Refused where an account is named that is not there.
        """
        entry = await async_entry_of(self._hass, given)
        if entry is None or home is None:
            return False
        name: str | None = given.get(CONF_HOME)
        hub = netatmo_hubs(self._hass).get(entry.unique_id or "")
        named = () if hub is None or name is None else _named(hub.homes.values(), name)
        ids = {topology.home_id for topology in named} | {name}
        return any(
            name is None or home_id in ids
            for account, home_id in _homes_of(self._hass, home)
            if account == entry.unique_id
        )

    @override
    async def async_wanted(self, given: Given, label: str) -> WantedHome:
        """Return the Netatmo home that is to heat a home.

        Raises Refused where the account does not answer, or has no such home.
        """
        account = await self._async_account(given)
        topology = wanted_topology(account, given.get(CONF_HOME), label)
        return WantedHome(self._hass, account, topology)

    async def _async_account(self, wanted: Given) -> ImportedNetatmo:
        """Return an account with its homes, asked for at most once.

        Raises Refused where there is none, or where it does not answer.
        """
        if (entry := await async_entry_of(self._hass, wanted)) is not None:
            return ImportedNetatmo(
                key=entry.unique_id or "",
                title=entry.title,
                homes=await self._async_homes(entry),
            )
        key = (wanted[CONF_REFRESH_TOKEN].strip(), wanted.get(CONF_CLIENT_ID))
        if key not in self._given:
            try:
                self._given[key] = await self._async_exchange(*key)
            except Refused as refused:
                self._given[key] = refused
        if isinstance(given := self._given[key], Refused):
            raise given
        return given

    async def _async_homes(self, entry: ConfigEntry) -> tuple[HomeTopology, ...]:
        """Return the homes of an account that is there, loaded or not."""
        key = entry.unique_id or ""
        hub = netatmo_hubs(self._hass).get(key)
        if hub is not None and hub.homes:
            return tuple(hub.homes.values())
        if key not in self._homes:
            try:
                self._homes[key] = await self._async_ask(entry)
            except Refused as refused:
                self._homes[key] = refused
        if isinstance(known := self._homes[key], Refused):
            raise known
        return known

    async def _async_ask(self, entry: ConfigEntry) -> tuple[HomeTopology, ...]:
        """Ask for the homes of an account with its own tokens."""
        try:
            tokens = await async_netatmo_tokens(self._hass, entry)
            return (await counted_client(self._hass, tokens).homes()).homes
        except CloudAuthError, HomeAssistantError:
            raise Refused("netatmo_sign_in", account=entry.title) from None
        except CloudError as err:
            raise _refused(err) from None

    async def _async_exchange(
        self, refresh_token: str, client_id: str | None
    ) -> ImportedNetatmo:
        """Spend a refresh token, and look at the account that it is of."""
        if not refresh_token:
            raise Refused("refresh_token_needed")
        application = await self._async_application(client_id)
        try:
            token = await async_exchange_refresh_token(
                self._hass, application, refresh_token
            )
            if missing := missing_scopes(token):
                raise Refused("netatmo_scope", scopes=", ".join(missing))
            check = await async_check_netatmo(self._hass, application, token)
        except CloudAuthError:
            raise Refused(
                "invalid_refresh_token", application=application.name
            ) from None
        except CloudError as err:
            raise _refused(err) from None
        return await self._async_checked(check, application.domain)

    async def _async_checked(
        self, check: NetatmoCheck, implementation: str
    ) -> ImportedNetatmo:
        """Return an account that was looked at; one that is there gets the newer tokens."""
        self._homes[check.unique_id] = check.homes
        there = self._hass.config_entries.async_entry_for_domain_unique_id(
            DOMAIN, check.unique_id
        )
        if there is None:
            return ImportedNetatmo(
                key=check.unique_id,
                title=check.title,
                homes=check.homes,
                data=netatmo_data(implementation, check.token),
            )
        if there.data.get(CONF_AUTH_IMPLEMENTATION) == implementation:
            # The tokens that it had may be void by now.
            self._hass.config_entries.async_update_entry(
                there,
                data=await async_replace_token(
                    self._hass, there, implementation, check.token
                ),
            )
        return ImportedNetatmo(
            key=check.unique_id, title=there.title, homes=check.homes
        )

    async def _async_application(self, client_id: str | None) -> NetatmoImplementation:
        """Return the application with an id; without one the only one there is."""
        try:
            found = await async_get_implementations(self._hass, DOMAIN)
        except ImplementationUnavailableError:
            # Of somebody who could give one, but not for us.
            found = {}
        applications = [
            application
            for application in found.values()
            if isinstance(application, NetatmoImplementation)
        ]
        if not applications:
            raise Refused("no_application")
        names = ", ".join(f"{a.name} ({a.client_id})" for a in applications)
        if client_id is None:
            if len(applications) > 1:
                raise Refused("application_needed", applications=names)
            return applications[0]
        for application in applications:
            if application.client_id == client_id.strip():
                return application
        raise Refused("unknown_application", client_id=client_id, applications=names)


async def async_entry_of(hass: HomeAssistant, wanted: Given) -> ConfigEntry | None:
    """Return the account that is named, or that a refresh token is or was of.

    Raises Refused where none has the name, or more than one.
    """
    if (name := wanted.get(CONF_ACCOUNT)) is not None:
        return named_account(hass, name, EntryKind.NETATMO)
    return await async_find(hass, wanted[CONF_REFRESH_TOKEN].strip())


def wanted_topology(
    account: ImportedNetatmo, name: str | None, label: str
) -> HomeTopology:
    """Return the Netatmo home with a name or an id.

    Without one it is the one that is called like the home, else the only one. Raises Refused
    where there is none, or more than one.
    """
    heated = [topology for topology in account.homes if topology.heated_rooms]
    if name is not None:
        found = _named(heated, name)
    else:
        found = _named(heated, label) or heated
    if len(found) == 1:
        return found[0]
    homes = ", ".join(f"{known.name} ({known.home_id})" for known in heated) or NONE
    if name is not None and not found:
        raise Refused(
            "no_such_netatmo_home",
            account=account.title,
            netatmo_home=name,
            homes=homes,
        )
    if not found:
        raise Refused("nothing_heats", account=account.title)
    raise Refused("netatmo_home_needed", account=account.title, homes=homes)


def _named(homes: Iterable[HomeTopology], name: str) -> list[HomeTopology]:
    """Return the Netatmo home with an id, else those with a name."""
    wanted, listed = normalized_label(name), list(homes)
    return [known for known in listed if known.home_id == name.strip()] or [
        known for known in listed if normalized_label(known.name) == wanted
    ]


def _homes_of(hass: HomeAssistant, home: ConfigEntry) -> set[tuple[str, str]]:
    """Return the accounts and ids of the Netatmo homes that a home has, or has had."""
    return {
        (revision.account or "", revision.hardware_id or "")
        for (entry_id, _), source in heating_sources(hass).items()
        if entry_id == home.entry_id
        for revision in source.revisions
    }


def _refused(err: CloudError) -> Refused:
    """Return how it is told that the cloud does not answer as it should."""
    if isinstance(err, CloudQuotaError):
        return Refused("netatmo_quota")
    if isinstance(err, CloudOutageError):
        return Refused("netatmo_outage")
    if isinstance(err, CloudRefusedError) and err.reason is Refusal.SCOPE:
        return Refused("netatmo_scope", scopes=", ".join(SCOPES))
    return Refused("netatmo_nonsense")
