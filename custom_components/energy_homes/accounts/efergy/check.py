"""Looking at an account before it is saved, for the config flow."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from ...clouds.efergy.client import EfergyClient
from ...clouds.errors import CloudNonsenseError, CloudOutageError, CloudRequestError
from ..registry import MeterInfo
from .hub import account_client
from .inventory import Inventory

_HASH_DIGITS: Final = 16
_OUT_OF_ORDER: Final = (CloudOutageError, CloudNonsenseError, CloudRequestError)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountCheck:
    """An account that answers: its own id, what to call it and its meters, ghosts flagged."""

    unique_id: str
    title: str
    meters: tuple[MeterInfo, ...]


async def async_check_account(
    hass: HomeAssistant, token: str, base_url: str
) -> AccountCheck:
    """Ask an account who it is and which meters it has.

    An account is known by its household, or by a fingerprint of its token where the vendor
    does not tell the household and yet tells current values. Raises CloudError by kind; an
    impossible address is a CloudRequestError.
    """
    client = account_client(hass, token, base_url)
    refused: CloudOutageError | CloudNonsenseError | CloudRequestError | None = None
    try:
        account = (await client.status()).hid
    except _OUT_OF_ORDER as err:
        account = sha256(token.encode()).hexdigest()[:_HASH_DIGITS]
        refused = err
    try:
        meters = await _meters(client)
    except _OUT_OF_ORDER as err:
        # The first refusal says more: it may be an address that nobody answers at.
        raise (refused or err) from None
    return AccountCheck(
        unique_id=f"efergy_{account}", title=f"Efergy {account[-4:]}", meters=meters
    )


async def _meters(client: EfergyClient) -> tuple[MeterInfo, ...]:
    """Return the account's meters, from the household's power where nothing else works."""
    inventory = Inventory()
    try:
        inventory.update(await client.current_values(), dt_util.utcnow())
    except _OUT_OF_ORDER as err:
        try:
            inventory.update_instant(await client.instant(), dt_util.utcnow())
        except _OUT_OF_ORDER:
            raise err from None
    return tuple(inventory.meters.values())
