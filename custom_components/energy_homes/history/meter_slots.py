"""The slots of a meter that a history is asked for: what is missing, and how it is stored."""

from collections.abc import Sequence
from functools import partial

from ..ledger import Ledger
from ..ledger.codes import from_seconds, row_of, slot_of
from ..metering.gap_fill import fill
from ..metering.gaps import Gap, find_gaps
from ..metering.periods import SlotRow
from ..meters.coordinator import HomeCoordinator
from ..models import HistoryAnswer, NotNowError, Problem


class MeterSlots:
    """The slots of one meter. Every method raises LedgerError."""

    def __init__(
        self, ledger: Ledger, coordinator: HomeCoordinator, source_id: str
    ) -> None:
        """Stand for a meter of a home."""
        self.source_id = source_id
        self._ledger = ledger
        self._coordinator = coordinator

    async def async_known(self, begin_s: int, end_s: int) -> list[SlotRow]:
        """Return the known slots of a span, in order."""
        slots = await self._ledger.slots.async_between(
            self.source_id, from_seconds(begin_s), from_seconds(end_s)
        )
        return [row_of(slot) for slot in slots if slot.known]

    async def async_missing(self, begin_s: int, end_s: int) -> list[Gap]:
        """Return the gaps of a span, newest first; before a source's first slot, too."""
        known = await self.async_known(begin_s, end_s)
        return find_gaps((row.start_s for row in known), begin_s, end_s)

    async def async_take(self, gaps: Sequence[Gap], answer: HistoryAnswer) -> int:
        """Commit what an answer makes known of gaps, newest first; return how many slots.

        Raises NotNowError where they are not committed.
        """
        rows = list(answer.slots)
        if answer.answers:
            rows += await self._async_filled(gaps, answer)
        await self.async_commit(rows)
        return len(rows)

    async def async_add_asked(self, gaps: Sequence[Gap]) -> None:
        """Remember that gaps were asked for; what is known of them is committed."""
        await self._ledger.slots.async_add_asked(self.source_id, gaps)

    async def async_commit(self, rows: Sequence[SlotRow]) -> None:
        """Commit slots through the meter, which may be about to store its own.

        Raises NotNowError where the home has stopped, or its ledger takes nothing now.
        """
        if rows and not await self._coordinator.async_take(
            self.source_id, [slot_of(row) for row in rows]
        ):
            raise NotNowError(Problem.LEDGER)

    async def _async_filled(
        self, gaps: Sequence[Gap], answer: HistoryAnswer
    ) -> list[SlotRow]:
        """Return the slots of gaps that an answer makes known.

        What is known beside the gaps has its part of an answer that reaches beyond them.
        """
        known = await self.async_known(
            min([gaps[-1].start, *(one.start_s for one in answer.answers)]),
            max([gaps[0].stop, *(one.end_s for one in answer.answers)]),
        )
        # A month of it takes the processor long enough to be felt.
        return await self._coordinator.hass.async_add_executor_job(
            partial(
                fill,
                {row.start_s: row for row in known},
                gaps,
                answer.answers,
                half_unit=answer.half_unit,
            )
        )
