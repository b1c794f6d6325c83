"""The demo that many tests share, with a complete slot that begins soon."""

from datetime import datetime, timedelta
from pathlib import Path

from demo.api import Api
from demo.energy import state_of
from demo.wait import until
from tests.e2e.clock import WallClock
from tests.e2e.running import RunningDemo, logged_in
from tests.e2e.shown import entities, powers

BOARD_ENERGY = "sensor.mill_cottage_fridge_and_microwave_energy"
"""The energy of the Particle board on one home's circuit."""

LEAD = timedelta(seconds=45)
"""Until then every meter has been read since the clock was put forward."""


class SharedDemo(RunningDemo):
    """A running demo whose clock is put forward once, as soon as all meters are read."""

    def __init__(self, folder: Path, clock: WallClock) -> None:
        """Choose the folder, and the clock by which the demo goes."""
        super().__init__(folder, clock.environment)
        self._clock = clock
        self._first_slot: datetime | None = None

    @property
    def now(self) -> datetime:
        """Return the demo's own time."""
        return self._clock.now

    @property
    def first_slot(self) -> datetime:
        """Return the start of the first slot of which all meters tell all."""
        assert self._first_slot is not None
        return self._first_slot

    async def begin(self) -> None:
        """Wait until every meter is read, and have a slot begin soon after."""
        async with Api(self.url) as client:
            api = await logged_in(client)
            await powers(api, await entities(api))
            await until(lambda: state_of(api, BOARD_ENERGY), "the board", seconds=180)
        self._first_slot = await self._clock.near_next_slot(self.simulator(), LEAD)
