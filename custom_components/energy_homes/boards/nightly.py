"""When a night's readings are due. Pure."""

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

LATEST: Final = timedelta(minutes=5)
"""Readings of later than this are not those of midnight."""


def begin_of(day: date, zone: tzinfo) -> datetime:
    """Return when a day begins somewhere, in UTC.

    Where clocks are put forward at midnight that is the first instant of the day; where they
    are put back to midnight it is the first of the two.
    """
    return datetime.combine(day, time(), zone).astimezone(UTC)


def next_midnight(now: datetime, zone: tzinfo) -> datetime:
    """Return when the next day begins somewhere, in UTC; `now` is aware."""
    day = now.astimezone(zone).date()
    while (begin := begin_of(day, zone)) <= now:
        day += timedelta(days=1)
    return begin


def missed_nights(dealt_with: date, now: datetime, zone: tzinfo) -> list[date]:
    """Return the days whose beginning went by since the last that was dealt with."""
    today = now.astimezone(zone).date()
    return [
        dealt_with + timedelta(days=days)
        for days in range(1, (today - dealt_with).days + 1)
    ]
