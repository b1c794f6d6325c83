"""What a vendor's weekly schedule asks of a room, and when that changes. Pure.

A timetable is in the home's wall time. A change that the clocks skip happens when they skip
it, and one that they show twice happens the first time only.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from itertools import pairwise
from typing import Final, Protocol, override

WEEK: Final = timedelta(weeks=1)
_SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class TimetableEntry:
    """A zone that begins `offset` after Monday's midnight, in wall time."""

    offset: timedelta
    zone_id: int


@dataclass(frozen=True, slots=True)
class ZoneSetpoint:
    """What a zone asks of a room, in °C."""

    room_id: str
    temperature: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleZone:
    """A named set of room setpoints; `kind` is the vendor's number of it (0 is comfort)."""

    zone_id: int
    name: str
    kind: int | None
    setpoints: tuple[ZoneSetpoint, ...]

    def temperature(self, room_id: str) -> float | None:
        """Return what the zone asks of a room in °C; None where it does not name it."""
        return next(
            (s.temperature for s in self.setpoints if s.room_id == room_id), None
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A vendor's weekly schedule; temperatures in °C, None where it has none.

    `kind` is "therm" for heating; there are others, and one of each may be selected.
    """

    schedule_id: str
    name: str
    kind: str
    selected: bool
    away_temperature: float | None
    frost_guard_temperature: float | None
    timetable: tuple[TimetableEntry, ...]
    zones: tuple[ScheduleZone, ...]

    @property
    def heats(self) -> bool:
        """Return whether it is one for heating."""
        return self.kind == "therm"

    def zone(self, zone_id: int) -> ScheduleZone | None:
        """Return a zone by its id."""
        return next((zone for zone in self.zones if zone.zone_id == zone_id), None)


def heating_schedule(schedules: Iterable[Schedule]) -> Schedule | None:
    """Return the schedule that heats: the selected one for heating, else the only one."""
    heating = [schedule for schedule in schedules if schedule.heats]
    selected = [schedule for schedule in heating if schedule.selected]
    if selected:
        return selected[0]
    return heating[0] if len(heating) == 1 else None


class Baseline(Protocol):
    """What a room does where nobody asks anything else of it."""

    def temperature_at(self, at: datetime) -> float | None:
        """Return the room's setpoint at an aware instant in °C; None where not known."""

    def first_below(self, temperature: float, start: datetime) -> datetime | None:
        """Return when, from `start` on, it first asks for less than `temperature` °C.

        What is not known counts as less. UTC; None where it never does.
        """


@dataclass(frozen=True, slots=True)
class FixedBaseline(Baseline):
    """A room whose home holds one temperature (°C), such as away."""

    temperature: float

    @override
    def temperature_at(self, at: datetime) -> float:
        """Return the room's setpoint in °C."""
        return self.temperature

    @override
    def first_below(self, temperature: float, start: datetime) -> datetime | None:
        """Return `start` where the room's setpoint is less than `temperature`, else None."""
        return start.astimezone(UTC) if self.temperature < temperature else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ZonePeriod:
    """A zone that holds in `[start, end)`, UTC; both None where the schedule has only one."""

    zone: ScheduleZone
    start: datetime | None
    end: datetime | None


class WeeklySchedule:
    """A schedule in its home's time zone: which zone holds when.

    Entries outside the week and of unknown zones are left out; of several at one time the
    last counts. Raises ValueError where nothing remains.
    """

    def __init__(self, schedule: Schedule, time_zone: tzinfo) -> None:
        """Read a schedule's timetable."""
        self.time_zone = time_zone
        zones = {zone.zone_id: zone for zone in schedule.zones}
        entries = {
            entry.offset: zones[entry.zone_id]
            for entry in schedule.timetable
            if timedelta() <= entry.offset < WEEK and entry.zone_id in zones
        }
        if not entries:
            raise ValueError(f"The schedule {schedule.name} has no timetable")
        ordered = sorted(entries.items(), key=lambda entry: entry[0])
        previous = (ordered[-1], *ordered)
        self._changes = [
            later
            for earlier, later in pairwise(previous)
            if later[1].zone_id != earlier[1].zone_id
        ]
        self._only = ordered[0][1]
        # Who asks once asks again within the week.
        self._around = lru_cache(maxsize=4)(self._changes_around)

    def at(self, at: datetime) -> ZonePeriod:
        """Return the zone that holds at an aware instant."""
        if not self._changes:
            return ZonePeriod(zone=self._only, start=None, end=None)
        today = at.astimezone(self.time_zone).date()
        changes = self._around(today - timedelta(days=today.weekday()))
        index = bisect_right(changes, at, key=lambda change: change[0])
        start, zone = changes[index - 1]
        return ZonePeriod(zone=zone, start=start, end=changes[index][0])

    def next_change(self, at: datetime) -> datetime | None:
        """Return when, after an aware instant, another zone begins, UTC; None if never."""
        return self.at(at).end

    def periods(self, start: datetime, end: datetime) -> Iterator[ZonePeriod]:
        """Yield the zones that hold in `[start, end)`, aware, each in its full length."""
        at = start
        while at < end:
            period = self.at(at)
            yield period
            if period.end is None:
                return
            at = period.end

    def _changes_around(self, monday: date) -> list[tuple[datetime, ScheduleZone]]:
        """Return the changes of two weeks before a Monday, of its own and of two after it.

        Of those that clocks which go forward bring at once the last counts, and it is no
        change where it brings back what was before: some places have left out a whole day.
        """
        midnight = datetime.combine(monday, time())
        at_once = {
            first_shown(midnight + weeks * WEEK + offset, self.time_zone): zone
            for weeks in (-2, -1, 0, 1, 2)
            for offset, zone in self._changes
        }
        changes: list[tuple[datetime, ScheduleZone]] = []
        for instant, zone in at_once.items():
            if not changes or changes[-1][1].zone_id != zone.zone_id:
                changes.append((instant, zone))
        return changes


class RoomProgram(Baseline):
    """What a weekly schedule asks of one room."""

    def __init__(self, week: WeeklySchedule, room_id: str) -> None:
        """Follow a room through a schedule."""
        self._week = week
        self._room_id = room_id

    @override
    def temperature_at(self, at: datetime) -> float | None:
        """Return the room's setpoint at an aware instant in °C; None where not known."""
        return self._week.at(at).zone.temperature(self._room_id)

    @override
    def first_below(self, temperature: float, start: datetime) -> datetime | None:
        """Return when, from `start` on, the room is first asked for less, UTC."""
        begin = start.astimezone(UTC)
        for period in self._week.periods(begin, begin + WEEK + timedelta(days=1)):
            asked = period.zone.temperature(self._room_id)
            if asked is None or asked < temperature:
                return begin if period.start is None else max(begin, period.start)
        return None

    def next_change(self, at: datetime) -> datetime | None:
        """Return when, after an aware instant, the room's setpoint changes, UTC.

        None where it never does.
        """
        begin = at.astimezone(UTC)
        present = self.temperature_at(begin)
        for period in self._week.periods(begin, begin + WEEK + timedelta(days=1)):
            if period.zone.temperature(self._room_id) != present:
                return period.start
        return None


def first_shown(wall: datetime, time_zone: tzinfo) -> datetime:
    """Return the first instant, UTC, at which clocks show a naive wall time or a later one."""
    first, second = (
        wall.replace(tzinfo=time_zone, fold=fold).astimezone(UTC) for fold in (0, 1)
    )
    if first <= second:
        return first
    # The clocks skip it: the skip lies between the two readings of the time.
    before, after = second, first
    old = before.astimezone(time_zone).utcoffset()
    while after - before > _SECOND:
        middle = before + (after - before) // _SECOND // 2 * _SECOND
        if middle.astimezone(time_zone).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after
