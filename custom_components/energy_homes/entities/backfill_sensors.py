"""The sensor that tells how far the import of a home's past has come."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, override

from homeassistant.components.sensor import (
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import EntityCategory, UnitOfRatio

from ..entity import PastEntity
from ..history.backfill import Backfill


@dataclass(frozen=True, kw_only=True)
class PastSensorDescription(SensorEntityDescription):
    """A sensor of the import of a home's past, by the home's id."""

    value_fn: Callable[[Backfill, str], float | None]


PAST_SENSORS: Final = (
    PastSensorDescription(
        key="history_import",
        translation_key="history_import",
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfRatio.PERCENTAGE,
        suggested_display_precision=0,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda backfill, home_id: backfill.percent(home_id),
    ),
)


class PastSensor(PastEntity, SensorEntity):
    """How much of a home's past has been gone through, of all that is to be imported."""

    entity_description: PastSensorDescription

    @property
    @override
    def native_value(self) -> float | None:
        """Return the share in %; None where nothing was ever imported."""
        return self.entity_description.value_fn(self.backfill, self.home.home_id)

    @property
    @override
    def extra_state_attributes(self) -> dict[str, Any]:
        """Return what the import waits for, None where it does not."""
        problems = {
            job.problem
            for job in self.backfill.jobs(self.home.home_id)
            if job.problem is not None
        }
        return {"waits_for": sorted(problem.value for problem in problems) or None}
