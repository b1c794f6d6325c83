"""The backfill of all homes: what others know of meters and rooms from before they were ours.

Each meter or room has at most one job, kept in a store, so that it goes on after a restart
or a kill: a step is noted as done once its slots are committed. Steps go from the newest
instant down, one at a time for all homes, within what accounts leave for history. What
cannot be asked now is asked an hour later, or as soon as its account is back.
"""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import date, datetime, time, timedelta
import logging
from typing import Any, Final

from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_track_point_in_utc_time
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from ..accounts.problem import problem_of
from ..accounts.registry import Accounts
from ..clouds.errors import CloudAuthError, CloudError, CloudQuotaError
from ..const import DOMAIN
from ..homes.directory import Homes
from ..homes.home import Home
from ..ledger import Ledger, LedgerError
from ..ledger.codes import from_seconds, seconds
from ..metering.backfill_plan import EMPTY_IS_THE_END
from ..metering.model import slot_start
from ..metering.periods import SLOT_S
from ..models import NotNowError, Problem
from .job import Job, JobState
from .step import Step, SubjectBackfill
from .subjects import LONG_AGO, Subject, async_end, open_backfill, subjects_of

_LOGGER = logging.getLogger(__name__)

DATA_BACKFILL: HassKey[Backfill] = HassKey(f"{DOMAIN}_backfill")

AGAIN: Final = timedelta(hours=1)
"""After so long it is tried again what could not be asked."""

_STORE_VERSION: Final = 1

_WAITS_FOR_ACCOUNT: Final = (Problem.ACCOUNT, Problem.CREDENTIALS)


class Backfill:
    """Backfills the meters and rooms of all homes, one step after the other."""

    def __init__(
        self, hass: HomeAssistant, homes: Homes, accounts: Accounts, ledger: Ledger
    ) -> None:
        """Prepare; nothing runs before `async_start`."""
        self._hass = hass
        self._homes = homes
        self._accounts = accounts
        self._ledger = ledger
        self._store: Store[dict[str, Any]] = Store(
            hass, _STORE_VERSION, f"{DOMAIN}.past", private=True, atomic_writes=True
        )
        self._jobs: dict[str, Job] = {}
        self._turns = 0
        self._lock = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._timer: CALLBACK_TYPE | None = None
        self._unwatch: CALLBACK_TYPE | None = None
        self._listeners: list[tuple[str, CALLBACK_TYPE]] = []
        self._stepped = asyncio.Event()
        self._stopped = False

    async def async_start(self) -> None:
        """Take up what an earlier run left."""
        for data in ((await self._store.async_load()) or {}).get("jobs", ()):
            job = Job.from_data(data)
            if job.state is JobState.WAITING:
                job.resume()
            self._jobs[job.subject_id] = job
        self._unwatch = self._accounts.watch(self._accounts_changed)

    async def async_stop(self) -> None:
        """Stop for good; the next run goes on from the last step that was done."""
        self._stopped = True
        if self._unwatch is not None:
            self._unwatch()
            self._unwatch = None
        self._cancel_timer()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        self._stepped.set()

    def jobs(self, home_id: str) -> list[Job]:
        """Return the imports of a home."""
        return [job for job in self._jobs.values() if job.home_id == home_id]

    def job(self, subject_id: str) -> Job | None:
        """Return the import of a meter or a room."""
        return self._jobs.get(subject_id)

    def active(self, home_id: str) -> bool:
        """Return whether something of a home is imported, now or a little later."""
        return any(job.active for job in self.jobs(home_id))

    def percent(self, home_id: str) -> float | None:
        """Return how much of a home's imports is done; None where there never was one."""
        jobs = self.jobs(home_id)
        return 100 * sum(job.share for job in jobs) / len(jobs) if jobs else None

    @callback
    def async_add_listener(
        self, home_id: str, listener: CALLBACK_TYPE
    ) -> CALLBACK_TYPE:
        """Hear of a home's imports; return how to stop."""
        entry = (home_id, listener)
        self._listeners.append(entry)
        return lambda: self._listeners.remove(entry)

    async def async_add_home(self, home: Home) -> None:
        """Begin what was asked for when its meters and heatings were added, and go on.

        What is no longer there is forgotten.
        """
        subjects = {subject.subject_id: subject for subject in subjects_of(home)}
        gone = [
            job for job in self.jobs(home.home_id) if job.subject_id not in subjects
        ]
        for job in gone:
            del self._jobs[job.subject_id]
        new = [subject for name, subject in subjects.items() if name not in self._jobs]
        for subject in new:
            if subject.import_from is None:
                continue
            self._jobs[subject.subject_id] = Job(
                subject_id=subject.subject_id,
                home_id=home.home_id,
                start=_midnight(subject.import_from, home),
            )
        for job in self.jobs(home.home_id):
            if job.state is JobState.WAITING:
                job.resume()
        if gone or new:
            await self._async_save()
        self._wake()

    async def async_forget_home(self, home_id: str) -> None:
        """Forget the imports of a home that was removed."""
        if jobs := self.jobs(home_id):
            for job in jobs:
                del self._jobs[job.subject_id]
            await self._async_save()

    async def async_begin(
        self,
        home: Home,
        subjects: Iterable[Subject],
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> None:
        """Import subjects of a home from `start` on, or as early as somebody has them.

        What is under way, or was stopped, goes on where it was, as far down as is wanted
        now; what was done, or is for `end` only, begins anew: what is known costs nothing.
        """
        async with self._lock:
            for subject in subjects:
                job = self._jobs.get(subject.subject_id)
                if job is None:
                    job = self._jobs[subject.subject_id] = Job(
                        subject_id=subject.subject_id, home_id=home.home_id
                    )
                if (
                    end is not None
                    or job.until is not None
                    or job.state is JobState.DONE
                ):
                    job.begin_anew(start, end)
                else:
                    job.start = start
                    job.resume()
            await self._async_save()
        self._tell(home.home_id)
        self._wake()

    async def async_pause(self, home: Home) -> None:
        """Stop the imports of a home, each after its present step."""
        for job in self.jobs(home.home_id):
            if job.active:
                job.stop()
        await self._async_save()
        self._tell(home.home_id)

    async def async_go_on(self, home: Home) -> bool:
        """Go on with what was stopped, else begin with all that has no import yet.

        Return whether there was anything to do.
        """
        if stopped := [
            job for job in self.jobs(home.home_id) if job.state is JobState.STOPPED
        ]:
            for job in stopped:
                job.resume()
            await self._async_save()
            self._tell(home.home_id)
            self._wake()
            return True
        new = [
            subject
            for subject in subjects_of(home)
            if subject.subject_id not in self._jobs
        ]
        if new:
            await self.async_begin(home, new)
        return bool(new)

    async def async_settled(self, subjects: Sequence[Subject]) -> None:
        """Wait until nothing more of the subjects can be imported now."""
        while (
            self._task is not None
            and not self._task.done()
            and any(
                job.state is JobState.RUNNING
                for subject in subjects
                if (job := self._jobs.get(subject.subject_id)) is not None
            )
        ):
            self._stepped.clear()
            await self._stepped.wait()

    @callback
    def _accounts_changed(self) -> None:
        """Try at once what waits for an account that may be there now."""
        for job in self._jobs.values():
            if job.state is JobState.WAITING and job.problem in _WAITS_FOR_ACCOUNT:
                job.resume()
        self._wake()

    @callback
    def _wake(self, _now: datetime | None = None) -> None:
        """Go to work, unless that is under way."""
        now = dt_util.utcnow()
        for job in self._jobs.values():
            if job.state is JobState.WAITING and (job.retry_at or now) <= now:
                job.resume()
        if self._stopped or (self._task is not None and not self._task.done()):
            return
        if self._next() is not None:
            self._task = self._hass.async_create_background_task(
                self._async_work(), f"{DOMAIN} past"
            )
        else:
            self._set_timer()

    def _next(self) -> tuple[Job, Home, Subject] | None:
        """Return the job that has waited longest for its turn, with what it is of."""
        homes = {home.home_id: home for home in self._homes.all}
        for job in sorted(self._jobs.values(), key=lambda job: job.turn):
            if job.state is JobState.RUNNING and (
                (home := homes.get(job.home_id)) is not None
            ):
                for subject in subjects_of(home):
                    if subject.subject_id == job.subject_id:
                        return job, home, subject
        return None

    async def _async_work(self) -> None:
        """Take step after step until nothing can be done for now."""
        while (found := self._next()) is not None:
            job, home, subject = found
            self._turns += 1
            job.turn = self._turns
            async with self._lock:
                await self._async_step(job, home, subject)
                await self._async_save()
            self._tell(home.home_id)
            self._stepped.set()
        self._set_timer()
        self._stepped.set()

    async def _async_step(self, job: Job, home: Home, subject: Subject) -> None:
        """Take one step of a job; say what it waits for where that cannot be."""
        try:
            await self._async_descend(job, home, subject)
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

    async def _async_descend(self, job: Job, home: Home, subject: Subject) -> None:
        """Take a job as far down as one question leads; it is noted once it is committed."""
        if job.end is None or job.begin is None:
            job.end = job.begin = await async_end(self._ledger, subject, job.until)
        opened = open_backfill(self._hass, home, subject, job)
        if opened is None:
            job.finish()
            return
        if not job.asked_first:
            await self._async_ask_first(job, opened.steps)
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

    async def _async_ask_first(self, job: Job, steps: SubjectBackfill) -> None:
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

    async def _async_save(self) -> None:
        """Write down how far all jobs are."""
        await self._store.async_save(
            {"jobs": [job.as_data() for job in self._jobs.values()]}
        )

    def _tell(self, home_id: str) -> None:
        """Tell those who follow a home's imports."""
        for home, listener in tuple(self._listeners):
            if home == home_id:
                listener()

    @callback
    def _set_timer(self) -> None:
        """Wake up when the first of the waiting jobs may go on."""
        self._cancel_timer()
        waiting = [
            job.retry_at
            for job in self._jobs.values()
            if job.state is JobState.WAITING and job.retry_at is not None
        ]
        if waiting and not self._stopped:
            self._timer = async_track_point_in_utc_time(
                self._hass,
                HassJob(self._wake, f"{DOMAIN} past", cancel_on_shutdown=True),
                min(waiting),
            )

    @callback
    def _cancel_timer(self) -> None:
        """Do not wake up."""
        if self._timer is not None:
            self._timer()
            self._timer = None


def _midnight(day: date, home: Home) -> datetime:
    """Return the beginning of a day in a home, in UTC."""
    return dt_util.as_utc(datetime.combine(day, time(), home.coordinator.time_zone))


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
