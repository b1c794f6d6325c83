"""What the recorder knows of our entities, in kWh, °C and W whatever unit they are shown in.

What is not `async_` reads the database: call it in the recorder's executor.
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
import math
from typing import Final, Literal

from homeassistant.components.recorder import (
    DOMAIN as RECORDER_DOMAIN,
    get_instance,
    is_entity_recorded,
)
from homeassistant.components.recorder.history import get_last_state_changes
from homeassistant.components.recorder.models import (
    StatisticData,
    StatisticMeanType,
    StatisticMetaData,
)
from homeassistant.components.recorder.statistics import (
    StatisticsRow,
    get_last_short_term_statistics,
    get_last_statistics,
    get_metadata,
    statistics_during_period,
)
from homeassistant.components.recorder.tasks import SynchronizeTask
from homeassistant.const import (
    ATTR_UNIT_OF_MEASUREMENT,
    UnitOfEnergy,
    UnitOfPower,
    UnitOfTemperature,
)
from homeassistant.core import HomeAssistant, State, callback
from homeassistant.helpers.recorder import DATA_INSTANCE
from homeassistant.util import dt as dt_util
from homeassistant.util.unit_conversion import (
    BaseUnitConverter,
    EnergyConverter,
    PowerConverter,
    TemperatureConverter,
)

from ..ledger import HourlyMean
from ..metering.reconcile import Row

LONG_AGO: Final = datetime(1970, 1, 2, tzinfo=UTC)

RECENT_STATES: Final = 10
"""How many states are looked at for a number where the newest is none."""


@dataclass(frozen=True, slots=True)
class Statistic:
    """A statistic of energy sums: its metadata and its newest 5-minute row."""

    metadata: StatisticMetaData
    latest: Row

    def as_data(self, rows: Iterable[Row]) -> list[StatisticData]:
        """Return rows as they are imported: in the unit that the statistic is kept in."""
        convert = EnergyConverter.converter_factory(
            UnitOfEnergy.KILO_WATT_HOUR, self.metadata["unit_of_measurement"]
        )
        return [
            {"start": row.start, "state": convert(row.state), "sum": convert(row.sum)}
            for row in rows
        ]


@dataclass(frozen=True, slots=True)
class MeanKind:
    """What a statistic of means is of, and the unit in which we speak of it."""

    converter: type[BaseUnitConverter]
    unit: str

    @property
    def units(self) -> dict[str, str]:
        """Return what the recorder is asked in, whatever unit the user has chosen."""
        assert self.converter.UNIT_CLASS is not None
        return {self.converter.UNIT_CLASS: self.unit}


TEMPERATURE: Final = MeanKind(TemperatureConverter, UnitOfTemperature.CELSIUS)
POWER: Final = MeanKind(PowerConverter, UnitOfPower.WATT)


@dataclass(frozen=True, slots=True)
class MeanStatistic:
    """A statistic of means: its metadata and the start of its newest 5-minute row."""

    kind: MeanKind
    metadata: StatisticMetaData
    latest: datetime

    def as_data(self, rows: Iterable[HourlyMean]) -> list[StatisticData]:
        """Return rows as they are imported: in the unit that the statistic is kept in."""
        convert = self.kind.converter.converter_factory(
            self.kind.unit, self.metadata["unit_of_measurement"]
        )
        return [
            {
                "start": row.start,
                "mean": convert(row.mean),
                "min": convert(row.low),
                "max": convert(row.high),
            }
            for row in rows
        ]


@callback
def async_has_recorder(hass: HomeAssistant) -> bool:
    """Return whether a recorder runs that can be asked."""
    return DATA_INSTANCE in hass.data and get_instance(hass).is_running


@callback
def async_can_record(hass: HomeAssistant, entity_id: str) -> bool:
    """Return whether the recorder runs and keeps this entity."""
    return async_has_recorder(hass) and is_entity_recorded(hass, entity_id)


async def async_recorder_done(hass: HomeAssistant) -> None:
    """Wait until the recorder has done and committed all that it was asked for so far.

    Its own `async_block_till_done` does not wait for the task that it is at.
    """
    done: asyncio.Future[None] = hass.loop.create_future()
    get_instance(hass).queue_task(SynchronizeTask(done))
    await done


def read_statistic(hass: HomeAssistant, entity_id: str) -> Statistic | None:
    """Return an entity's statistic, or None where there is none of energy sums yet."""
    if (metadata := _energy_metadata(hass, entity_id)) is None:
        return None
    rows = get_last_short_term_statistics(hass, 1, entity_id, False, {"state", "sum"})
    latest = _as_rows(rows.get(entity_id, []), metadata["unit_of_measurement"])
    return Statistic(metadata, latest[0]) if latest else None


def read_rows(
    hass: HomeAssistant,
    entity_id: str,
    period: Literal["5minute", "hour"],
    start: datetime = LONG_AGO,
    end: datetime | None = None,
) -> list[Row]:
    """Return the rows of `[start, end)`, oldest first."""
    rows = statistics_during_period(
        hass,
        start,
        end,
        {entity_id},
        period,
        {EnergyConverter.UNIT_CLASS: UnitOfEnergy.KILO_WATT_HOUR},
        {"state", "sum"},
    )
    return _as_rows(rows.get(entity_id, []), UnitOfEnergy.KILO_WATT_HOUR)


def read_mean_statistic(
    hass: HomeAssistant, entity_id: str, kind: MeanKind
) -> MeanStatistic | None:
    """Return an entity's statistic, or None where there is none of such means yet."""
    metadata = _metadata(hass, entity_id, kind.converter)
    if metadata is None or metadata["mean_type"] is not StatisticMeanType.ARITHMETIC:
        return None
    rows = get_last_short_term_statistics(hass, 1, entity_id, False, {"mean"})
    if not (found := rows.get(entity_id)):
        return None
    latest = dt_util.utc_from_timestamp(found[0]["start"])
    return MeanStatistic(kind, metadata, latest)


def read_mean_rows(
    hass: HomeAssistant, entity_id: str, kind: MeanKind, start: datetime, end: datetime
) -> dict[datetime, HourlyMean]:
    """Return the hourly rows of `[start, end)` by their hour."""
    rows = statistics_during_period(
        hass, start, end, {entity_id}, "hour", kind.units, {"mean", "min", "max"}
    )
    found: dict[datetime, HourlyMean] = {}
    for row in rows.get(entity_id, []):
        mean, low, high = row.get("mean"), row.get("min"), row.get("max")
        if mean is not None and low is not None and high is not None:
            at = dt_util.utc_from_timestamp(row["start"])
            found[at] = HourlyMean(at, mean, low, high)
    return found


def read_last(
    hass: HomeAssistant, entity_id: str, since: datetime
) -> tuple[float, float | None] | None:
    """Return the highest state in kWh that was recorded last, and the offset of the sums.

    Looks at the newest hourly row, 5-minute row and state that are not older than `since`.
    None where there is none of them; the offset is None where there is no row.
    """
    rows: list[Row] = []
    if metadata := _energy_metadata(hass, entity_id):
        for read, period in (
            (get_last_short_term_statistics, 300),
            (get_last_statistics, 3600),
        ):
            found = read(hass, 1, entity_id, False, {"state", "sum"}).get(entity_id, [])
            rows += [
                row
                for row in _as_rows(found, metadata["unit_of_measurement"])
                if row.start.timestamp() + period > since.timestamp()
            ]
    states = [row.state for row in rows] + _last_states(hass, entity_id, since)
    if not states:
        return None
    return max(states), rows[0].offset if rows else None


def _energy_metadata(hass: HomeAssistant, entity_id: str) -> StatisticMetaData | None:
    """Return the metadata of an entity's own statistic of energy sums."""
    metadata = _metadata(hass, entity_id, EnergyConverter)
    return metadata if metadata is not None and metadata["has_sum"] else None


def _metadata(
    hass: HomeAssistant, entity_id: str, converter: type[BaseUnitConverter]
) -> StatisticMetaData | None:
    """Return the metadata of an entity's own statistic in units that can be converted."""
    _, metadata = get_metadata(hass, statistic_ids={entity_id}).get(
        entity_id, (None, None)
    )
    if (
        metadata is None
        or metadata["source"] != RECORDER_DOMAIN
        or metadata["unit_class"] != converter.UNIT_CLASS
        or metadata["unit_of_measurement"] not in converter.VALID_UNITS
    ):
        return None
    return metadata


def _as_rows(rows: Iterable[StatisticsRow], unit: str | None) -> list[Row]:
    """Return those of the recorder's rows that have a state and a sum."""
    convert = EnergyConverter.converter_factory(unit, UnitOfEnergy.KILO_WATT_HOUR)
    return [
        Row(dt_util.utc_from_timestamp(row["start"]), convert(state), convert(total))
        for row in rows
        if (state := row.get("state")) is not None
        and (total := row.get("sum")) is not None
    ]


def _last_states(hass: HomeAssistant, entity_id: str, since: datetime) -> list[float]:
    """Return the newest recorded state in kWh as a list of at most one."""
    for number in (1, RECENT_STATES):
        states = get_last_state_changes(hass, number, entity_id).get(entity_id, [])
        values = [
            value
            for state in states
            if state.last_updated >= since
            and (value := _state_as_kwh(state)) is not None
        ]
        if values:
            return values[-1:]
    return []


def _state_as_kwh(state: State) -> float | None:
    """Return a state of energy in kWh, or None where it is not one."""
    unit = state.attributes.get(ATTR_UNIT_OF_MEASUREMENT)
    if unit not in EnergyConverter.VALID_UNITS:
        return None
    with suppress(ValueError):
        if math.isfinite(value := float(state.state)):
            return EnergyConverter.convert(value, unit, UnitOfEnergy.KILO_WATT_HOUR)
    return None
