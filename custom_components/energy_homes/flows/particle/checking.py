"""Credentials of a Particle account: read from a form, and tried out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_TOKEN, CONF_URL
from homeassistant.core import HomeAssistant

from ...accounts.particle.check import ParticleCheck, async_check_particle
from ...accounts.particle.hub import ParticleHub
from ...accounts.particle.server import particle_url
from ...clouds.errors import (
    CloudAuthError,
    CloudError,
    CloudOutageError,
    CloudQuotaError,
    CloudRequestError,
)
from ...clouds.particle.parse import is_id
from ...const import CONF_KIND, CONF_PRODUCT, EntryKind
from ...homes.inventory import account_entries, hardware_ever_used, hubs
from ..refused import Refused
from ..server import server_address


@dataclass(frozen=True, slots=True, kw_only=True)
class ParticleCredentials:
    """How to talk to a Particle account, or to one product in it."""

    token: str = field(repr=False)
    product: str | None = None
    url: str | None = None

    @classmethod
    def read(cls, user_input: Mapping[str, Any]) -> ParticleCredentials:
        """Read a form, or an entry's data.

        Raises Refused where the token is empty, or something else is none of its kind.
        """
        if not (token := user_input[CONF_TOKEN].strip()):
            raise Refused("token_needed", CONF_TOKEN)
        if not is_id(token):
            raise Refused("no_token", CONF_TOKEN)
        product = (user_input.get(CONF_PRODUCT) or "").strip() or None
        if product is not None and not is_id(product):
            raise Refused("no_product", CONF_PRODUCT, product=product)
        url = (user_input.get(CONF_URL) or "").strip()
        return cls(
            token=token, product=product, url=server_address(url) if url else None
        )

    def as_data(self) -> dict[str, Any]:
        """Return the data of the account's entry."""
        data: dict[str, Any] = {
            CONF_KIND: EntryKind.PARTICLE.value,
            CONF_TOKEN: self.token,
        }
        if self.product is not None:
            data[CONF_PRODUCT] = self.product
        if self.url is not None:
            data[CONF_URL] = self.url
        return data


async def async_check_credentials(
    hass: HomeAssistant, credentials: ParticleCredentials
) -> ParticleCheck:
    """Return what the cloud says to the credentials; raises Refused where it says no."""
    try:
        check = await async_check_particle(
            hass, credentials.token, credentials.url, credentials.product
        )
    except CloudError as err:
        refused = refusal(err, credentials)
    else:
        return check
    raise refused


def refusal(err: CloudError, credentials: ParticleCredentials) -> Refused:
    """Return how a form says what went wrong with the cloud."""
    server = particle_url(credentials.url)
    if isinstance(err, CloudAuthError):
        return Refused("invalid_token", CONF_TOKEN, server=server)
    if isinstance(err, CloudQuotaError):
        return Refused("quota", server=server)
    if isinstance(err, CloudOutageError):
        return Refused("cannot_connect", server=server)
    if isinstance(err, CloudRequestError) and credentials.product is not None:
        return Refused("unknown_product", CONF_PRODUCT, product=credentials.product)
    return Refused("nonsense", server=server)


def refuse_boardless(check: ParticleCheck) -> None:
    """Raise Refused where an account has no board."""
    if not check.boards:
        raise Refused("no_board", account=check.title)


def account_with_boards(
    hass: HomeAssistant, check: ParticleCheck
) -> ConfigEntry | None:
    """Return the account that has the same boards in the same scope, if there is one."""
    for entry in account_entries(hass, EntryKind.PARTICLE):
        known = boards_known(hass, entry)
        if entry.unique_id == check.unique_id or (
            known and check.is_account(entry.unique_id or "", known)
        ):
            return entry
    return None


def refuse_other_boards(
    hass: HomeAssistant, entry: ConfigEntry, check: ParticleCheck
) -> None:
    """Raise Refused where a token is of another account than the entry."""
    known = boards_known(hass, entry)
    if not check.is_account(entry.unique_id or "", known):
        raise Refused(
            "wrong_account", CONF_TOKEN, account=entry.title, other=check.title
        )


def boards_known(hass: HomeAssistant, entry: ConfigEntry) -> set[str]:
    """Return the boards of an account, as it is loaded, and as homes use it."""
    known = {
        hardware_id.partition(".")[0]
        for account, hardware_id in hardware_ever_used(hass)
        if account == entry.unique_id
    }
    hub = hubs(hass).get(entry.unique_id or "")
    if isinstance(hub, ParticleHub):
        known |= {b.board_id for b in hub.known.boards.values() if b.device is not None}
    return known
