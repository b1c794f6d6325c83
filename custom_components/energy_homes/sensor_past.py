"""The sensor that tells how far the import of a home's past has come."""

from typing import Any, Final, override

from homeassistant.components.sensor import (
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import EntityCategory, UnitOfRatio

from .entity import PastEntity

HISTORY_IMPORT: Final = SensorEntityDescription(
    key="history_import",
    translation_key="history_import",
    state_class=SensorStateClass.MEASUREMENT,
    native_unit_of_measurement=UnitOfRatio.PERCENTAGE,
    suggested_display_precision=0,
    entity_category=EntityCategory.DIAGNOSTIC,
)


class HistoryImportSensor(PastEntity, SensorEntity):
    """How much of a home's past has been gone through, of all that is to be imported."""

    @property
    @override
    def native_value(self) -> float | None:
        """Return the share in %; None where nothing was ever imported."""
        share = self.past.share(self.home.home_id)
        return None if share is None else 100 * share

    @property
    @override
    def extra_state_attributes(self) -> dict[str, Any]:
        """Return what the import waits for, where it does."""
        problems = {
            job.problem
            for job in self.past.jobs(self.home.home_id)
            if job.problem is not None
        }
        return {"waits_for": sorted(problem.value for problem in problems) or None}
