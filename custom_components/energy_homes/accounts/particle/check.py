"""Looking at a Particle account before it is saved."""

from collections.abc import Collection
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.util import dt as dt_util

from ...clouds.particle.client import ParticleCall, ParticleClient
from ...clouds.particle.models import ParticleDevice
from ..quota import CallPriority
from .address import address_budget
from .server import particle_url

_BY_PRODUCT: Final = "particle_product_"
_BY_BOARD: Final = "particle_board_"
_BY_TOKEN: Final = "particle_token_"
_HASH_DIGITS: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class ParticleCheck:
    """An account that answers: its own id, what to call it, and its boards."""

    unique_id: str
    title: str
    boards: tuple[ParticleDevice, ...]

    def is_account(self, unique_id: str, boards_known: Collection[str] = ()) -> bool:
        """Return whether this is the account with an id, and with boards that are known.

        An account that the vendor does not name is known by its boards; without any it
        was named after a token, which says nothing of the next one.
        """
        if self.unique_id == unique_id:
            return True
        if _BY_PRODUCT in {
            unique_id[: len(_BY_PRODUCT)],
            self.unique_id[: len(_BY_PRODUCT)],
        }:
            return False
        here = {board.board_id for board in self.boards}
        known = set(boards_known)
        if unique_id.startswith(_BY_BOARD):
            known.add(unique_id.removeprefix(_BY_BOARD))
        return not known or not here.isdisjoint(known)


async def async_check_particle(
    hass: HomeAssistant, token: str, url: str | None, product: str | None
) -> ParticleCheck:
    """Ask an account who it is and which boards it has; raises CloudError by kind."""
    client = counted_client(hass, token, url, product)
    info = await client.token_info()
    boards = await client.devices()
    identity, short = account_identity(info.user, boards, token, product)
    return ParticleCheck(unique_id=identity, title=f"Particle {short}", boards=boards)


def counted_client(
    hass: HomeAssistant, token: str, url: str | None, product: str | None
) -> ParticleClient:
    """Return a client whose calls the limit of our address knows of."""

    def count(call: ParticleCall) -> None:
        """Count a call among those of all accounts."""
        address_budget(hass).take(call, dt_util.utcnow(), CallPriority.COMMAND)

    return ParticleClient(
        async_get_clientsession(hass),
        token,
        particle_url(url),
        product=product,
        on_call=count,
    )


def account_identity(
    user: str | None,
    boards: tuple[ParticleDevice, ...],
    token: str,
    product: str | None,
) -> tuple[str, str]:
    """Return an account's own id, and what of it people are shown.

    A product is its number, whatever name of it was typed. A user that the vendor tells is
    not shown: it is an e-mail address, and the id ends up in many places.
    """
    if product is not None:
        numbers = {board.product_id for board in boards if board.product_id}
        number = numbers.pop() if len(numbers) == 1 else product
        return f"{_BY_PRODUCT}{number}", product
    owners = {board.owner for board in boards if board.owner}
    if (owner := user or (owners.pop() if len(owners) == 1 else None)) is not None:
        fingerprint = _fingerprint(owner)
        return f"particle_{fingerprint}", fingerprint[-4:]
    if boards:
        first = min(board.board_id for board in boards)
        return f"{_BY_BOARD}{first}", first[-4:]
    fingerprint = _fingerprint(token)
    return f"{_BY_TOKEN}{fingerprint}", fingerprint[-4:]


def _fingerprint(text: str) -> str:
    """Return what stands for a text that nobody is to see."""
    return sha256(text.encode()).hexdigest()[:_HASH_DIGITS]
