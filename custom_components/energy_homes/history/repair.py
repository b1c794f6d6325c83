"""Whole history: finds what is missing of each meter's and room's slots and repairs it.

What is missing is asked of who has a history of it, newest first: the vendor
(`history_efergy`), or Home Assistant itself (`history_entity`). What was asked is remembered,
so that who does not know is not asked again, and a repair that was stopped goes on where it
was. Then holes of two slots at most are interpolated. What nobody knows stays unknown.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import groupby
import logging
from typing import Final

from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later, async_track_time_interval
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from ..accounts.registry import Accounts
from ..const import DOMAIN, SourceKind
from ..homes.directory import Homes
from ..homes.home import Home
from ..ledger import Ledger, LedgerError
from ..ledger.codes import from_seconds, row_of, seconds, slot_of
from ..metering.gap_fill import MOST_INTERPOLATED, Answer, fill, interpolated
from ..metering.gaps import Hole, slots_in, within, without
from ..metering.model import slot_start
from ..metering.periods import SlotRow
from ..models import Revision
from . import efergy_repair, entity_repair
from .issue import async_keep_history_issues, async_tell_unasked
from .problem import Problem
from .repaired import LATE_OVER, RIPE, Repair
from .room_repair import RoomHistory

__all__ = ["History", "Repair"]

_LOGGER = logging.getLogger(__name__)

DATA_REPAIR: HassKey[History] = HassKey(f"{DOMAIN}_repair")

FIRST_LOOK: Final = timedelta(minutes=15)
"""After the start: by then the slot in which Home Assistant was away has its end."""

INTERVAL: Final = timedelta(hours=1)
LOOK_BACK: Final = timedelta(days=3)
"""How far back is looked every hour; the first look, and each after trouble, is for all."""


class _NotStoredError(Exception):
    """The home has stopped, or its ledger does not take anything now."""


class History:
    """Looks for holes some time after the start, every hour, and on request."""

    def __init__(
        self, hass: HomeAssistant, homes: Homes, accounts: Accounts, ledger: Ledger
    ) -> None:
        """Prepare; nothing runs before `async_start`."""
        self._hass = hass
        self._homes = homes
        self._accounts = accounts
        self._ledger = ledger
        self._lock = asyncio.Lock()
        self._done: set[str] = set()
        self._task: asyncio.Task[None] | None = None
        self._unsubscribe: list[CALLBACK_TYPE] = []
        self.rooms = RoomHistory(accounts, ledger)

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
        async_keep_history_issues(
            self._hass,
            (
                source_id
                for home in self._homes.all
                for source_id in home.coordinator.meters
            ),
        )
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
                job = Job(
                    self._hass,
                    self._accounts,
                    self._ledger,
                    home,
                    source_id,
                    since(source_id),
                    end,
                )
                note(source_id, await job.async_run(again=again))
                async_tell_unasked(
                    self._hass,
                    home.coordinator.config_entry,
                    job.source,
                    job.unasked,
                    job.now,
                    whole=begin is None and end is None,
                )
            for heating in home.heating.values():
                for room in heating.rooms:
                    repair = await self.rooms.async_repair(
                        home, heating, room, since(room.room_id), end, again=again
                    )
                    note(room.room_id, repair)
        return repairs


class Job:
    """One look at one meter, and what those who ask for its history may do."""

    def __init__(
        self,
        hass: HomeAssistant,
        accounts: Accounts,
        ledger: Ledger,
        home: Home,
        source_id: str,
        begin: datetime | None,
        end: datetime | None,
    ) -> None:
        """Prepare a look at the slots of a meter in a span."""
        self.hass = hass
        self.accounts = accounts
        self.source = home.coordinator.meters[source_id].source
        self.now = dt_util.utcnow()
        self.repair = Repair(self.source.name)
        self.unasked: dict[str, Sequence[Hole]] = {}
        """The holes of each account that could not be asked, newest first."""
        self._ledger = ledger
        self._home = home
        self._begin = begin
        self._end = end

    async def async_run(self, *, again: bool) -> Repair:
        """Ask for what is missing, interpolate what may be, return what is left."""
        holes = await self._async_holes()
        self.repair.found = slots_in(holes)
        try:
            if holes:
                todo = holes if again else without(holes, await self.async_asked())
                await self._async_ask(todo)
                await self._async_interpolate()
        except _NotStoredError:
            self.repair.problem = Problem.LEDGER
        self.repair.left = await self._async_holes() if holes else ()
        if self.repair.vendor or self.repair.interpolated:
            _LOGGER.info(
                "Of %d missing slots of %s %s: %d from a history, %d interpolated",
                self.repair.found,
                self._home.label,
                self.source.name,
                self.repair.vendor,
                self.repair.interpolated,
            )
        return self.repair

    async def _async_holes(self) -> list[Hole]:
        """Return what has been missing for a while, cut where the meter changed.

        Of a hole that is not over, as of a meter that is silent, it is what is ripe of it.
        """
        found = await self._ledger.async_holes(
            self.source.source_id,
            self._begin,
            self._end,
            cuts=[revision.since for revision in self.source.revisions[1:]],
        )
        return within(found, 0, seconds(slot_start(self.now - RIPE)))

    async def async_asked(self) -> list[Hole]:
        """Return what was asked for already."""
        return await self._ledger.async_asked(self.source.source_id)

    def _revision(self, one: Hole) -> Revision:
        """Return what measured while a hole came about: where it ended, if it changed."""
        return self.source.until(from_seconds(one.stop))

    async def _async_ask(self, holes: Sequence[Hole]) -> None:
        """Ask for the holes of each hardware who has a history of it."""
        for revision, group in groupby(holes, key=self._revision):
            if (ask := _ASK.get(revision.kind)) is not None:
                await ask(self, revision, list(group))

    async def async_fill(
        self, holes: Sequence[Hole], answers: Iterable[Answer], half_unit: int = 0
    ) -> None:
        """Store what answers make known of holes, and that they were asked for.

        The holes are newest first. Raises LedgerError, and what ends the repair where the
        home does not take anything now.
        """
        known = await self._async_known(holes[-1].start, holes[0].stop)
        await self.async_take(
            fill(
                {row.start_s: row for row in known}, holes, answers, half_unit=half_unit
            )
        )
        await self._ledger.async_add_asked(self.source.source_id, holes)

    async def _async_interpolate(self) -> None:
        """Interpolate short holes that nobody can be asked for any more."""
        asked = await self.async_asked()
        late_s = seconds(self.now - LATE_OVER)
        for one in await self._async_holes():
            if len(one) > MOST_INTERPOLATED or one.stop > late_s:
                continue
            if self._revision(one).kind in _ASK and without([one], asked):
                continue
            slot_s = one.step
            known = await self._async_known(one.start - slot_s, one.stop + slot_s)
            rows = interpolated(known, [one])
            await self._async_commit(rows)
            self.repair.interpolated += len(rows)

    async def _async_known(self, begin_s: int, end_s: int) -> list[SlotRow]:
        """Return the known slots of a span, in order."""
        slots = await self._ledger.async_slots(
            self.source.source_id, from_seconds(begin_s), from_seconds(end_s)
        )
        return [row_of(slot) for slot in slots if slot.known]

    async def async_take(self, rows: Sequence[SlotRow]) -> None:
        """Store slots that a history knows. Raises as `async_fill` does."""
        await self._async_commit(rows)
        self.repair.vendor += len(rows)

    async def _async_commit(self, rows: Sequence[SlotRow]) -> None:
        """Commit slots through the meter, which may be about to store its own."""
        if rows and not await self._home.coordinator.async_take(
            self.source.source_id, [slot_of(row) for row in rows]
        ):
            raise _NotStoredError


type _Ask = Callable[[Job, Revision, Sequence[Hole]], Awaitable[None]]

_ASK: Final[Mapping[SourceKind, _Ask]] = {
    SourceKind.EFERGY: efergy_repair.async_ask,
    SourceKind.ENTITY: entity_repair.async_ask,
}
"""Who has a history of a kind of hardware; the others have none that can be asked."""
