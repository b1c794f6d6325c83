"""When an account asks Netatmo for what, so that homes are fresh and limits are kept. Pure.

Instants are seconds on a clock that nobody sets back. Every home is asked in its own
interval, the account's homes in turn. A command is read back soon after; a home in which
nothing moves is asked less often, and all of them where the account's share of calls is small.
"""

from collections.abc import Iterator, Mapping, Set as AbstractSet
from dataclasses import dataclass, replace
from itertools import chain
from random import Random
from typing import Final

from .budget import CallPriority
from .repeated import Poll, RepeatedCall
from .topology_plan import TopologyPlan

STATUS_S: Final = 130.0
"""How often a home is asked: with the account's topology, five make 140 calls an hour."""

QUIET_STATUS_S: Final = 300.0
"""How often a home is asked in which nothing has moved for `QUIET_AFTER_S`."""

QUIET_AFTER_S: Final = 1800.0
READ_BACKS_S: Final = (6.0, 20.0, 62.0, 120.0)
"""How long after a command its home is asked again."""

_CATCH_UP_S: Final = 1.0
_RESERVED_CALLS: Final = 2
_REGULAR_SHARE: Final = 0.98
"""Regular calls leave some of the account's share, so that a limit once reached is over."""

_HOUR_S: Final = 3600.0


@dataclass(slots=True)
class _Home:
    """A home that somebody follows, or did, and the call for its status."""

    call: RepeatedCall
    moved_s: float
    begun: bool = False


class PollPlan:
    """Decides which call is next, for one account: the topology, or the status of a home."""

    def __init__(self, random: Random) -> None:
        """Begin with the topology."""
        self._random = random
        self._homes: dict[str, _Home] = {}
        self._followed: tuple[str, ...] = ()
        self._last_status_s = float("-inf")
        self._offset = random.random()
        self.topology = TopologyPlan(random, self._offset)

    @property
    def followed(self) -> tuple[str, ...]:
        """Return the homes that are asked."""
        return self._followed

    def follow(self, home_ids: AbstractSet[str], now_s: float) -> None:
        """Ask these homes from now on; one that is new is asked at once."""
        self._followed = tuple(sorted(home_ids))
        for home_id in self._followed:
            if home_id not in self._homes:
                self._homes[home_id] = _Home(
                    RepeatedCall.new(self._random), moved_s=now_s
                )

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
            home.call.want(now_s + READ_BACKS_S[0])

    def commanded(self, home_id: str, now_s: float) -> None:
        """Read a command back, and follow closely what it does."""
        if (home := self._homes.get(home_id)) is None:
            return
        home.moved_s = now_s
        home.call.not_before_s = 0.0
        home.call.wanted_s = [now_s + after for after in READ_BACKS_S]

    def status_came(
        self, home_id: str, asked_s: float, *, hourly: int, moved: bool
    ) -> None:
        """Note a home's status; `moved` says that it is not as it was."""
        home = self._homes[home_id]
        self._last_status_s = asked_s
        if moved:
            home.moved_s = asked_s
        home.call.came(asked_s)
        if not home.begun and home_id in self._followed:
            # The homes, and the accounts of an app, are asked in turn, not together.
            home.begun = True
            place = self._followed.index(home_id) / len(self._followed)
            turn = (place + self._offset) % 1 - 0.5
            home.call.anchor_s = asked_s + turn * self.interval_s(
                home_id, hourly, asked_s
            )

    def status_failed(self, home_id: str, now_s: float) -> int:
        """Try a home again after a while; return how often in a row that failed."""
        self._last_status_s = now_s
        call = self._homes[home_id].call
        call.anchor_s = None
        call.failed(now_s)
        return call.wait.failures

    def failures(self, home_id: str) -> int:
        """Return how often in a row asking for a home has failed."""
        home = self._homes.get(home_id)
        return 0 if home is None else home.call.wait.failures

    def hasten(self, besides: AbstractSet[str]) -> None:
        """Ask another home than these next: are they alone in their trouble?"""
        others = [
            home.call
            for home_id in self._followed
            if home_id not in besides
            and (home := self._homes[home_id]).call.anchor_s is not None
        ]
        if others:
            min(others, key=lambda call: call.anchor_s or 0.0).anchor_s = None

    def wake(self, besides: str | None) -> None:
        """Ask every other home at once: nobody knows what an outage has hidden."""
        for home_id in self._followed:
            if home_id == besides:
                continue
            call = self._homes[home_id].call
            call.anchor_s = None
            call.not_before_s = 0.0
            call.wait.reset()

    def next(
        self, now_s: float, *, hourly: int, free_s: Mapping[CallPriority, float]
    ) -> Poll:
        """Return the call that is next; `free_s` is when a priority may call at all."""
        gap_s = self._gap_s(hourly, now_s)
        polls = [
            *self.topology.polls(now_s),
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

    def _status_polls(
        self, home_id: str, gap_s: float, hourly: int, now_s: float
    ) -> Iterator[Poll]:
        """Return the next calls for a home's status."""
        call = self._homes[home_id].call
        if call.anchor_s is None:
            at_s = self._last_status_s + _CATCH_UP_S
        else:
            due_s = call.anchor_s + self.interval_s(home_id, hourly, now_s)
            at_s = max(due_s, self._last_status_s + gap_s)
        return call.polls(home_id, at_s)

    def _gap_s(self, hourly: int, now_s: float) -> float:
        """Return how far apart regular calls for homes are."""
        intervals = (
            self.interval_s(home_id, hourly, now_s) for home_id in self._followed
        )
        return min(intervals, default=STATUS_S) / (len(self._followed) + 1)
