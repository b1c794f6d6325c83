"""Where requests find the board that they come from, by its secret."""

from collections.abc import Callable
from hashlib import sha256
from hmac import compare_digest
from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.util.hass_dict import HassKey

from ...boards.rate import AddressLimit, parsed_address
from ...const import DOMAIN
from .hub import PulseBoardHub

DATA_BOARDS: HassKey[Boards] = HassKey(f"{DOMAIN}_boards")

STRANGERS: Final = 256
"""So many addresses that do not know a secret are told apart."""

STRANGER_RATE: Final = 1.0
STRANGER_BURST: Final = 20.0
STRANGERS_RATE: Final = 50.0
"""What they may ask in a second: each of them, each at once, and all together."""


class Boards:
    """The boards that are loaded now, and how often others have knocked."""

    def __init__(self) -> None:
        """Start without boards."""
        self._hubs: dict[PulseBoardHub, bytes] = {}
        self._limit = AddressLimit(
            addresses=STRANGERS,
            rate=STRANGER_RATE,
            burst=STRANGER_BURST,
            total_rate=STRANGERS_RATE,
        )
        self._addresses: dict[str, PulseBoardHub] = {}
        self.strangers = 0

    def attach(self, hub: PulseBoardHub) -> Callable[[], None]:
        """Let requests with a hub's secret find it; return how to end that."""
        self._hubs[hub] = _digest(hub.config.secret)

        def detach() -> None:
            """Let nobody find the hub any more."""
            self._hubs.pop(hub, None)

        return detach

    async def async_stop(self) -> None:
        """Stop every board, so that nothing is left that would want the ledger."""
        for hub in tuple(self._hubs):
            await hub.async_stop()

    def find(self, secret: str) -> PulseBoardHub | None:
        """Return the hub with a secret, in a time that does not tell how near a guess was."""
        asked = _digest(secret)
        found = None
        for hub, known in self._hubs.items():
            if compare_digest(asked, known):
                found = hub
        return found

    def attach_address(self, hub: PulseBoardHub, address: str) -> Callable[[], None]:
        """Let a hub be found by the board's own address; return how to end that."""
        self._addresses[address] = hub

        def detach() -> None:
            """Let nobody be the board by an address any more."""
            if self._addresses.get(address) is hub:
                del self._addresses[address]

        return detach

    def at(self, address: str | None) -> PulseBoardHub | None:
        """Return the hub of the board that has an address."""
        return self._addresses.get(str(parsed_address(address)))

    def stranger_may_ask(self, address: str | None, now_s: float) -> bool:
        """Note a request that no board made; return whether it is worth an answer."""
        self.strangers += 1
        return self._limit.take(address, now_s)


@callback
def boards_of(hass: HomeAssistant) -> Boards:
    """Return the boards of Home Assistant."""
    if (boards := hass.data.get(DATA_BOARDS)) is None:
        boards = hass.data[DATA_BOARDS] = Boards()
    return boards


def _digest(secret: str) -> bytes:
    """Return what is compared: of one length, whatever was sent."""
    return sha256(secret.encode(errors="surrogatepass")).digest()
