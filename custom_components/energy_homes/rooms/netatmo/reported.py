"""What a vendor has reported of a home, and what it makes the home do by itself."""

from datetime import datetime, timedelta, tzinfo
from typing import Final

from ...accounts.netatmo.heard import NetatmoUpdate
from ...accounts.registry import AccountState, HeatingUpdate
from ...clouds.netatmo.models import HomeStatus, HomeTopology
from ...heating.netatmo.outlook import HomeOutlook
from ...heating.netatmo.schedule import Schedule

STALE_AFTER: Final = timedelta(minutes=30)
"""How long what the vendor reported last is shown while it reports nothing new."""


class ReportedHome:
    """The newest reports of one home. `stale` says that the status is of long ago."""

    def __init__(self, time_zone: tzinfo) -> None:
        """Begin with a home of which nothing is known."""
        self.time_zone = time_zone
        """The home's, for as long as the vendor reports no other."""
        self.update: NetatmoUpdate = HeatingUpdate(state=None)
        self.topology: HomeTopology | None = None
        self.status: HomeStatus | None = None
        self.status_at: datetime | None = None
        self.stale = True
        self._zones: dict[str, tzinfo] = {}

    @property
    def schedules(self) -> tuple[Schedule, ...]:
        """Return the schedules that heat; none while nothing is known."""
        if self.topology is None:
            return ()
        return tuple(s for s in self.topology.schedules if s.heats)

    @property
    def available(self) -> bool:
        """Return whether what is known is what the vendor says now."""
        return (
            self._present
            and self.update.state in {AccountState.CONNECTED, AccountState.QUOTA}
            and not self.stale
        )

    @property
    def controllable(self) -> bool:
        """Return whether a command may be tried."""
        return self._present and self.update.state is not AccountState.OUTAGE

    @property
    def _present(self) -> bool:
        """Return whether an account that is let in has the home."""
        update = self.update
        return not update.gone and update.state not in {None, AccountState.AUTH}

    def take_status(self, status: HomeStatus, at: datetime, now: datetime) -> timedelta:
        """Take a status of an instant; return its age."""
        self.status = status
        self.status_at = at
        age = max(now - at, timedelta())
        self.stale = age >= STALE_AFTER
        return age

    def forget(self) -> None:
        """Know nothing of the home: another one stands for it from now on."""
        self.topology = self.status = self.status_at = None
        self.stale = True

    def unknown_zone(self) -> str | None:
        """Return the name of the home's time zone where that is not looked up yet."""
        name = None if self.topology is None else self.topology.time_zone
        if name is None or name in self._zones:
            return None
        if str(self.time_zone) == name:
            self._zones[name] = self.time_zone
            return None
        return name

    def learn_zone(self, name: str, zone: tzinfo | None) -> None:
        """Know a time zone; the home's own stands in for one that does not exist."""
        self._zones[name] = zone or self.time_zone

    def outlook(self) -> HomeOutlook:
        """Return what the home does by itself."""
        topology = self.topology
        zone = None if topology is None else topology.time_zone
        return HomeOutlook(
            schedule=None if topology is None else topology.schedule,
            mode=None if topology is None else topology.mode,
            mode_end=None if topology is None else topology.mode_end,
            time_zone=self.time_zone
            if zone is None
            else self._zones.get(zone, self.time_zone),
        )
