"""What homes are made of: rooms, modules and weekly schedules."""

from dataclasses import dataclass, field
from enum import StrEnum

from simulator.noise import made_id, mix_seed
from simulator.thermal.model import RoomShape

THERMOSTATS = frozenset({"NATherm1", "OTM", "BNS"})
STATE_THERMOSTATS = frozenset({"OTM", "BNS"})
VALVE = "NRV"
DAY = 1440


class Mode(StrEnum):
    """How a room or a home is set, as the vendor calls it."""

    SCHEDULE = "schedule"
    HOME = "home"
    MANUAL = "manual"
    MAX = "max"
    AWAY = "away"
    FROST = "hg"
    OFF = "off"


@dataclass(frozen=True)
class RoomPlan:
    """A room: its modules by type, and its temperatures by zone."""

    name: str
    modules: tuple[str, ...] = (VALVE,)
    type: str = "custom"
    comfort: float = 20.0
    night: float = 17.0
    eco: float = 18.0
    shape: RoomShape = field(default=RoomShape())

    @property
    def thermostat(self) -> bool:
        """Tell whether the room may be switched off or to the maximum."""
        return bool(THERMOSTATS.intersection(self.modules))

    @property
    def valve(self) -> bool:
        """Tell whether the room has a valve."""
        return VALVE in self.modules


@dataclass(frozen=True)
class WeekPlan:
    """A schedule: minutes since Monday 00:00 and the zone that begins there."""

    name: str
    timetable: tuple[tuple[int, int], ...]
    away_c: float = 14.0
    frost_c: float = 7.0
    type: str = "therm"


COMFORT, NIGHT, ECO = 0, 1, 4


def _week(
    workday: tuple[tuple[float, int], ...], weekend: tuple[tuple[float, int], ...]
) -> tuple[tuple[int, int], ...]:
    """Return the timetable of days given as hours and zones, from a night on."""
    days = [workday] * 5 + [weekend] * 2
    changes = [
        (day * DAY + round(hour * 60), zone)
        for day, hours in enumerate(days)
        for hour, zone in hours
    ]
    return ((0, NIGHT), *changes)


WORKDAY = ((6.5, COMFORT), (8.5, ECO), (17.0, COMFORT), (22.5, NIGHT))
WEEKEND = ((8.0, COMFORT), (23.0, NIGHT))
WEEKS = (
    WeekPlan("Winter", _week(WORKDAY, WEEKEND)),
    WeekPlan("At home", _week(WEEKEND, WEEKEND), away_c=15.0),
)
COOLING = WeekPlan("Summer", _week(WEEKEND, WEEKEND), type="cooling")


@dataclass(frozen=True)
class HomePlan:
    """A home with one gateway, or with none."""

    name: str
    rooms: tuple[RoomPlan, ...] = ()
    gateway: str | None = "NAPlug"
    others: tuple[str, ...] = ()
    weeks: tuple[WeekPlan, ...] = WEEKS
    default_minutes: int = 180
    timezone: str = "Europe/London"
    history_days: int = 60
    listed_modules: bool = True
    """Whether rooms tell their modules."""

    @property
    def id(self) -> str:
        """Return the home's id."""
        return made_id("home", self.name)


@dataclass(frozen=True)
class UserPlan:
    """An account of the vendor's."""

    email: str
    refresh_token: str
    homes: tuple[HomePlan, ...] = ()


def made_number(*parts: str) -> str:
    """Return an id of ten digits."""
    return str(1_000_000_000 + mix_seed(*parts) % 3_000_000_000)


def made_address(prefix: str, *parts: str) -> str:
    """Return a hardware address that begins with a prefix."""
    tail = f"{mix_seed(*parts):016x}"
    pairs = [tail[place : place + 2] for place in range(0, 12, 2)]
    begin = prefix.split(":")
    return ":".join([*begin, *pairs[len(begin) :]])
