"""How Netatmo does what is asked of a room: its command, and when that is renewed. Pure.

Every command is for one room. What holds how long: a setpoint above what the room would do
otherwise ends after at most 90 minutes of that and is renewed, so that a dead server never
leaves a room hot; lower ones hold for as long as asked, else until further notice.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from ..model import MAX_SETPOINT, MIN_SETPOINT, RoomKind, SetpointMode
from ..refused import HeatingProblem, HeatingRequestError, choices, require_future
from ..setpoint import SetpointRequest, settable
from .model import FOREVER, RoomCall, RoomControl, VendorMode
from .schedule import Baseline

LONGEST_ABOVE: Final = timedelta(minutes=90)
"""How long a room may be left above what it would do otherwise."""

RENEW_BEFORE: Final = timedelta(minutes=30)
"""How long before the vendor's end a setpoint that is to go on is renewed."""

FROST_GUARD: Final = MIN_SETPOINT
"""The vendor's own frost guard, in °C, where a schedule has none."""

_WITHOUT_END: Final = frozenset(
    {SetpointMode.OFF, SetpointMode.AWAY, SetpointMode.FROST_GUARD}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomCommand:
    """A vendor's command for one room; `temperature` in °C, `until` UTC.

    `until` is FOREVER for what holds until further notice, None where an end means nothing.
    """

    call: RoomCall
    room_id: str
    mode: VendorMode
    temperature: float | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetpointPlan:
    """How a request is carried out.

    `temperature` is what the room will be set to (°C), None where that is not known;
    `emulated` says that the vendor is asked for a temperature in place of the mode;
    `renew_at` (UTC) is when to plan the same request again, None where the vendor's end is
    the request's own.
    """

    request: SetpointRequest
    command: RoomCommand
    temperature: float | None
    emulated: bool
    renew_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomSituation:
    """What planning needs to know of a room.

    Temperatures are the selected schedule's, in °C, None where there is none; `baseline` is
    what the room would do if nothing were asked of it, None where not known.
    """

    room_id: str
    control: RoomControl
    away_temperature: float | None = None
    frost_guard_temperature: float | None = None
    baseline: Baseline | None = None


def plan_setpoint(
    request: SetpointRequest, room: RoomSituation, now: datetime
) -> SetpointPlan:
    """Return how a request is carried out from an aware `now` on.

    The same request planned again later is its renewal. Raises HeatingRequestError where
    the mode is not for this room, or the request's end has come.
    """
    if request.until is not None:
        require_future(request.until, now)
    if request.mode is SetpointMode.SCHEDULE:
        baseline = room.baseline
        return SetpointPlan(
            request=request,
            command=RoomCommand(
                call=room.control.call, room_id=room.room_id, mode=VendorMode.HOME
            ),
            temperature=None if baseline is None else baseline.temperature_at(now),
            emulated=False,
            renew_at=None,
        )
    mode, temperature = _vendor_mode(request, room)
    until = _vendor_end(request, temperature, room.baseline, now)
    renewed = until is not None and until != request.until
    return SetpointPlan(
        request=request,
        command=RoomCommand(
            call=room.control.call,
            room_id=room.room_id,
            mode=mode,
            temperature=temperature if mode is VendorMode.MANUAL else None,
            until=until or FOREVER,
        ),
        temperature=None if mode is VendorMode.OFF else temperature,
        emulated=mode.value != request.mode.value,
        renew_at=until - RENEW_BEFORE if until is not None and renewed else None,
    )


def _clamp(temperature: float) -> float:
    """Return the temperature nearest to a schedule's own that a room can be set to."""
    return min(max(temperature, MIN_SETPOINT), MAX_SETPOINT)


def _vendor_mode(
    request: SetpointRequest, room: RoomSituation
) -> tuple[VendorMode, float]:
    """Return the vendor's mode that does what is asked, and the temperature it means."""
    thermostat = room.control.kind is RoomKind.THERMOSTAT
    match request.mode:
        case SetpointMode.OFF:
            return VendorMode.OFF if thermostat else VendorMode.MANUAL, MIN_SETPOINT
        case SetpointMode.MAX:
            return VendorMode.MAX if thermostat else VendorMode.MANUAL, MAX_SETPOINT
        case SetpointMode.FROST_GUARD:
            guard = room.frost_guard_temperature
            return VendorMode.MANUAL, FROST_GUARD if guard is None else _clamp(guard)
        case SetpointMode.AWAY:
            if (away := room.away_temperature) is None:
                others = (
                    mode for mode in SetpointMode if mode is not SetpointMode.AWAY
                )
                raise HeatingRequestError(
                    HeatingProblem.MODE_NOT_FOR_ROOM,
                    mode=request.mode,
                    choices=choices(others),
                )
            return VendorMode.MANUAL, _clamp(away)
        case _:
            return VendorMode.MANUAL, settable(request.temperature)


def _vendor_end(
    request: SetpointRequest,
    temperature: float,
    baseline: Baseline | None,
    now: datetime,
) -> datetime | None:
    """Return when the vendor shall end a setpoint, UTC; None for until further notice."""
    if request.mode in _WITHOUT_END:
        return request.until
    above = now.astimezone(UTC)
    if baseline is not None:
        first = baseline.first_below(temperature, above)
        if first is None:
            return request.until
        above = first
    latest = above + LONGEST_ABOVE
    return latest if request.until is None else min(latest, request.until)
