"""The hourly reconciliation: the recorder's rows of our energy totals follow the ledger.

A total moves only with settled slots, so an hour's last slot is published after the hour and
counted in the next one; late and recovered slots even later. After every 5-minute run of the
recorder the hours that it has compiled are compared with the ledger, and rows that differ are
imported into the entity's own statistic. See `metering.reconcile` for the rules.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
import logging

from homeassistant.components.recorder import get_instance
from homeassistant.const import EVENT_RECORDER_5MIN_STATISTICS_GENERATED
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.helpers.recorder import DATA_INSTANCE
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN
from ..ledger import Ledger
from .means import Means, PowerMeans, RoomMeans, async_reconcile_means
from .reading import async_can_record, async_recorder_done
from .sums import SumsJob

_LOGGER = logging.getLogger(__name__)

DATA_RECONCILE: HassKey[Reconciler] = HassKey(f"{DOMAIN}_reconcile")


@dataclass(slots=True, eq=False)
class _Kept:
    """An entity whose statistic is kept true: of a total by its key, or of means."""

    key: str
    means: Means | None
    entity_id: Callable[[], str | None]
    name: str
    failing: bool = False


class Reconciler:
    """Keeps the hourly statistics of all registered energy entities as the ledger says."""

    def __init__(self, hass: HomeAssistant, ledger: Ledger) -> None:
        """Start with no entity; nothing runs before `async_start`."""
        self._hass = hass
        self._ledger = ledger
        self._kept: dict[str, _Kept] = {}
        self._due: dict[str, None] = {}
        self._lock = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._unsubscribe: CALLBACK_TYPE | None = None

    @callback
    def async_start(self) -> None:
        """Compare all entities after every 5-minute run of the recorder from now on."""
        if self._unsubscribe is None:
            self._unsubscribe = self._hass.bus.async_listen(
                EVENT_RECORDER_5MIN_STATISTICS_GENERATED, self._on_compiled
            )

    async def async_stop(self) -> None:
        """Stop for good; what was not written is found by the next start."""
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        self._due.clear()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    @callback
    def async_register(
        self, key: str, entity_id: Callable[[], str | None], name: str | None = None
    ) -> CALLBACK_TYPE:
        """Keep the statistic of the entity that shows a ledger key; return how to stop.

        `entity_id` is asked every time, because the user may rename the entity.
        """
        return self._async_keep(_Kept(key, None, entity_id, name or key))

    @callback
    def async_register_room(
        self, room_id: str, entity_id: Callable[[], str | None], name: str
    ) -> CALLBACK_TYPE:
        """Repair the statistic of the sensor of a room's temperature; return how to stop."""
        means = RoomMeans(self._ledger, room_id)
        return self._async_keep(_Kept(f"room:{room_id}", means, entity_id, name))

    @callback
    def async_register_power(
        self, key: str, entity_id: Callable[[], str | None]
    ) -> CALLBACK_TYPE:
        """Repair the statistic of the sensor of the power behind a key; return how to stop."""
        means = PowerMeans(self._ledger, key)
        return self._async_keep(_Kept(f"power:{key}", means, entity_id, key))

    @callback
    def _async_keep(self, kept: _Kept) -> CALLBACK_TYPE:
        """Compare an entity from now on; return how to stop."""
        self._kept[kept.key] = kept

        @callback
        def unregister() -> None:
            """Leave the statistic alone from now on."""
            if self._kept.get(kept.key) is kept:
                del self._kept[kept.key]

        return unregister

    async def async_reconcile(self, key: str) -> int:
        """Compare one entity's closed hours now; return how many rows were written.

        The rows are written by the recorder's own thread, soon after the return.
        """
        async with self._lock:
            if not await self._async_recorder_done():
                return 0
            return await self._async_reconcile(key)

    @callback
    def _on_compiled(self, _event: Event) -> None:
        """Compare all entities, one after the other, unless that is under way."""
        self._due |= dict.fromkeys(self._kept)
        if self._due and (self._task is None or self._task.done()):
            self._task = self._hass.async_create_background_task(
                self._async_work(), "Energy Homes reconciliation of statistics"
            )

    async def _async_work(self) -> None:
        """Compare the entities that are due until none is."""
        while self._due:
            async with self._lock:
                if not await self._async_recorder_done():
                    self._due.clear()
                    return
                due, self._due = self._due, {}
                for key in due:
                    await self._async_try(key)

    async def _async_try(self, key: str) -> None:
        """Compare one entity; a failure is logged once and does not stop the others."""
        if (kept := self._kept.get(key)) is None:
            return
        try:
            await self._async_reconcile(key)
        except Exception:
            if not kept.failing:
                _LOGGER.exception("Statistics of %s could not be compared", kept.name)
            kept.failing = True
        else:
            kept.failing = False

    async def _async_recorder_done(self) -> bool:
        """Wait for the recorder to do all that was asked of it; False where it cannot.

        Its event comes before its commit, and what the last run asked it to write must be
        there before the next one compares.
        """
        if DATA_INSTANCE not in self._hass.data:
            return False
        recorder = get_instance(self._hass)
        if (
            not recorder.is_running
            or not recorder.async_recorder_ready.is_set()
            or recorder.migration_in_progress
        ):
            return False
        await async_recorder_done(self._hass)
        return recorder.is_running

    async def _async_reconcile(self, key: str) -> int:
        """Write the closed hours of one entity that differ; return how many."""
        kept = self._kept.get(key)
        if (
            kept is None
            or (entity_id := kept.entity_id()) is None
            or not async_can_record(self._hass, entity_id)
        ):
            return 0
        if kept.means is not None:
            return await async_reconcile_means(
                self._hass, kept.means, entity_id, kept.entity_id
            )
        return await SumsJob(
            self._hass, self._ledger, key, entity_id, kept.entity_id
        ).async_run()
