"""The backfill of one meter or room: what is wanted, how far it has come, how it goes on."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Self

from homeassistant.util import dt as dt_util

from ..ledger.codes import seconds
from ..metering.backfill_plan import share_done
from ..models import Problem


class JobState(StrEnum):
    """How a backfill goes on."""

    RUNNING = "running"
    WAITING = "waiting"
    STOPPED = "stopped"
    DONE = "done"


ACTIVE: Final = (JobState.RUNNING, JobState.WAITING)
"""Backfills that go on by themselves."""

_INSTANTS: Final = ("start", "until", "end", "begin", "first")

_STORED_ID: Final = "thing_id"
"""What the store calls the id of a meter or room."""


@dataclass(slots=True, kw_only=True)
class Job:
    """The backfill of a meter or a room, newest first.

    `subject_id` is our own id of it. `start` is from when on it is wanted, None as early as
    somebody has it; `end` is where what is measured begins, known with the first step;
    `begin` says how far down it has come, and `first` when the data of whoever is asked
    begin. What was missing (`found`) and what became known of it (`filled`, by where it
    comes from) are counted in slots, `empty` are steps in a row without any answer.
    """

    subject_id: str
    home_id: str
    start: datetime | None = None
    until: datetime | None = None
    end: datetime | None = None
    begin: datetime | None = None
    first: datetime | None = None
    asked_first: bool = False
    state: JobState = JobState.RUNNING
    problem: Problem | None = None
    found: int = 0
    filled: dict[str, int] = field(default_factory=dict)
    calls: int = 0
    empty: int = 0
    retry_at: datetime | None = None
    """Of a job that waits: not before then. Another run need not know."""
    turn: int = 0
    """When its last step was, in steps of all jobs. Another run need not know."""

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """Read a job as it was stored."""
        known = dict(data)
        problem = known["problem"]
        return cls(
            subject_id=known.pop(_STORED_ID),
            **{
                **known,
                **{
                    name: None
                    if known[name] is None
                    else dt_util.parse_datetime(known[name], raise_on_error=True)
                    for name in _INSTANTS
                },
                "state": JobState(known["state"]),
                "problem": None if problem is None else Problem(problem),
            },
        )

    def as_data(self) -> dict[str, Any]:
        """Return the job as it is stored."""
        data = {_STORED_ID: self.subject_id, **asdict(self)}
        del data["subject_id"], data["retry_at"], data["turn"]
        return data | {
            name: None if data[name] is None else data[name].isoformat()
            for name in _INSTANTS
        }

    @property
    def active(self) -> bool:
        """Return whether it goes on by itself."""
        return self.state in ACTIVE

    @property
    def left(self) -> int:
        """Return how many slots stay unknown of what was gone through."""
        return self.found - sum(self.filled.values())

    @property
    def floor(self) -> datetime | None:
        """Return where the past ends at the latest, None where nobody can say by now."""
        return max(filter(None, (self.start, self.first)), default=None)

    @property
    def share(self) -> float:
        """Return how much of it is done, 0 ... 1."""
        if self.state is JobState.DONE:
            return 1.0
        if self.floor is None or self.begin is None or self.end is None:
            return 0.0
        return share_done(*map(seconds, (self.floor, self.begin, self.end)))

    def begin_anew(self, start: datetime | None, until: datetime | None) -> None:
        """Begin again from the newest instant, or from `until` where it is given."""
        self.start, self.until = start, until
        self.end = self.begin = None
        self.found = self.calls = self.empty = 0
        self.filled = {}
        self.resume()

    def resume(self) -> None:
        """Go on where it was."""
        self.state, self.problem, self.retry_at = JobState.RUNNING, None, None

    def stop(self) -> None:
        """Let people say when it goes on."""
        self.state, self.problem, self.retry_at = JobState.STOPPED, None, None

    def finish(self) -> None:
        """Note that there is nothing more to get."""
        self.state, self.problem, self.retry_at = JobState.DONE, None, None

    def wait(self, problem: Problem, until: datetime) -> None:
        """Go on at an instant, or when somebody says so; one that was stopped stays so."""
        if self.state is not JobState.STOPPED:
            self.state, self.problem, self.retry_at = JobState.WAITING, problem, until
