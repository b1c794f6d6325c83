"""What rooms of this house hand each other: sources as they are stored, and histories of them."""

from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Collection,
    Mapping,
    Sequence,
)
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol, Self

from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from .const import (
    CONF_ACCOUNT,
    CONF_ENTITY,
    CONF_HARDWARE,
    CONF_IMPORT_FROM,
    CONF_KIND,
    CONF_MODULES,
    CONF_REVISIONS,
    CONF_ROLE,
    CONF_ROOMS,
    CONF_SENSORS,
    CONF_SINCE,
    CONF_SOURCE_ID,
    SourceKind,
)
from .heating.records import ModuleRecord, RoomRecord
from .metering.backfill_plan import Chunk
from .metering.gap_fill import Answer
from .metering.gaps import Gap
from .metering.model import MeterRole
from .metering.periods import SlotRow
from .metering.room_history import RoomAnswer, RoomCall
from .sensing.records import SensorRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """What a source reads from, from `since` (aware, UTC) on.

    Vendor kinds have `account` (the account's own id) and `hardware_id`; the kind `entity`
    has `entity` (the entity registry's id, or the entity id of an unregistered one).
    """

    since: datetime
    kind: SourceKind
    account: str | None = None
    hardware_id: str | None = None
    entity: str | None = None

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """Read a revision as it is stored."""
        since = dt_util.parse_datetime(data[CONF_SINCE], raise_on_error=True)
        return cls(
            since=dt_util.as_utc(since),
            kind=SourceKind(data[CONF_KIND]),
            account=data.get(CONF_ACCOUNT),
            hardware_id=data.get(CONF_HARDWARE),
            entity=data.get(CONF_ENTITY),
        )

    @property
    def hardware(self) -> str:
        """Return what tells this hardware from any other, its kind first."""
        return f"{self.kind}:{self.account or ''}:{self.hardware_id or self.entity}"

    def as_data(self) -> dict[str, Any]:
        """Return the revision as it is stored."""
        data: dict[str, Any] = {
            CONF_SINCE: self.since.isoformat(),
            CONF_KIND: self.kind.value,
        }
        if self.account is not None:
            data[CONF_ACCOUNT] = self.account
        if self.hardware_id is not None:
            data[CONF_HARDWARE] = self.hardware_id
        if self.entity is not None:
            data[CONF_ENTITY] = self.entity
        return data


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A source of a home: who it is, and the hardware it read from over time.

    `import_from` is the day from which its past is to be imported, None where it is not.
    """

    source_id: str
    name: str
    revisions: tuple[Revision, ...]
    import_from: date | None = None

    def current(self, now: datetime) -> Revision:
        """Return the newest revision that has begun, else the first."""
        begun = [revision for revision in self.revisions if revision.since <= now]
        return begun[-1] if begun else self.revisions[0]

    def until(self, end: datetime) -> Revision:
        """Return the revision of the time that ends at an instant."""
        return self.current(end - timedelta.resolution)

    def next_change(self, now: datetime) -> datetime | None:
        """Return when the next revision begins, or None."""
        return next((r.since for r in self.revisions if r.since > now), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterSource(Source):
    """A meter of a home."""

    role: MeterRole

    @classmethod
    def from_subentry(cls, subentry: ConfigSubentry) -> Self:
        """Read a meter from its subentry."""
        return cls(
            source_id=subentry.data[CONF_SOURCE_ID],
            name=subentry.title,
            role=MeterRole(subentry.data[CONF_ROLE]),
            revisions=_revisions(subentry.data),
            import_from=_import_from(subentry.data),
        )

    def as_data(self) -> dict[str, Any]:
        """Return the subentry's data; the name is its title."""
        return {
            CONF_SOURCE_ID: self.source_id,
            CONF_ROLE: self.role.value,
            CONF_REVISIONS: [revision.as_data() for revision in self.revisions],
            **_import_data(self),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatingSource(Source):
    """A Netatmo home that heats a home of ours; gone rooms and modules are kept on record."""

    rooms: tuple[RoomRecord, ...] = ()
    modules: tuple[ModuleRecord, ...] = ()

    @classmethod
    def from_subentry(cls, subentry: ConfigSubentry) -> Self:
        """Read a heating from its subentry."""
        return cls(
            source_id=subentry.data[CONF_SOURCE_ID],
            name=subentry.title,
            revisions=_revisions(subentry.data),
            import_from=_import_from(subentry.data),
            rooms=tuple(map(RoomRecord.from_data, subentry.data[CONF_ROOMS])),
            modules=tuple(map(ModuleRecord.from_data, subentry.data[CONF_MODULES])),
        )

    def as_data(self) -> dict[str, Any]:
        """Return the subentry's data; the name is its title."""
        return {
            CONF_SOURCE_ID: self.source_id,
            CONF_REVISIONS: [revision.as_data() for revision in self.revisions],
            CONF_ROOMS: [room.as_data() for room in self.rooms],
            CONF_MODULES: [module.as_data() for module in self.modules],
            **_import_data(self),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorsSource(Source):
    """A host of sensors that are no meters; what does not report stays on record."""

    sensors: tuple[SensorRecord, ...] = ()

    @classmethod
    def from_subentry(cls, subentry: ConfigSubentry) -> Self:
        """Read a host of sensors from its subentry."""
        return cls(
            source_id=subentry.data[CONF_SOURCE_ID],
            name=subentry.title,
            revisions=_revisions(subentry.data),
            sensors=tuple(map(SensorRecord.from_data, subentry.data[CONF_SENSORS])),
        )

    def as_data(self) -> dict[str, Any]:
        """Return the subentry's data; the name is its title."""
        return {
            CONF_SOURCE_ID: self.source_id,
            CONF_REVISIONS: [revision.as_data() for revision in self.revisions],
            CONF_SENSORS: [sensor.as_data() for sensor in self.sensors],
        }


class Problem(StrEnum):
    """Why a history cannot be asked or stored now: what a repair or a backfill waits for."""

    ACCOUNT = "account"
    CALL_LIMIT = "call_limit"
    CLOUD = "cloud"
    CREDENTIALS = "credentials"
    HOME = "home"
    LEDGER = "ledger"
    NONSENSE = "nonsense"
    RECORDER = "recorder"


class NotNowError(Exception):
    """A history cannot be asked or stored now, for a reason that people are told."""

    def __init__(self, problem: Problem) -> None:
        """Keep the reason."""
        super().__init__(problem.value)
        self.problem = problem


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryAnswer[A = Answer]:
    """What a history answered, of a meter (energies in micro-Wh) or of a room (°C).

    Of `asked` it is all that there is: what `answers` and `slots` leave of these gaps nobody
    knows, and they need not be asked for again. `problem` says why nothing more can be asked
    now.
    """

    answers: Sequence[A] = ()
    slots: Sequence[SlotRow] = ()
    """What is known slot by slot, each as it came about."""

    asked: Sequence[Gap] = ()
    """Newest first."""

    origin: str = ""
    """Which of several histories knew it, as people are told."""

    calls: int = 0
    """How many calls of an account it took."""

    half_unit: int = 0
    """By how much a number may be off by rounding."""

    problem: Problem | None = None


class HistoryReader(Protocol):
    """Reads what somebody keeps of a meter's energy, for backfills and for repairs.

    A backfill asks chunk by chunk; its questions raise CloudError by kind and NotNowError. A
    repair asks for gaps, and is told of a problem by the last answer.
    """

    @property
    def exists(self) -> bool:
        """Return whether there is still something that can be asked at all."""

    async def async_first(self) -> datetime | None:
        """Return when the history begins, None where nobody can say."""

    async def async_chunk(
        self, chunk: Chunk, origins: Collection[str] = ()
    ) -> HistoryAnswer:
        """Return what is known of a chunk; answers may reach beyond it.

        `origins` are those that have known something of later chunks.
        """

    def async_gaps(
        self, gaps: Sequence[Gap], asked: Sequence[Gap]
    ) -> AsyncGenerator[HistoryAnswer]:
        """Yield what is known of gaps, newest first, an answer for each part of them.

        An answer is to be stored before the next one is asked for. `asked` are gaps, in no
        order, for which this or another history was asked before.
        """


type OpenHistory = Callable[[HomeAssistant, MeterSource, Revision], HistoryReader]
"""Opens the history of a meter in the time of a revision.

Raises NotNowError where that cannot be asked now.
"""

type AskRoom = Callable[[RoomCall], Awaitable[HistoryAnswer[RoomAnswer]]]
"""Asks for the temperatures of a room in the span of a call.

The answer says why there are none now; it raises nothing.
"""

type OpenRoomHistory = Callable[[Revision], AskRoom | None]
"""Opens the history of a room in the time of a revision; None where the room was not there.

Raises NotNowError where that cannot be asked now.
"""


def hardware_kind(hardware: str) -> SourceKind:
    """Return the kind of what a revision's `hardware` tells from any other."""
    return SourceKind(hardware.partition(":")[0])


def _revisions(data: Mapping[str, Any]) -> tuple[Revision, ...]:
    """Return a source's revisions in the order of time."""
    return tuple(
        sorted(
            map(Revision.from_data, data[CONF_REVISIONS]),
            key=lambda revision: revision.since,
        )
    )


def _import_from(data: Mapping[str, Any]) -> date | None:
    """Return the day from which a source's past is to be imported."""
    day = data.get(CONF_IMPORT_FROM)
    return None if day is None else date.fromisoformat(day)


def _import_data(source: Source) -> dict[str, str]:
    """Return the day from which a source's past is to be imported, as it is stored."""
    if source.import_from is None:
        return {}
    return {CONF_IMPORT_FROM: source.import_from.isoformat()}
