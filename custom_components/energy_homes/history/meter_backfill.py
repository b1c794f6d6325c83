"""The backfill of a meter: what a history knows from before, into the ledger."""

from collections.abc import Collection
from datetime import datetime

from ..ledger.codes import from_seconds, seconds
from ..metering.backfill_plan import next_chunk
from ..metering.gaps import slots_in
from ..models import HistoryReader
from .meter_slots import MeterSlots
from .step import Step


class MeterBackfill:
    """Fills the slots of a meter, a chunk a step."""

    def __init__(
        self, slots: MeterSlots, history: HistoryReader, origins: Collection[str]
    ) -> None:
        """Fill slots from a history, of which `origins` have known something so far."""
        self._slots = slots
        self._history = history
        self._origins = origins

    async def async_first(self) -> datetime | None:
        """Return when there is something at the earliest, None where nobody can say."""
        return await self._history.async_first()

    async def async_step(
        self, begin: datetime, end: datetime, newest: datetime
    ) -> Step:
        """Take the newest part of a span; what is known already costs no question."""
        chunk = next_chunk(*map(seconds, (begin, end, newest)))
        start = from_seconds(chunk.start_s)
        gaps = await self._slots.async_missing(chunk.start_s, chunk.end_s)
        if not gaps:
            return Step(begin=start)
        answer = await self._history.async_chunk(chunk, self._origins)
        filled = await self._slots.async_take(gaps, answer)
        # What nobody knows here is not asked for minute by minute later.
        await self._slots.async_add_asked(gaps)
        return Step(
            begin=start,
            found=slots_in(gaps),
            filled=filled,
            origin=answer.origin,
            calls=answer.calls,
            reported=any(one.energy is not None for one in answer.answers),
        )
