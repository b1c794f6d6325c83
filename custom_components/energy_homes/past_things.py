"""What of a home has a past that somebody can be asked for, and who that is."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from homeassistant.util import dt as dt_util

from .accounts.efergy import EfergyHub
from .accounts.registry import AccountState
from .const import SourceKind
from .history import RIPE
from .ledger import Ledger, source_key
from .ledger.codes import from_seconds, seconds
from .metering.model import slot_start
from .metering.periods import SLOT_S
from .models import MeterSource, Revision
from .past_efergy import HOUSEHOLD, METER, EfergyPast
from .past_job import Job, Problem
from .past_reader import MeterHistory, MeterPast, NotNowError, PastReader

if TYPE_CHECKING:
    from .home import Home
    from .homes import Homes

EARLIEST_SINCE: Final = datetime.min.replace(tzinfo=dt_util.UTC)

_MICROSECOND: Final = timedelta(microseconds=1)

_PROBLEMS: Final = {
    AccountState.AUTH: Problem.CREDENTIALS,
    AccountState.QUOTA: Problem.CALL_LIMIT,
    AccountState.OUTAGE: Problem.CLOUD,
}

TELLS: Final = frozenset({SourceKind.EFERGY})
"""What knows of its own past; boards and hosts forget what they have sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """A meter of a home, under our own id, with the day from which its past is wanted."""

    thing_id: str
    name: str
    import_from: date | None
    source: MeterSource


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPast:
    """Who is asked for a past, and since when that was what was measured with."""

    reader: PastReader
    since: datetime


def things_of(home: Home) -> list[Thing]:
    """Return what of a home has a past that somebody can be asked for."""
    return [
        Thing(
            thing_id=source.source_id,
            name=source.name,
            import_from=source.import_from,
            source=source,
        )
        for source in home.sources.values()
        if any(revision.kind in TELLS for revision in source.revisions)
    ]


async def async_end(ledger: Ledger, thing: Thing, until: datetime | None) -> datetime:
    """Return where a thing's past ends: where it was ours first, or before `until`.

    No vendor is asked for what has only just been: repairs of holes do that. Raises
    LedgerError.
    """
    end = slot_start(dt_util.utcnow() - RIPE)
    live_from = await ledger.async_first_slot(source_key(thing.thing_id))
    if live_from is not None:
        end = min(end, live_from)
    if until is None:
        return end
    return min(end, from_seconds(-(-seconds(until) // SLOT_S) * SLOT_S))


def open_past(homes: Homes, home: Home, thing: Thing, job: Job) -> OpenPast | None:
    """Return who is asked for what is before a job's newest instant; None: nobody.

    Raises NotNowError where the account cannot be asked now.
    """
    assert job.begin is not None
    source = thing.source
    revision = source.current(job.begin - _MICROSECOND)
    first = revision is source.revisions[0]
    history = _history(homes, source, revision, job)
    if history is None:
        return None
    return OpenPast(
        reader=MeterPast(homes.ledger, home, source.source_id, history),
        since=EARLIEST_SINCE if first else slot_start(revision.since),
    )


def _history(
    homes: Homes, source: MeterSource, revision: Revision, job: Job
) -> MeterHistory | None:
    """Return who knows what a meter measured with the hardware of a revision."""
    if revision.kind is not SourceKind.EFERGY:
        return None
    hub = homes.accounts.get(revision.account or "")
    if not isinstance(hub, EfergyHub):
        raise NotNowError(Problem.ACCOUNT)
    if hub.state is not AccountState.CONNECTED:
        raise NotNowError(_PROBLEMS.get(hub.state, Problem.ACCOUNT))
    return EfergyPast(
        hub,
        revision.hardware_id or "",
        source.role,
        newest_s=seconds(dt_util.utcnow() - RIPE),
        household_first=HOUSEHOLD in job.filled and METER not in job.filled,
    )
