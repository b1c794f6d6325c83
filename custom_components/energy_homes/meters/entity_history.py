"""What Home Assistant itself recorded of an entity: its states, and long-term statistics.

All of it is read in the recorder's executor; where no recorder runs nothing is known. The
coroutines raise SQLAlchemyError where the database cannot answer now.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise, zip_longest
from typing import Final, Literal

from homeassistant.components.recorder import DOMAIN as RECORDER_DOMAIN, get_instance
from homeassistant.components.recorder.db_schema import RecorderRuns
from homeassistant.components.recorder.history import state_changes_during_period
from homeassistant.components.recorder.models import (
    StatisticMeanType,
    StatisticMetaData,
)
from homeassistant.components.recorder.statistics import (
    get_metadata,
    statistics_during_period,
)
from homeassistant.const import UnitOfEnergy, UnitOfPower
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers.recorder import session_scope
from homeassistant.util import dt as dt_util
from homeassistant.util.unit_conversion import EnergyConverter, PowerConverter
from sqlalchemy import or_, select

from ..metering.gap_fill import Answer
from ..metering.model import Reading, Slot
from ..metering.replay import RecordedState, readings, replayed
from ..metering.statistic_answers import Rows, finest, mean_answers, sum_answers
from ..statistics.reading import async_has_recorder
from .entity_source import counted_kwh, power_w

LOOKS_BACK: Final = (timedelta(hours=1), timedelta(days=1), timedelta(days=30))
"""How far back is looked for what held at the begin of a span, until something is found.

An entity that changes rarely has few states there, and one that changes often is found at
once. The recorder keeps ten days of them unless somebody has changed that.
"""

MOST_AFTER: Final = 10
"""So many states after a span are looked at for where a counter had got to."""

HOUR_S: Final = 3600
WINDOW_S: Final = 300
FIRST_YEAR: Final = 1990

UNITS: Final[dict[str, str]] = {
    EnergyConverter.UNIT_CLASS: UnitOfEnergy.KILO_WATT_HOUR,
    PowerConverter.UNIT_CLASS: UnitOfPower.WATT,
}


async def async_entity_slots(
    hass: HomeAssistant, entity_id: str, begin: datetime, end: datetime
) -> list[Slot]:
    """Return the slots of `[begin, end)` that recorded states of an entity make known.

    The states go through the same slotters as those of an entity that is listened to: a
    power holds until the next state, a counter counts by difference with the rules of its
    dial. What is unavailable or unknown, and Home Assistant's own absence, end what holds.
    """
    if not async_has_recorder(hass):
        return []
    return await get_instance(hass).async_add_executor_job(
        _read_slots,
        hass,
        entity_id,
        hass.states.get(entity_id),
        begin,
        min(end, dt_util.utcnow()),
    )


async def async_entity_readings(
    hass: HomeAssistant, entity_id: str, begin: datetime, end: datetime
) -> list[Reading]:
    """Return the readings in `(begin, end)` that recorded states of an entity are, in order."""
    if not async_has_recorder(hass):
        return []
    return await get_instance(hass).async_add_executor_job(
        _read_readings, hass, entity_id, begin, end
    )


async def async_statistic_answers(
    hass: HomeAssistant, statistic_id: str, begin: datetime, end: datetime
) -> list[Answer]:
    """Return what statistics know of an energy in `[begin, end)`, in order of time.

    `statistic_id` is an entity's or an external one (`domain:name`), with sums of energy or
    means of power in any unit; of any other nothing is known. An answer is of an hour, or
    of five minutes where those are kept; an hour of which only some are kept has both, as
    `gap_fill.fill` takes them. Hours that have no row are one answer with the next one that
    has. Rows that the span cuts are given whole.

    The recorder goes on with what it knew last while Home Assistant is off or an entity
    unavailable: such an hour reads 0 or the last power here, and a counter's energy is in
    the hour after it.
    """
    if not async_has_recorder(hass):
        return []
    return await get_instance(hass).async_add_executor_job(
        _read_answers, hass, statistic_id, begin, end
    )


async def async_statistic_first(
    hass: HomeAssistant, statistic_id: str
) -> datetime | None:
    """Return the start of the first hour of a statistic of energy or power, None without one."""
    if not async_has_recorder(hass):
        return None
    return await get_instance(hass).async_add_executor_job(
        _read_first, hass, statistic_id, dt_util.utcnow().year
    )


def _read_slots(
    hass: HomeAssistant,
    entity_id: str,
    present: State | None,
    begin: datetime,
    end: datetime,
) -> list[Slot]:
    """Return the known slots of a span; `present` is the entity's state now."""
    before = _before(hass, entity_id, begin)
    during = _changes(hass, entity_id, begin, end)
    after = _changes(hass, entity_id, end, None, MOST_AFTER)
    recorded = [*before, *during, *after]
    if not recorded:
        return []
    if present is not None and len(after) < MOST_AFTER:
        # The recorder writes down when a state was reported last only with the next one.
        if present.last_updated == recorded[-1].last_updated:
            recorded[-1] = present
        elif present.last_updated > recorded[-1].last_updated:
            recorded.append(present)
    reported = list(_reported(recorded, _absences(hass, recorded[0].last_updated)))
    return replayed(readings(reported, max(end, reported[-1].at)), begin, end)


def _read_readings(
    hass: HomeAssistant, entity_id: str, begin: datetime, end: datetime
) -> list[Reading]:
    """Return the readings in a span."""
    recorded = [
        *_before(hass, entity_id, begin),
        *_changes(hass, entity_id, begin, end),
    ]
    if not recorded:
        return []
    reported = _reported(recorded, _absences(hass, recorded[0].last_updated))
    return [reading for reading in readings(reported, end) if begin < reading.at < end]


def _before(hass: HomeAssistant, entity_id: str, begin: datetime) -> list[State]:
    """Return recorded states up to an instant, from one that is a number on."""
    found: list[State] = []
    for back in LOOKS_BACK:
        found = _changes(
            hass, entity_id, begin - back, begin + timedelta(microseconds=1)
        )
        if any(map(_says_something, found)):
            break
    return found


def _changes(
    hass: HomeAssistant,
    entity_id: str,
    begin: datetime,
    end: datetime | None,
    most: int | None = None,
) -> list[State]:
    """Return the states that were recorded after `begin` and before `end`."""
    return state_changes_during_period(
        hass, begin, end, entity_id, limit=most, include_start_time_state=False
    ).get(entity_id, [])


def _says_something(state: State) -> bool:
    """Return whether a state is a power or what a counter shows."""
    return power_w(state) is not None or counted_kwh(state) is not None


def _reported(
    recorded: list[State], absences: list[tuple[datetime | None, datetime]]
) -> Iterator[RecordedState]:
    """Yield what states reported, and where Home Assistant went away, in order of time."""
    for state, following in zip_longest(recorded, recorded[1:]):
        yield RecordedState(
            state.last_updated,
            power_w(state),
            counted_kwh(state),
            until=state.last_reported,
        )
        for left, back in absences:
            # Nobody knows when a Home Assistant that was killed was there last.
            gone = state.last_reported if left is None else left
            if state.last_updated < back and (
                following is None or following.last_updated >= back
            ):
                yield RecordedState(max(gone, state.last_reported))
                break


def _absences(
    hass: HomeAssistant, since: datetime
) -> list[tuple[datetime | None, datetime]]:
    """Return when Home Assistant went (None: it was killed) and when it was back."""
    with session_scope(hass=hass, read_only=True) as session:
        runs = session.execute(
            select(RecorderRuns.start, RecorderRuns.end, RecorderRuns.closed_incorrect)
            .where(or_(RecorderRuns.end.is_(None), RecorderRuns.end >= since))
            .order_by(RecorderRuns.start)
        ).all()
    return [
        (None if killed else _utc(end), _utc(back) or since)
        for (_, end, killed), (back, _, _) in pairwise(runs)
    ]


def _utc(at: datetime | None) -> datetime | None:
    """Return an instant of the database, which leaves out that it is UTC."""
    return at if at is None or at.tzinfo else at.replace(tzinfo=UTC)


def _read_answers(
    hass: HomeAssistant, statistic_id: str, begin: datetime, end: datetime
) -> list[Answer]:
    """Return what statistics know of a span."""
    if (metadata := _metadata(hass, statistic_id)) is None:
        return []
    begin = begin.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    hours = _answers(hass, metadata, "hour", begin, end)
    return finest(hours, _answers(hass, metadata, "5minute", begin, end))


def _answers(
    hass: HomeAssistant,
    metadata: StatisticMetaData,
    period: Literal["5minute", "hour"],
    begin: datetime,
    end: datetime,
) -> list[Answer]:
    """Return what the rows of one length say of a span."""
    length_s = HOUR_S if period == "hour" else WINDOW_S
    if not metadata["has_sum"]:
        return mean_answers(_rows(hass, metadata, period, begin, end), length_s)
    rows = _rows(hass, metadata, period, begin - timedelta(seconds=length_s), end)
    first_s = int(begin.timestamp())
    from_zero = False
    if rows and period == "hour" and min(rows) >= first_s:
        # Sums that others have brought begin at zero; the recorder's own in mid-hour.
        for back in (timedelta(days=1), timedelta(days=60), begin - _year(FIRST_YEAR)):
            if earlier := _rows(hass, metadata, "hour", begin - back, begin):
                last_s = max(earlier)
                rows = {last_s: earlier[last_s], **rows}
                break
        else:
            from_zero = metadata["source"] != RECORDER_DOMAIN
    return [
        answer
        for answer in sum_answers(rows, length_s, from_zero=from_zero)
        if answer.end_s > first_s
    ]


def _rows(
    hass: HomeAssistant,
    metadata: StatisticMetaData,
    period: Literal["5minute", "hour"],
    begin: datetime,
    end: datetime,
) -> Rows:
    """Return the sum in kWh, or the mean power in W, of each row that begins in a span."""
    kind: Literal["sum", "mean"] = "sum" if metadata["has_sum"] else "mean"
    statistic_id = metadata["statistic_id"]
    found = statistics_during_period(
        hass, begin, end, {statistic_id}, period, UNITS, {kind}
    )
    return {
        int(row["start"]): value
        for row in found.get(statistic_id, [])
        if (value := row.get(kind)) is not None
    }


def _read_first(hass: HomeAssistant, statistic_id: str, year: int) -> datetime | None:
    """Return the start of the first hourly row; years are looked at one by one."""
    if (metadata := _metadata(hass, statistic_id)) is None:
        return None
    for one in range(FIRST_YEAR, year + 2):
        if rows := _rows(hass, metadata, "hour", _year(one), _year(one + 1)):
            return dt_util.utc_from_timestamp(min(rows))
    return None


def _year(year: int) -> datetime:
    """Return the begin of a year."""
    return datetime(year, 1, 1, tzinfo=UTC)


def _metadata(hass: HomeAssistant, statistic_id: str) -> StatisticMetaData | None:
    """Return the metadata of a statistic of energy sums or mean powers, else None."""
    _, metadata = get_metadata(hass, statistic_ids={statistic_id}).get(
        statistic_id, (None, None)
    )
    if metadata is None:
        return None
    unit, unit_class = metadata["unit_of_measurement"], metadata["unit_class"]
    if metadata["has_sum"]:
        usable = unit_class == EnergyConverter.UNIT_CLASS and (
            unit in EnergyConverter.VALID_UNITS
        )
    else:
        usable = (
            metadata["mean_type"] is StatisticMeanType.ARITHMETIC
            and unit_class == PowerConverter.UNIT_CLASS
            and unit in PowerConverter.VALID_UNITS
        )
    return metadata if usable else None
