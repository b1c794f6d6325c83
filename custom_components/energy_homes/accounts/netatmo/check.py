"""Looking at a Netatmo account before it is saved."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.util import dt as dt_util

from ...clouds.errors import CloudNonsenseError
from ...clouds.netatmo.client import NetatmoClient
from ...clouds.netatmo.models import HomesData, HomeTopology
from .applications import app_budget
from .oauth import NetatmoImplementation
from .records import Token
from .server import netatmo_url
from .tokens import CONF_ACCESS_TOKEN, LooseTokens

_BY_HOME: Final = "netatmo_home_"


@dataclass(frozen=True, slots=True, kw_only=True)
class NetatmoCheck:
    """An account that answers: its own id, what to call it, its homes, its newest tokens."""

    unique_id: str
    title: str
    homes: tuple[HomeTopology, ...]
    token: Token = field(repr=False)

    @property
    def heated_homes(self) -> tuple[HomeTopology, ...]:
        """Return the homes with something that heats."""
        return tuple(home for home in self.homes if home.heated_rooms)

    def is_account(self, unique_id: str, homes_in_use: Collection[str] = ()) -> bool:
        """Return whether this is the account with an id and these homes.

        An account whose user the vendor does not tell is known by its homes.
        """
        if self.unique_id == unique_id:
            return True
        here = {home.home_id for home in self.homes}
        if unique_id.startswith(_BY_HOME):
            return unique_id.removeprefix(_BY_HOME) in here
        return self.unique_id.startswith(_BY_HOME) and not here.isdisjoint(homes_in_use)


async def async_check_netatmo(
    hass: HomeAssistant, implementation: NetatmoImplementation, token: Token
) -> NetatmoCheck:
    """Ask an account who it is and which homes it has; raises CloudError by kind."""
    tokens = LooseTokens(implementation, token)
    client = counted_client(hass, tokens)
    answer = await client.homes()
    if not answer.complete:
        raise CloudNonsenseError("homesdata: no list of homes")
    access: str = tokens.token[CONF_ACCESS_TOKEN]
    identity, short = _identity(answer, access)
    return NetatmoCheck(
        unique_id=identity,
        title=f"Netatmo {short}",
        homes=answer.homes,
        token=tokens.token,
    )


def counted_client(hass: HomeAssistant, tokens: LooseTokens) -> NetatmoClient:
    """Return a client whose calls the application's limit knows of."""

    def count(_method: str) -> None:
        """Count a call among those of the application's accounts."""
        app_budget(hass, tokens.client_id).log.record(dt_util.utcnow())

    return NetatmoClient(
        async_get_clientsession(hass), tokens, netatmo_url(), on_call=count
    )


def _identity(answer: HomesData, access_token: str) -> tuple[str, str]:
    """Return an account's own id, and what of it people are shown."""
    user, bar, _ = access_token.partition("|")
    if (known := answer.user_id or (user if bar else "")) != "":
        return f"netatmo_{known}", known[-4:]
    home = min((home.home_id for home in answer.homes), default="")
    return f"{_BY_HOME}{home}", home[-4:]
