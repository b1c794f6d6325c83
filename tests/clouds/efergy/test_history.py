"""What Efergy's history says of slots: units, buckets, and what is no answer."""

from datetime import UTC, datetime, timedelta

import pytest

from custom_components.energy_homes.clouds.efergy.history import (
    household_answers,
    instants,
    series_answers,
    sum_answer,
)
from custom_components.energy_homes.clouds.efergy.models import (
    EnergySum,
    MeterHistory,
    SeriesPoint,
)
from custom_components.energy_homes.clouds.errors import CloudNonsenseError
from custom_components.energy_homes.metering.gap_fill import Answer
from custom_components.energy_homes.metering.gap_plan import Call

T0 = datetime(2026, 11, 18, 10, 0, tzinfo=UTC)
T0_S = int(T0.timestamp())
HOUR = Call(T0_S, T0_S + 3600)


def meter(
    *points: tuple[float, float | None], units: str | None = "Wm", sid: str = "7"
) -> MeterHistory:
    """Return a history of stamps in seconds after T0 and their values."""
    return MeterHistory(
        sid=sid,
        units=units,
        points=tuple(
            SeriesPoint(T0 + timedelta(seconds=seconds), (value,))
            for seconds, value in points
        ),
    )


def test_watt_minutes_are_energy() -> None:
    """60 000 watt-minutes are a kWh; what the vendor does not know is not known."""
    found = series_answers(
        [meter((0, 1.0), sid="6"), meter((0, 600.0), (60, None), (180, 0.0))], "7", HOUR
    )
    assert found == [
        Answer(T0_S, T0_S + 60, 10_000_000),
        Answer(T0_S + 60, T0_S + 120, None),
        Answer(T0_S + 180, T0_S + 240, 0),
    ]


def test_buckets_are_as_long_as_the_stamps_are_apart() -> None:
    """A vendor that answers hours is not taken at the minute."""
    found = series_answers([meter((0, 60.0), (3600, 60.0))], "7", HOUR)
    assert found == [Answer(T0_S, T0_S + 3600, 1_000_000)]
    half = [meter((-1800, 60.0), (0, 60.0), (1800, 60.0))]
    assert len(series_answers(half, "7", HOUR)) == 2


def test_what_says_nothing_is_no_answer() -> None:
    """No such meter, no points, one point."""
    for meters in ([], [meter()], [meter((0, 5.0))], [meter((0, 1.0), sid="8")]):
        assert series_answers(meters, "7", HOUR) == []


@pytest.mark.parametrize(
    "wrong",
    [
        meter((0, 1.0), (60, 1.0), units="kWh"),
        meter((0, 1.0), (60, 1.0), units=None),
        meter((0, 1.0), (0, 1.0)),
        meter((0, 1.0), (60, -1.0)),
        meter((0, 1.0), (60, 2e6)),
    ],
)
def test_nonsense_is_refused(wrong: MeterHistory) -> None:
    """Other units, a stamp twice, what no home has."""
    with pytest.raises(CloudNonsenseError):
        series_answers([wrong], "7", HOUR)


def test_sums() -> None:
    """A sum is for its own span; nothing is not known."""
    hour = timedelta(hours=1)
    assert sum_answer(EnergySum(energy=1.25, duration=hour), HOUR) == Answer(
        T0_S, T0_S + 3600, 1_250_000_000
    )
    assert sum_answer(EnergySum(energy=1.0, duration=None), HOUR).energy == 10**9
    assert sum_answer(EnergySum(energy=0.0, duration=hour), HOUR).energy is None
    assert sum_answer(EnergySum(energy=None, duration=hour), HOUR).energy is None
    assert sum_answer(EnergySum(energy=1.0, duration=hour / 2), HOUR).energy is None
    for energy in (-1.0, 1001.0):
        with pytest.raises(CloudNonsenseError):
            sum_answer(EnergySum(energy=energy, duration=hour), HOUR)


def test_instants_of_a_call() -> None:
    """A call's span in time."""
    assert instants(HOUR) == (T0, T0 + timedelta(hours=1))


def test_household_is_in_kwh() -> None:
    """Hours of the household, as of a meter: what is not known, what no home has."""
    points = meter((0, 1.5), (3600, None), (7200, 0.0)).points
    span = Call(T0_S, T0_S + 3 * 3600)
    assert household_answers(points, span) == [
        Answer(T0_S, T0_S + 3600, 1_500_000_000),
        Answer(T0_S + 3600, T0_S + 7200, None),
        Answer(T0_S + 7200, T0_S + 10800, 0),
    ]
    assert household_answers(points[:1], span) == []
    with pytest.raises(CloudNonsenseError):
        household_answers(meter((0, 1001.0), (3600, 0.0)).points, span)
