"""What the recorder has of temperatures."""

from datetime import UTC, datetime, timedelta

from homeassistant.components.recorder import get_instance
from homeassistant.components.recorder.statistics import statistics_during_period
from homeassistant.core import HomeAssistant

type TemperatureRows = dict[datetime, tuple[float, float, float]]


async def temperature_rows(hass: HomeAssistant, entity_id: str) -> TemperatureRows:
    """Return each hour of a month: mean, lowest and highest, in °C."""
    rows = await get_instance(hass).async_add_executor_job(
        statistics_during_period,
        hass,
        datetime.now(UTC) - timedelta(days=30),
        None,
        {entity_id},
        "hour",
        {"temperature": "°C"},
        {"mean", "min", "max"},
    )
    return {
        datetime.fromtimestamp(row["start"], UTC): (
            row["mean"] or 0.0,
            row["min"] or 0.0,
            row["max"] or 0.0,
        )
        for row in rows.get(entity_id, [])
    }
