"""Hours of a room's temperature that were repaired, in its sensor's own statistics.

What Home Assistant saw is left as the recorder has it. An hour in which the ledger knows
more, from the vendor or by interpolation, gets the mean, lowest and highest temperature of
all that is known of it.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from homeassistant.components.recorder import get_instance
from homeassistant.components.recorder.statistics import async_import_statistics
from homeassistant.core import HomeAssistant

from .ledger import DueHour, Ledger
from .metering.temperature import room_period
from .metering.trueup import HOUR, closed_until
from .recorder_reading import (
    TemperatureRow,
    read_temperature_rows,
    read_temperature_statistic,
)

TOLERANCE: Final = 1e-3
"""Temperatures in °C that differ by no more than this are the same."""


async def async_true_up_room(
    hass: HomeAssistant,
    ledger: Ledger,
    room_id: str,
    entity_id: str,
    present_id: Callable[[], str | None],
) -> int:
    """Write the repaired hours of a room that differ; return how many.

    An hour is done when a later run finds its row right, so that a kill before the recorder
    wrote it loses nothing.
    """
    if not (due := await ledger.async_room_due(room_id)):
        return 0
    recorder = get_instance(hass)
    statistic = await recorder.async_add_executor_job(
        read_temperature_statistic, hass, entity_id
    )
    if statistic is None:
        return 0
    end = closed_until(statistic.latest)
    if not (due := [hour for hour in due if hour.start < end]):
        return 0
    wanted = await _async_wanted(ledger, room_id, due)
    rows = await recorder.async_add_executor_job(
        read_temperature_rows, hass, entity_id, due[0].start, due[-1].start + HOUR
    )
    differing = [row for hour, row in wanted.items() if not _same(rows.get(hour), row)]
    right = [hour for hour in due if _same(rows.get(hour.start), wanted[hour.start])]
    # Under an old id the import would begin a second statistic.
    if differing and present_id() == entity_id:
        async_import_statistics(
            hass, statistic.metadata.copy(), statistic.as_data(differing)
        )
    if right:
        await ledger.async_room_done(room_id, right)
    return len(differing)


async def _async_wanted(
    ledger: Ledger, room_id: str, due: Sequence[DueHour]
) -> dict[datetime, TemperatureRow]:
    """Return what the rows of hours must be."""
    wanted: dict[datetime, TemperatureRow] = {}
    for hour in due:
        slots = await ledger.async_room_slots(room_id, hour.start, hour.start + HOUR)
        period = room_period(hour.start, HOUR, slots)
        assert period.mean is not None
        assert period.low is not None
        assert period.high is not None
        wanted[hour.start] = TemperatureRow(
            hour.start, period.mean, period.low, period.high
        )
    return wanted


def _same(row: TemperatureRow | None, wanted: TemperatureRow) -> bool:
    """Return whether a row is there and says what it must."""
    return row is not None and all(
        abs(one - other) <= TOLERANCE
        for one, other in zip(row.values, wanted.values, strict=True)
    )
