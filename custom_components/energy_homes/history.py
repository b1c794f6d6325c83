"""Whole history: finds what is missing of each meter's and room's slots and repairs it.

What is missing is asked of the vendor, newest first, with as few calls as its answers allow
and within the account's budget for history. What was asked is remembered, so that a vendor
that does not know is not asked again, and a repair that was stopped goes on where it was.
Then holes of two slots at most are interpolated. What nobody knows stays unknown.
"""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
import logging
from typing import TYPE_CHECKING, Final

from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later, async_track_time_interval
from homeassistant.util import dt as dt_util

from .accounts.efergy import EfergyHub
from .accounts.registry import AccountState
from .clouds.efergy import EfergyClient
from .clouds.efergy_history import (
    LONGEST_SERIES_S,
    MINUTE_S,
    SUM_HALF_UNIT,
    instants,
    series_answers,
    sum_answer,
)
from .clouds.errors import CloudAuthError, CloudError, CloudQuotaError
from .const import SourceKind
from .hole_repair import LATE_OVER, RIPE, Repair
from .ledger import LedgerError
from .ledger.codes import from_seconds, row_of, seconds, slot_of
from .metering.hole_fill import (
    MOST_INTERPOLATED,
    Answer,
    corrected,
    fill,
    interpolated,
    trusted,
)
from .metering.hole_plan import Call, series_calls, sum_calls
from .metering.holes import Hole, cut, slots_in, within, without
from .metering.model import MeterRole
from .metering.periods import SlotRow
from .models import Revision
from .room_history import RoomHistory

if TYPE_CHECKING:
    from .home import Home
    from .homes import Homes

__all__ = ["History", "Repair"]

_LOGGER = logging.getLogger(__name__)

FIRST_LOOK: Final = timedelta(minutes=15)
"""After the start: by then the slot in which Home Assistant was away has its end."""

INTERVAL: Final = timedelta(hours=1)
LOOK_BACK: Final = timedelta(days=3)
"""How far back is looked every hour; the first look, and each after trouble, is for all."""

DAY_S: Final = 86_400
_MICROSECOND: Final = timedelta(microseconds=1)


class _NotStoredError(Exception):
    """The home has stopped, or its ledger does not take anything now."""


class History:
    """Looks for holes some time after the start, every hour, and on request."""

    def __init__(self, hass: HomeAssistant, homes: Homes) -> None:
        """Prepare; nothing runs before `async_start`."""
        self._hass = hass
        self._homes = homes
        self._lock = asyncio.Lock()
        self._done: set[str] = set()
        self._task: asyncio.Task[None] | None = None
        self._unsubscribe: list[CALLBACK_TYPE] = []
        self.rooms = RoomHistory(homes)

    @callback
    def async_start(self) -> None:
        """Begin to look."""
        self._unsubscribe = [
            async_call_later(
                self._hass,
                FIRST_LOOK,
                HassJob(self._look, "Energy Homes history", cancel_on_shutdown=True),
            ),
            async_track_time_interval(
                self._hass,
                self._look,
                INTERVAL,
                name="Energy Homes history",
                cancel_on_shutdown=True,
            ),
        ]

    async def async_stop(self) -> None:
        """Stop for good; what is missing then is found by the next start."""
        while self._unsubscribe:
            self._unsubscribe.pop()()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    @callback
    def _look(self, _now: datetime) -> None:
        """Look for holes, unless that is still under way."""
        if self._task is None or self._task.done():
            self._task = self._hass.async_create_background_task(
                self._async_look(), "Energy Homes history"
            )

    async def _async_look(self) -> None:
        """Repair all homes; one that fails does not stop the others."""
        for home in self._homes.all:
            try:
                await self.async_repair(home)
            except LedgerError as err:
                _LOGGER.debug("No history of %s for now: %s", home.label, err)
            except Exception:
                _LOGGER.exception("The history of %s cannot be repaired", home.label)

    async def async_repair(
        self,
        home: Home,
        begin: datetime | None = None,
        end: datetime | None = None,
        *,
        again: bool = False,
    ) -> list[Repair]:
        """Repair the meters of a home, then its rooms, and say what became of each.

        Without a span it is what is new; `again` asks also for what was asked before.
        Raises LedgerError.
        """
        repairs: list[Repair] = []

        def since(key: str) -> datetime | None:
            """Return from when on to look at a meter or room."""
            if begin is None and not again and key in self._done:
                return dt_util.utcnow() - LOOK_BACK
            return begin

        def note(key: str, repair: Repair) -> None:
            """Keep what became of a meter or room."""
            if repair.problem is not None:
                self._done.discard(key)
            elif begin is None and end is None:
                self._done.add(key)
            repairs.append(repair)

        async with self._lock:
            for source_id in tuple(home.coordinator.meters):
                job = _Job(self._homes, home, source_id, since(source_id), end)
                note(source_id, await job.async_run(again=again))
            for heating in home.heating.values():
                for room in heating.rooms:
                    repair = await self.rooms.async_repair(
                        home, heating, room, since(room.room_id), end, again=again
                    )
                    note(room.room_id, repair)
        return repairs


class _Job:
    """One look at one meter."""

    def __init__(
        self,
        homes: Homes,
        home: Home,
        source_id: str,
        begin: datetime | None,
        end: datetime | None,
    ) -> None:
        """Prepare a look at the slots of a meter in a span."""
        self._homes = homes
        self._ledger = homes.ledger
        self._home = home
        self._source = home.coordinator.meters[source_id].source
        self._begin = begin
        self._end = end
        self._now = dt_util.utcnow()
        self._repair = Repair(self._source.name)

    async def async_run(self, *, again: bool) -> Repair:
        """Ask for what is missing, interpolate what may be, return what is left."""
        holes = await self._async_holes()
        self._repair.found = slots_in(holes)
        try:
            if holes:
                todo = holes if again else without(holes, await self._async_asked())
                await self._async_ask(todo)
                await self._async_interpolate()
        except _NotStoredError:
            self._repair.problem = "ledger"
        self._repair.left = await self._async_holes() if holes else ()
        if self._repair.vendor or self._repair.interpolated:
            _LOGGER.info(
                "Of %d missing slots of %s %s: %d from the vendor's history,"
                " %d interpolated",
                self._repair.found,
                self._home.label,
                self._source.name,
                self._repair.vendor,
                self._repair.interpolated,
            )
        return self._repair

    async def _async_holes(self) -> list[Hole]:
        """Return the holes that have been over for a while, cut where the meter changed."""
        ripe_s = seconds(self._now - RIPE)
        found = await self._ledger.async_holes(
            self._source.source_id,
            self._begin,
            self._end,
            cuts=[revision.since for revision in self._source.revisions[1:]],
        )
        return [one for one in found if one.stop <= ripe_s]

    async def _async_asked(self) -> list[Hole]:
        """Return what the vendor was asked for already."""
        return await self._ledger.async_asked(self._source.source_id)

    def _revision(self, one: Hole) -> Revision:
        """Return what measured while a hole came about: where it ended, if it changed."""
        return self._source.current(from_seconds(one.stop) - _MICROSECOND)

    async def _async_ask(self, holes: Sequence[Hole]) -> None:
        """Ask each vendor for the holes that its meter has."""
        for revision, group in groupby(holes, key=self._revision):
            if revision.kind is SourceKind.EFERGY:
                await self._async_ask_efergy(revision, list(group))

    async def _async_ask_efergy(
        self, revision: Revision, holes: Sequence[Hole]
    ) -> None:
        """Ask an Efergy account: for the meter's minutes, else for the household's sums."""
        hub = self._homes.accounts.get(revision.account or "")
        if not isinstance(hub, EfergyHub) or hub.state is not AccountState.CONNECTED:
            self._repair.problem = "account"
            return
        sid = revision.hardware_id or ""
        try:
            left = await self._async_series(hub, sid, holes)
            if left and hub.sole_meter == sid and self._source.role is MeterRole.GRID:
                await self._async_sums(hub, left)
            elif left:
                self._repair.problem = "cloud"
        except CloudQuotaError:
            self._repair.problem = "call_limit"
        except CloudAuthError:
            self._repair.problem = "credentials"
        except CloudError as err:
            _LOGGER.debug("History of %s: %s", self._source.name, err)
            self._repair.problem = "cloud"

    async def _async_series(
        self, hub: EfergyHub, sid: str, holes: Sequence[Hole]
    ) -> list[Hole]:
        """Fill holes from the meter's own series; return those that it has no answer for.

        An answer that says of all of a hole that nothing is known is one. Raises
        CloudQuotaError and CloudAuthError.
        """
        generation = self._source.role is MeterRole.GENERATION
        for call in series_calls(holes, bucket_s=MINUTE_S, longest_s=LONGEST_SERIES_S):
            start, end = instants(call)
            self._repair.calls += 1
            try:
                answers = series_answers(
                    await hub.async_history(
                        partial(
                            EfergyClient.history,
                            start=start,
                            end=end,
                            sid=sid,
                            kind="PWER_GAC" if generation else "PWER",
                        )
                    ),
                    sid,
                    call,
                )
            except CloudQuotaError, CloudAuthError:
                raise
            except CloudError as err:
                _LOGGER.debug("Series of %s: %s", self._source.name, err)
                answers = []
            if not answers:
                return within(holes, holes[-1].start, call.end_s)
            part = within(holes, call.start_s, call.end_s)
            await self._async_fill(part, trusted(answers))
        return []

    async def _async_sums(self, hub: EfergyHub, holes: Sequence[Hole]) -> None:
        """Fill holes from the household's sums, a day after the other."""
        for part in cut(holes, _days(holes)):
            calls = sum_calls(part)
            answers = [await self._async_sum(hub, call) for call in calls.pieces]
            if calls.whole is not None:
                whole = await self._async_sum(hub, calls.whole)
                if any(answer.energy is None for answer in answers):
                    answers = trusted(answers)
                else:
                    answers = corrected(answers, whole, SUM_HALF_UNIT) or []
            await self._async_fill([part], answers, half_unit=SUM_HALF_UNIT)

    async def _async_sum(self, hub: EfergyHub, call: Call) -> Answer:
        """Return the household's sum of a span."""
        start, end = instants(call)
        self._repair.calls += 1
        found = await hub.async_history(
            partial(EfergyClient.energy, start=start, end=end)
        )
        return sum_answer(found, call)

    async def _async_fill(
        self, holes: Sequence[Hole], answers: Iterable[Answer], half_unit: int = 0
    ) -> None:
        """Store what answers make known of holes, and that they were asked for."""
        known = await self._async_known(holes[-1].start, holes[0].stop)
        rows = fill(
            {row.start_s: row for row in known}, holes, answers, half_unit=half_unit
        )
        await self._async_take(rows)
        self._repair.vendor += len(rows)
        await self._ledger.async_add_asked(self._source.source_id, holes)

    async def _async_interpolate(self) -> None:
        """Interpolate short holes that nobody can be asked for any more."""
        asked = await self._async_asked()
        late_s = seconds(self._now - LATE_OVER)
        for one in await self._async_holes():
            if len(one) > MOST_INTERPOLATED or one.stop > late_s:
                continue
            if self._revision(one).kind is SourceKind.EFERGY and without([one], asked):
                continue
            slot_s = one.step
            known = await self._async_known(one.start - slot_s, one.stop + slot_s)
            rows = interpolated(known, [one])
            await self._async_take(rows)
            self._repair.interpolated += len(rows)

    async def _async_known(self, begin_s: int, end_s: int) -> list[SlotRow]:
        """Return the known slots of a span, in order."""
        slots = await self._ledger.async_slots(
            self._source.source_id, from_seconds(begin_s), from_seconds(end_s)
        )
        return [row_of(slot) for slot in slots if slot.known]

    async def _async_take(self, rows: Sequence[SlotRow]) -> None:
        """Commit slots through the meter, which may be about to store its own."""
        if rows and not await self._home.coordinator.async_take(
            self._source.source_id, [slot_of(row) for row in rows]
        ):
            raise _NotStoredError


def _days(holes: Sequence[Hole]) -> range:
    """Return the beginnings of the UTC days that holes are in."""
    return range(holes[-1].start // DAY_S * DAY_S, holes[0].stop, DAY_S)
