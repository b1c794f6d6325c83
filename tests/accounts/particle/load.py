"""Many boards of one account, and somebody who hears what all of them say."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from homeassistant.core import HomeAssistant, callback

from custom_components.energy_homes.accounts.registry import DATA_ACCOUNTS, MeterUpdate
from custom_components.energy_homes.metering.model import PowerReading
from tests.particle_control import PARTICLE_USER, ParticleControl

PERIOD_MS = 1000
PREFIX = "board "


@dataclass
class Received:
    """What came of one board, without keeping any of it."""

    count: int = 0
    watts: float = 0.0
    last: datetime | None = None
    disordered: int = 0

    @callback
    def take(self, update: MeterUpdate) -> None:
        """Count a reading."""
        reading = update.reading
        if not isinstance(reading, PowerReading):
            return
        if self.last is not None and reading.at <= self.last:
            self.disordered += reading.at < self.last
            return
        self.count += 1
        self.watts += reading.power
        self.last = reading.at


def add_boards(control: ParticleControl, count: int) -> list[str]:
    """Add boards that say their power every second, each another one; return their ids."""
    names = [f"{PREFIX}{number:03}" for number in range(count)]
    for number, name in enumerate(names):
        control.add(
            name,
            PARTICLE_USER,
            watts=50 + number,
            period_ms=PERIOD_MS,
            events=[("power", "power")],
        )
    known = control.overview()["devices"]
    return [known[name]["id"] for name in names]


def follow(
    hass: HomeAssistant, account: str, board_ids: Sequence[str]
) -> dict[str, Received]:
    """Hear what boards say, as homes do."""
    accounts = hass.data[DATA_ACCOUNTS]
    heard = {board_id: Received() for board_id in board_ids}
    for board_id, listener in heard.items():
        accounts.subscribe(account, board_id, listener.take)
    return heard


def published(
    control: ParticleControl, from_: datetime, to: datetime
) -> dict[str, tuple[int, float]]:
    """Return how many powers each of the boards published in [from_, to), and their sum."""
    homes: dict[str, Any] = control.simulator.truth(from_, to, published=True)["homes"]
    return {
        board["id"]: (len(said), sum(float(data) for _, data in said))
        for home in homes.values()
        for name, board in home.get("boards", {}).items()
        if name.startswith(PREFIX)
        for said in [board["published"].get("power", ())]
    }
