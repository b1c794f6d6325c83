"""The simulated board against the real endpoint: our count is what it saw acknowledged."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

from aiohttp.test_utils import TestServer
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest

from custom_components.energy_homes.accounts.pulse_board.hub import PulseBoardHub
from custom_components.energy_homes.accounts.registry import Accounts
from custom_components.energy_homes.endpoints.view import async_register_board_view
from custom_components.energy_homes.ledger import Ledger
from tests.board_control import BoardControl
from tests.board_kit import SECRET, Follower, ledger_at, started_hub
from tests.simulator_client import SimulatorClient
from tests.virtual import VirtualTime

WATTS = {1: 4000.0, 2: 900.0}
MINUTE = timedelta(minutes=1)
BOARD = "steady"


class Flat:
    """A home that a simulated board counts for the integration."""

    def __init__(
        self,
        hass: HomeAssistant,
        ledger: Ledger,
        board: BoardControl,
        time: VirtualTime,
    ) -> None:
        """Begin without a hub."""
        self.board = board
        self.accounts = Accounts()
        self.homes = {number: Follower(self.accounts, number) for number in WATTS}
        self.hub: PulseBoardHub
        self._hass = hass
        self._ledger = ledger
        self._time = time

    async def start(self) -> None:
        """Start the hub."""
        self.hub = await started_hub(self._hass, self._ledger, accounts=self.accounts)

    async def run(self, time: timedelta) -> None:
        """Let time pass for all."""
        await self.board.run(time, self._time.run)

    def counted(self) -> dict[int, int]:
        """Return what we have counted."""
        return {number: self.hub.book.channels[number].pulses for number in WATTS}

    def answered(self) -> dict[int, int]:
        """Return how many pulses the board was told are kept."""
        return {n: self.board.truth(n, BOARD)["answered"] for n in WATTS}


@pytest.fixture
async def flat(
    hass: HomeAssistant,
    simulator: SimulatorClient,
    virtual: VirtualTime,
    tmp_path: Path,
) -> AsyncIterator[Flat]:
    """Return a home whose board is switched on."""
    ledger = ledger_at(hass, tmp_path)
    await ledger.async_open()
    assert await async_setup_component(hass, "http", {})
    async_register_board_view(hass)
    board = BoardControl(simulator)
    flat = Flat(hass, ledger, board, virtual)
    await flat.start()
    board.add(
        BOARD, *({"channel": n, "load": None, "watts": w} for n, w in WATTS.items())
    )
    async with TestServer(hass.http.app) as server:
        url = server.make_url(f"/api/energy_homes/board/{SECRET}")
        board.power_on(str(url), BOARD)
        yield flat
        board.power_off(BOARD)
        await board.settle()
    await flat.hub.async_stop()
    await ledger.async_close()


async def test_every_pulse_counts_once(flat: Flat) -> None:
    """Power and energy are the load's, whatever is lost on the way."""
    await flat.run(3 * MINUTE)
    flat.board.board(BOARD, lose_answers=3)
    await flat.run(MINUTE)
    flat.board.board(BOARD, lose_requests=2)
    await flat.run(MINUTE)

    truth = {n: flat.board.truth(n, BOARD) for n in WATTS}
    assert flat.counted() == {n: truth[n]["produced"] for n in WATTS}
    for number, home in flat.homes.items():
        present = flat.hub.reports.present(number)
        assert present.power == pytest.approx(WATTS[number], rel=0.01)
        assert not present.estimated
        stamps = [at for at, _ in home.readings]
        assert stamps == sorted(set(stamps))
        assert home.readings[-1][1] == pytest.approx(
            truth[number]["energy_kwh"], abs=0.0021
        )
        assert len(home.gaps) == 1


@pytest.mark.heavy
async def test_restarts_on_both_sides(flat: Flat) -> None:
    """A board that begins anew, and we ourselves, lose nothing that was acknowledged."""
    await flat.run(MINUTE)
    await flat.hub.async_stop()
    await flat.run(timedelta(seconds=3))
    await flat.start()
    await flat.run(MINUTE)
    assert flat.counted() == flat.answered()

    url = flat.board.overview()["boards"][BOARD]["url"]
    flat.board.power_on(url, BOARD, announced=False)
    await flat.run(MINUTE)
    assert flat.counted() == flat.answered()
    flat.board.power_on(url, BOARD)
    await flat.run(MINUTE)
    assert flat.counted() == flat.answered()
    assert min(flat.counted().values()) >= 55
