"""The backfill of a room: what Netatmo knows of its temperatures from before."""

from datetime import datetime
from typing import Final

from ..ledger import Ledger
from ..metering.gaps import slots_in
from ..models import NotNowError
from ..rooms.coordinator import HeatingCoordinator
from .room_repair import RoomRepair
from .step import Step

ROOM: Final = "room"


class RoomBackfill:
    """Takes the past of a room into the ledger."""

    def __init__(
        self,
        ledger: Ledger,
        repair: RoomRepair,
        heating: HeatingCoordinator,
        room_id: str,
    ) -> None:
        """Fill the slots of a room of a heating."""
        self._ledger = ledger
        self._repair = repair
        self._heating = heating
        self._room_id = room_id

    async def async_first(self) -> datetime | None:
        """Return None: before a room's modules there may have been others."""
        return None

    async def async_step(
        self, begin: datetime, end: datetime, newest: datetime
    ) -> Step:
        """Take as much as one call answers; a problem of that is one of the step."""
        step = await self._repair.async_backfill(
            self._heating, self._room_id, begin, end, again=True
        )
        if step.problem is not None:
            raise NotNowError(step.problem)
        reached = begin if step.done else step.reached
        left = slots_in(
            await self._ledger.rooms.async_gaps(self._room_id, reached, end)
        )
        return Step(
            begin=reached,
            found=step.vendor + left,
            filled=step.vendor,
            origin=ROOM,
            calls=step.calls,
            reported=step.vendor > 0 if step.calls else None,
        )
