"""What a heated home looks like to people: rooms, modules and the home's mode. Pure types."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from .model import HomeMode, RoomKind, SetpointMode


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomView:
    """A room now; None is what is not known. Temperatures in °C, shares in percent.

    `reachable` is False where the vendor cannot reach what heats the room. `until` (UTC) is
    when the setpoint ends, None while it holds until further notice or follows the schedule.
    `emulated` says that the vendor was asked for a temperature in place of the mode.
    `pending` says that mode, setpoint and end were ordered and are not confirmed yet.
    `boiler_on` is the home's; None where nothing tells it.
    """

    room_id: str
    kind: RoomKind
    reachable: bool | None = None
    temperature: float | None = None
    setpoint: float | None = None
    mode: SetpointMode | None = None
    until: datetime | None = None
    emulated: bool = False
    pending: bool = False
    heating_power_request: float | None = None
    boiler_on: bool | None = None
    open_window: bool | None = None
    anticipating: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleView:
    """A gateway, thermostat or valve now; None is what is not known.

    `battery` in percent; the strengths are the vendor's numbers, smaller is better.
    """

    module_id: str
    reachable: bool | None = None
    battery: int | None = None
    rf_strength: int | None = None
    wifi_strength: int | None = None
    firmware: str | None = None
    boiler_on: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatingData:
    """A heated home now, by our own ids of rooms and modules.

    `available` says that what is shown is what the vendor says now: the account is connected,
    or waits for its call limit with news that are not stale. `controllable` says that a
    command may be tried: the account answers, also where its polls wait for the call limit.
    `mode_until` is UTC, None for until further notice. `updated` is when the vendor was last
    heard, UTC.
    """

    available: bool
    controllable: bool
    rooms: Mapping[str, RoomView]
    modules: Mapping[str, ModuleView]
    mode: HomeMode | None = None
    mode_until: datetime | None = None
    schedule: str | None = None
    schedules: tuple[str, ...] = ()
    boiler_on: bool | None = None
    updated: datetime | None = None


class ChangeKind(StrEnum):
    """What was changed in a heated home."""

    SETPOINT = "setpoint"
    HOME_MODE = "home_mode"
    SCHEDULE = "schedule"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatingChange:
    """A change that the vendor has accepted; made from here, never a renewal.

    `mode` is the room's or the home's mode in our words; `temperature` in °C is what the room
    was set to, None where that is not known or no room; `until` UTC, None for until further
    notice. `who` is the name of the user who asked, None for an automation.
    """

    at: datetime
    kind: ChangeKind
    room_id: str | None = None
    room: str | None = None
    mode: str | None = None
    temperature: float | None = None
    until: datetime | None = None
    schedule: str | None = None
    who: str | None = None
