"""What the rooms of a home would do if nothing were asked of them. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import override

from ..model import HomeMode
from .model import RoomControl
from .plan import FROST_GUARD, RoomSituation
from .schedule import Baseline, FixedBaseline, RoomProgram, Schedule, WeeklySchedule


@dataclass(frozen=True, slots=True)
class UntilThen(Baseline):
    """A room that does one thing until an aware instant and another from it on.

    `later` is None where that is not known.
    """

    first: Baseline
    end: datetime
    later: Baseline | None

    @override
    def temperature_at(self, at: datetime) -> float | None:
        """Return the room's setpoint at an aware instant in °C; None where not known."""
        if at < self.end:
            return self.first.temperature_at(at)
        return None if self.later is None else self.later.temperature_at(at)

    @override
    def first_below(self, temperature: float, start: datetime) -> datetime | None:
        """Return when, from `start` on, it first asks for less, UTC; None if never."""
        if start < self.end:
            below = self.first.first_below(temperature, start)
            if below is not None and below < self.end:
                return below
        begin = max(start, self.end).astimezone(UTC)
        return (
            begin if self.later is None else self.later.first_below(temperature, begin)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeOutlook:
    """What a whole home does by itself, as far as is known.

    `schedule` is the one that heats; `mode_end` (UTC) is when the mode gives way to the
    schedule, None for until further notice.
    """

    schedule: Schedule | None
    mode: HomeMode | None
    mode_end: datetime | None
    time_zone: tzinfo

    def mode_at(self, at: datetime) -> HomeMode | None:
        """Return the mode at an aware instant; None where not known."""
        if self.mode is None or self.mode_end is None or at < self.mode_end:
            return self.mode
        return HomeMode.SCHEDULE

    def end_at(self, at: datetime) -> datetime | None:
        """Return when the mode of an aware instant ends, UTC."""
        over = self.mode_end is None or at >= self.mode_end
        return None if over else self.mode_end

    def scheduled(self, room_id: str, at: datetime) -> float | None:
        """Return what the schedule asks of a room at an aware instant, in °C."""
        program = self._program(room_id)
        return None if program is None else program.temperature_at(at)

    def temperature(self, room_id: str, at: datetime) -> float | None:
        """Return what a room is set to by itself at an aware instant, in °C."""
        baseline = self._baseline(room_id, at)
        return None if baseline is None else baseline.temperature_at(at)

    def situation(
        self, room_id: str, control: RoomControl, now: datetime
    ) -> RoomSituation:
        """Return what planning needs to know of a room (the vendor's id)."""
        schedule = self.schedule
        return RoomSituation(
            room_id=room_id,
            control=control,
            away_temperature=None if schedule is None else schedule.away_temperature,
            frost_guard_temperature=(
                None if schedule is None else schedule.frost_guard_temperature
            ),
            baseline=self._baseline(room_id, now),
        )

    def _baseline(self, room_id: str, now: datetime) -> Baseline | None:
        """Return what a room does from now on; None where that is not known."""
        program = self._program(room_id)
        steady: float | None
        match self.mode_at(now):
            case HomeMode.SCHEDULE:
                return program
            case HomeMode.AWAY:
                steady = (
                    None if self.schedule is None else self.schedule.away_temperature
                )
            case HomeMode.FROST_GUARD:
                steady = FROST_GUARD
                if self.schedule is not None:
                    reported = self.schedule.frost_guard_temperature
                    steady = FROST_GUARD if reported is None else reported
            case _:
                return None
        if steady is None:
            return None
        fixed = FixedBaseline(steady)
        if (end := self.end_at(now)) is None:
            return fixed
        return UntilThen(fixed, end, program)

    def _program(self, room_id: str) -> RoomProgram | None:
        """Return what the schedule asks of a room; None where it says nothing."""
        if self.schedule is None:
            return None
        try:
            week = WeeklySchedule(self.schedule, self.time_zone)
        except ValueError:
            return None
        return RoomProgram(week, room_id)
