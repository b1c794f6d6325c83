"""Credentials of an account: read from a form, and tried out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
import hashlib
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_TOKEN, CONF_URL
from homeassistant.core import HomeAssistant

from ...accounts.efergy.check import AccountCheck, async_check_account
from ...accounts.efergy.server import base_url
from ...clouds.errors import (
    CloudAuthError,
    CloudError,
    CloudOutageError,
    CloudQuotaError,
)
from ...const import CONF_KIND, CONF_SERVER, EfergyServer, EntryKind
from ...homes.inventory import hardware_ever_used, hubs, live_meters
from ..refused import Refused
from ..server import server_address


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """How to talk to an Efergy account; `url` is the address of the server "other"."""

    token: str = field(repr=False)
    server: EfergyServer
    url: str | None

    @classmethod
    def read(cls, user_input: Mapping[str, Any]) -> Credentials:
        """Read a form, or an entry's data.

        Raises Refused where the token is empty or the address is missing or none.
        """
        server = EfergyServer(user_input.get(CONF_SERVER, EfergyServer.ENGAGE))
        token = user_input[CONF_TOKEN].strip()
        if not token:
            raise Refused("token_needed", CONF_TOKEN)
        if server is not EfergyServer.OTHER:
            return cls(token=token, server=server, url=None)
        return cls(
            token=token, server=server, url=server_address(user_input.get(CONF_URL, ""))
        )

    @property
    def base_url(self) -> str:
        """Return the address that is asked."""
        return base_url(self.server, self.url)

    def as_data(self) -> dict[str, Any]:
        """Return the data of the account's entry."""
        data: dict[str, Any] = {
            CONF_KIND: EntryKind.EFERGY.value,
            CONF_TOKEN: self.token,
            CONF_SERVER: self.server.value,
        }
        if self.url is not None:
            data[CONF_URL] = self.url
        return data


async def async_check(hass: HomeAssistant, credentials: Credentials) -> AccountCheck:
    """Return what the cloud says to the credentials; raises Refused where it says no."""
    server = credentials.base_url
    try:
        return await async_check_account(hass, credentials.token, server)
    except CloudAuthError:
        raise Refused("invalid_token", CONF_TOKEN, server=server) from None
    except CloudQuotaError:
        raise Refused("quota", server=server) from None
    except CloudOutageError:
        raise Refused("cannot_connect", server=server) from None
    except CloudError:
        raise Refused("nonsense", server=server) from None


def refuse_empty(check: AccountCheck) -> None:
    """Raise Refused where an account has no meter that reports."""
    if all(meter.ghost for meter in check.meters):
        raise Refused("no_meter", account=check.title)


def refuse_other_account(
    hass: HomeAssistant, entry: ConfigEntry, check: AccountCheck, token: str
) -> None:
    """Raise Refused where a token is of another account than the entry.

    An account that hides its own id is named after its token; then its meters tell.
    """
    assert entry.unique_id is not None
    if check.unique_id == entry.unique_id:
        return
    if _named_after(entry.unique_id, entry.data[CONF_TOKEN]) or _named_after(
        check.unique_id, token
    ):
        known = {
            hardware_id
            for account, hardware_id in hardware_ever_used(hass)
            if account == entry.unique_id
        }
        if (hub := hubs(hass).get(entry.unique_id)) is not None:
            known.update(meter.hardware_id for meter in live_meters(hub))
        if not known or known & {meter.hardware_id for meter in check.meters}:
            return
    raise Refused("wrong_account", CONF_TOKEN, account=entry.title, other=check.title)


def _named_after(unique_id: str, token: str) -> bool:
    """Return whether an account's own id was made from its token."""
    return unique_id.endswith(hashlib.sha256(token.encode()).hexdigest()[:16])
