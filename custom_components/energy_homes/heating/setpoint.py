"""A room's setpoint: what is asked of a room, checked. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import floor, isfinite
from typing import Final

from .model import MAX_SETPOINT, MIN_SETPOINT, SETPOINT_STEP, SetpointMode
from .refused import RANGE, HeatingProblem, HeatingRequestError, chosen, require_future

BOOST: Final = timedelta(minutes=60)
"""How long a room is heated as far as it goes, unless said otherwise."""

DISTANT: Final = datetime(2038, 1, 19, 3, 14, 7, tzinfo=UTC)
"""An end from here on means until further notice: devices count seconds in 31 bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetpointRequest:
    """What is asked of a room, checked.

    `temperature` in °C is set exactly for the mode manual; `until` is UTC, None is until
    further notice.
    """

    mode: SetpointMode
    temperature: float | None = None
    until: datetime | None = None


def setpoint_request(
    mode: str,
    *,
    now: datetime,
    temperature: float | None = None,
    minutes: float | None = None,
    until: datetime | None = None,
) -> SetpointRequest:
    """Return what is asked of a room; `temperature` in °C is rounded to a room's step.

    Manual needs a temperature and no other mode takes one; max holds an hour where nothing
    is said. Raises HeatingRequestError; ValueError for naive times.
    """
    known = chosen(SetpointMode, mode)
    end = _end(known, now, minutes, until)
    if known is not SetpointMode.MANUAL and temperature is not None:
        raise HeatingRequestError(HeatingProblem.TEMPERATURE_UNWANTED, mode=known)
    return SetpointRequest(
        mode=known,
        temperature=settable(temperature) if known is SetpointMode.MANUAL else None,
        until=end,
    )


def _end(
    mode: SetpointMode, now: datetime, minutes: float | None, until: datetime | None
) -> datetime | None:
    """Return when a request ends, UTC; None for until further notice."""
    if minutes is not None and until is not None:
        raise HeatingRequestError(HeatingProblem.END_TWICE)
    if mode is SetpointMode.SCHEDULE and (minutes is not None or until is not None):
        raise HeatingRequestError(HeatingProblem.END_UNWANTED, mode=mode)
    if minutes is not None:
        if not (isfinite(minutes) and minutes > 0):
            raise HeatingRequestError(
                HeatingProblem.MINUTES_RANGE, minutes=f"{minutes:g}"
            )
        left_s = (DISTANT - now).total_seconds()
        until = now + timedelta(seconds=min(minutes * 60, left_s))
    if until is None:
        return now.astimezone(UTC) + BOOST if mode is SetpointMode.MAX else None
    require_future(until, now)
    return None if until >= DISTANT else until.astimezone(UTC)


def settable(temperature: float | None) -> float:
    """Return the temperature (°C) nearest to an asked one that a room can be set to.

    Raises HeatingRequestError where there is none, or it is out of range.
    """
    if temperature is None:
        raise HeatingRequestError(HeatingProblem.TEMPERATURE_MISSING, **RANGE)
    # What was converted from °F is off by rounding only.
    rounded = round(temperature, 6) if isfinite(temperature) else temperature
    if not MIN_SETPOINT <= rounded <= MAX_SETPOINT:
        raise HeatingRequestError(
            HeatingProblem.TEMPERATURE_RANGE, temperature=f"{temperature:g}", **RANGE
        )
    return floor(rounded / SETPOINT_STEP + 0.5) * SETPOINT_STEP
