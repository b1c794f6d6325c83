"""The sensor that tells how far a home's backfill has come."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, override

from homeassistant.components.sensor import (
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import EntityCategory, UnitOfRatio

from ..entity import BackfillEntity
from ..history.jobs import BackfillJobs


@dataclass(frozen=True, kw_only=True)
class BackfillSensorDescription(SensorEntityDescription):
    """A sensor of a home's backfill, by the home's id."""

    value_fn: Callable[[BackfillJobs, str], float | None]


BACKFILL_SENSORS: Final = (
    BackfillSensorDescription(
        key="history_import",
        translation_key="history_import",
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfRatio.PERCENTAGE,
        suggested_display_precision=0,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda jobs, home_id: jobs.percent(home_id),
    ),
)


class BackfillSensor(BackfillEntity, SensorEntity):
    """How much of a home's backfill is done, of all that is wanted."""

    entity_description: BackfillSensorDescription

    @property
    @override
    def native_value(self) -> float | None:
        """Return the share in %; None where nothing was ever imported."""
        return self.entity_description.value_fn(self.jobs, self.home.home_id)

    @property
    @override
    def extra_state_attributes(self) -> dict[str, Any]:
        """Return what the import waits for, None where it does not."""
        problems = {
            job.problem
            for job in self.jobs.of_home(self.home.home_id)
            if job.problem is not None
        }
        return {"waits_for": sorted(problem.value for problem in problems) or None}
