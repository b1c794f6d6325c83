"""What Netatmo accounts know of a room: its own temperatures, else those of its thermostat."""

from dataclasses import dataclass
from functools import partial
import logging
from typing import Final

from ...clouds.errors import CloudError
from ...clouds.netatmo.client import NetatmoClient
from ...clouds.netatmo.errors import CloudRefusedError, Refusal
from ...clouds.netatmo.history import ROOM_TYPES, SCALES, room_answers
from ...clouds.netatmo.models import HomeTopology, MeasurePoint, ModuleTopology
from ...heating.netatmo.matching import match_rooms
from ...heating.netatmo.model import RELAY_THERMOSTAT_TYPES
from ...heating.records import RoomRecord
from ...ledger.codes import from_seconds
from ...metering.room_history import RoomAnswer, RoomCall
from ...models import (
    AskRoom,
    HeatingSource,
    HistoryAnswer,
    NotNowError,
    OpenRoomHistory,
    Problem,
    Revision,
)
from ..problem import account_problem, problem_of
from ..registry import Accounts, AccountState
from .hub import NetatmoHub

_LOGGER = logging.getLogger(__name__)

_UNKNOWN_ROOM: Final = frozenset({Refusal.NOT_FOUND, Refusal.INVALID})


@dataclass(frozen=True, slots=True)
class RoomPlace:
    """Where the vendor has a room: its account, home and own id."""

    hub: NetatmoHub
    home: HomeTopology
    room_id: str

    @property
    def thermostat(self) -> ModuleTopology | None:
        """Return the room's thermostat on a relay, which has a history of its own."""
        return next(
            (
                module
                for module in self.home.modules_in(self.room_id)
                if module.kind in RELAY_THERMOSTAT_TYPES and module.bridge is not None
            ),
            None,
        )


def open_room_history(
    accounts: Accounts, source: HeatingSource, room: RoomRecord
) -> OpenRoomHistory:
    """Return a look into what accounts know of a room of a heating, wherever that was."""
    return NetatmoRoomHistory(accounts, source, room).open


class NetatmoRoomHistory:
    """Asks accounts for the temperatures of one room."""

    def __init__(
        self, accounts: Accounts, source: HeatingSource, room: RoomRecord
    ) -> None:
        """Ask for a room of a heating, wherever that was."""
        self._accounts = accounts
        self._source = source
        self._room = room
        self._by_module = False
        self._calls = 0

    def open(self, revision: Revision) -> AskRoom | None:
        """Return who is asked of the room; None where that home has no such room.

        Raises NotNowError where the account does not answer or has no such home.
        """
        hub = self._accounts.heating_hubs.get(revision.account or "")
        if not isinstance(hub, NetatmoHub):
            raise NotNowError(Problem.ACCOUNT)
        if hub.state is not AccountState.CONNECTED:
            raise NotNowError(account_problem(hub.state))
        if (home := hub.homes.get(revision.hardware_id or "")) is None:
            raise NotNowError(Problem.HOME)
        # The record has the vendor's id in the newest home; in others it is the room of the
        # same name, if only one has it.
        matched = match_rooms(self._source.rooms, home).matched
        if (room_id := matched.get(self._room.room_id)) is None:
            return None
        return partial(self._async_answer, RoomPlace(hub, home, room_id))

    async def _async_answer(
        self, place: RoomPlace, call: RoomCall
    ) -> HistoryAnswer[RoomAnswer]:
        """Return the room's buckets in the span of a call, or why there are none now."""
        self._calls = 0
        try:
            points = await self._async_points(place, call)
            answers = room_answers(points, call)
        except CloudError as err:
            _LOGGER.debug("History of %s: %s", self._room.name, err)
            return HistoryAnswer(calls=self._calls, problem=problem_of(err))
        return HistoryAnswer(answers=answers, calls=self._calls)

    async def _async_points(
        self, place: RoomPlace, call: RoomCall
    ) -> tuple[MeasurePoint, ...]:
        """Return the room's history, or else its thermostat's. Raises CloudError."""
        module = place.thermostat
        if not self._by_module or module is None:
            try:
                return await place.hub.commands.async_history(
                    lambda client: self._room_series(client, place, call)
                )
            except CloudRefusedError as err:
                if err.reason not in _UNKNOWN_ROOM or module is None:
                    raise
                self._by_module = True
        thermostat = module
        return await place.hub.commands.async_history(
            lambda client: self._module_series(client, thermostat, call)
        )

    async def _room_series(
        self, client: NetatmoClient, place: RoomPlace, call: RoomCall
    ) -> tuple[MeasurePoint, ...]:
        """Ask for a room's buckets."""
        self._calls += 1
        return await client.room_series(
            place.home.home_id,
            place.room_id,
            ROOM_TYPES,
            SCALES[call.bucket_s],
            from_seconds(call.start_s),
            from_seconds(call.end_s),
        )

    async def _module_series(
        self, client: NetatmoClient, module: ModuleTopology, call: RoomCall
    ) -> tuple[MeasurePoint, ...]:
        """Ask for a thermostat's buckets."""
        self._calls += 1
        return await client.series(
            module.bridge or "",
            module.module_id,
            ROOM_TYPES,
            SCALES[call.bucket_s],
            from_seconds(call.start_s),
            from_seconds(call.end_s),
        )
