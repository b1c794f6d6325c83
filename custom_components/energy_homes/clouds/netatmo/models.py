"""What the Netatmo cloud tells, typed. Instants are aware and UTC, temperatures in °C."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from ...heating.model import HomeMode, RoomKind
from ...heating.netatmo.model import (
    GATEWAY_TYPES,
    HEATING_TYPES,
    RoomControl,
    VendorMode,
    room_control,
)
from ...heating.netatmo.schedule import Schedule, heating_schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleTopology:
    """A module of a home: gateway, thermostat, valve, or what does not heat.

    `bridge` is the id of the gateway that it talks through.
    """

    module_id: str
    kind: str
    name: str
    room_id: str | None = None
    bridge: str | None = None
    set_up: datetime | None = None

    @property
    def heats(self) -> bool:
        """Return whether the module is part of the heating."""
        return self.kind in HEATING_TYPES

    @property
    def gateway(self) -> bool:
        """Return whether heating modules talk through it."""
        return self.kind in GATEWAY_TYPES


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomTopology:
    """A room of a home; `module_ids` holds what the vendor lists there."""

    room_id: str
    name: str
    kind: str
    module_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeTopology:
    """A home with its rooms, modules and schedules.

    `time_zone` is the IANA name of the home's zone; `mode_end` is when the mode ends, None
    also for until further notice; `default_duration` is how long a manual setpoint without
    an end holds; `cooling` says that the home cools now.
    """

    home_id: str
    name: str
    time_zone: str | None
    mode: HomeMode | None
    mode_end: datetime | None
    default_duration: timedelta | None
    cooling: bool
    rooms: tuple[RoomTopology, ...] = ()
    modules: tuple[ModuleTopology, ...] = ()
    schedules: tuple[Schedule, ...] = ()

    @property
    def schedule(self) -> Schedule | None:
        """Return the schedule that heats; None where there is none."""
        return heating_schedule(self.schedules)

    @property
    def heated_rooms(self) -> tuple[RoomTopology, ...]:
        """Return the rooms that can be heated."""
        return tuple(room for room in self.rooms if self.control(room.room_id))

    def room(self, room_id: str) -> RoomTopology | None:
        """Return a room by its id."""
        return next((room for room in self.rooms if room.room_id == room_id), None)

    def module(self, module_id: str) -> ModuleTopology | None:
        """Return a module by its id."""
        return next((m for m in self.modules if m.module_id == module_id), None)

    def modules_in(self, room_id: str) -> tuple[ModuleTopology, ...]:
        """Return the modules of a room, whichever of the two lists names them."""
        room = self.room(room_id)
        listed = () if room is None else room.module_ids
        return tuple(
            module
            for module in self.modules
            if module.room_id == room_id
            or (module.room_id is None and module.module_id in listed)
        )

    def control(self, room_id: str) -> RoomControl | None:
        """Return how a room is driven; None where nothing in it heats."""
        return room_control(
            (module.kind for module in self.modules_in(room_id)),
            (module.kind for module in self.modules),
        )

    def rooms_of_kind(self, kind: RoomKind) -> tuple[RoomTopology, ...]:
        """Return the rooms that a thermostat, or valves alone, heat."""
        return tuple(
            room
            for room in self.rooms
            if (control := self.control(room.room_id)) and control.kind is kind
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HomesData:
    """The homes of an account.

    `user_id` is the vendor's own id of the user. `complete` is False where the reply has no
    list of homes: then nothing is known to be gone.
    """

    user_id: str | None
    homes: tuple[HomeTopology, ...]
    complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomStatus:
    """What a room does now; None is what the vendor does not tell.

    `heating_power_request` is in percent, 0 is a value. `setpoint_end` is None also for what
    holds until further notice.
    """

    room_id: str
    reachable: bool | None = None
    temperature: float | None = None
    setpoint: float | None = None
    mode: VendorMode | None = None
    setpoint_start: datetime | None = None
    setpoint_end: datetime | None = None
    heating_power_request: float | None = None
    open_window: bool | None = None
    anticipating: bool | None = None
    humidity: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleStatus:
    """What a module does now; None is what the vendor does not tell.

    `battery_mv` is in mV; the strengths are the vendor's numbers, smaller is better.
    """

    module_id: str
    kind: str | None = None
    reachable: bool | None = None
    firmware: int | None = None
    battery_mv: int | None = None
    battery_state: str | None = None
    rf_strength: int | None = None
    wifi_strength: int | None = None
    boiler_on: bool | None = None
    boiler_valve_comfort_boost: bool | None = None
    anticipating: bool | None = None
    bridge: str | None = None
    last_seen: datetime | None = None
    outdoor_temperature: float | None = None


@dataclass(frozen=True, slots=True)
class ModuleProblem:
    """A problem of one module, by the number space of homestatus (6: unreachable)."""

    module_id: str
    code: int

    @property
    def unreachable(self) -> bool:
        """Return whether the cloud does not reach the module."""
        return self.code == 6


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeStatus:
    """What a home does now; rooms and modules are absent while its gateway is off.

    `at` is the vendor's own time.
    """

    home_id: str
    at: datetime | None
    rooms: Mapping[str, RoomStatus]
    modules: Mapping[str, ModuleStatus]
    problems: tuple[ModuleProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class MeasurePoint:
    """Values at one stamp of a series, in the order that was asked for; None is unknown."""

    at: datetime
    values: tuple[float | None, ...]


class MeasureScale(StrEnum):
    """Lengths of a series' steps; MAX is every measurement."""

    MAX = "max"
    HALF_HOUR = "30min"
    HOUR = "1hour"
    THREE_HOURS = "3hours"
    DAY = "1day"
    WEEK = "1week"
    MONTH = "1month"
