"""Hours of temperature and power that became known later, in their sensors' statistics.

An hour in which the ledger knows more than Home Assistant saw, from the vendor or by
interpolation, gets the mean, lowest and highest value of all that is known of it. Slots are
means of five minutes: the lowest and highest power that Home Assistant saw stay.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import ClassVar, Final, Protocol, override

from homeassistant.components.recorder import get_instance
from homeassistant.components.recorder.statistics import async_import_statistics
from homeassistant.core import HomeAssistant

from ..ledger import DueHour, HourlyMean, Ledger
from ..metering.reconcile import HOUR, closed_until
from .reading import (
    POWER,
    TEMPERATURE,
    MeanKind,
    MeanStatistic,
    read_mean_rows,
    read_mean_statistic,
)

TOLERANCE: Final = 1e-3
"""What differs by no more than this, in °C or W, is the same."""

AT_ONCE: Final = timedelta(days=31)
"""How much of a statistic is read and compared at once."""


class Means(Protocol):
    """Whose statistic it is that is repaired."""

    kind: ClassVar[MeanKind]
    widens: ClassVar[bool]
    """Whether the lowest and highest value stay that the recorder has seen."""

    async def async_due(self) -> list[DueHour]:
        """Return the hours to compare, oldest first."""

    async def async_done(self, hours: Sequence[DueHour]) -> None:
        """Have hours compared no more."""

    async def async_wanted(self, start: datetime, end: datetime) -> list[HourlyMean]:
        """Return what the rows of hours that start in `[start, end)` must be."""


@dataclass(frozen=True, slots=True)
class RoomMeans(Means):
    """The temperature of a room."""

    ledger: Ledger
    room_id: str

    kind: ClassVar = TEMPERATURE
    widens: ClassVar = False

    @override
    async def async_due(self) -> list[DueHour]:
        return await self.ledger.rooms.async_due(self.room_id)

    @override
    async def async_done(self, hours: Sequence[DueHour]) -> None:
        await self.ledger.rooms.async_done(self.room_id, hours)

    @override
    async def async_wanted(self, start: datetime, end: datetime) -> list[HourlyMean]:
        return await self.ledger.rooms.async_hours(self.room_id, start, end)


@dataclass(frozen=True, slots=True)
class PowerMeans(Means):
    """The power of a meter, or of a home's meters of a role, by the key of their total."""

    ledger: Ledger
    key: str

    kind: ClassVar = POWER
    widens: ClassVar = True

    @override
    async def async_due(self) -> list[DueHour]:
        return await self.ledger.powers.async_due(self.key)

    @override
    async def async_done(self, hours: Sequence[DueHour]) -> None:
        await self.ledger.powers.async_done(self.key, hours)

    @override
    async def async_wanted(self, start: datetime, end: datetime) -> list[HourlyMean]:
        return await self.ledger.powers.async_hours(self.key, start, end)


async def async_reconcile_means(
    hass: HomeAssistant,
    means: Means,
    entity_id: str,
    present_id: Callable[[], str | None],
) -> int:
    """Write the repaired hours of a sensor that differ; return how many.

    An hour is done when a later run finds its row right, so that a kill before the recorder
    wrote it loses nothing.
    """
    if not (due := await means.async_due()):
        return 0
    statistic = await get_instance(hass).async_add_executor_job(
        read_mean_statistic, hass, entity_id, means.kind
    )
    if statistic is None:
        return 0
    end = closed_until(statistic.latest)
    written = 0
    for _, some in groupby(
        (hour for hour in due if hour.start < end),
        lambda hour: hour.start.timestamp() // AT_ONCE.total_seconds(),
    ):
        written += await _async_compare(
            hass, means, statistic, entity_id, present_id, list(some)
        )
    return written


async def _async_compare(
    hass: HomeAssistant,
    means: Means,
    statistic: MeanStatistic,
    entity_id: str,
    present_id: Callable[[], str | None],
    due: Sequence[DueHour],
) -> int:
    """Write those of some hours that differ; return how many."""
    start, end = due[0].start, due[-1].start + HOUR
    wanted = {row.start: row for row in await means.async_wanted(start, end)}
    rows = await get_instance(hass).async_add_executor_job(
        read_mean_rows, hass, entity_id, means.kind, start, end
    )
    differing: list[HourlyMean] = []
    done: list[DueHour] = []
    for hour in due:
        row, right = rows.get(hour.start), wanted.get(hour.start)
        if right is not None and row is not None and means.widens:
            right = right._replace(
                low=min(row.low, right.low), high=max(row.high, right.high)
            )
        if right is None or (row is not None and _same(row, right)):
            done.append(hour)
        else:
            differing.append(right)
    if done:
        await means.async_done(done)
    # Under an old id the import would begin a second statistic.
    if not differing or present_id() != entity_id:
        return 0
    async_import_statistics(
        hass, statistic.metadata.copy(), statistic.as_data(differing)
    )
    return len(differing)


def _same(row: HourlyMean, right: HourlyMean) -> bool:
    """Return whether a row says what it must."""
    return all(
        abs(one - other) <= TOLERANCE
        for one, other in zip(row[1:], right[1:], strict=True)
    )
