"""Who tells of the past of meters and rooms: what an import asks, and what it is answered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Protocol

from ..ledger import Ledger
from ..ledger.codes import from_seconds, row_of, seconds, slot_of
from ..metering.backfill_plan import Chunk, next_chunk
from ..metering.gap_fill import Answer, fill
from ..metering.gaps import Hole, find_holes, slots_in
from .problem import NotNowError, Problem

if TYPE_CHECKING:
    from ..homes.home import Home


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What came of one step down into the past: it is committed down to `begin`.

    `found` slots were missing and `filled` of them became known, from `origin`. `told` says
    whether anything was known at all; None where nobody had to be asked.
    """

    begin: datetime
    found: int = 0
    filled: int = 0
    origin: str = ""
    calls: int = 0
    told: bool | None = None


class PastReader(Protocol):
    """Takes the past of one meter or room into the ledger, step by step.

    Both methods raise CloudError by kind, NotNowError and LedgerError; then nothing is
    noted, and the same step is asked for again later.
    """

    async def async_first(self) -> datetime | None:
        """Return when there is something at the earliest, None where nobody can say."""

    async def async_step(
        self, begin: datetime, end: datetime, newest: datetime
    ) -> Step:
        """Take the newest part of `[begin, end)`, as much as one question answers.

        `newest` is where the past ends that is imported.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What was answered of a span: by whom, in how many calls, and how exact that is."""

    answers: Sequence[Answer]
    origin: str
    calls: int = 1
    half_unit: int = 0


class MeterHistory(Protocol):
    """Somebody who knows what a meter measured; raises what a PastReader does."""

    async def async_first(self) -> datetime | None:
        """Return when there is something at the earliest, None where nobody can say."""

    async def async_chunk(self, chunk: Chunk) -> Told:
        """Return what is known of a span; answers may reach beyond it."""


class MeterPast:
    """Takes the past of a meter into the ledger from somebody who knows it."""

    def __init__(
        self, ledger: Ledger, home: Home, source_id: str, history: MeterHistory
    ) -> None:
        """Fill the slots of a meter of a home."""
        self._ledger = ledger
        self._home = home
        self._source_id = source_id
        self._history = history

    async def async_first(self) -> datetime | None:
        """Return when there is something at the earliest, None where nobody can say."""
        return await self._history.async_first()

    async def async_step(
        self, begin: datetime, end: datetime, newest: datetime
    ) -> Step:
        """Take the newest part of a span; what is known already costs no question."""
        chunk = next_chunk(*map(seconds, (begin, end, newest)))
        start = from_seconds(chunk.start_s)
        holes = await async_missing(
            self._ledger, self._source_id, chunk.start_s, chunk.end_s
        )
        if not holes:
            return Step(begin=start)
        told = await self._history.async_chunk(chunk)
        filled = await async_take_answers(
            self._ledger, self._home, self._source_id, holes, told
        )
        # What nobody knows here is not asked for minute by minute later.
        await self._ledger.async_add_asked(self._source_id, holes)
        return Step(
            begin=start,
            found=slots_in(holes),
            filled=filled,
            origin=told.origin,
            calls=told.calls,
            told=any(answer.energy is not None for answer in told.answers),
        )


async def async_missing(
    ledger: Ledger, source_id: str, begin_s: int, end_s: int
) -> list[Hole]:
    """Return the spans of `[begin_s, end_s)` that have no known slot, newest first.

    Before a source's first slot, too. Raises LedgerError.
    """
    slots = await ledger.async_slots(
        source_id, from_seconds(begin_s), from_seconds(end_s)
    )
    return find_holes(
        [seconds(slot.start) for slot in slots if slot.known], begin_s, end_s
    )


async def async_take_answers(
    ledger: Ledger, home: Home, source_id: str, holes: Sequence[Hole], told: Told
) -> int:
    """Commit what answers make known of holes, newest first; return how many slots.

    Raises LedgerError, and NotNowError where they are not committed.
    """
    begin_s = min([holes[-1].start, *(one.start_s for one in told.answers)])
    end_s = max([holes[0].stop, *(one.end_s for one in told.answers)])
    slots = await ledger.async_slots(
        source_id, from_seconds(begin_s), from_seconds(end_s)
    )
    known = [row_of(slot) for slot in slots if slot.known]
    # A month of it takes the processor long enough to be felt.
    rows = await home.coordinator.hass.async_add_executor_job(
        partial(
            fill,
            {row.start_s: row for row in known},
            holes,
            told.answers,
            half_unit=told.half_unit,
        )
    )
    if rows and not await home.coordinator.async_take(
        source_id, [slot_of(row) for row in rows]
    ):
        raise NotNowError(Problem.LEDGER)
    return len(rows)
