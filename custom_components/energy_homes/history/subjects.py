"""The meters and rooms of a home that can be backfilled, and the backfill of each."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from ..homes.home import Home
from ..ledger import Ledger
from ..ledger.codes import from_seconds, seconds
from ..ledger.opening import DATA_LEDGER
from ..metering.gap_plan import RIPE
from ..metering.model import slot_start
from ..metering.periods import SLOT_S
from ..models import MeterSource
from ..rooms.coordinator import HeatingCoordinator
from .job import Job
from .meter_backfill import MeterBackfill
from .meter_slots import MeterSlots
from .readers import keeps_history, open_history
from .repair import DATA_REPAIR
from .room_backfill import RoomBackfill
from .step import SubjectBackfill

LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Nobody has anything from before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A meter, or a room of a heating, under our own id.

    `import_from` is the day from which its past was wanted when it was added.
    """

    subject_id: str
    name: str
    import_from: date | None
    of: MeterSource | HeatingCoordinator

    @property
    def is_meter(self) -> bool:
        """Return whether it is a meter, and no room."""
        return isinstance(self.of, MeterSource)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenBackfill:
    """The backfill of the time in which one hardware measured, from `since` on."""

    steps: SubjectBackfill
    since: datetime = LONG_AGO


def subjects_of(home: Home) -> list[Subject]:
    """Return the meters and rooms of a home that somebody keeps a history of."""
    return [
        Subject(
            subject_id=source.source_id,
            name=source.name,
            import_from=source.import_from,
            of=source,
        )
        for source in home.sources.values()
        if any(map(keeps_history, source.revisions))
    ] + [
        Subject(
            subject_id=room.room_id,
            name=room.name,
            import_from=heating.source.import_from,
            of=heating,
        )
        for heating in home.heating.values()
        for room in heating.rooms
    ]


async def async_end(
    ledger: Ledger, subject: Subject, until: datetime | None
) -> datetime:
    """Return where a subject's past ends: where it was ours first, or before `until`.

    No vendor is asked for what has only just been: repairs of gaps do that. Raises
    LedgerError.
    """
    if subject.is_meter:
        ours = ledger.sources.live_from(subject.subject_id)
    else:
        ours = (await ledger.rooms.async_load(subject.subject_id)).first
    asked = until and from_seconds(-(-seconds(until) // SLOT_S) * SLOT_S)
    ends = (ours, asked, slot_start(dt_util.utcnow() - RIPE))
    return min(end for end in ends if end is not None)


def open_backfill(
    hass: HomeAssistant, home: Home, subject: Subject, job: Job
) -> OpenBackfill | None:
    """Return the backfill of what is before a job's newest instant; None: nobody knows it.

    Raises NotNowError where the account cannot be asked now.
    """
    source = subject.of
    ledger = hass.data[DATA_LEDGER]
    if isinstance(source, HeatingCoordinator):
        rooms = hass.data[DATA_REPAIR].rooms
        return OpenBackfill(
            steps=RoomBackfill(ledger, rooms, source, subject.subject_id)
        )
    assert job.begin is not None
    revision = source.until(job.begin)
    history = open_history(hass, source, revision)
    if history is None or not history.exists:
        return None
    slots = MeterSlots(ledger, home.coordinator, source.source_id)
    steps = MeterBackfill(slots, history, job.filled)
    if revision is source.revisions[0]:
        return OpenBackfill(steps=steps)
    return OpenBackfill(steps=steps, since=slot_start(revision.since))
