"""When an account asks Netatmo for its topology: what its homes are made of. Pure.

Instants are seconds on a clock that nobody sets back.
"""

from collections.abc import Iterator
from random import Random
from typing import Final

from .repeated import Poll, RepeatedCall

TOPOLOGY_S: Final = 3600.0
TOPOLOGY_READ_BACKS_S: Final = (6.0, 62.0)
"""How long after a change of mode or schedule the topology is asked again."""

DOUBTS_S: Final = 30.0
"""Statuses that do not fit the topology have it asked again at most this often."""

_SPREAD_S: Final = 900.0
"""Accounts that begin together do not ask for their topologies together for ever."""


class TopologyPlan:
    """Asks at once, then every hour, and when there are doubts about what is known."""

    def __init__(self, random: Random, offset: float) -> None:
        """Begin without a topology; `offset` in [0, 1) is the account's place among others."""
        self._call = RepeatedCall.new(random)
        self._offset_s = offset * _SPREAD_S

    def commanded(self, now_s: float) -> None:
        """Ask again for what a change of mode or schedule did to the topology."""
        self._call.want(*(now_s + after for after in TOPOLOGY_READ_BACKS_S))

    def doubted(self, now_s: float) -> None:
        """Ask for the topology soon, but not twice in a moment."""
        asked_s = self._call.asked_s
        if asked_s is not None and not self._call.wanted_s:
            self._call.want(max(now_s, asked_s + DOUBTS_S))

    def came(self, asked_s: float) -> None:
        """Note the answer to a call for the topology."""
        first = self._call.asked_s is None
        self._call.came(asked_s)
        if first:
            self._call.anchor_s = asked_s + self._offset_s

    def failed(self, now_s: float) -> None:
        """Try again after a while."""
        self._call.failed(now_s)

    def polls(self, now_s: float) -> Iterator[Poll]:
        """Return the next calls for the topology."""
        anchor_s = self._call.anchor_s
        at_s = now_s if anchor_s is None else anchor_s + TOPOLOGY_S
        return self._call.polls(None, at_s)
