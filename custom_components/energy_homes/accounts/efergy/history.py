"""What an Efergy account knows of a meter: its own series, else the household's numbers.

The household's are the meter's where it is the account's only one and measures the grid.
"""

from collections.abc import AsyncGenerator, Collection, Sequence
from datetime import datetime
from functools import partial
import logging
from typing import Final

from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from ...clouds.efergy.client import EfergyClient
from ...clouds.efergy.history import (
    LONGEST_SERIES_S,
    MINUTE_S,
    SUM_HALF_UNIT,
    household_answers,
    instants,
    series_answers,
    sum_answer,
)
from ...clouds.errors import CloudAuthError, CloudError, CloudQuotaError
from ...metering.backfill_plan import Chunk
from ...metering.gap_fill import Answer, corrected, trusted
from ...metering.gap_plan import HOUR_S, RIPE, Call, SumCalls, series_calls, sum_calls
from ...metering.gaps import Gap, cut, days_of, within
from ...metering.model import MeterRole
from ...models import HistoryAnswer, MeterSource, NotNowError, Problem, Revision
from ..problem import account_problem, problem_of
from ..registry import DATA_ACCOUNTS, AccountState
from .hub import EfergyHub

_LOGGER = logging.getLogger(__name__)

SPARE_CALLS: Final = 20
"""So many of the day's calls for history a backfill leaves for gaps, which are newer."""

METER: Final = "meter"
HOUSEHOLD: Final = "household"


def open_history(
    hass: HomeAssistant, source: MeterSource, revision: Revision
) -> EfergyHistory:
    """Return the history of a meter of an account.

    Raises NotNowError where the account is not there, or not connected.
    """
    hub = hass.data[DATA_ACCOUNTS].get(revision.account or "")
    if not isinstance(hub, EfergyHub) or hub.state is not AccountState.CONNECTED:
        raise NotNowError(account_problem(None if hub is None else hub.state))
    return EfergyHistory(hub, source, revision.hardware_id or "")


class EfergyHistory:
    """Asks an account within its budget for history, with as few calls as answers allow."""

    exists: Final = True

    def __init__(self, hub: EfergyHub, source: MeterSource, sid: str) -> None:
        """Ask for a meter that is the source."""
        self._hub = hub
        self._source = source
        self._sid = sid

    @property
    def _is_household(self) -> bool:
        """Return whether the household's numbers are the meter's."""
        return self._source.role is MeterRole.GRID and self._hub.sole_meter == self._sid

    async def async_first(self) -> datetime | None:
        """Return when the household's data begin."""
        return await self._hub.calls.async_first_data(spare=SPARE_CALLS)

    async def async_chunk(
        self, chunk: Chunk, origins: Collection[str] = ()
    ) -> HistoryAnswer:
        """Return the buckets of the first origin that has any, minutes or hours.

        Where only the household had some before it is asked first. Raises CloudError by kind
        where none has any, and one of them could not be asked.
        """
        # What ends later is not whole yet.
        newest = (dt_util.utcnow() - RIPE).timestamp()
        failure: CloudError | None = None
        order = [METER]
        if self._is_household:
            household_first = HOUSEHOLD in origins and METER not in origins
            order.insert(0 if household_first else 1, HOUSEHOLD)
        for calls, origin in enumerate(order, 1):
            ask = self._async_meter if origin == METER else self._async_household
            try:
                answers = await ask(chunk)
            except CloudQuotaError, CloudAuthError:
                raise
            except CloudError as err:
                _LOGGER.debug("The past of %s %s: %s", origin, self._sid, err)
                failure = err
                continue
            if any(answer.energy is not None for answer in answers):
                return HistoryAnswer(
                    answers=trusted(one for one in answers if one.end_s <= newest),
                    origin=origin,
                    calls=calls,
                    half_unit=SUM_HALF_UNIT if origin == HOUSEHOLD else 0,
                )
        if failure is not None:
            raise failure
        return HistoryAnswer(calls=len(order))

    async def async_gaps(
        self, gaps: Sequence[Gap], asked: Sequence[Gap]
    ) -> AsyncGenerator[HistoryAnswer]:
        """Yield the minutes of the meter's own series, else the household's sums.

        Series that says of all of a gap that nothing is known has answered. One that does
        not answer is not asked again for what is left.
        """
        left: Sequence[Gap] = ()
        for call in series_calls(gaps, bucket_s=MINUTE_S, longest_s=LONGEST_SERIES_S):
            try:
                answers = await self._async_series(call)
            except (CloudQuotaError, CloudAuthError) as err:
                yield self._stopped(err, calls=1)
                return
            except CloudError as err:
                _LOGGER.debug("Series of %s: %s", self._source.name, err)
                answers = []
            if not answers:
                left = within(gaps, gaps[-1].start, call.end_s)
                yield HistoryAnswer(calls=1)
                break
            yield HistoryAnswer(
                answers=trusted(answers),
                asked=within(gaps, call.start_s, call.end_s),
                calls=1,
            )
        if left and not self._is_household:
            yield HistoryAnswer(problem=Problem.CLOUD)
            return
        for part in cut(left, days_of(left)) if left else ():
            answer = await self._async_sums(part)
            yield answer
            if answer.problem is not None:
                return

    def _stopped(self, err: CloudError, *, calls: int) -> HistoryAnswer:
        """Return the answer that is none, after so many calls."""
        _LOGGER.debug("History of %s: %s", self._source.name, err)
        return HistoryAnswer(calls=calls, problem=problem_of(err))

    async def _async_meter(self, chunk: Chunk) -> list[Answer]:
        """Return the meter's own buckets of a chunk, minutes or hours."""
        if chunk.fine:
            call = Call(chunk.start_s, chunk.end_s)
            return await self._async_series(call, spare=SPARE_CALLS)
        return await self._async_series(_wide(chunk), bucket="hour", spare=SPARE_CALLS)

    async def _async_household(self, chunk: Chunk) -> list[Answer]:
        """Return the household's hours of a chunk."""
        call = _wide(chunk)
        start, end = instants(call)
        found = await self._hub.calls.async_history(
            partial(EfergyClient.series, start=start, end=end, aggregate_period="hour"),
            spare=SPARE_CALLS,
        )
        return household_answers(found, call)

    async def _async_series(
        self, call: Call, *, bucket: str = "minute", spare: int = 0
    ) -> list[Answer]:
        """Return the buckets of the meter's own series in the span of a call, in micro-Wh.

        `spare` calls of the account's budget for history stay. Raises CloudError by kind.
        """
        start, end = instants(call)
        generates = self._source.role is MeterRole.GENERATION
        found = await self._hub.calls.async_history(
            partial(
                EfergyClient.history,
                start=start,
                end=end,
                sid=self._sid,
                kind="PWER_GAC" if generates else "PWER",
                aggregate_period=bucket,
            ),
            spare=spare,
        )
        return series_answers(found, self._sid, call)

    async def _async_sums(self, part: Gap) -> HistoryAnswer:
        """Return the household's sums of a gap within a day."""
        plan = sum_calls(part)
        sums: list[Answer] = []
        try:
            for call in plan.calls:
                sums.append(await self._async_sum(call))  # noqa: PERF401
        except CloudError as err:
            return self._stopped(err, calls=len(sums) + 1)
        return HistoryAnswer(
            answers=_pieces(plan, sums),
            asked=[part],
            calls=len(sums),
            half_unit=SUM_HALF_UNIT,
        )

    async def _async_sum(self, call: Call) -> Answer:
        """Return the household's sum of a span. Raises CloudError by kind."""
        start, end = instants(call)
        found = await self._hub.calls.async_history(
            partial(EfergyClient.energy, start=start, end=end)
        )
        return sum_answer(found, call)


def _pieces(plan: SumCalls, sums: Sequence[Answer]) -> Sequence[Answer]:
    """Return the sums of a gap's hours, of which the sum of the whole is the last."""
    if plan.whole is None:
        return sums
    *pieces, whole = sums
    if any(piece.energy is None for piece in pieces):
        return trusted(pieces)
    return corrected(pieces, whole, SUM_HALF_UNIT) or []


def _wide(chunk: Chunk) -> Call:
    """Return a question for the hours of a chunk and for their neighbours.

    A neighbour that is not known says that an hour may not be whole.
    """
    return Call(chunk.start_s - HOUR_S, chunk.end_s + HOUR_S)
