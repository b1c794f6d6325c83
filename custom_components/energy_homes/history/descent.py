"""One step of a backfill job down into the past, and what the job waits for if it fails."""

from datetime import datetime, timedelta
import logging
from typing import Final

from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from ..accounts.problem import problem_of
from ..clouds.errors import CloudAuthError, CloudError, CloudQuotaError
from ..homes.home import Home
from ..ledger import Ledger, LedgerError
from ..ledger.codes import from_seconds, seconds
from ..metering.backfill_plan import EMPTY_IS_THE_END
from ..metering.model import slot_start
from ..metering.periods import SLOT_S
from ..models import NotNowError, Problem
from .job import Job
from .step import Step, SubjectBackfill
from .subjects import LONG_AGO, Subject, async_end, open_backfill

_LOGGER = logging.getLogger(__name__)

AGAIN: Final = timedelta(hours=1)
"""After so long it is tried again what could not be asked."""


async def async_take_step(
    hass: HomeAssistant, ledger: Ledger, job: Job, home: Home, subject: Subject
) -> None:
    """Take one step of a job; say what it waits for where that cannot be."""
    try:
        await _async_descend(hass, ledger, job, home, subject)
    except NotNowError as err:
        problem = err.problem
    except CloudError as err:
        _LOGGER.debug("The past of %s %s: %s", home.label, subject.name, err)
        problem = problem_of(err)
    except LedgerError as err:
        _LOGGER.debug("The past of %s %s: %s", home.label, subject.name, err)
        problem = Problem.LEDGER
    except Exception:
        _LOGGER.exception("No past of %s %s for now", home.label, subject.name)
        problem = Problem.CLOUD
    else:
        return
    job.wait(problem, dt_util.utcnow() + AGAIN)


async def _async_descend(
    hass: HomeAssistant, ledger: Ledger, job: Job, home: Home, subject: Subject
) -> None:
    """Take a job as far down as one question leads; it is noted once it is committed."""
    if job.end is None or job.begin is None:
        job.end = job.begin = await async_end(ledger, subject, job.until)
    opened = open_backfill(hass, home, subject, job)
    if opened is None:
        job.finish()
        return
    if not job.asked_first:
        await _async_ask_first(job, opened.steps)
    floor = _floor(job)
    if floor < job.begin:
        step = await opened.steps.async_step(
            max(floor, opened.since), job.begin, job.end
        )
        _note(job, step)
        # A vendor that answers, but not when its data begin, is not asked that again.
        job.asked_first = True
    if job.begin <= floor or (job.first is None and job.empty >= EMPTY_IS_THE_END):
        job.finish()


async def _async_ask_first(job: Job, steps: SubjectBackfill) -> None:
    """Ask when there is something at the earliest; that it is not told is no trouble.

    Raises CloudQuotaError and CloudAuthError.
    """
    try:
        job.first = await steps.async_first()
    except CloudQuotaError, CloudAuthError:
        raise
    except CloudError as err:
        _LOGGER.debug("Nobody says when the past begins: %s", err)
        return
    job.asked_first = True


def _floor(job: Job) -> datetime:
    """Return the bound of a slot down to which there may be something that is wanted."""
    first = LONG_AGO if job.first is None else slot_start(job.first)
    if job.start is None:
        return first
    return max(first, from_seconds(-(-seconds(job.start) // SLOT_S) * SLOT_S))


def _note(job: Job, step: Step) -> None:
    """Note what came of a step."""
    job.begin = step.begin
    job.found += step.found
    job.calls += step.calls
    if step.filled:
        job.filled[step.origin] = job.filled.get(step.origin, 0) + step.filled
    if step.reported is not None:
        job.empty = 0 if step.reported else job.empty + 1
