"""What an account's homes said last: what they are made of, and how they are."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from homeassistant.util import dt as dt_util

from ...clouds.netatmo.models import HomeStatus, HomeTopology
from ...heating.netatmo.schedule import WeeklySchedule
from ..registry import AccountState, HeatingUpdate
from .changes import contradictions, moved


@dataclass(frozen=True, slots=True, kw_only=True)
class _Heard:
    """A home's newest status, when its call was made and when it came."""

    status: HomeStatus
    asked_at: datetime
    at: datetime


type NetatmoUpdate = HeatingUpdate[HomeTopology, HomeStatus]


class HeardHomes:
    """The homes of one account by the vendor's id; instants are aware, UTC.

    `complete` says that the account has told all of them in this run.
    """

    def __init__(self) -> None:
        """Begin without a home."""
        self.homes: Mapping[str, HomeTopology] = {}
        self.complete = False
        self._weeks: dict[str, WeeklySchedule] = {}
        self._topology_asked_at: datetime | None = None
        self._heard: dict[str, _Heard] = {}
        self._doubts: dict[str, frozenset[str]] = {}

    def restore(self, homes: Iterable[HomeTopology]) -> None:
        """Go on with the homes that another run knew."""
        self.homes = _by_id(homes)

    async def async_take_topology(
        self, homes: Iterable[HomeTopology], asked_at: datetime
    ) -> None:
        """Take all homes of the account."""
        self.homes = _by_id(homes)
        self._weeks = await _async_weeks(self.homes.values())
        self.complete = True
        self._topology_asked_at = asked_at

    def take_status(
        self, home_id: str, status: HomeStatus, *, asked_at: datetime, at: datetime
    ) -> bool:
        """Take how a home is; return whether that is not as it was."""
        before = self._heard.get(home_id)
        self._heard[home_id] = _Heard(status=status, asked_at=asked_at, at=at)
        return moved(None if before is None else before.status, status)

    def says_nothing(self, home_id: str, status: HomeStatus) -> bool:
        """Return whether a status is empty without telling that a gateway is off."""
        topology = self.homes.get(home_id)
        return (
            topology is not None
            and bool(topology.heated_rooms)
            and not (status.rooms or status.modules or status.problems)
        )

    def doubts(self, home_id: str, status: HomeStatus, now: datetime) -> bool:
        """Note where a status does not fit the topology; return whether that is new."""
        if (topology := self.homes.get(home_id)) is None:
            return False
        doubts = contradictions(
            topology, status, self._weeks.get(home_id), status.at or now
        )
        known, self._doubts[home_id] = self._doubts.get(home_id), doubts
        return bool(doubts) and doubts != known

    def update(self, home_id: str, state: AccountState) -> NetatmoUpdate:
        """Return the present state of one home."""
        heard = self._heard.get(home_id)
        topology = self.homes.get(home_id)
        return HeatingUpdate(
            state=state,
            gone=self.complete and topology is None,
            topology=topology,
            status=None if heard is None else heard.status,
            status_at=None if heard is None else heard.at,
            asked_at=None if heard is None else heard.asked_at,
            topology_asked_at=self._topology_asked_at,
        )


async def _async_weeks(homes: Iterable[HomeTopology]) -> dict[str, WeeklySchedule]:
    """Return the weekly schedules that homes follow, by the vendor's id of the home."""
    weeks: dict[str, WeeklySchedule] = {}
    for home in homes:
        zone = home.time_zone and await dt_util.async_get_time_zone(home.time_zone)
        if zone and home.schedule is not None:
            with suppress(ValueError):
                weeks[home.home_id] = WeeklySchedule(home.schedule, zone)
    return weeks


def _by_id(homes: Iterable[HomeTopology]) -> dict[str, HomeTopology]:
    """Return homes by the vendor's id."""
    return {home.home_id: home for home in homes}
