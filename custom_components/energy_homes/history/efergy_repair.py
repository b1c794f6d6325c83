"""Holes of an Efergy meter: its own series of minutes, else the sums of its household."""

from collections.abc import Sequence
from functools import partial
import logging
from typing import TYPE_CHECKING

from ..accounts.efergy.hub import EfergyHub
from ..accounts.registry import AccountState
from ..clouds.efergy.client import EfergyClient
from ..clouds.efergy.history import (
    LONGEST_SERIES_S,
    MINUTE_S,
    SUM_HALF_UNIT,
    instants,
    series_answers,
    sum_answer,
)
from ..clouds.errors import CloudAuthError, CloudError, CloudQuotaError
from ..metering.gap_fill import Answer, corrected, trusted
from ..metering.gap_plan import Call, series_calls, sum_calls
from ..metering.gaps import Hole, cut, days_of, within
from ..metering.model import MeterRole
from ..models import Revision
from .problem import Problem, account_problem, problem_of

if TYPE_CHECKING:
    from .repair import Job

_LOGGER = logging.getLogger(__name__)


async def async_ask(job: Job, revision: Revision, holes: Sequence[Hole]) -> None:
    """Ask an Efergy account: for the meter's minutes, else for the household's sums.

    With as few calls as the answers allow, within the account's budget for history.
    """
    hub = job.accounts.get(revision.account or "")
    if not isinstance(hub, EfergyHub) or hub.state is not AccountState.CONNECTED:
        job.repair.problem = account_problem(None if hub is None else hub.state)
        job.unasked[revision.account or ""] = holes
        return
    sid = revision.hardware_id or ""
    try:
        left = await _async_series(job, hub, sid, holes)
        if left and hub.sole_meter == sid and job.source.role is MeterRole.GRID:
            await _async_sums(job, hub, left)
        elif left:
            job.repair.problem = Problem.CLOUD
    except CloudError as err:
        _LOGGER.debug("History of %s: %s", job.source.name, err)
        job.repair.problem = problem_of(err)


async def async_series(
    hub: EfergyHub,
    sid: str,
    role: MeterRole,
    call: Call,
    *,
    bucket: str = "minute",
    spare: int = 0,
) -> list[Answer]:
    """Return the buckets of a meter's own series in the span of a call, in micro-Wh.

    `spare` calls of the account's budget for history stay. Raises CloudError by kind.
    """
    start, end = instants(call)
    found = await hub.async_history(
        partial(
            EfergyClient.history,
            start=start,
            end=end,
            sid=sid,
            kind="PWER_GAC" if role is MeterRole.GENERATION else "PWER",
            aggregate_period=bucket,
        ),
        spare=spare,
    )
    return series_answers(found, sid, call)


async def _async_series(
    job: Job, hub: EfergyHub, sid: str, holes: Sequence[Hole]
) -> list[Hole]:
    """Fill holes from the meter's own series; return those that it has no answer for.

    An answer that says of all of a hole that nothing is known is one. Raises
    CloudQuotaError and CloudAuthError.
    """
    for call in series_calls(holes, bucket_s=MINUTE_S, longest_s=LONGEST_SERIES_S):
        job.repair.calls += 1
        try:
            answers = await async_series(hub, sid, job.source.role, call)
        except CloudQuotaError, CloudAuthError:
            raise
        except CloudError as err:
            _LOGGER.debug("Series of %s: %s", job.source.name, err)
            answers = []
        if not answers:
            return within(holes, holes[-1].start, call.end_s)
        part = within(holes, call.start_s, call.end_s)
        await job.async_fill(part, trusted(answers))
    return []


async def _async_sums(job: Job, hub: EfergyHub, holes: Sequence[Hole]) -> None:
    """Fill holes from the household's sums, a day after the other."""
    for part in cut(holes, days_of(holes)):
        calls = sum_calls(part)
        answers = [await _async_sum(job, hub, call) for call in calls.pieces]
        if calls.whole is not None:
            whole = await _async_sum(job, hub, calls.whole)
            if any(answer.energy is None for answer in answers):
                answers = trusted(answers)
            else:
                answers = corrected(answers, whole, SUM_HALF_UNIT) or []
        await job.async_fill([part], answers, half_unit=SUM_HALF_UNIT)


async def _async_sum(job: Job, hub: EfergyHub, call: Call) -> Answer:
    """Return the household's sum of a span."""
    start, end = instants(call)
    job.repair.calls += 1
    found = await hub.async_history(partial(EfergyClient.energy, start=start, end=end))
    return sum_answer(found, call)
