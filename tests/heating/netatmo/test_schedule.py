"""A vendor's weekly schedule, in its home's wall time."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import example, given, settings, strategies as st
import pytest

from custom_components.energy_homes.heating.netatmo.schedule import (
    Baseline,
    FixedBaseline,
    RoomProgram,
    Schedule,
    WeeklySchedule,
    first_shown,
    heating_schedule,
)

from .homes import COMFORT, ECO, NIGHT, ROOM, daily, schedule

BERLIN = ZoneInfo("Europe/Berlin")
LONDON = ZoneInfo("Europe/London")
MINUTE = timedelta(minutes=1)
WEEK = timedelta(weeks=1)
WORKDAYS = schedule(*daily((0, NIGHT), (360, COMFORT), (1380, NIGHT)))
# Instants near which clocks of these homes change, also by half an hour, at midnight, and
# by a whole day.
CHANGES = {
    "Europe/London": "2026-03-29T01:00+00:00",
    "Europe/Berlin": "2026-10-25T01:00+00:00",
    "Australia/Lord_Howe": "2026-04-04T15:00+00:00",
    "America/Havana": "2026-03-08T05:00+00:00",
    "America/Santiago": "2026-04-05T03:00+00:00",
    "America/Sao_Paulo": "2018-11-04T03:00+00:00",
    "Pacific/Apia": "2011-12-30T10:00+00:00",
    "Asia/Kathmandu": "2026-10-25T01:00+00:00",
}
changes = st.lists(
    st.tuples(st.integers(0, 10079), st.sampled_from([COMFORT, NIGHT, ECO])),
    min_size=1,
    max_size=12,
)
# Near Sunday night, when most clocks change.
sundays = st.lists(
    st.tuples(st.integers(8500, 10079), st.sampled_from([COMFORT, NIGHT, ECO])),
    min_size=1,
    max_size=12,
)
places = st.sampled_from(sorted(CHANGES.items()))


def week(plan: Schedule, zone: ZoneInfo = BERLIN) -> WeeklySchedule:
    """Return a schedule in a home's zone."""
    return WeeklySchedule(plan, zone)


def local(text: str, zone: ZoneInfo = BERLIN) -> datetime:
    """Return a wall time of a zone."""
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def zone_by_walking(plan: Schedule, zone: ZoneInfo, at: datetime) -> int:
    """Return the active zone by watching the clock on the wall for more than a week."""
    entries = {int(e.offset / MINUTE): e.zone_id for e in plan.timetable}
    highest = datetime.min
    active = -1
    now = at - timedelta(days=9)
    while now <= at:
        wall = now.astimezone(zone).replace(tzinfo=None)
        # Whatever the clock passed since its highest reading began in that order.
        passed = wall - min(max(highest, wall - timedelta(days=2)), wall)
        for back in range(int(passed / MINUTE) - 1, -1, -1):
            minute = wall - back * MINUTE
            number = (minute.weekday() * 24 + minute.hour) * 60 + minute.minute
            active = entries.get(number, active)
        highest = max(highest, wall)
        now += MINUTE
    return active


@pytest.mark.heavy
@settings(deadline=None)
@given(sundays | changes, places, st.integers(-2880, 2880))
def test_against_a_clock_on_the_wall(
    entries: list[tuple[int, int]], place: tuple[str, str], minutes: int
) -> None:
    """A zone begins when the clock first shows its time or jumps over it."""
    name, change = place
    at = datetime.fromisoformat(change) + minutes * MINUTE
    plan = schedule(*entries)
    period = week(plan, ZoneInfo(name)).at(at)
    assert period.zone.zone_id == zone_by_walking(plan, ZoneInfo(name), at)


@settings(deadline=None)
@given(changes, places, st.integers(-2880, 2880))
@example(
    entries=[(5760, 0), (5761, 1)],
    place=("Pacific/Apia", "2011-12-30T10:00+00:00"),
    minutes=-1,
)
def test_periods_are_half_open_and_without_gaps(
    entries: list[tuple[int, int]], place: tuple[str, str], minutes: int
) -> None:
    """Walking from change to change meets each instant once, and each change changes."""
    name, change = place
    at = datetime.fromisoformat(change) + minutes * MINUTE
    program = week(schedule(*entries), ZoneInfo(name))
    periods = list(program.periods(at, at + 2 * WEEK))
    assert periods[-1].end is None or periods[-1].end >= at + 2 * WEEK
    for period in periods:
        assert period.start is None or program.at(period.start) == period
    for earlier, later in pairwise(periods):
        assert earlier.end == later.start
        assert earlier.zone != later.zone
    assert program.next_change(at) == periods[0].end


@settings(deadline=None)
@given(changes, places, st.floats(15, 23), st.integers(0, 10080))
def test_first_below(
    entries: list[tuple[int, int]],
    place: tuple[str, str],
    temperature: float,
    minutes: int,
) -> None:
    """Until then the room is asked for as much or more, and then for less."""
    name, change = place
    start = datetime.fromisoformat(change) + minutes * MINUTE
    program = RoomProgram(week(schedule(*entries), ZoneInfo(name)), ROOM)
    first = program.first_below(temperature, start)
    end = start + 2 * WEEK if first is None else first
    asked = [
        program.temperature_at(start + step * (end - start) / 50) for step in range(50)
    ]
    assert first == start or all(value and value >= temperature for value in asked)
    assert first is None or (program.temperature_at(first) or 0) < temperature


def test_an_ordinary_day() -> None:
    """The zone, what it asks, and when it changes."""
    found = week(WORKDAYS).at(local("2026-11-18T12:00"))
    assert found.zone.temperature(ROOM) == 21
    assert found.start == local("2026-11-18T06:00")
    assert found.end == local("2026-11-18T23:00")
    assert week(WORKDAYS).next_change(local("2026-11-18T23:00")) == local(
        "2026-11-19T06:00"
    )
    assert found.zone.temperature("another room") is None


def test_the_week_goes_round() -> None:
    """Before Monday's first entry Sunday's last one holds."""
    program = week(schedule((600, COMFORT), (9000, NIGHT)))
    monday = program.at(local("2026-11-16T09:59:59"))
    assert monday.zone.zone_id == NIGHT
    assert monday.start == local("2026-11-15T06:00")
    assert monday.end == local("2026-11-16T10:00")
    assert program.at(local("2026-11-16T10:00")).zone.zone_id == COMFORT


@pytest.mark.parametrize(
    ("wall", "shown"),
    [
        ("2026-11-18T06:00", "2026-11-18T05:00+00:00"),
        ("2026-03-29T01:59", "2026-03-29T00:59+00:00"),
        ("2026-03-29T02:00", "2026-03-29T01:00+00:00"),
        ("2026-03-29T02:30", "2026-03-29T01:00+00:00"),
        ("2026-03-29T03:00", "2026-03-29T01:00+00:00"),
        ("2026-03-29T03:01", "2026-03-29T01:01+00:00"),
        ("2026-10-25T02:30", "2026-10-25T00:30+00:00"),
        ("2026-10-25T03:00", "2026-10-25T02:00+00:00"),
    ],
)
def test_first_shown(wall: str, shown: str) -> None:
    """A skipped time is shown when it is skipped, a repeated one the first time."""
    naive = datetime.fromisoformat(wall)
    assert first_shown(naive, BERLIN) == datetime.fromisoformat(shown)


def test_clocks_that_change() -> None:
    """A room is warm from six on the wall before and after, and nothing happens twice."""
    program = week(schedule(*daily((150, COMFORT), (360, ECO), (1380, NIGHT))))
    assert program.next_change(local("2026-03-28T23:30")) == local("2026-03-29T03:00")
    assert program.next_change(local("2026-03-29T04:00")) == local("2026-03-29T06:00")
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert program.next_change(local("2026-10-24T23:30")) == first
    # An hour later the clocks show the same again.
    assert program.at(first + timedelta(minutes=40)).zone.zone_id == COMFORT
    assert program.next_change(first) == datetime(2026, 10, 25, 5, 0, tzinfo=UTC)


def test_one_zone_never_changes() -> None:
    """A schedule with one zone, named often, has no beginning and no end."""
    program = week(schedule((0, COMFORT), (5000, COMFORT)))
    now = local("2026-11-18T12:00")
    assert program.at(now).start is None
    assert program.next_change(now) is None
    assert len(list(program.periods(now, now + WEEK))) == 1
    assert list(program.periods(now, now)) == []
    room = RoomProgram(program, ROOM)
    assert room.next_change(now) is None
    assert room.first_below(21, now) is None
    assert room.first_below(21.5, now) == now


@pytest.mark.parametrize(
    ("start", "first"),
    [
        ("2026-11-16T10:01", "2026-11-23T10:00"),
        # A week with the change of clocks is an hour longer.
        ("2026-10-19T10:01", "2026-10-26T10:00"),
    ],
)
def test_a_room_is_asked_for_less_only_a_week_later(start: str, first: str) -> None:
    """Whoever asks just after a cool minute of Mondays is told of the next one."""
    monday = 10 * 60
    plan = schedule((0, COMFORT), (monday, NIGHT), (monday + 1, COMFORT))
    room = RoomProgram(week(plan), ROOM)
    assert room.first_below(19, local(start)) == local(first)


def test_entries_that_mean_nothing() -> None:
    """Times outside the week and unknown zones are left out; the last of a time counts."""
    plan = schedule(
        (-5, ECO), (0, ECO), (0, NIGHT), (360, COMFORT), (720, 99), (10080, ECO)
    )
    program = week(plan)
    assert program.at(local("2026-11-16T00:00")).zone.zone_id == NIGHT
    assert program.at(local("2026-11-16T13:00")).zone.zone_id == COMFORT
    for nothing in (schedule(), schedule((0, 99))):
        with pytest.raises(ValueError, match="Winter"):
            week(nothing)


def test_a_room_that_is_the_same_in_two_zones() -> None:
    """A room's own change is where its temperature changes, not where the zone does."""
    plan = schedule(
        *daily((0, NIGHT), (360, COMFORT), (720, ECO)),
        temperatures={NIGHT: 17, COMFORT: 20, ECO: 20},
    )
    room = RoomProgram(week(plan), ROOM)
    assert room.next_change(local("2026-11-18T07:00")) == local("2026-11-19T00:00")
    assert room.temperature_at(local("2026-11-18T13:00")) == 20
    same = schedule(*daily((0, NIGHT), (360, COMFORT)), temperatures={0: 19, 1: 19})
    room = RoomProgram(week(same), ROOM)
    assert room.next_change(local("2026-11-18T07:00")) is None
    assert room.first_below(19, local("2026-11-18T07:00")) is None


def test_a_room_that_the_schedule_does_not_name() -> None:
    """What is not known counts as less."""
    room = RoomProgram(week(WORKDAYS), "another room")
    now = local("2026-11-18T07:00")
    assert room.temperature_at(now) is None
    assert room.first_below(7, now) == now


def test_a_home_that_is_away() -> None:
    """A fixed temperature is below everything above it, from the start."""
    away: Baseline = FixedBaseline(12)
    now = local("2026-11-18T07:00", LONDON)
    assert away.temperature_at(now) == 12
    assert away.first_below(12, now) is None
    assert away.first_below(12.5, now) == now


def test_the_schedule_that_heats() -> None:
    """A selected schedule for cooling is not the one, and the only other one is."""
    cooling = schedule((0, COMFORT), kind="cooling", name="Summer")
    winter = schedule((0, COMFORT), selected=False)
    spring = schedule((0, COMFORT), selected=False, name="Spring")
    autumn = schedule((0, COMFORT), name="Autumn")
    assert heating_schedule([cooling, winter, autumn]) is autumn
    assert heating_schedule([cooling, winter]) is winter
    assert heating_schedule([winter, spring]) is None
    assert heating_schedule([cooling]) is None
    assert heating_schedule([]) is None
    assert winter.zone(COMFORT) == winter.zones[0]
    assert winter.zone(99) is None
