"""What of a home has a past that somebody can be asked for, and who that is."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final

from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util

from ..accounts.efergy.hub import EfergyHub
from ..accounts.registry import DATA_ACCOUNTS, AccountState
from ..const import SourceKind
from ..ledger import Ledger
from ..ledger.codes import from_seconds, seconds
from ..ledger.opening import DATA_LEDGER
from ..metering.model import slot_start
from ..metering.periods import SLOT_S
from ..models import MeterSource, Revision
from ..rooms.coordinator import HeatingCoordinator
from .efergy import HOUSEHOLD, METER, EfergyPast
from .entity import EntityPast
from .job import Job
from .problem import NotNowError, Problem, account_problem
from .reader import MeterHistory, MeterPast, PastReader
from .repair import DATA_REPAIR
from .repaired import RIPE
from .room_backfill import RoomPast

if TYPE_CHECKING:
    from ..homes.home import Home

LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Nobody has anything from before."""

TELLS: Final = frozenset({SourceKind.EFERGY, SourceKind.ENTITY})
"""What knows of its own past; boards and hosts forget what they have sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """A meter, or a room of a heating, under our own id.

    `import_from` is the day from which its past was wanted when it was added.
    """

    thing_id: str
    name: str
    import_from: date | None
    of: MeterSource | HeatingCoordinator

    @property
    def is_meter(self) -> bool:
        """Return whether it is a meter, and no room."""
        return isinstance(self.of, MeterSource)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPast:
    """Who is asked for a past, and since when that was what measured."""

    reader: PastReader
    since: datetime = LONG_AGO


def things_of(home: Home) -> list[Thing]:
    """Return the meters and rooms of a home whose past somebody can be asked for."""
    return [
        Thing(
            thing_id=source.source_id,
            name=source.name,
            import_from=source.import_from,
            of=source,
        )
        for source in home.sources.values()
        if any(revision.kind in TELLS for revision in source.revisions)
    ] + [
        Thing(
            thing_id=room.room_id,
            name=room.name,
            import_from=heating.source.import_from,
            of=heating,
        )
        for heating in home.heating.values()
        for room in heating.rooms
    ]


async def async_end(ledger: Ledger, thing: Thing, until: datetime | None) -> datetime:
    """Return where a thing's past ends: where it was ours first, or before `until`.

    No vendor is asked for what has only just been: repairs of holes do that. Raises
    LedgerError.
    """
    if thing.is_meter:
        ours = await ledger.async_live_from(thing.thing_id)
    else:
        ours = (await ledger.async_load_room(thing.thing_id)).first
    asked = until and from_seconds(-(-seconds(until) // SLOT_S) * SLOT_S)
    ends = (ours, asked, slot_start(dt_util.utcnow() - RIPE))
    return min(end for end in ends if end is not None)


def open_past(
    hass: HomeAssistant, home: Home, thing: Thing, job: Job
) -> OpenPast | None:
    """Return who is asked for what is before a job's newest instant; None: nobody.

    Raises NotNowError where the account cannot be asked now.
    """
    source = thing.of
    if isinstance(source, HeatingCoordinator):
        return OpenPast(
            reader=RoomPast(
                hass.data[DATA_LEDGER],
                hass.data[DATA_REPAIR].rooms,
                source,
                thing.thing_id,
            )
        )
    assert job.begin is not None
    revision = source.until(job.begin)
    if (history := _history(hass, source, revision, job)) is None:
        return None
    reader = MeterPast(hass.data[DATA_LEDGER], home, source.source_id, history)
    if revision is source.revisions[0]:
        return OpenPast(reader=reader)
    return OpenPast(reader=reader, since=slot_start(revision.since))


def _history(
    hass: HomeAssistant, source: MeterSource, revision: Revision, job: Job
) -> MeterHistory | None:
    """Return who knows what a meter measured with the hardware of a revision."""
    if revision.kind is SourceKind.ENTITY:
        entity_id = er.async_resolve_entity_id(
            er.async_get(hass), revision.entity or ""
        )
        return None if entity_id is None else EntityPast(hass, entity_id)
    if revision.kind is not SourceKind.EFERGY:
        return None
    hub = hass.data[DATA_ACCOUNTS].get(revision.account or "")
    if not isinstance(hub, EfergyHub):
        raise NotNowError(Problem.ACCOUNT)
    if hub.state is not AccountState.CONNECTED:
        raise NotNowError(account_problem(hub.state))
    return EfergyPast(
        hub,
        revision.hardware_id or "",
        source.role,
        newest_s=seconds(dt_util.utcnow() - RIPE),
        household_first=HOUSEHOLD in job.filled and METER not in job.filled,
    )
