"""The gaps of rooms' temperatures: asked for, newest first, and filled in the ledger.

They are repaired as those of meters are, and the past of a room is backfilled step by step
(`RoomRepair.async_backfill`). What was asked of a room is remembered once its slots are in the
ledger, so that a kill costs a call and nothing else. Hours that become known are due in the
ledger: the recorder's statistics follow by themselves.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
import logging

from homeassistant.util import dt as dt_util

from ..accounts.netatmo.history import NetatmoRoomHistory, RoomPlace
from ..accounts.registry import Accounts
from ..heating.netatmo.records import RoomRecord
from ..homes.home import Home
from ..ledger import Ledger
from ..ledger.codes import HOUR_SECONDS, SLOT_SECONDS, from_seconds, seconds
from ..metering.gap_fill import MOST_INTERPOLATED
from ..metering.gap_plan import LATE_OVER, RIPE
from ..metering.gaps import Gap, slots_in, within, without
from ..metering.room_history import (
    RoomCall,
    fill_room,
    interpolated_room,
    ripe,
    room_calls,
)
from ..models import NotNowError, Problem, Revision
from ..rooms.coordinator import HeatingCoordinator
from .repaired import Repaired

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomBackfillStep:
    """What one step of the backfill of a room did.

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


class RoomRepair:
    """Fills gaps in the temperatures of all homes' rooms from the vendor's history."""

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
    ) -> Repaired:
        """Repair the gaps of a room from its first slot on, and say what became of them.

        `[begin, end)` narrows that down; `again` asks also for what was asked before. A gap
        is looked at once the hour in which it ended is over. Raises LedgerError.
        """
        async with self._lock:
            look = _RoomGaps(self._accounts, self._ledger, heating, room)
            return await look.async_repair(home.label, begin, end, again=again)

    async def async_backfill(
        self,
        heating: HeatingCoordinator,
        room_id: str,
        begin: datetime,
        end: datetime,
        *,
        again: bool = False,
    ) -> RoomBackfillStep:
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
            return await _RoomGaps(
                self._accounts, self._ledger, heating, room
            ).async_step(begin, end, again=again)


class _RoomGaps:
    """One look at one room."""

    def __init__(
        self,
        accounts: Accounts,
        ledger: Ledger,
        heating: HeatingCoordinator,
        room: RoomRecord,
    ) -> None:
        """Prepare a look at a room."""
        self._history = NetatmoRoomHistory(accounts, heating.source, room)
        self._ledger = ledger
        self._source = heating.source
        self._room = room
        self._now = dt_util.utcnow()
        self._ripe_s = seconds(self._now - RIPE)
        self._cuts = [revision.since for revision in self._source.revisions[1:]]
        self._repaired = Repaired(room.name, room_id=room.room_id)

    async def async_repair(
        self,
        label: str,
        begin: datetime | None,
        end: datetime | None,
        *,
        again: bool,
    ) -> Repaired:
        """Ask for what is missing, interpolate what may be, return what is left."""
        repaired = self._repaired
        gaps = await self._async_gaps(begin, end)
        repaired.found = slots_in(gaps)
        if not gaps:
            return repaired
        todo = gaps if again else without(gaps, await self._async_asked())
        nobody: list[Gap] = []
        for revision, group in groupby(todo, key=self._revision):
            part = list(group)
            try:
                if (place := self._history.place(revision)) is None:
                    nobody += part
                    continue
                for call in room_calls(part):
                    await self._async_ask(place, call, part)
            except NotNowError as err:
                repaired.problem = err.problem
        asked = [*await self._async_asked(), *nobody]
        await self._async_interpolate(await self._async_gaps(begin, end), asked)
        repaired.left = await self._async_gaps(begin, end)
        if repaired.vendor or repaired.interpolated:
            _LOGGER.info(
                "Of %d missing slots of %s %s: %d from the vendor's history,"
                " %d interpolated",
                repaired.found,
                label,
                repaired.name,
                repaired.vendor,
                repaired.interpolated,
            )
        return repaired

    async def async_step(
        self, begin: datetime, end: datetime, *, again: bool
    ) -> RoomBackfillStep:
        """Make the newest call that is missing in a span."""
        stored = await self._ledger.rooms.async_load(self._room.room_id)
        over_s = self._ripe_s // HOUR_SECONDS * HOUR_SECONDS
        until = min(end, from_seconds(over_s), stored.settled_until or end)
        since = from_seconds(-(-seconds(begin) // HOUR_SECONDS) * HOUR_SECONDS)
        until_s = int(until.timestamp()) // HOUR_SECONDS * HOUR_SECONDS
        todo = await self._ledger.rooms.async_gaps(
            self._room.room_id, since, from_seconds(until_s), cuts=self._cuts
        )
        if not again:
            todo = without(todo, await self._async_asked())
        reached = from_seconds(max(until_s, seconds(since)))
        for revision, group in groupby(todo, key=self._revision):
            part = list(group)
            try:
                if (place := self._history.place(revision)) is None:
                    continue
                call = room_calls(part)[0]
                await self._async_ask(place, call, part)
            except NotNowError as err:
                return RoomBackfillStep(
                    name=self._room.name,
                    reached=min(reached, from_seconds(part[0].stop)),
                    calls=self._repaired.calls,
                    problem=err.problem,
                )
            left = within(todo, seconds(since), call.start_s)
            return RoomBackfillStep(
                name=self._room.name,
                reached=from_seconds(call.start_s) if left else since,
                vendor=self._repaired.vendor,
                calls=self._repaired.calls,
                done=not left,
            )
        return RoomBackfillStep(name=self._room.name, reached=since, done=True)

    async def _async_gaps(
        self, begin: datetime | None, end: datetime | None
    ) -> list[Gap]:
        """Return the gaps whose last hour is over, cut where the Netatmo home changed."""
        stored = await self._ledger.rooms.async_load(self._room.room_id)
        first, until = stored.first, stored.settled_until
        if first is None or until is None:
            return []
        found = await self._ledger.rooms.async_gaps(
            self._room.room_id,
            first if begin is None else max(begin, first),
            until if end is None else min(end, until),
            cuts=self._cuts,
        )
        return ripe(found, self._ripe_s)

    async def _async_asked(self) -> list[Gap]:
        """Return what the vendor was asked for already."""
        return await self._ledger.rooms.async_asked(self._room.room_id)

    def _revision(self, one: Gap) -> Revision:
        """Return the Netatmo home of the time in which a gap came about."""
        return self._source.until(from_seconds(one.stop))

    async def _async_ask(
        self, place: RoomPlace, call: RoomCall, gaps: Sequence[Gap]
    ) -> None:
        """Store what a call makes known of gaps, then that they were asked for.

        Raises NotNowError, and has then stored nothing.
        """
        answer = await self._history.async_answer(place, call)
        self._repaired.calls += answer.calls
        if answer.problem is not None:
            raise NotNowError(answer.problem)
        part = within(gaps, call.start_s, call.end_s)
        self._repaired.vendor += await self._ledger.rooms.async_settle(
            self._room.room_id, fill_room(part, answer.answers)
        )
        await self._ledger.rooms.async_add_asked(self._room.room_id, part)

    async def _async_interpolate(
        self, gaps: Sequence[Gap], asked: Sequence[Gap]
    ) -> None:
        """Interpolate short gaps that nobody can be asked for any more."""
        late_s = seconds(self._now - LATE_OVER)
        for one in gaps:
            if (
                len(one) > MOST_INTERPOLATED
                or one.stop > late_s
                or without([one], asked)
            ):
                continue
            known = await self._ledger.rooms.async_between(
                self._room.room_id,
                from_seconds(one.start - SLOT_SECONDS),
                from_seconds(one.stop + SLOT_SECONDS),
            )
            slots = interpolated_room(known, [one])
            self._repaired.interpolated += await self._ledger.rooms.async_settle(
                self._room.room_id, slots
            )
