"""The repair of all homes: looks for gaps of each meter and room, and fills them.

Whoever keeps a history is asked, newest first: the vendor, or Home Assistant itself. What was
asked is remembered, so that who does not know is not asked again, and a repair that was
stopped goes on where it was. Then gaps of two slots at most are interpolated. What nobody
knows stays unknown.
"""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta
import logging
from typing import Final

from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later, async_track_time_interval
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from ..accounts.registry import Accounts
from ..const import DOMAIN
from ..homes.directory import Homes
from ..homes.home import Home
from ..ledger import Ledger, LedgerError
from .issue import async_keep_history_issues, async_tell_unasked
from .meter_repair import MeterRepair
from .repaired import Repaired
from .room_repair import RoomRepair

_LOGGER = logging.getLogger(__name__)

DATA_REPAIR: HassKey[GapRepair] = HassKey(f"{DOMAIN}_repair")

FIRST_LOOK: Final = timedelta(minutes=15)
"""After the start: by then the slot in which Home Assistant was away has its end."""

INTERVAL: Final = timedelta(hours=1)
LOOK_BACK: Final = timedelta(days=3)
"""How far back is looked every hour; the first look, and each after trouble, is for all."""


class GapRepair:
    """Looks for gaps some time after the start, every hour, and on request."""

    def __init__(
        self, hass: HomeAssistant, homes: Homes, accounts: Accounts, ledger: Ledger
    ) -> None:
        """Prepare; nothing runs before `async_start`."""
        self._hass = hass
        self._homes = homes
        self._ledger = ledger
        self._lock = asyncio.Lock()
        self._done: set[str] = set()
        self._task: asyncio.Task[None] | None = None
        self._unsubscribe: list[CALLBACK_TYPE] = []
        self.rooms = RoomRepair(accounts, ledger)

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
        """Look for gaps, unless that is still under way."""
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
    ) -> list[Repaired]:
        """Repair the meters of a home, then its rooms, and say what became of each.

        Without a span it is what is new; `again` asks also for what was asked before.
        Raises LedgerError.
        """
        found: list[Repaired] = []

        def since(key: str) -> datetime | None:
            """Return from when on to look at a meter or room."""
            if begin is None and not again and key in self._done:
                return dt_util.utcnow() - LOOK_BACK
            return begin

        def note(key: str, repaired: Repaired) -> None:
            """Keep what became of a meter or room."""
            if repaired.problem is not None:
                self._done.discard(key)
            elif begin is None and end is None:
                self._done.add(key)
            found.append(repaired)

        async with self._lock:
            for source_id in tuple(home.coordinator.meters):
                job = MeterRepair(
                    self._hass, self._ledger, home, source_id, since(source_id), end
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
                    repaired = await self.rooms.async_repair(
                        home, heating, room, since(room.room_id), end, again=again
                    )
                    note(room.room_id, repaired)
        return found
