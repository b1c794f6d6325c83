"""Tasks that are to run for as long as their entry is loaded, whatever happens to them."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
import logging
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.event import async_call_later

from ..const import DOMAIN
from .backoff import Backoff
from .chance import async_chance

_LOGGER = logging.getLogger(__name__)

DEATHS_ARE_A_REPAIR: Final = 3
"""So many deaths, none of which the task got over, are told to people."""

HEALTHY_AFTER: Final = timedelta(minutes=10)
"""A task that has run for so long has got over its last death."""

WAIT: Final = (timedelta(seconds=2), timedelta(minutes=5))
"""After how long a task that died runs again, at first and at most."""

ISSUE_TASK_DIED: Final = "task_died"


@callback
def async_keep_running(
    hass: HomeAssistant,
    entry: ConfigEntry,
    run: Callable[[], Awaitable[None]],
    name: str,
) -> None:
    """Run a task until it returns, or its entry is unloaded.

    An exception that it does not handle is logged; then it runs again, later from death to
    death. After the third death a repair says so, which goes away when the task has run
    well for a while, or is over.
    """
    keeper = _Keeper(hass, entry, run, name)
    entry.async_create_background_task(hass, keeper.async_run(), name)


class _Keeper:
    """Runs one task again and again."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        run: Callable[[], Awaitable[None]],
        name: str,
    ) -> None:
        """Begin without a death."""
        self._hass = hass
        self._entry = entry
        self._run = run
        self._name = name
        self._wait = Backoff(*WAIT, async_chance(hass))
        self._healthy: CALLBACK_TYPE | None = None
        self._issue_id = f"{ISSUE_TASK_DIED}_{entry.entry_id}_{name}"

    async def async_run(self) -> None:
        """Run the task until it returns."""
        try:
            while await self._async_died():
                if self._wait.failures + 1 >= DEATHS_ARE_A_REPAIR:
                    self._tell()
                await asyncio.sleep(self._wait.next().total_seconds())
        finally:
            self._unschedule()
            ir.async_delete_issue(self._hass, DOMAIN, self._issue_id)

    async def _async_died(self) -> bool:
        """Run the task once; return whether it died, which is logged."""
        self._healthy = async_call_later(self._hass, HEALTHY_AFTER, self._is_healthy)
        try:
            await self._run()
        except Exception:
            # Whatever it was: who depends on the task must not have to notice.
            _LOGGER.exception("%s died, and will run again", self._name)
            return True
        finally:
            self._unschedule()
        return False

    @callback
    def _is_healthy(self, _now: datetime) -> None:
        """Forget the deaths."""
        self._healthy = None
        self._wait.reset()
        ir.async_delete_issue(self._hass, DOMAIN, self._issue_id)

    @callback
    def _unschedule(self) -> None:
        """Do not wait for the task's health any more."""
        if self._healthy is not None:
            self._healthy()
            self._healthy = None

    @callback
    def _tell(self) -> None:
        """Tell people that the task does not stay alive."""
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            self._issue_id,
            is_fixable=False,
            severity=ir.IssueSeverity.ERROR,
            translation_key=ISSUE_TASK_DIED,
            translation_placeholders={"entry": self._entry.title, "task": self._name},
        )
