"""Documents of periods: their ids, their fields, their CSV."""

from hypothesis import given, strategies as st
import pytest

from custom_components.energy_homes.metering.period_documents import (
    DURATIONS,
    PERIOD_COLUMNS,
    DocumentId,
    csv_text,
    document,
    period_cells,
    shown_kwh,
)
from custom_components.energy_homes.metering.periods import (
    UNKNOWN,
    Accumulation,
    Period,
    Quality,
)

from .reference_periods import MICRO_WH, stamp

PERIOD = Period(
    start_s=stamp("13:45") // 1000,
    duration_s=900,
    counted=Accumulation(
        first_ms=stamp("13:50") - 1,
        last_ms=stamp("14:00") - 1,
        energy=MICRO_WH // 3,
        returned=7,
        unknown_start_ms=stamp("13:15") - 1,
        unknown_energy=4 * MICRO_WH // 10,
    ),
    quality=Quality(measured=600, vendor=300),
)
NOTHING = Period(
    start_s=stamp("13:00") // 1000,
    duration_s=1800,
    counted=UNKNOWN,
    quality=Quality(unknown=1800),
)


def test_document() -> None:
    """A document has the fields of the original, and where its energy comes from."""
    assert document("grid_1", PERIOD) == {
        "id": "cache_2026-03-01T13:45:00Z_PT15M_grid_1_energyAccumulation",
        "periodStartDateMillis": stamp("13:45"),
        "periodDurationMillis": 900_000,
        "sourceId": "grid_1",
        "cacheName": "energyAccumulation",
        "nodes": [
            {
                "fragmentId": 1,
                "data": {
                    "identifier": "grid_1",
                    "generationKWH": 0.333333,
                    "returnedKWH": 0.0,
                    "firstDateMillis": stamp("13:50") - 1,
                    "lastDateMillis": stamp("14:00") - 1,
                    "unknownGenerationKWH": 0.4,
                    "unknownReturnedKWH": 0.0,
                    "unknownStartDateMillis": stamp("13:15") - 1,
                    "quality": {
                        "measured": 600,
                        "vendor": 300,
                        "interpolated": 0,
                        "unknown": 0,
                    },
                },
            }
        ],
    }


def test_document_of_an_unknown_period() -> None:
    """Nothing known is no energy, no stamps, and no unknown part."""
    told = document("grid", NOTHING)
    assert told["id"] == "cache_2026-03-01T13:00:00Z_PT30M_grid_energyAccumulation"
    data = told["nodes"][0]["data"]
    assert data["generationKWH"] == data["unknownGenerationKWH"] == 0
    assert data["firstDateMillis"] is data["lastDateMillis"] is None
    assert data["unknownStartDateMillis"] is None
    assert data["quality"]["unknown"] == 1800


@given(
    st.text(min_size=1),
    st.integers(0, 2 * 10**9),
    st.sampled_from(sorted(DURATIONS)),
)
def test_an_id_is_found_again(source_id: str, at_s: int, duration_s: int) -> None:
    """An id says source and period, whatever a source is called."""
    one = DocumentId(source_id, at_s - at_s % duration_s, duration_s)
    assert DocumentId.parse(str(one)) == one


@pytest.mark.parametrize(
    "text",
    [
        "",
        "cache_2026-03-01T13:45:00Z_PT15M_energyAccumulation",
        "cache_2026-03-01T13:45:00Z_PT15M_grid_batteryRecord",
        "cache_2026-03-01T13:40:00Z_PT15M_grid_energyAccumulation",
        "cache_2026-03-01T13:45:00Z_PT1H_grid_energyAccumulation",
        "cache_2026-03-01T13:45:00Z_PT45M_grid_energyAccumulation",
        "cache_2026-13-01T13:45:00Z_PT15M_grid_energyAccumulation",
        "cache_2026-03-01T13:45:00Z_PT15M_grid_energyAccumulation ",
        "cache_2026-03-01T13:45:00+00:00_PT15M_grid_energyAccumulation",
    ],
)
def test_what_is_no_id_is_refused(text: str) -> None:
    """An id that no period can have is told from one that there is not yet."""
    with pytest.raises(ValueError):
        DocumentId.parse(text)


def test_csv() -> None:
    """What is not known is an empty cell; instants between seconds show milliseconds."""
    rows = [("Elm, Street", *period_cells(one)) for one in (PERIOD, NOTHING)]
    assert csv_text(("home", *PERIOD_COLUMNS), rows) == (
        "home,start,end,energy_kwh,returned_kwh,first,last,unknown_energy_kwh,"
        "unknown_returned_kwh,unknown_start,measured_s,vendor_s,interpolated_s,unknown_s\n"
        '"Elm, Street",2026-03-01T13:45:00Z,2026-03-01T14:00:00Z,0.333333,0.0,'
        "2026-03-01T13:49:59.999Z,2026-03-01T13:59:59.999Z,0.4,0.0,"
        "2026-03-01T13:14:59.999Z,600,300,0,0\n"
        '"Elm, Street",2026-03-01T13:00:00Z,2026-03-01T13:30:00Z,,,,,0.0,0.0,,0,0,0,1800\n'
    )


def test_energy_is_rounded_only_where_it_is_shown() -> None:
    """Six decimals of a kWh."""
    assert shown_kwh(1_234_567_890) == 1.234568
    assert shown_kwh(0) == 0.0
