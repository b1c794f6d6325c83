"""The repair of a meter: its gaps are asked for, newest first, then short ones interpolated."""

from collections.abc import Sequence
from contextlib import aclosing
from datetime import datetime
from itertools import groupby
import logging

from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from ..homes.home import Home
from ..ledger import Ledger
from ..ledger.codes import from_seconds, seconds
from ..metering.gap_fill import MOST_INTERPOLATED, interpolated
from ..metering.gap_plan import LATE_OVER, RIPE
from ..metering.gaps import Gap, slots_in, within, without
from ..metering.model import slot_start
from ..models import HistoryAnswer, HistoryReader, NotNowError, Revision
from .meter_slots import MeterSlots
from .readers import keeps_history, open_history
from .repaired import Repaired

_LOGGER = logging.getLogger(__name__)


class MeterRepair:
    """One look at one meter."""

    def __init__(
        self,
        hass: HomeAssistant,
        ledger: Ledger,
        home: Home,
        source_id: str,
        begin: datetime | None,
        end: datetime | None,
    ) -> None:
        """Prepare a look at the slots of a meter in `[begin, end)`, open where None."""
        self.source = home.coordinator.meters[source_id].source
        self.now = dt_util.utcnow()
        self.unasked: dict[str, Sequence[Gap]] = {}
        """The gaps of each account that could not be asked, newest first."""
        self._hass = hass
        self._ledger = ledger
        self._label = home.label
        self._slots = MeterSlots(ledger, home.coordinator, source_id)
        self._begin = begin
        self._end = end
        self._repaired = Repaired(self.source.name)

    async def async_run(self, *, again: bool) -> Repaired:
        """Ask for what is missing, interpolate what may be, return what is left.

        `again` asks also for what was asked before. Raises LedgerError.
        """
        repaired = self._repaired
        gaps = await self._async_gaps()
        repaired.found = slots_in(gaps)
        if not gaps:
            return repaired
        try:
            asked = await self._async_asked()
            await self._async_ask(gaps if again else without(gaps, asked), asked)
            await self._async_interpolate()
        except NotNowError as err:
            repaired.problem = err.problem
        repaired.left = await self._async_gaps()
        if repaired.vendor or repaired.interpolated:
            _LOGGER.info(
                "Of %d missing slots of %s %s: %d from a history, %d interpolated",
                repaired.found,
                self._label,
                self.source.name,
                repaired.vendor,
                repaired.interpolated,
            )
        return repaired

    async def _async_gaps(self) -> list[Gap]:
        """Return what has been missing for a while, cut where the meter changed.

        Of a gap that is not over, as of a meter that is silent, it is what is ripe of it.
        """
        found = await self._ledger.slots.async_gaps(
            self.source.source_id,
            self._begin,
            self._end,
            cuts=[revision.since for revision in self.source.revisions[1:]],
        )
        return within(found, 0, seconds(slot_start(self.now - RIPE)))

    async def _async_asked(self) -> list[Gap]:
        """Return what was asked for already."""
        return await self._ledger.slots.async_asked(self.source.source_id)

    def _revision(self, one: Gap) -> Revision:
        """Return what measured while a gap came about: where it ended, if it changed."""
        return self.source.until(from_seconds(one.stop))

    async def _async_ask(self, gaps: Sequence[Gap], asked: Sequence[Gap]) -> None:
        """Ask the history of each hardware for its gaps. Raises NotNowError of the ledger."""
        for revision, group in groupby(gaps, key=self._revision):
            part = list(group)
            try:
                history = open_history(self._hass, self.source, revision)
            except NotNowError as err:
                self._repaired.problem = err.problem
                self.unasked[revision.account or ""] = part
                continue
            if history is not None:
                await self._async_read(history, part, asked)

    async def _async_read(
        self, history: HistoryReader, gaps: Sequence[Gap], asked: Sequence[Gap]
    ) -> None:
        """Take all that a history answers, each answer before the next question."""
        async with aclosing(history.async_gaps(gaps, asked)) as answers:
            async for answer in answers:
                await self._async_take(answer)

    async def _async_take(self, answer: HistoryAnswer) -> None:
        """Store what an answer makes known, then that it was asked for."""
        self._repaired.calls += answer.calls
        if answer.problem is not None:
            self._repaired.problem = answer.problem
        if answer.asked:
            self._repaired.vendor += await self._slots.async_take(answer.asked, answer)
            await self._slots.async_add_asked(answer.asked)

    async def _async_interpolate(self) -> None:
        """Interpolate short gaps that nobody can be asked for any more."""
        asked = await self._async_asked()
        late_s = seconds(self.now - LATE_OVER)
        for one in await self._async_gaps():
            if len(one) > MOST_INTERPOLATED or one.stop > late_s:
                continue
            if keeps_history(self._revision(one)) and without([one], asked):
                continue
            known = await self._slots.async_known(
                one.start - one.step, one.stop + one.step
            )
            rows = interpolated(known, [one])
            await self._slots.async_commit(rows)
            self._repaired.interpolated += len(rows)
