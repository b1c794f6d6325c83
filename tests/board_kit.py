"""What tests of boards need: a hub on a ledger of its own, and who listens to it."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from custom_components.energy_homes.accounts.pulse_board.hub import PulseBoardHub
from custom_components.energy_homes.accounts.pulse_board.known import boards_of
from custom_components.energy_homes.accounts.registry import Accounts, MeterUpdate
from custom_components.energy_homes.boards.config import BoardConfig, ChannelConfig
from custom_components.energy_homes.boards.message import BoardReply, Pulse
from custom_components.energy_homes.ledger import Ledger
from custom_components.energy_homes.metering.model import CounterReading
from custom_components.energy_homes.metering.pulses import PulseSettings
from tests.patience import PATIENCE_S

SECRET: Final = "correct-horse-battery-staple-0123456789"
KEY: Final = "pulse_board_test"
BUSY: Final = timedelta(seconds=2 * PATIENCE_S)
"""So long the ledger waits for a disk that somebody else has: nobody waits for that."""

CONFIG: Final = BoardConfig(
    secret=SECRET,
    channels={
        number: ChannelConfig(
            name=f"Meter {number}", settings=PulseSettings(cap=20_000.0)
        )
        for number in (1, 2)
    },
)


def ledger_at(hass: HomeAssistant, folder: Path) -> Ledger:
    """Return a ledger that is to be opened."""
    return Ledger(
        hass.async_add_executor_job,
        folder / "energy_homes.db",
        busy_timeout=timedelta(seconds=60),
    )


async def started_hub(
    hass: HomeAssistant,
    ledger: Ledger,
    *,
    config: BoardConfig = CONFIG,
    accounts: Accounts | None = None,
    key: str = KEY,
) -> PulseBoardHub:
    """Return a hub that can be called."""
    hub = PulseBoardHub(
        hass,
        key=key,
        title="The board",
        config=config,
        accounts=accounts or Accounts(),
        boards=boards_of(hass),
        ledger=ledger,
    )
    await hub.async_start()
    return hub


async def pulse(hub: PulseBoardHub, stamp: int, channel: int = 1) -> BoardReply:
    """Let a pulse arrive now."""
    return await hub.async_hear(Pulse(channel, stamp), dt_util.utcnow())


class Follower:
    """A home that uses a channel: it remembers what it is told."""

    def __init__(self, accounts: Accounts, channel: int = 1, key: str = KEY) -> None:
        """Subscribe."""
        self.updates: list[MeterUpdate] = []
        self.stop = accounts.subscribe(key, str(channel), self.updates.append)

    @property
    def last(self) -> MeterUpdate:
        """Return what was told last."""
        return self.updates[-1]

    def power(self) -> tuple[float | None, bool] | None:
        """Return the power that was told last, and whether it is an estimate."""
        present = self.last.present
        return None if present is None else (present.power, present.estimated)

    @property
    def readings(self) -> list[tuple[datetime, float]]:
        """Return stamps and energies that were told, each once, since the first pulse."""
        readings = [update.reading for update in self.updates]
        counted = [r for r in readings if isinstance(r, CounterReading) and r.energy]
        return [(reading.at, reading.energy) for reading in dict.fromkeys(counted)]

    @property
    def gaps(self) -> list[datetime]:
        """Return the stamps before which nobody knows what was used."""
        return [
            update.reading.at
            for update in self.updates
            if update.gap
            and isinstance(update.reading, CounterReading)
            and update.reading.energy
        ]
