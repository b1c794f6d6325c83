"""Requests that cannot be carried out: what is wrong, and what the choices are. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

from .model import MAX_SETPOINT, MIN_SETPOINT


class HeatingProblem(StrEnum):
    """What is wrong with a request; each is the key of a translated text."""

    TEMPERATURE_MISSING = "temperature_missing"
    TEMPERATURE_RANGE = "temperature_range"
    TEMPERATURE_UNWANTED = "temperature_unwanted"
    MINUTES_RANGE = "minutes_range"
    END_PAST = "end_past"
    END_TWICE = "end_twice"
    END_UNWANTED = "end_unwanted"
    MODE_UNKNOWN = "mode_unknown"
    MODE_NOT_FOR_ROOM = "mode_not_for_room"
    SCHEDULE_UNKNOWN = "schedule_unknown"
    SCHEDULE_UNWANTED = "schedule_unwanted"


class HeatingRequestError(ValueError):
    """A request that cannot be carried out; nothing was sent.

    `placeholders` are for the translated text of `problem`.
    """

    def __init__(self, problem: HeatingProblem, **placeholders: str) -> None:
        """Store what is wrong and what to say of it."""
        super().__init__(problem.value)
        self.problem = problem
        self.placeholders: Mapping[str, str] = placeholders


RANGE: Final = {"min": f"{MIN_SETPOINT:g}", "max": f"{MAX_SETPOINT:g}"}
"""Placeholders of the range of temperatures, in °C."""


def choices(names: Iterable[str]) -> str:
    """Return what may be chosen, for people."""
    return ", ".join(names)


def chosen[Mode: StrEnum](kind: type[Mode], mode: str) -> Mode:
    """Return a mode by its name. Raises HeatingRequestError naming the choices."""
    if mode not in {member.value for member in kind}:
        raise HeatingRequestError(
            HeatingProblem.MODE_UNKNOWN, mode=mode, choices=choices(kind)
        )
    return kind(mode)


def require_future(until: datetime, now: datetime) -> None:
    """Refuse an end that is not in the future. Both are aware; ValueError where not."""
    if until.utcoffset() is None:
        raise ValueError(f"The end {until} has no time zone")
    if until <= now:
        raise HeatingRequestError(HeatingProblem.END_PAST, until=until.isoformat())
