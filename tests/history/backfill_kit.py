"""A home whose past is imported, for the tests of it."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from homeassistant.config_entries import ConfigSubentryData
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.energy_homes.const import CONF_IMPORT_FROM, DOMAIN
from custom_components.energy_homes.history.backfill import DATA_BACKFILL
from custom_components.energy_homes.history.job import Job
from custom_components.energy_homes.ledger.opening import DATA_LEDGER
from custom_components.energy_homes.metering.model import Provenance, Slot
from simulator.scenario import MILL_TOKEN
from tests.builders import (
    account_entry,
    efergy_revision,
    home_entry,
    meter_subentry,
    set_up,
)
from tests.simulator_client import SimulatorClient

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
MILL_SID = "720001"
ACCOUNT = "efergy_mill"
PROGRESS = "sensor.mill_cottage_history_import"
SWITCH = "switch.mill_cottage_import_history"


def imported_from(subentry: ConfigSubentryData, day: date) -> ConfigSubentryData:
    """Return a source as its flow stores it where its past is wanted from a day on."""
    subentry["data"] = {**subentry["data"], CONF_IMPORT_FROM: day.isoformat()}
    return subentry


def mill_meter(day: date | None = None, **options: Any) -> ConfigSubentryData:
    """Return the meter of Mill Cottage, its past wanted from a day on."""
    subentry = meter_subentry("mill", efergy_revision(ACCOUNT, MILL_SID), **options)
    return subentry if day is None else imported_from(subentry, day)


async def set_up_mill(
    hass: HomeAssistant, day: date | None = None
) -> tuple[MockConfigEntry, MockConfigEntry]:
    """Set up Mill Cottage and its account; return both."""
    account = account_entry(MILL_TOKEN, ACCOUNT)
    home = home_entry("Mill Cottage", mill_meter(day))
    await set_up(hass, account, home)
    return account, home


def job_of(hass: HomeAssistant, subject_id: str = "mill") -> Job:
    """Return the job of a meter or a room."""
    job = hass.data[DATA_BACKFILL].jobs.get(subject_id)
    assert job is not None
    return job


async def slots(hass: HomeAssistant, source_id: str = "mill") -> list[Slot]:
    """Return all slots of a source."""
    return await hass.data[DATA_LEDGER].slots.async_between(
        source_id, datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
    )


async def from_vendor(hass: HomeAssistant, source_id: str = "mill") -> list[Slot]:
    """Return the slots that a vendor knew."""
    return [
        slot
        for slot in await slots(hass, source_id)
        if slot.provenance is Provenance.VENDOR
    ]


def true_kwh(
    simulator: SimulatorClient, begin: datetime, end: datetime, sid: str = MILL_SID
) -> float:
    """Return what a meter of Mill Cottage really measured in a span."""
    home = simulator.truth(begin, end)["homes"]["Mill Cottage"]
    return float(home["meters"][sid]["energy_kwh"])


def household_kwh(
    simulator: SimulatorClient, found: Sequence[Slot], token: str = MILL_TOKEN
) -> float:
    """Return what a household used from the first slot to the last, to two decimals."""
    told = simulator.efergy(
        "getEnergy",
        token,
        period="custom",
        fromTime=int(found[0].start.timestamp()),
        toTime=int(found[-1].end.timestamp()),
    )
    return float(told["sum"])


def total(found: Iterable[Slot]) -> float:
    """Return the energy of slots in kWh."""
    return sum(slot.energy or 0 for slot in found)


async def import_history(hass: HomeAssistant, **data: object) -> Any:
    """Import the past on request."""
    return await hass.services.async_call(
        DOMAIN, "import_history", data, blocking=True, return_response=True
    )


async def turn(hass: HomeAssistant, what: str) -> None:
    """Turn the import of Mill Cottage's past on or off."""
    await hass.services.async_call(
        "switch", f"turn_{what}", {"entity_id": SWITCH}, blocking=True
    )
