"""The clock of a pulse board: which pulse a stamp means, and when that pulse was.

A board stamps each pulse with the milliseconds since its power-up, unsigned 32 bit, and
keeps at most five pulses of a channel until they are acknowledged. It repeats what is not
acknowledged after 2 s. What arrives is told apart by the stamp and by the wall time that
has passed since the newest pulse.

What cannot be told apart:

- A restart that nobody announced, after which the first pulse has a greater stamp than
  the newest one had, looks like the next pulse, delayed: it may get a power that is
  wrong, and its wall time may be too early until two buckets have passed.
- A restart within LATENESS of the power-up before it looks like late pulses.
- A pulse that has the stamp of one of the last REMEMBERED ones counts as its repeat.
- Pulses that a full buffer dropped leave one longer period.

None of these loses or adds a count, but for a repeat that was none: that takes the same
millisecond of two lives of the board.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Self

WRAP: Final = 1 << 32
"""The stamps begin anew after so many milliseconds, 49.7 days."""

MIN_STAMP: Final = -(WRAP >> 1)
"""From 24.86 days on the firmware prints its stamps as signed numbers."""

MILLISECOND: Final = timedelta(milliseconds=1)

LATENESS: Final = 120_000
"""A pulse is overtaken by pulses that are at most so many milliseconds newer.

Five pulses of each of eight channels that wait for 2 s each are through after 80 s. It must
be less than the shortest life of a board that should not be taken for a late pulse: the
worked run of the old system has one of a quarter of an hour.
"""

LOST_TOUCH: Final = WRAP >> 1
"""A pulse that seems to be so many milliseconds old is none of a buffer that lasted.

After a silence of about a wrap or more nobody knows how many wraps it was, or whether the
board was off.
"""

DRIFT: Final = 0.01
"""A board's resonator is off by at most this share (0.5 %, and as much to be sure)."""

REMEMBERED: Final = 32
"""The stamps of so many counted pulses are known again.

A pulse whose answer was lost is repeated after 2 s, in which a channel counts up to ten.
"""

BUCKET: Final = 3_600_000
"""The smallest delay is that of this and the previous bucket of so many milliseconds.

Within an hour a resonator that is slow by 0.5 % loses 18 s. With the smallest delay since
power-up the wall times would fall behind by 6 h until the stamps wrap.
"""


class PulseKind(StrEnum):
    """What a stamp that arrives means."""

    FIRST = "first"
    """The first after power-up, or ever: it counts, and nobody knows since when."""
    NEXT = "next"
    """It follows on the newest one, `period` milliseconds later."""
    LATE = "late"
    """It counts, but a newer one was here before it."""
    RESTART = "restart"
    """It counts; the board has begun anew without saying so, or was silent for too long."""
    DUPLICATE = "duplicate"
    """It was counted before."""


@dataclass(frozen=True, slots=True)
class StampMeaning:
    """What a stamp means, when its pulse was (aware, UTC), and the clock after it.

    `period` is in ms since the newest pulse before, positive, and only of a NEXT pulse.
    """

    kind: PulseKind
    at: datetime
    clock: PulseClock
    period: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PulseClock:
    """The clock of a board as one of its channels shows it, since the last power-up.

    `newest` is the raw stamp of the newest pulse and `uptime` the same in ms without
    wraps. `origin` is when the board's clock was zero, as the smallest delay since
    `bucket` (in ms of uptime) tells it, and `older_origin` that of the bucket before.
    """

    newest: int
    uptime: int
    origin: datetime
    older_origin: datetime | None = None
    bucket: int
    recent: tuple[int, ...]

    @classmethod
    def begin(cls, stamp: int, arrival: datetime) -> Self:
        """Return the clock after a first pulse, which is taken to come at once."""
        return cls(
            newest=stamp,
            uptime=stamp,
            origin=arrival - stamp * MILLISECOND,
            bucket=stamp,
            recent=(stamp,),
        )

    @property
    def at(self) -> datetime:
        """Return when the newest pulse was."""
        return self.wall(self.uptime)

    def hear(self, stamp: int, arrival: datetime) -> StampMeaning:
        """Say what a stamp of `[0, WRAP)` means that arrived at an aware instant.

        `(stamp - newest) mod WRAP` decides: known ones are duplicates, a little below WRAP
        is late. A greater stamp is the next one however long the pause was; a smaller one
        is the next after a wrap where so much time has passed, else a restart.
        """
        if stamp in self.recent:
            return StampMeaning(PulseKind.DUPLICATE, self.at, self)
        passed = (arrival - self.at) // MILLISECOND
        ahead = (stamp - self.newest) % WRAP
        behind = WRAP - ahead
        if behind <= LATENESS and passed < LOST_TOUCH:
            uptime = self.uptime - behind
            clock = self._after(stamp, uptime, arrival)
            return StampMeaning(PulseKind.LATE, clock.wall(uptime), clock)
        wrapped = stamp < self.newest
        if passed - ahead >= LOST_TOUCH or (
            wrapped and ahead > passed * (1 + DRIFT) + LATENESS
        ):
            return StampMeaning(PulseKind.RESTART, arrival, self.begin(stamp, arrival))
        uptime = self.uptime + ahead
        clock = self._after(stamp, uptime, arrival)
        clock = replace(clock, newest=stamp, uptime=uptime)
        return StampMeaning(PulseKind.NEXT, clock.at, clock, ahead)

    def wall(self, uptime: int) -> datetime:
        """Return when the board had been up for so many milliseconds."""
        origin = self.origin
        if self.older_origin is not None:
            origin = min(origin, self.older_origin)
        return origin + uptime * MILLISECOND

    def as_data(self) -> dict[str, Any]:
        """Return the clock as JSON has it."""
        older = self.older_origin
        return {
            "newest": self.newest,
            "uptime": self.uptime,
            "origin": self.origin.isoformat(),
            "older_origin": None if older is None else older.isoformat(),
            "bucket": self.bucket,
            "recent": list(self.recent),
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """Return a clock that was kept."""
        older = data["older_origin"]
        return cls(
            newest=data["newest"],
            uptime=data["uptime"],
            origin=datetime.fromisoformat(data["origin"]),
            older_origin=None if older is None else datetime.fromisoformat(older),
            bucket=data["bucket"],
            recent=tuple(data["recent"]),
        )

    def _after(self, stamp: int, uptime: int, arrival: datetime) -> PulseClock:
        """Return the clock that knows a stamp again, and one more delay."""
        recent = (*self.recent, stamp)[-REMEMBERED:]
        origin = arrival - uptime * MILLISECOND
        if uptime - self.bucket < BUCKET:
            return replace(self, recent=recent, origin=min(origin, self.origin))
        return replace(
            self,
            recent=recent,
            origin=origin,
            older_origin=self.origin,
            bucket=uptime,
        )


def unsigned(printed: int) -> int:
    """Return the stamp that a board means by a number of 32 bit, printed signed or not."""
    return printed % WRAP
