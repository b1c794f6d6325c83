"""The backfill jobs of all homes: kept in a store, and followed by entities."""

from collections.abc import Iterable
from typing import Any, Final

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.storage import Store

from ..const import DOMAIN
from .job import Job, JobState

_STORE_VERSION: Final = 1


class BackfillJobs:
    """The jobs of meters and rooms, at most one of each."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Prepare; there are none before `async_load`."""
        self._store: Store[dict[str, Any]] = Store(
            hass, _STORE_VERSION, f"{DOMAIN}.past", private=True, atomic_writes=True
        )
        self._jobs: dict[str, Job] = {}
        self._listeners: list[tuple[str, CALLBACK_TYPE]] = []

    async def async_load(self) -> None:
        """Take up what an earlier run left; what waited goes on."""
        for data in ((await self._store.async_load()) or {}).get("jobs", ()):
            job = Job.from_data(data)
            if job.state is JobState.WAITING:
                job.resume()
            self.add(job)

    async def async_save(self) -> None:
        """Write down how far all jobs are."""
        await self._store.async_save({"jobs": [job.as_data() for job in self.all]})

    @property
    def all(self) -> list[Job]:
        """Return the jobs of all homes."""
        return list(self._jobs.values())

    def of_home(self, home_id: str) -> list[Job]:
        """Return the jobs of a home."""
        return [job for job in self.all if job.home_id == home_id]

    def get(self, subject_id: str) -> Job | None:
        """Return the job of a meter or a room."""
        return self._jobs.get(subject_id)

    def add(self, job: Job) -> None:
        """Take up a job, to be saved by whoever adds it."""
        self._jobs[job.subject_id] = job

    def remove(self, jobs: Iterable[Job]) -> None:
        """Forget jobs; whoever removes them saves that."""
        for job in jobs:
            del self._jobs[job.subject_id]

    def active(self, home_id: str) -> bool:
        """Return whether something of a home is backfilled, now or a little later."""
        return any(job.active for job in self.of_home(home_id))

    def percent(self, home_id: str) -> float | None:
        """Return how much of a home's jobs is done; None where there never was one."""
        jobs = self.of_home(home_id)
        return 100 * sum(job.share for job in jobs) / len(jobs) if jobs else None

    @callback
    def async_add_listener(
        self, home_id: str, listener: CALLBACK_TYPE
    ) -> CALLBACK_TYPE:
        """Call `listener` when a home's jobs have changed; return how to stop that."""
        entry = (home_id, listener)
        self._listeners.append(entry)
        return lambda: self._listeners.remove(entry)

    @callback
    def async_update_listeners(self, home_id: str) -> None:
        """Call those who follow a home's jobs."""
        for home, listener in tuple(self._listeners):
            if home == home_id:
                listener()
