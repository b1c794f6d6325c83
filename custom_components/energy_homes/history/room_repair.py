"""The past of rooms' temperatures: what Netatmo knows of it, into the ledger.

Holes are repaired as those of meters are (`history.py`), and the past of a room is imported
step by step (`RoomHistory.async_import`). What was asked of a room is remembered once its
slots are in the ledger, so that a kill costs a call and nothing else. Hours that become known
are due in the ledger: the recorder's statistics follow by themselves.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
import logging
from typing import TYPE_CHECKING, Final

from homeassistant.util import dt as dt_util

from ..accounts.netatmo.hub import NetatmoHub
from ..accounts.registry import Accounts, AccountState
from ..clouds.errors import CloudError
from ..clouds.netatmo.client import NetatmoClient
from ..clouds.netatmo.errors import CloudRefusedError, Refusal
from ..clouds.netatmo.history import ROOM_TYPES, SCALES, room_answers
from ..clouds.netatmo.models import HomeTopology, MeasurePoint, ModuleTopology
from ..heating.netatmo.matching import match_rooms
from ..heating.netatmo.model import RELAY_THERMOSTAT_TYPES
from ..heating.netatmo.records import RoomRecord
from ..ledger import Ledger
from ..ledger.codes import HOUR_SECONDS, SLOT_SECONDS, from_seconds, seconds
from ..metering.gap_fill import MOST_INTERPOLATED
from ..metering.gaps import Hole, slots_in, within, without
from ..metering.room_history import (
    RoomCall,
    fill_room,
    interpolated_room,
    ripe,
    room_calls,
)
from ..models import Revision
from .problem import NotNowError, Problem, account_problem, problem_of
from .repaired import LATE_OVER, RIPE, Repair

if TYPE_CHECKING:
    from ..homes.home import Home
    from ..rooms.coordinator import HeatingCoordinator

_LOGGER = logging.getLogger(__name__)

_UNKNOWN_ROOM: Final = frozenset({Refusal.NOT_FOUND, Refusal.INVALID})


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomImport:
    """What one step of an import of a room's past did.

    Everything in `[reached, end)` that the vendor can be asked for was asked for; `done` says
    that this is all that was wanted. `vendor` is how many slots became known, `calls` how many
    calls that took. `problem` says why it does not go on for now.
    """

    name: str
    reached: datetime
    vendor: int = 0
    calls: int = 0
    done: bool = False
    problem: Problem | None = None


class RoomHistory:
    """Asks vendors for what rooms were like."""

    def __init__(self, accounts: Accounts, ledger: Ledger) -> None:
        """Stand for the rooms of all homes."""
        self._accounts = accounts
        self._ledger = ledger
        self._lock = asyncio.Lock()

    async def async_repair(
        self,
        home: Home,
        heating: HeatingCoordinator,
        room: RoomRecord,
        begin: datetime | None,
        end: datetime | None,
        *,
        again: bool = False,
    ) -> Repair:
        """Repair the holes of a room from its first slot on, and say what became of them.

        `[begin, end)` narrows that down; `again` asks also for what was asked before. A hole
        is looked at once the hour in which it ended is over. Raises LedgerError.
        """
        async with self._lock:
            job = _Job(self._accounts, self._ledger, heating, room)
            return await job.async_repair(home.label, begin, end, again=again)

    async def async_import(
        self,
        heating: HeatingCoordinator,
        room_id: str,
        begin: datetime,
        end: datetime,
        *,
        again: bool = False,
    ) -> RoomImport:
        """Fill what is not known of a room in `[begin, end)`, one call of the vendor's.

        `room_id` is our own id, the instants are aware; the span may be before the room's
        first slot, and is cut to whole hours and to what is settled. The newest part that is
        missing comes first, up to 1024 hours a call. Call it until `done`, with `end` at
        `reached` or just as before: what was asked once is not asked again, also after a
        restart, unless `again` says so (then `end` has to move). On a `problem` nothing of
        the step was changed and `reached` is where it stopped: wait, and go on with the same
        span. Known slots never change; the recorder's statistics follow by themselves.

        Raises KeyError for a room that the heating does not have, and LedgerError.
        """
        room = {room.room_id: room for room in heating.source.rooms}[room_id]
        async with self._lock:
            return await _Job(self._accounts, self._ledger, heating, room).async_step(
                begin, end, again=again
            )


@dataclass(frozen=True, slots=True)
class _Place:
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


class _Job:
    """One look at one room."""

    def __init__(
        self,
        accounts: Accounts,
        ledger: Ledger,
        heating: HeatingCoordinator,
        room: RoomRecord,
    ) -> None:
        """Prepare a look at a room."""
        self._accounts = accounts
        self._ledger = ledger
        self._source = heating.source
        self._room = room
        self._now = dt_util.utcnow()
        self._ripe_s = seconds(self._now - RIPE)
        self._cuts = [revision.since for revision in self._source.revisions[1:]]
        self._by_module = False
        self._repair = Repair(room.name, room_id=room.room_id)

    async def async_repair(
        self,
        label: str,
        begin: datetime | None,
        end: datetime | None,
        *,
        again: bool,
    ) -> Repair:
        """Ask for what is missing, interpolate what may be, return what is left."""
        repair = self._repair
        holes = await self._async_holes(begin, end)
        repair.found = slots_in(holes)
        if not holes:
            return repair
        todo = holes if again else without(holes, await self._async_asked())
        nobody: list[Hole] = []
        for revision, group in groupby(todo, key=self._revision):
            part = list(group)
            try:
                if (place := self._place(revision)) is None:
                    nobody += part
                    continue
                for call in room_calls(part):
                    await self._async_ask(place, call, part)
            except NotNowError as err:
                repair.problem = err.problem
        asked = [*await self._async_asked(), *nobody]
        await self._async_interpolate(await self._async_holes(begin, end), asked)
        repair.left = await self._async_holes(begin, end)
        if repair.vendor or repair.interpolated:
            _LOGGER.info(
                "Of %d missing slots of %s %s: %d from the vendor's history,"
                " %d interpolated",
                repair.found,
                label,
                repair.name,
                repair.vendor,
                repair.interpolated,
            )
        return repair

    async def async_step(
        self, begin: datetime, end: datetime, *, again: bool
    ) -> RoomImport:
        """Make the newest call that is missing in a span."""
        stored = await self._ledger.async_load_room(self._room.room_id)
        over_s = self._ripe_s // HOUR_SECONDS * HOUR_SECONDS
        until = min(end, from_seconds(over_s), stored.settled_until or end)
        since = from_seconds(-(-seconds(begin) // HOUR_SECONDS) * HOUR_SECONDS)
        until_s = int(until.timestamp()) // HOUR_SECONDS * HOUR_SECONDS
        todo = await self._ledger.async_room_holes(
            self._room.room_id, since, from_seconds(until_s), cuts=self._cuts
        )
        if not again:
            todo = without(todo, await self._async_asked())
        reached = from_seconds(max(until_s, seconds(since)))
        for revision, group in groupby(todo, key=self._revision):
            part = list(group)
            try:
                if (place := self._place(revision)) is None:
                    continue
                call = room_calls(part)[0]
                await self._async_ask(place, call, part)
            except NotNowError as err:
                return RoomImport(
                    name=self._room.name,
                    reached=min(reached, from_seconds(part[0].stop)),
                    calls=self._repair.calls,
                    problem=err.problem,
                )
            left = within(todo, seconds(since), call.start_s)
            return RoomImport(
                name=self._room.name,
                reached=from_seconds(call.start_s) if left else since,
                vendor=self._repair.vendor,
                calls=self._repair.calls,
                done=not left,
            )
        return RoomImport(name=self._room.name, reached=since, done=True)

    async def _async_holes(
        self, begin: datetime | None, end: datetime | None
    ) -> list[Hole]:
        """Return the holes whose last hour is over, cut where the Netatmo home changed."""
        stored = await self._ledger.async_load_room(self._room.room_id)
        first, until = stored.first, stored.settled_until
        if first is None or until is None:
            return []
        found = await self._ledger.async_room_holes(
            self._room.room_id,
            first if begin is None else max(begin, first),
            until if end is None else min(end, until),
            cuts=self._cuts,
        )
        return ripe(found, self._ripe_s)

    async def _async_asked(self) -> list[Hole]:
        """Return what the vendor was asked for already."""
        return await self._ledger.async_room_asked(self._room.room_id)

    def _revision(self, one: Hole) -> Revision:
        """Return the Netatmo home of the time in which a hole came about."""
        return self._source.until(from_seconds(one.stop))

    def _place(self, revision: Revision) -> _Place | None:
        """Return where a room was; None where that home has no such room.

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
        return _Place(hub, home, room_id)

    async def _async_ask(
        self, place: _Place, call: RoomCall, holes: Sequence[Hole]
    ) -> None:
        """Store what a call makes known of holes, and that they were asked for.

        Raises NotNowError, and has then stored nothing.
        """
        try:
            points = await self._async_points(place, call)
            answers = room_answers(points, call)
        except CloudError as err:
            _LOGGER.debug("History of %s: %s", self._room.name, err)
            raise NotNowError(problem_of(err)) from err
        part = within(holes, call.start_s, call.end_s)
        self._repair.vendor += await self._ledger.async_settle_room(
            self._room.room_id, fill_room(part, answers)
        )
        await self._ledger.async_add_room_asked(self._room.room_id, part)

    async def _async_points(
        self, place: _Place, call: RoomCall
    ) -> tuple[MeasurePoint, ...]:
        """Return the room's history, or else its thermostat's. Raises CloudError."""
        module = place.thermostat
        if not self._by_module or module is None:
            try:
                return await place.hub.async_history(
                    lambda client: self._room_series(client, place, call)
                )
            except CloudRefusedError as err:
                if err.reason not in _UNKNOWN_ROOM or module is None:
                    raise
                self._by_module = True
        thermostat = module
        return await place.hub.async_history(
            lambda client: self._module_series(client, thermostat, call)
        )

    async def _room_series(
        self, client: NetatmoClient, place: _Place, call: RoomCall
    ) -> tuple[MeasurePoint, ...]:
        """Ask for a room's buckets."""
        self._repair.calls += 1
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
        self._repair.calls += 1
        return await client.series(
            module.bridge or "",
            module.module_id,
            ROOM_TYPES,
            SCALES[call.bucket_s],
            from_seconds(call.start_s),
            from_seconds(call.end_s),
        )

    async def _async_interpolate(
        self, holes: Sequence[Hole], asked: Sequence[Hole]
    ) -> None:
        """Interpolate short holes that nobody can be asked for any more."""
        late_s = seconds(self._now - LATE_OVER)
        for one in holes:
            if (
                len(one) > MOST_INTERPOLATED
                or one.stop > late_s
                or without([one], asked)
            ):
                continue
            known = await self._ledger.async_room_slots(
                self._room.room_id,
                from_seconds(one.start - SLOT_SECONDS),
                from_seconds(one.stop + SLOT_SECONDS),
            )
            slots = interpolated_room(known, [one])
            self._repair.interpolated += await self._ledger.async_settle_room(
                self._room.room_id, slots
            )
