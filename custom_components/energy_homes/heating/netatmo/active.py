"""What was asked of a room and still holds, judged by what the vendor says of it. Pure.

The vendor ends what is above the schedule after a while, so a request outlives the command
that carries it out: it is sent again while it holds, and given up as soon as anybody else
has changed the room.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Self

from ..model import HomeMode, SetpointMode
from ..refused import HeatingRequestError
from ..setpoint import SetpointRequest
from .model import FOREVER, RoomCall, VendorMode
from .plan import RoomCommand, RoomSituation, SetpointPlan, plan_setpoint

SETTLING: Final = timedelta(seconds=60)
"""How long after a command the vendor may still answer what was before."""

FRESH: Final = timedelta(seconds=60)
"""How old what the vendor says may be for anything to be sent because of it."""

LONGEST_LAPSE: Final = timedelta(hours=24)
"""How long after the vendor has ended a command its request is still carried out anew.

A setpoint that comes back after days of which nobody knows anything surprises people.
"""

_SAME_END: Final = timedelta(seconds=60)
"""The vendor's end may be off by rounding, and its clock by some seconds."""

_SAME_TEMPERATURE: Final = 0.05
"""In °C."""

_BY_ITSELF: Final = frozenset(
    {VendorMode.SCHEDULE, VendorMode.HOME, VendorMode.AWAY, VendorMode.FROST_GUARD}
)
_ON_SCHEDULE: Final = frozenset({VendorMode.SCHEDULE, VendorMode.HOME})
_IN_MODE: Final = {
    HomeMode.AWAY: VendorMode.AWAY,
    HomeMode.FROST_GUARD: VendorMode.FROST_GUARD,
}
"""What rooms do by themselves in a home's modes beside its schedule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomReport:
    """What the vendor says that a room is set to; °C and UTC.

    `mode` is None where it says nothing of it, `end` also for until further notice. `start`
    is when it says that this began, which may be the instant of the home's mode.
    `asked_at` is when it was asked by our clock, `reported_at` the time it gave by its own.
    """

    mode: VendorMode | None
    setpoint: float | None
    end: datetime | None
    asked_at: datetime
    reported_at: datetime | None = None
    start: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveRequest:
    """A request, how it was carried out last, and when the vendor accepted that (UTC).

    `accepted_at` is None while that is not known: it is under way, or was so when Home
    Assistant was killed, or nobody knows what came of it. `home` is the home's mode when it
    was accepted, None where not known.
    """

    plan: SetpointPlan
    accepted_at: datetime | None = None
    home: HomeMode | None = None

    @property
    def request(self) -> SetpointRequest:
        """Return what was asked."""
        return self.plan.request

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """Read a request as it is stored. Raises KeyError, TypeError or ValueError."""
        asked, sent = data["request"], data["command"]
        home = data.get("home")
        return cls(
            plan=SetpointPlan(
                request=SetpointRequest(
                    mode=SetpointMode(asked["mode"]),
                    temperature=asked["temperature"],
                    until=_instant(asked["until"]),
                ),
                command=RoomCommand(
                    call=RoomCall(sent["call"]),
                    room_id=sent["room"],
                    mode=VendorMode(sent["mode"]),
                    temperature=sent["temperature"],
                    until=_instant(sent["until"]),
                ),
                temperature=data["temperature"],
                emulated=data["emulated"],
                renew_at=_instant(data["renew_at"]),
            ),
            accepted_at=_instant(data["accepted_at"]),
            home=None if home is None else HomeMode(home),
        )

    def as_data(self) -> dict[str, Any]:
        """Return the request as it is stored."""
        request, command = self.plan.request, self.plan.command
        return {
            "request": {
                "mode": request.mode.value,
                "temperature": request.temperature,
                "until": _iso(request.until),
            },
            "command": {
                "call": command.call.value,
                "room": command.room_id,
                "mode": command.mode.value,
                "temperature": command.temperature,
                "until": _iso(command.until),
            },
            "temperature": self.plan.temperature,
            "emulated": self.plan.emulated,
            "renew_at": _iso(self.plan.renew_at),
            "accepted_at": _iso(self.accepted_at),
            "home": None if self.home is None else self.home.value,
        }


class Verdict(StrEnum):
    """What a report says of a request that is active."""

    OPEN = "open"
    """Nothing yet: it is older than the command, or the command may not show yet."""
    CONFIRMED = "confirmed"
    LAPSED = "lapsed"
    """The vendor has ended the command; the request still holds."""
    CHANGED = "changed"
    """Somebody else has set the room to something else."""
    ENDED = "ended"


def agrees(command: RoomCommand, report: RoomReport) -> bool:
    """Return whether a room is set to what a command set it to."""
    if command.mode is VendorMode.HOME:
        return report.mode in _BY_ITSELF
    if report.mode is not command.mode:
        return False
    if command.mode is VendorMode.OFF:
        return True
    if command.temperature is not None and (
        report.setpoint is None or not _same(report.setpoint, command.temperature)
    ):
        return False
    end = None if command.until is None else min(command.until, FOREVER)
    if end in {None, FOREVER} or report.end is None:
        return end in {None, FOREVER} and report.end is None
    return abs(report.end - end) <= _SAME_END


def judged(active: ActiveRequest, report: RoomReport, now: datetime) -> Verdict:
    """Return what a report says of a request that is active; `now` is aware."""
    until = active.request.until
    if until is not None and now >= until:
        return Verdict.ENDED
    if report.mode is None:
        return Verdict.OPEN
    accepted = active.accepted_at
    # A clock that was set back makes no request unanswerable.
    fresh = accepted is not None and accepted <= now
    if fresh and accepted is not None and report.asked_at <= accepted:
        return Verdict.OPEN
    settling = fresh and accepted is not None and report.asked_at < accepted + SETTLING
    if agrees(active.plan.command, report):
        # A room that was on its schedule already may show that of before for a while.
        changing = active.plan.command.mode is VendorMode.HOME and not _same(
            report.setpoint, active.plan.temperature
        )
        return Verdict.OPEN if settling and changing else Verdict.CONFIRMED
    if settling:
        return Verdict.OPEN
    if not _vendor_ended(active, report):
        return Verdict.CHANGED
    end = active.plan.command.until
    lapsed = end is not None and now - end < LONGEST_LAPSE
    return (
        Verdict.LAPSED if lapsed and active.plan.renew_at is not None else Verdict.ENDED
    )


def recalled(
    candidates: Iterable[ActiveRequest], report: RoomReport, now: datetime
) -> ActiveRequest | None:
    """Return which of several requests a room follows, after a kill between two of them.

    `candidates` are the newest first. None where it is none of them, unless all carry out the
    same request: then only what was seen last of it is open.
    """
    known = tuple(candidates)
    for active in known:
        until = active.request.until
        if (until is None or now < until) and agrees(active.plan.command, report):
            return replace(active, accepted_at=active.accepted_at or report.asked_at)
    if any(active.request != known[0].request for active in known):
        return None
    accepted = next(
        (active.accepted_at for active in known if active.accepted_at), None
    )
    return None if accepted is None else replace(known[0], accepted_at=accepted)


def next_plan(
    active: ActiveRequest, verdict: Verdict, room: RoomSituation, now: datetime
) -> SetpointPlan | None:
    """Return how a request is to be carried out anew now; None where nothing is to be sent.

    That is: what the vendor has ended although it holds, what is about to end, and what
    would now be planned shorter or at another temperature, because the schedule is another.
    """
    if verdict not in {Verdict.CONFIRMED, Verdict.LAPSED}:
        return None
    try:
        plan = plan_setpoint(active.request, room, now)
    except HeatingRequestError:
        return None
    due = active.plan.renew_at is not None and now >= active.plan.renew_at
    if verdict is Verdict.LAPSED or due:
        return plan
    if room.baseline is None or active.request.mode is SetpointMode.SCHEDULE:
        return None
    old, new = active.plan.command, plan.command
    other = (old.mode, old.temperature) != (new.mode, new.temperature)
    return plan if other or _later(old.until, new.until) else None


def _vendor_ended(active: ActiveRequest, report: RoomReport) -> bool:
    """Return whether a room does what its home does because a command's time is over."""
    end = active.plan.command.until
    on_schedule = report.mode in _ON_SCHEDULE
    as_before = active.home is not None and report.mode is _IN_MODE.get(active.home)
    if end is None or not (on_schedule or as_before):
        return False
    reported_at = report.reported_at or report.asked_at
    return reported_at >= end - _SAME_END and not (
        on_schedule and _put_back(active, report)
    )


def _put_back(active: ActiveRequest, report: RoomReport) -> bool:
    """Return whether a room is known to be on its schedule since before a command's end.

    A start before the command says nothing: it is that of the home's mode.
    """
    start, accepted, end = report.start, active.accepted_at, active.plan.command.until
    if start is None or accepted is None or end is None:
        return False
    return accepted <= start < end - _SAME_END


def _same(first: float | None, second: float | None) -> bool:
    """Return whether two setpoints (°C) are the same, as far as both are known."""
    if first is None or second is None:
        return True
    return abs(first - second) <= _SAME_TEMPERATURE


def _later(first: datetime | None, second: datetime | None) -> bool:
    """Return whether an end is clearly later than another."""
    return first is not None and second is not None and first - second > _SAME_END


def _instant(text: str | None) -> datetime | None:
    """Return a stored instant."""
    if text is None:
        return None
    instant = datetime.fromisoformat(text)
    if instant.utcoffset() is None:
        raise ValueError("a stored instant without a zone")
    return instant.astimezone(UTC)


def _iso(instant: datetime | None) -> str | None:
    """Return an instant as it is stored."""
    return None if instant is None else instant.isoformat()
