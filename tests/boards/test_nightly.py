"""When a day begins, and which beginnings were missed."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, strategies as st
import pytest

from custom_components.energy_homes.boards.nightly import (
    begin_of,
    missed_nights,
    next_midnight,
)

ZONES = [
    "Europe/London",
    "America/New_York",
    "Australia/Lord_Howe",
    # Clocks go forward at midnight, or back to it or to the hour before it.
    "America/Havana",
    "America/Santiago",
    "Asia/Beirut",
    "Africa/Cairo",
    "Asia/Kathmandu",
    "Pacific/Apia",
]


@pytest.mark.parametrize(
    ("zone", "day", "begin"),
    [
        ("Europe/London", date(2026, 3, 29), "2026-03-29T00:00"),
        ("Europe/London", date(2026, 3, 30), "2026-03-29T23:00"),
        ("Europe/London", date(2026, 10, 25), "2026-10-24T23:00"),
        ("Europe/London", date(2026, 10, 26), "2026-10-26T00:00"),
        # There is no 00:00: the day begins at 01:00.
        ("America/Havana", date(2026, 3, 8), "2026-03-08T05:00"),
        # 00:00 comes twice.
        ("America/Havana", date(2026, 11, 1), "2026-11-01T04:00"),
    ],
)
def test_beginnings(zone: str, day: date, begin: str) -> None:
    """Also where the clocks change."""
    expected = datetime.fromisoformat(begin).replace(tzinfo=UTC)
    assert begin_of(day, ZoneInfo(zone)) == expected


@given(
    st.sampled_from(ZONES),
    st.datetimes(datetime(2009, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
)
def test_each_night_once(zone: str, now: datetime) -> None:
    """From one midnight to the next is about a day, and each is of another day."""
    place = ZoneInfo(zone)
    first = next_midnight(now, place)
    second = next_midnight(first, place)
    assert now < first < second
    assert timedelta(hours=20) < second - first < timedelta(hours=50)
    days = [at.astimezone(place).date() for at in (first, second)]
    assert days[0] < days[1]
    assert first.astimezone(place).time().hour < 2
    assert next_midnight(second - timedelta(microseconds=1), place) == second


def test_missed() -> None:
    """What went by since the last night is listed, day by day."""
    place = ZoneInfo("Europe/London")
    now = datetime(2026, 7, 3, 22, 59, tzinfo=UTC)
    assert missed_nights(date(2026, 7, 3), now, place) == []
    minute = timedelta(minutes=1)
    assert missed_nights(date(2026, 7, 3), now + minute, place) == [date(2026, 7, 4)]
    assert missed_nights(date(2026, 7, 1), now, place) == [
        date(2026, 7, 2),
        date(2026, 7, 3),
    ]
    assert missed_nights(date(2026, 8, 1), now, place) == []
