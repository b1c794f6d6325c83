"""The backfill of all homes: what others know of meters and rooms from before they were ours.

Each meter or room has at most one job, kept in a store, so that it goes on after a restart
or a kill: a step is noted as done once its slots are committed. Steps go from the newest
instant down, one at a time for all homes, within what accounts leave for history. What
cannot be asked now is asked an hour later, or as soon as its account is back.
"""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import date, datetime, time
from typing import Final

from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_track_point_in_utc_time
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from ..accounts.registry import Accounts
from ..const import DOMAIN
from ..homes.directory import Homes
from ..homes.home import Home
from ..ledger import Ledger
from ..models import Problem
from .descent import async_take_step
from .job import Job, JobState
from .jobs import BackfillJobs
from .subjects import Subject, subjects_of

DATA_BACKFILL: HassKey[Backfill] = HassKey(f"{DOMAIN}_backfill")

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
        self.jobs = BackfillJobs(hass)
        self._turns = 0
        self._lock = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._timer: CALLBACK_TYPE | None = None
        self._unwatch: CALLBACK_TYPE | None = None
        self._stepped = asyncio.Event()
        self._stopped = False

    async def async_start(self) -> None:
        """Take up what an earlier run left."""
        await self.jobs.async_load()
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

    async def async_add_home(self, home: Home) -> None:
        """Begin what was asked for when its meters and heatings were added, and go on.

        What is no longer there is forgotten.
        """
        subjects = {subject.subject_id: subject for subject in subjects_of(home)}
        gone = [
            job
            for job in self.jobs.of_home(home.home_id)
            if job.subject_id not in subjects
        ]
        self.jobs.remove(gone)
        new = [
            subject for name, subject in subjects.items() if self.jobs.get(name) is None
        ]
        for subject in new:
            if subject.import_from is None:
                continue
            self.jobs.add(
                Job(
                    subject_id=subject.subject_id,
                    home_id=home.home_id,
                    start=_midnight(subject.import_from, home),
                )
            )
        for job in self.jobs.of_home(home.home_id):
            if job.state is JobState.WAITING:
                job.resume()
        if gone or new:
            await self.jobs.async_save()
        self._wake()

    async def async_forget_home(self, home_id: str) -> None:
        """Forget the jobs of a home that was removed."""
        if jobs := self.jobs.of_home(home_id):
            self.jobs.remove(jobs)
            await self.jobs.async_save()

    async def async_begin(
        self,
        home: Home,
        subjects: Iterable[Subject],
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> None:
        """Backfill subjects of a home from `start` on, or as early as somebody has them.

        What is under way, or was stopped, goes on where it was, as far down as is wanted
        now; what was done, or is for `end` only, begins anew: what is known costs nothing.
        """
        async with self._lock:
            for subject in subjects:
                job = self.jobs.get(subject.subject_id)
                if job is None:
                    job = Job(subject_id=subject.subject_id, home_id=home.home_id)
                    self.jobs.add(job)
                if (
                    end is not None
                    or job.until is not None
                    or job.state is JobState.DONE
                ):
                    job.begin_anew(start, end)
                else:
                    job.start = start
                    job.resume()
            await self.jobs.async_save()
        self.jobs.async_update_listeners(home.home_id)
        self._wake()

    async def async_pause(self, home: Home) -> None:
        """Stop the jobs of a home, each after its present step."""
        for job in self.jobs.of_home(home.home_id):
            if job.active:
                job.stop()
        await self.jobs.async_save()
        self.jobs.async_update_listeners(home.home_id)

    async def async_go_on(self, home: Home) -> bool:
        """Go on with what was stopped, else begin with all that has no job yet.

        Return whether there was anything to do.
        """
        if stopped := [
            job
            for job in self.jobs.of_home(home.home_id)
            if job.state is JobState.STOPPED
        ]:
            for job in stopped:
                job.resume()
            await self.jobs.async_save()
            self.jobs.async_update_listeners(home.home_id)
            self._wake()
            return True
        new = [
            subject
            for subject in subjects_of(home)
            if self.jobs.get(subject.subject_id) is None
        ]
        if new:
            await self.async_begin(home, new)
        return bool(new)

    async def async_settled(self, subjects: Sequence[Subject]) -> None:
        """Wait until nothing more of the subjects can be backfilled now."""
        while (
            self._task is not None
            and not self._task.done()
            and any(
                job.state is JobState.RUNNING
                for subject in subjects
                if (job := self.jobs.get(subject.subject_id)) is not None
            )
        ):
            self._stepped.clear()
            await self._stepped.wait()

    @callback
    def _accounts_changed(self) -> None:
        """Try at once what waits for an account that may be there now."""
        for job in self.jobs.all:
            if job.state is JobState.WAITING and job.problem in _WAITS_FOR_ACCOUNT:
                job.resume()
        self._wake()

    @callback
    def _wake(self, _now: datetime | None = None) -> None:
        """Go to work, unless that is under way."""
        now = dt_util.utcnow()
        for job in self.jobs.all:
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
        for job in sorted(self.jobs.all, key=lambda job: job.turn):
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
                await async_take_step(self._hass, self._ledger, job, home, subject)
                await self.jobs.async_save()
            self.jobs.async_update_listeners(home.home_id)
            self._stepped.set()
        self._set_timer()
        self._stepped.set()

    @callback
    def _set_timer(self) -> None:
        """Wake up when the first of the waiting jobs may go on."""
        self._cancel_timer()
        waiting = [
            job.retry_at
            for job in self.jobs.all
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
