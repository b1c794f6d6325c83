"""A whole home's mode: what is asked, checked. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from .model import HomeMode
from .refused import (
    HeatingProblem,
    HeatingRequestError,
    choices,
    chosen,
    require_future,
)
from .setpoint import DISTANT


class NamedSchedule(Protocol):
    """A schedule that a home can follow, as far as it is chosen by."""

    @property
    def schedule_id(self) -> str:
        """Return the vendor's id."""

    @property
    def name(self) -> str:
        """Return what people call it."""

    @property
    def heats(self) -> bool:
        """Return whether it is one for heating; a home may have others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeModeRequest:
    """What is asked of a home; `until` is UTC, None is until further notice.

    `schedule_id` is the schedule to follow, None for the one that is selected.
    """

    mode: HomeMode
    until: datetime | None = None
    schedule_id: str | None = None


def home_mode_request(
    mode: str,
    *,
    now: datetime,
    until: datetime | None = None,
    schedule: str | None = None,
    schedules: Iterable[NamedSchedule] = (),
) -> HomeModeRequest:
    """Return what is asked of a home; `schedule` is one of `schedules` by name or id.

    Raises HeatingRequestError; ValueError for naive times.
    """
    known = chosen(HomeMode, mode)
    if until is not None:
        if known is HomeMode.SCHEDULE:
            raise HeatingRequestError(HeatingProblem.END_UNWANTED, mode=known)
        require_future(until, now)
        until = None if until >= DISTANT else until.astimezone(UTC)
    if schedule is None:
        return HomeModeRequest(mode=known, until=until)
    if known is not HomeMode.SCHEDULE:
        raise HeatingRequestError(HeatingProblem.SCHEDULE_UNWANTED, mode=known)
    return HomeModeRequest(
        mode=known, schedule_id=find_schedule(schedule, schedules).schedule_id
    )


def find_schedule[Schedule: NamedSchedule](
    name: str, schedules: Iterable[Schedule]
) -> Schedule:
    """Return a heating schedule by name or id. Raises HeatingRequestError."""
    heating = [schedule for schedule in schedules if schedule.heats]
    for schedule in heating:
        if name in {schedule.schedule_id, schedule.name}:
            return schedule
    raise HeatingRequestError(
        HeatingProblem.SCHEDULE_UNKNOWN,
        schedule=name,
        choices=choices(schedule.name for schedule in heating),
    )
