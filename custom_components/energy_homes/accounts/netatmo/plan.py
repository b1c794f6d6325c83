"""When an account asks Netatmo for what, so that homes are fresh and limits are kept. Pure.

Instants are seconds on a clock that nobody sets back. Every home is asked in its own
interval, the account's homes in turn. A command is read back soon after; a home in which
nothing moves is asked less often, and all of them where the account's share of calls is small.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import chain
from random import Random
from typing import Final

from ...clouds.netatmo.models import HomeStatus, HomeTopology
from ...heating.model import HomeMode
from ...heating.netatmo.model import VendorMode
from ...heating.netatmo.schedule import RoomProgram, WeeklySchedule
from ..backoff import Backoff
from .budget import CallPriority

STATUS_S: Final = 130.0
"""How often a home is asked: with the account's topology, five make 140 calls an hour."""

QUIET_STATUS_S: Final = 300.0
"""How often a home is asked in which nothing has moved for `QUIET_AFTER_S`."""

QUIET_AFTER_S: Final = 1800.0
TOPOLOGY_S: Final = 3600.0
READ_BACKS_S: Final = (6.0, 20.0, 62.0, 120.0)
"""How long after a command its home is asked again."""

TOPOLOGY_READ_BACKS_S: Final = (6.0, 62.0)
"""How long after a change of mode or schedule the topology is asked again."""

DOUBTS_S: Final = 30.0
"""Statuses that do not fit the topology have it asked again at most this often."""

_ABOUT_NOW: Final = (timedelta(minutes=-10), timedelta(), timedelta(minutes=10))
"""Rooms may begin what their schedule asks for a little earlier or later than we think."""

_SAME_TEMPERATURE: Final = 0.05
"""In °C."""

_CATCH_UP_S: Final = 1.0
_TOPOLOGY_SPREAD_S: Final = 900.0
"""Accounts that begin together do not ask for their topologies together for ever."""

_RESERVED_CALLS: Final = 2
_REGULAR_SHARE: Final = 0.98
"""Regular calls leave some of the account's share, so that a limit once reached is over."""

_HOUR_S: Final = 3600.0
_WAIT: Final = (timedelta(seconds=15), timedelta(minutes=15))
_AWAY_MODES: Final = frozenset({VendorMode.AWAY, VendorMode.FROST_GUARD})
_SCHEDULE_MODES: Final = frozenset({VendorMode.SCHEDULE, VendorMode.HOME})


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """A call to make at `at_s` or later: of a home's status, or of the topology (None)."""

    home_id: str | None
    priority: CallPriority
    at_s: float


@dataclass(slots=True)
class _Job:
    """A call that is made again and again.

    `asked_s` is when it was last answered; `anchor_s` is when regular calls count from, None
    where one is wanted now; `wanted_s` are further instants, in order; `not_before_s` keeps
    what fails from being tried too often.
    """

    wait: Backoff
    asked_s: float | None = None
    anchor_s: float | None = None
    wanted_s: list[float] = field(default_factory=list)
    not_before_s: float = 0.0

    def want(self, *instants_s: float) -> None:
        """Have calls made at further instants."""
        self.wanted_s = sorted({*self.wanted_s, *instants_s})

    def came(self, asked_s: float) -> None:
        """Note an answer to a call."""
        self.wait.reset()
        self.not_before_s = 0.0
        self.asked_s = self.anchor_s = asked_s
        del self.wanted_s[: bisect_right(self.wanted_s, asked_s)]

    def failed(self, now_s: float) -> None:
        """Wait longer from failure to failure."""
        self.not_before_s = now_s + self.wait.next().total_seconds()


@dataclass(slots=True)
class _Home:
    """A home that somebody follows, or did."""

    job: _Job
    moved_s: float
    begun: bool = False


class PollPlan:
    """Decides which call is next, for one account."""

    def __init__(self, random: Random) -> None:
        """Begin with the topology."""
        self._random = random
        self._topology = self._job()
        self._homes: dict[str, _Home] = {}
        self._followed: tuple[str, ...] = ()
        self._last_status_s = float("-inf")
        self._offset = random.random()

    @property
    def followed(self) -> tuple[str, ...]:
        """Return the homes that are asked."""
        return self._followed

    def follow(self, home_ids: AbstractSet[str], now_s: float) -> None:
        """Ask these homes from now on; one that is new is asked at once."""
        self._followed = tuple(sorted(home_ids))
        for home_id in self._followed:
            if home_id not in self._homes:
                self._homes[home_id] = _Home(self._job(), moved_s=now_s)

    def interval_s(self, home_id: str, hourly: int, now_s: float) -> float:
        """Return how often a home is asked where the account has `hourly` calls an hour."""
        home = self._homes[home_id]
        quiet = now_s - home.moved_s >= QUIET_AFTER_S
        regular = max(min(hourly - _RESERVED_CALLS, hourly * _REGULAR_SHARE), 1)
        return max(
            QUIET_STATUS_S if quiet else STATUS_S,
            len(self._followed) * _HOUR_S / regular,
        )

    def renewed(self, home_id: str, now_s: float) -> None:
        """Read back once what was sent again as it was."""
        if (home := self._homes.get(home_id)) is not None:
            home.job.want(now_s + READ_BACKS_S[0])

    def commanded(self, home_id: str, now_s: float) -> None:
        """Read a command back, and follow closely what it does."""
        if (home := self._homes.get(home_id)) is None:
            return
        home.moved_s = now_s
        home.job.not_before_s = 0.0
        home.job.wanted_s = [now_s + after for after in READ_BACKS_S]

    def mode_commanded(self, now_s: float) -> None:
        """Ask again for what a change of mode or schedule did to the topology."""
        self._topology.want(*(now_s + after for after in TOPOLOGY_READ_BACKS_S))

    def want_topology(self, now_s: float) -> None:
        """Ask for the topology soon, but not twice in a moment."""
        asked_s = self._topology.asked_s
        if asked_s is not None and not self._topology.wanted_s:
            self._topology.want(max(now_s, asked_s + DOUBTS_S))

    def topology_came(self, asked_s: float) -> None:
        """Note the answer to a call for the topology."""
        first = self._topology.asked_s is None
        self._topology.came(asked_s)
        if first:
            self._topology.anchor_s = asked_s + self._offset * _TOPOLOGY_SPREAD_S

    def topology_failed(self, now_s: float) -> None:
        """Try again after a while."""
        self._topology.failed(now_s)

    def status_came(
        self, home_id: str, asked_s: float, *, hourly: int, moved: bool
    ) -> None:
        """Note a home's status; `moved` says that it is not as it was."""
        home = self._homes[home_id]
        self._last_status_s = asked_s
        if moved:
            home.moved_s = asked_s
        home.job.came(asked_s)
        if not home.begun and home_id in self._followed:
            # The homes, and the accounts of an app, are asked in turn, not together.
            home.begun = True
            place = self._followed.index(home_id) / len(self._followed)
            turn = (place + self._offset) % 1 - 0.5
            home.job.anchor_s = asked_s + turn * self.interval_s(
                home_id, hourly, asked_s
            )

    def status_failed(self, home_id: str, now_s: float) -> int:
        """Try a home again after a while; return how often in a row that failed."""
        self._last_status_s = now_s
        job = self._homes[home_id].job
        job.anchor_s = None
        job.failed(now_s)
        return job.wait.failures

    def failures(self, home_id: str) -> int:
        """Return how often in a row asking for a home has failed."""
        home = self._homes.get(home_id)
        return 0 if home is None else home.job.wait.failures

    def hasten(self, besides: AbstractSet[str]) -> None:
        """Ask another home than these next: are they alone in their trouble?"""
        others = [
            home.job
            for home_id in self._followed
            if home_id not in besides
            and (home := self._homes[home_id]).job.anchor_s is not None
        ]
        if others:
            min(others, key=lambda job: job.anchor_s or 0.0).anchor_s = None

    def wake(self, besides: str | None) -> None:
        """Ask every other home at once: nobody knows what an outage has hidden."""
        for home_id in self._followed:
            if home_id == besides:
                continue
            job = self._homes[home_id].job
            job.anchor_s = None
            job.not_before_s = 0.0
            job.wait.reset()

    def next(
        self, now_s: float, *, hourly: int, free_s: Mapping[CallPriority, float]
    ) -> Poll:
        """Return the call that is next; `free_s` is when a priority may call at all."""
        gap_s = self._gap_s(hourly, now_s)
        polls = [
            *self._topology_polls(now_s),
            *chain.from_iterable(
                self._status_polls(home_id, gap_s, hourly, now_s)
                for home_id in self._followed
            ),
        ]
        at_s = [
            max(poll.at_s, free_s.get(poll.priority, now_s), now_s) for poll in polls
        ]
        first = min(range(len(polls)), key=lambda n: (at_s[n], polls[n].at_s))
        return replace(polls[first], at_s=at_s[first])

    def _topology_polls(self, now_s: float) -> Iterator[Poll]:
        """Return the next calls for the topology."""
        job = self._topology
        at_s = now_s if job.anchor_s is None else job.anchor_s + TOPOLOGY_S
        return self._polls(None, job, at_s)

    def _status_polls(
        self, home_id: str, gap_s: float, hourly: int, now_s: float
    ) -> Iterator[Poll]:
        """Return the next calls for a home's status."""
        job = self._homes[home_id].job
        if job.anchor_s is None:
            at_s = self._last_status_s + _CATCH_UP_S
        else:
            due_s = job.anchor_s + self.interval_s(home_id, hourly, now_s)
            at_s = max(due_s, self._last_status_s + gap_s)
        return self._polls(home_id, job, at_s)

    @staticmethod
    def _polls(home_id: str | None, job: _Job, at_s: float) -> Iterator[Poll]:
        """Return a call that is wanted and the regular one."""
        instants = [(CallPriority.POLL, at_s)]
        if job.wanted_s:
            instants.insert(0, (CallPriority.READ_BACK, job.wanted_s[0]))
        for priority, instant_s in instants:
            yield Poll(
                home_id=home_id,
                priority=priority,
                at_s=max(instant_s, job.not_before_s),
            )

    def _gap_s(self, hourly: int, now_s: float) -> float:
        """Return how far apart regular calls for homes are."""
        intervals = (
            self.interval_s(home_id, hourly, now_s) for home_id in self._followed
        )
        return min(intervals, default=STATUS_S) / (len(self._followed) + 1)

    def _job(self) -> _Job:
        """Return a call that has not been made."""
        return _Job(Backoff(*_WAIT, self._random))


def moved(before: HomeStatus | None, now: HomeStatus) -> bool:
    """Return whether setpoint, mode, boiler, power request or window have changed."""
    return before is None or _what_moves(before) != _what_moves(now)


def contradictions(
    topology: HomeTopology,
    status: HomeStatus,
    week: WeeklySchedule | None,
    now: datetime,
) -> frozenset[str]:
    """Return the rooms that do what they would not do if the topology were as it was told.

    A room away in a home on schedule is one, a room on schedule in a home that is away, and a
    room on schedule at a temperature that the schedule (`week`, None where it is not known)
    does not ask for about now, an aware instant: another schedule was selected elsewhere.
    """
    if topology.mode is None:
        return frozenset()
    unlikely = _AWAY_MODES if topology.mode is HomeMode.SCHEDULE else _SCHEDULE_MODES
    found = {room_id for room_id, room in status.rooms.items() if room.mode in unlikely}
    if week is not None:
        for room_id, room in status.rooms.items():
            if room.mode not in _SCHEDULE_MODES or room.setpoint is None:
                continue
            program = RoomProgram(week, room_id)
            asked = [program.temperature_at(now + slack) for slack in _ABOUT_NOW]
            if None not in asked and all(
                abs(room.setpoint - temperature) > _SAME_TEMPERATURE
                for temperature in asked
                if temperature is not None
            ):
                found.add(room_id)
    return frozenset(found)


def _what_moves(status: HomeStatus) -> tuple[object, ...]:
    """Return what shows that a home is in use."""
    return (
        {
            room_id: (
                room.setpoint,
                room.mode,
                room.setpoint_end,
                room.heating_power_request,
                room.open_window,
            )
            for room_id, room in status.rooms.items()
        },
        {module_id: module.boiler_on for module_id, module in status.modules.items()},
    )
