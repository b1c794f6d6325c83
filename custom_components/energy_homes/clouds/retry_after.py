"""How long a vendor asks to wait before the next call. Pure but for the clock."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

LONGEST_WAIT: Final = timedelta(days=1)


def retry_after(value: str | None) -> timedelta | None:
    """Return how long to wait from a Retry-After header, in seconds or as a date.

    Never negative and at most a day; None where the header says nothing.
    """
    if value is None:
        return None
    try:
        if value.strip().isdecimal():
            return min(timedelta(seconds=int(value)), LONGEST_WAIT)
        until = parsedate_to_datetime(value)
    except ValueError, OverflowError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return min(max(until - datetime.now(UTC), timedelta()), LONGEST_WAIT)
