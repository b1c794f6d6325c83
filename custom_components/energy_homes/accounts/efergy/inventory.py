"""The meters of an Efergy account: which report, which are ghosts, which went missing. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from ...clouds.efergy.models import CurrentValue, InstantValue
from ...metering.model import MeterRole, PowerReading
from ...metering.readings import MAX_AHEAD
from ..registry import MeterInfo

STALE_AFTER: Final = timedelta(minutes=5)
"""A meter whose newest stamp is older does not report."""

FORGET_AFTER: Final = timedelta(days=30)
INSTANT_METER: Final = "instant"
"""The only meter of an account whose summary never told which one it is."""

_GHOST_SID: Final = "0"
_TOGETHER: Final = timedelta(hours=1)
_CLOCK_NOISE: Final = timedelta(seconds=2.5)


@dataclass(slots=True, kw_only=True)
class _Meter:
    """What is known of one meter.

    `at` is the meter's own newest stamp, `heard` the same on our clock; `last_seen` is `at`
    as far back as another run of Home Assistant.
    """

    role: MeterRole
    power: float | None = None
    at: datetime | None = None
    heard: datetime | None = None
    last_seen: datetime | None = None
    reported: bool = False
    listed: bool = False
    missing_since: datetime | None = None


class Inventory:
    """Follows an account's meters from answer to answer. Instants are aware and UTC.

    A reading is new where its stamp is later than the newest one seen: an earlier stamp is of
    a time that is known already. Once the newest one lies further ahead than any stamp may,
    a clock was set back, and it is forgotten: whatever comes next is new. So readings are
    ignored for no longer than the vendor's stamps need to catch up, or `MAX_AHEAD`.
    """

    def __init__(self, stored: Mapping[str, Any] | None = None) -> None:
        """Start with what another run knew."""
        self._meters: dict[str, _Meter] = {}
        self._alias: str | None = (stored or {}).get("alias")
        for sid, data in (stored or {}).get("meters", {}).items():
            missing = data["missing_since"]
            self._meters[sid] = _Meter(
                role=MeterRole(data["role"]),
                last_seen=datetime.fromisoformat(data["last_seen"]),
                reported=True,
                missing_since=missing and datetime.fromisoformat(missing),
            )

    def as_data(self) -> dict[str, Any]:
        """Return what another run has to know: the meters that have reported."""
        return {
            "alias": self._alias,
            "meters": {
                sid: {
                    "role": meter.role.value,
                    "last_seen": meter.last_seen.isoformat(),
                    "missing_since": meter.missing_since
                    and meter.missing_since.isoformat(),
                }
                for sid, meter in self._meters.items()
                if meter.reported and meter.last_seen is not None
            },
        }

    @property
    def meters(self) -> dict[str, MeterInfo]:
        """Return all meters, ghosts included, by sid."""
        return {
            sid: MeterInfo(
                hardware_id=sid,
                name=meter_name(sid),
                role=meter.role,
                power=meter.power,
                last_seen=meter.last_seen,
                ghost=self._ghost(sid, meter),
            )
            for sid, meter in self._meters.items()
        }

    @property
    def missing(self) -> dict[str, datetime]:
        """Return since when meters that have reported are silent or not listed any more."""
        return {
            sid: meter.missing_since
            for sid, meter in self._meters.items()
            if meter.missing_since is not None
        }

    @property
    def stamps(self) -> dict[str, datetime]:
        """Return the newest stamp, on our clock, of each meter that reports."""
        return {
            sid: meter.heard
            for sid, meter in self._meters.items()
            if meter.heard is not None
            and meter.listed
            and meter.missing_since is None
            and not self._ghost(sid, meter)
        }

    def reading(self, sid: str, now: datetime) -> PowerReading | None:
        """Return a meter's newest reading; None while the meter does not report."""
        meter = self._meters.get(sid)
        if (
            meter is None
            or not meter.listed
            or meter.power is None
            or meter.at is None
            or not self._fresh(meter, now)
        ):
            return None
        return PowerReading(meter.at, meter.power)

    def update(
        self, values: Iterable[CurrentValue], now: datetime
    ) -> tuple[dict[str, PowerReading], int]:
        """Take an answer for the whole account.

        Return the readings that are new by sid, and how many values made no sense.
        """
        listed = tuple(values)
        self._follow_clock(now)
        self._find_alias(listed, now)
        for meter in self._meters.values():
            meter.listed = False
        readings: dict[str, PowerReading] = {}
        nonsense = 0
        for value in listed:
            sid = INSTANT_METER if value.sid == self._alias else value.sid
            meter = self._meters.setdefault(sid, _Meter(role=value.role))
            meter.listed = True
            if value.nonsense is not None or _ahead(value, now):
                nonsense += 1
            elif (reading := self._take(meter, value, now)) is not None:
                readings[sid] = reading
        self.refresh(now)
        return readings, nonsense

    def update_instant(
        self, value: InstantValue, now: datetime
    ) -> tuple[dict[str, PowerReading], int]:
        """Take the household's power for the account's only meter, as `update` does."""
        self._follow_clock(now)
        sid = self.sole_meter
        assert sid is not None
        known = self._meters.get(sid)
        current = CurrentValue(
            sid=sid,
            cid="",
            role=MeterRole.GRID if known is None else known.role,
            power=value.power,
            at=value.at,
            age=value.age,
        )
        meter = self._meters.setdefault(sid, _Meter(role=current.role))
        meter.listed = True
        nonsense = _ahead(current, now)
        reading = None if nonsense else self._take(meter, current, now)
        self.refresh(now)
        return ({} if reading is None else {sid: reading}), int(nonsense)

    @property
    def sole_meter(self) -> str | None:
        """Return the meter that the household's power stands for, None where several do.

        Meters that fell silent long before the others do not count.
        """
        seen = {
            sid: meter.last_seen
            for sid, meter in self._meters.items()
            if meter.last_seen is not None and not self._ghost(sid, meter)
        }
        if not seen:
            return INSTANT_METER
        newest = max(seen.values())
        recent = [sid for sid, at in seen.items() if newest - at <= _TOGETHER]
        if len(recent) > 1 or self._meters[recent[0]].role is not MeterRole.GRID:
            return None
        return recent[0]

    def refresh(self, now: datetime) -> None:
        """Find the meters that went missing; forget those that are gone for good."""
        self._follow_clock(now)
        for sid, meter in list(self._meters.items()):
            if self._ghost(sid, meter) or (meter.listed and self._fresh(meter, now)):
                meter.missing_since = None
            elif meter.missing_since is None:
                meter.missing_since = now
            elif not meter.listed and now - meter.missing_since > FORGET_AFTER:
                del self._meters[sid]

    def next_stale(self) -> datetime | None:
        """Return when the next meter goes stale if nothing is heard any more."""
        return min(
            (heard + STALE_AFTER for heard in self.stamps.values()), default=None
        )

    def _follow_clock(self, now: datetime) -> None:
        """Forget what lies ahead of a clock that was set back."""
        latest = now + MAX_AHEAD
        for meter in self._meters.values():
            if any(
                stamp is not None and stamp > latest
                for stamp in (meter.at, meter.heard)
            ):
                meter.at = meter.heard = None
            if meter.last_seen is not None and meter.last_seen > latest:
                meter.last_seen = now
            if meter.missing_since is not None:
                meter.missing_since = min(meter.missing_since, now)

    def _take(
        self, meter: _Meter, value: CurrentValue, now: datetime
    ) -> PowerReading | None:
        """Take a value that makes sense; return its reading where it is a new one."""
        if value.at is None or value.power is None:
            return None
        if meter.at is not None and value.at <= meter.at:
            return None
        meter.at = meter.last_seen = value.at
        meter.power = value.power
        meter.heard = _on_our_clock(value.at, value.age, now)
        meter.reported = meter.reported or self._fresh(meter, now)
        return PowerReading(value.at, value.power) if meter.reported else None

    def _find_alias(self, values: Iterable[CurrentValue], now: datetime) -> None:
        """Find out which meter it was that only the household's power told of."""
        if self._alias is not None or INSTANT_METER not in self._meters:
            return
        reporting = [
            value
            for value in values
            if value.sid != _GHOST_SID
            and value.at is not None
            and now - value.at <= STALE_AFTER
        ]
        if len(reporting) == 1 and reporting[0].role is MeterRole.GRID:
            self._alias = reporting[0].sid

    def _fresh(self, meter: _Meter, now: datetime) -> bool:
        """Return whether a meter has reported lately."""
        return meter.heard is not None and now - meter.heard <= STALE_AFTER

    def _ghost(self, sid: str, meter: _Meter) -> bool:
        """Return whether the vendor lists something that is no meter that reports."""
        if sid == _GHOST_SID:
            return True
        return not meter.reported


def meter_name(sid: str) -> str:
    """Return what a meter is called until somebody names it."""
    return "Efergy" if sid == INSTANT_METER else f"Efergy {sid}"


def _ahead(value: CurrentValue, now: datetime) -> bool:
    """Return whether a stamp lies so far ahead that no slot would take the reading."""
    return value.at is not None and value.at > now + MAX_AHEAD


def _on_our_clock(at: datetime, age: timedelta | None, now: datetime) -> datetime:
    """Return a stamp of the vendor's clock on ours, which may differ by some seconds.

    The age is whole seconds, and is believed only where it nearly agrees with the stamp.
    """
    if age is None:
        return at
    skew = now - at - age
    return at + skew if _CLOCK_NOISE < abs(skew) <= STALE_AFTER else at
